"""``minicv export --weights FILE --out FILE.onnx`` or ``FILE.safetensors``."""

from __future__ import annotations

import argparse
from pathlib import Path

import minicv
from minicv.cli.arguments import checkpoint, path
from minicv.export import OPSET, OPSETS, Exported, ExportError, export_onnx
from minicv.export.graph import IMAGE
from minicv.export.onnx_file import check_opset, onnx_package
from minicv.models.published import PUBLISHED, torchvision_state
from minicv.models.published import load as load_published
from minicv.nn import Module
from minicv.tasks import load
from minicv.tasks.folders import check_file
from minicv.weights import write_safetensors

_EPILOG = """The input "image" is (N, 3, H, W), RGB in 0..1; the network normalises it. The file carries the names
of the classes and, in plain words, what is left to do before and after. Detectors are exported up
to the scores of their anchors: which regions are looked at after that is decided in Python.

A file that ends with .safetensors gets the weights alone, by the names of torchvision's state_dict:
what has torchvision's layers, such as Mask R-CNN on resnet50_fpn, loads there.

The package onnx writes the ONNX file (pip install onnx). If onnxruntime is installed too, the outputs are
compared with the model's own.

examples:
  minicv export --weights runs/road/best.npz --out road.onnx
  minicv export --model resnet50 --weights resnet50.pth --out resnet50.onnx
  minicv export --weights runs/things/best.npz --out things.safetensors"""  # noqa: E501


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "export",
        help="write a trained model as an ONNX file, or its weights for PyTorch",
        description="Write a trained model as an ONNX file, which runs without minicv, or its "
        "weights as a .safetensors file for PyTorch.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--weights",
        type=path,
        metavar="FILE",
        help="a checkpoint of minicv train, or with --model a file of published weights",
    )
    add(
        "--model",
        choices=list(PUBLISHED),
        metavar="NAME",
        help="a model that torchvision publishes weights for; without --weights the published file "
        f"is taken: {', '.join(PUBLISHED)}",
    )
    add("--out", required=True, type=path, metavar="FILE", help="FILE.onnx or FILE.safetensors")
    add(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="of the image, pixels, where the network works at one size only; default: the size "
        "that the model was trained at",
    )
    add(
        "--opset",
        type=int,
        default=OPSET,
        metavar="N",
        help=f"version of ONNX's operators, {OPSETS[0]} to {OPSETS[-1]}; default {OPSET}",
    )
    add("--overwrite", action="store_true", help="replace a file that stands there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Export, and say what the file takes and gives."""
    if options.out.suffix == ".safetensors":
        _export_weights(options)
        return
    try:
        check_opset(options.opset)
    except ExportError as error:
        raise ValueError(f"--{error}") from None
    onnx_package()
    _check_out(options.out, options.overwrite)
    model, name, title = _loaded(options)
    try:
        result = export_onnx(
            model,
            options.out,
            None if options.size is None else (options.size[0], options.size[1]),
            opset=options.opset,
            metadata={"system": name, "minicv": minicv.__version__},
        )
    except ExportError as error:
        raise ValueError(f"{options.weights or options.model}: {error}") from None
    for line in _said(result, title, options):
        print(line)


def _export_weights(options: argparse.Namespace) -> None:
    """Write the weights alone, and say what they are."""
    _check_out(options.out, options.overwrite)
    model, name, title = _loaded(options)
    state = torchvision_state(model)
    classes = getattr(model, "classes", ())
    about = {"format": "pt", "system": name, "minicv": minicv.__version__}
    if classes:
        about["classes"] = "\n".join(classes)
    write_safetensors(options.out, state, about)
    count = sum(array.size for array in state.values())
    print(
        f"{options.weights or 'published weights'}: {title} -> {options.out} "
        f"({options.out.stat().st_size / 1e6:.1f} MB, {len(state)} entries, {count:,} numbers)"
    )


def _loaded(options: argparse.Namespace) -> tuple[Module, str, str]:
    """The model, its system's name and its title."""
    if options.model is not None:
        return load_published(options.model, options.weights), options.model, options.model
    if options.weights is None:
        raise ValueError(
            "--weights: expected a checkpoint of minicv train, or --model and the name of a model "
            "with published weights"
        )
    model, system = load(checkpoint(options.weights))
    return model, system.name, system.title


def _check_out(out: Path, overwrite: bool) -> None:
    check_file(out, "--out")
    if out.is_file() and not overwrite:
        raise FileExistsError(
            f"--out {out}: a file stands there; name another one, or say --overwrite"
        )


def _said(result: Exported, title: str, options: argparse.Namespace) -> list[str]:
    """What the file is, takes and gives, and what is left to do."""
    graph, classes = result.graph, len(result.network.classes)
    megabytes = options.out.stat().st_size / 1e6 if options.out.is_file() else 0
    lines = [
        f"{options.weights or 'published weights'}: {title}"
        f"{f', {classes} classes' if classes else ''} -> {options.out} ({megabytes:.1f} MB, opset "
        f"{options.opset}, {len(graph.nodes)} nodes)"
    ]
    width = max(map(len, graph.shapes))
    for name, shape in graph.shapes.items():
        kind = "input" if name == IMAGE else "output"
        lines.append(f"  {kind:<6} {name:<{width}}  {' '.join(map(str, shape))}")
    lines += [f"before: {result.before}", f"after: {result.after}"]
    if result.difference is None:
        lines.append("not compared with the model: onnxruntime is not installed")
    else:
        lines.append(
            f"compared with the model in onnxruntime: largest difference {result.difference:.1e}"
        )
    return lines
