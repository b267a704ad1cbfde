"""``minicv doctor DATA``: what is in a data set, and what is wrong with it, before any training."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from minicv.cli.data_option import class_names
from minicv.cli.doctor_tables import finding_lines, tables, verdict
from minicv.cli.pictures import save_picture
from minicv.data.doctor import Census, Report, examine
from minicv.data.doctor.examine import to_show
from minicv.data.doctor.findings import Findings, Kind
from minicv.data.doctor.sample import Sample
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError
from minicv.data.sources import SOURCES, open_data, sources_help
from minicv.inspection import contact_sheet
from minicv.inspection.samples import draw_sample
from minicv.tasks import SYSTEMS
from minicv.tasks.folders import check_folder
from minicv.tasks.json_files import write_json
from minicv.training.progress import Progress

SHOWN = 8  # drawings of each split on the contact sheet
TILE_WIDTH = 500


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "doctor",
        help="examine a data set before any training",
        description="Read every picture and every label of a data set once, print what it holds, "
        "and name what is wrong with it. The exit status is 1 if something would spoil a training, "
        "and 0 if there is at most something worth a look.",
    )
    add = parser.add_argument
    add("data", metavar="DATA", help=sources_help(()))
    add("--classes", metavar="NAMES", help="for a set that does not name its classes: cow,duck")
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="write a contact sheet of labelled pictures and report.json to this folder",
    )
    add("--most", type=int, metavar="N", help="look at N pictures of each split; default: all")
    add("--workers", type=int, default=2, metavar="N", help="threads that read; default 2")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Examine, print, and write; the exit status."""
    for name in ("most", "workers"):
        number = getattr(options, name)
        if number is not None and number < 1:
            raise ValueError(f"--{name} {number}: expected a whole number from 1 on")
    if options.out is not None:
        check_folder(options.out, files=("report.json", "contact_sheet.png"))
    faults = Faults(raises=False)
    names = class_names(options.classes)
    try:
        needs, wishes = labels_to_examine(options.data)
        splits = open_data(options.data, needs, classes=names, faults=faults, wishes=wishes)
        report = examine(splits, faults, most=options.most, workers=options.workers, watch=_watch)
    except AnnotationError as error:  # a file on which all others depend, such as data.yaml
        report = unopened(options.data, error, faults)
    for block in tables(report):
        print("\n".join(block), end="\n\n")
    for line in finding_lines(report.findings):
        print(line)
    if options.out is not None:
        write_json(options.out / "report.json", {"data": options.data, **report.as_json()})
        sheet = options.out / "contact_sheet.png"
        save_picture(draw_sheet(report, options.data), sheet)
        print(f"report -> {options.out / 'report.json'}, labelled pictures -> {sheet}")
    print(verdict(report))
    return int(report.spoils)


def unopened(data: str, error: AnnotationError, faults: Faults) -> Report:
    """The report on a set that a file of its own keeps from being opened."""
    findings = Findings()
    for fault in faults.found:
        findings.add_fault(fault)
    findings.add(Kind("set that does not open", True, ""), data, str(error))
    return Report([], findings)


def labels_to_examine(data: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labels of a source that some task learns from: those that it has, those it may have.

    >>> labels_to_examine("cvat:DIR")[0], labels_to_examine("coco:DIR")
    (('boxes', 'labels', 'masks', 'segmentation'), (('boxes', 'labels'), ('masks', 'keypoints')))
    """
    source = SOURCES.get(data.partition(":")[0])
    if source is None:
        return (), ()
    learnt = {label for system in SYSTEMS.values() for label in system.task.needs}
    if "boxes" in source.native:  # pictures of one object would hide what the others hold
        learnt -= {"label", "box"}
    needs = tuple(n for n in source.native if n in learnt and n not in source.sometimes)
    return needs, tuple(n for n in source.sometimes if n in learnt)


def draw_sheet(report: Report, data: str) -> Image.Image:
    """Labelled pictures of every split; those with findings come first."""
    pictures, captions = [], []
    for census in report.splits:
        both = bool(census.objects and census.pixels)  # then a sample is drawn twice
        for sample, kinds in to_show(report, census, SHOWN // 2 if both else SHOWN):
            image, target = census.dataset[sample.index]
            drawn = draw_sample(
                image,
                target,
                census.classes,
                census.pixel_classes,
                getattr(census.dataset, "segmentation_colors", None),
                census.joint_names,
            )
            pictures += drawn
            captions += [_caption(census, sample, kinds)] * len(drawn)
    return contact_sheet(pictures, captions, 4, f"{data}: labelled pictures", TILE_WIDTH)


def _caption(census: Census, sample: Sample, kinds: Sequence[str]) -> str:
    height, width = sample.size or (0, 0)
    name = Path(sample.name).name
    facts = [f"{width} x {height}", *kinds]
    if sample.joints is not None and not any(sample.areas):
        facts[1:1] = [f"{sample.joints.sum()} of {len(sample.joints)} joints"]
    elif not any(sample.areas):  # the picture has a class as a whole, which no box names
        facts[1:1] = [census.classes[k] for k in sample.objects]
    return f"{census.split}: {name}\n{'; '.join(facts)}"


def _watch(samples: Iterable[Sample], count: int) -> Iterable[Sample]:
    return Progress(samples, "examining", total=count)
