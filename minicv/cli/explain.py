"""``minicv explain --weights FILE PHOTO... --out PAGE.html``."""

from __future__ import annotations

import argparse
from pathlib import Path

from minicv.cli.arguments import path
from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.model_option import add_model_options, chosen_model
from minicv.cli.pictures import Picture, Pictures
from minicv.explain import explain
from minicv.files import write_whole
from minicv.models.model import Model
from minicv.tasks import SYSTEMS, System
from minicv.tasks.folders import check_file, check_folder
from minicv.weights.checkpoint import load_description

PAGE = ".html"


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "explain",
        help="a page that shows what a trained model does with your photograph, stage by stage",
        description="Write a page for the browser that shows what a trained model does with a "
        "photograph, stage by stage: a picture of every array, what it took, the formula, the "
        "lines of code that made it, and parts to try out. The page is one file and needs no "
        "network.",
    )
    add = parser.add_argument
    add(
        "images",
        nargs="+",
        type=path,
        metavar="IMAGE",
        help="photographs, or folders of photographs",
    )
    add_model_options(parser)
    add(
        "--out",
        required=True,
        type=path,
        metavar="FILE",
        help="the page, such as page.html; for several photographs a folder, where each gets "
        "NAME.html",
    )
    add("-r", "--recursive", action="store_true", help="enter the folders within folders")
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the page of every photograph; one that fails is named and passed over."""
    device = chosen_device(options)
    one = options.out.suffix.lower() in (PAGE, ".htm")
    folder = options.out.parent if one else options.out
    if one:
        check_file(options.out, "--out")
    else:
        check_folder(options.out)
    pictures = Pictures(
        options.command, options.images, folder, [PAGE], recursive=options.recursive
    )
    if one and len(pictures.paths) > 1:
        raise ValueError(
            f"--out {options.out} is one page, but there are {len(pictures.paths)} pictures; name "
            f"a folder, such as --out {options.out.with_suffix('')}"
        )
    model, _ = chosen_model(options)
    model.to(device)
    system, weights = _about(options)
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        file = options.out if one else folder / f"{picture.name}{PAGE}"
        try:
            size = _write(file, picture, model, system, weights)
        except Exception as error:  # whatever is wrong with a picture, the others go on
            pictures.fail(picture, error)
            continue
        print(f"{picture.path}: {size / 1e6:.1f} MB -> {file}")
    pictures.check()


def _write(file: Path, picture: Picture, model: Model, system: System | str, weights: str) -> int:
    """Write a page; its size in bytes."""
    page = explain(model, system, picture.image, picture.id, weights).encode("utf-8")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, page)
    return len(page)


def _about(options: argparse.Namespace) -> tuple[System | str, str]:
    """The system, or the name of a published model; and where the weights came from."""
    if options.model is not None:
        weights = "as published" if options.weights is None else options.weights.name
        return options.model, weights
    system = SYSTEMS[load_description(options.weights)["system"]]
    return system, options.weights.name
