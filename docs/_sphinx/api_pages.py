"""Pages of the API reference: one for each package whose ``__all__`` names something public."""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
from pathlib import Path

# A package, and what a reader looks for there. `tests/test_docs.py` holds the list against minicv.
PACKAGES = {
    "minicv.autograd": "Tensors and gradients",
    "minicv.functional": "Differentiable operations",
    "minicv.nn": "Layers and modules",
    "minicv.optim": "Optimizers and schedules",
    "minicv.vision": "Boxes, anchors, matching, masks",
    "minicv.proposals": "Where objects may be",
    "minicv.models": "Models with published weights",
    "minicv.models.backbones": "Backbones",
    "minicv.models.classification": "Classifiers",
    "minicv.models.segmentation": "Segmenters",
    "minicv.models.localization": "Localisation",
    "minicv.models.pose": "Pose",
    "minicv.models.detection": "Detectors",
    "minicv.models.generative": "Autoencoders and GANs",
    "minicv.tasks": "Systems by name",
    "minicv.training": "Training and evaluation",
    "minicv.data": "Data sets and loading",
    "minicv.data.transforms": "Augmentation",
    "minicv.data.doctor": "What is wrong with a data set",
    "minicv.metrics": "Metrics",
    "minicv.inspection": "Pictures of what happens inside",
    "minicv.explain": "Pages that explain a photograph",
    "minicv.exercises": "Exercises",
    "minicv.weights": "Checkpoints",
    "minicv.weights.published": "Weights of others",
    "minicv.export": "ONNX",
    "minicv.files": "Files on the disk",
    "minicv.testing": "Checking gradients",
    "minicv.reference": "The loops of each operation",
    "minicv.backend": "Where arrays live",
}


def write(folder: Path) -> None:
    """A page for each package and one for the command line, in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {f"{name}.rst": page_of(name, title) for name, title in PACKAGES.items()}
    pages["command_line.rst"] = command_line()
    for old in set(folder.glob("*.rst")) - {folder / name for name in pages}:
        old.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:  # else Sphinx reads it again
            path.write_text(text, "utf-8")


def page_of(name: str, title: str) -> str:
    """What the package is for, a table of its names, and then each with its docstring."""
    package = importlib.import_module(name)
    names = sorted(package.__all__, key=str.lower)
    documented = [each for each in names if not inspect.ismodule(getattr(package, each))]
    heading = f"{title}: ``{name}``"
    lines = [heading, "=" * len(heading), "", f".. automodule:: {name}", "   :no-members:", ""]
    lines += [
        ".. autosummary::",
        "   :nosignatures:",
        "",
        *(f"   {each}" for each in documented),
        "",
    ]
    for each in documented:
        lines += [each, "-" * len(each), "", *_directive(name, each, getattr(package, each)), ""]
    return "\n".join(lines)


def _directive(package: str, name: str, value: object) -> list[str]:
    if inspect.isclass(value):
        return [f".. autoclass:: {package}.{name}", "   :members:", "   :show-inheritance:"]
    if callable(value):
        return [f".. autofunction:: {package}.{name}"]
    return [f".. autodata:: {package}.{name}", "   :no-value:"]


def command_line() -> str:
    """What each command prints for ``--help``."""
    os.environ["COLUMNS"] = "92"
    from minicv.cli.main import _parser

    parser = _parser()
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    lines = ["The command line: ``minicv``", "=" * 28, "", *_as_text(parser.format_help())]
    said = set()
    for name, command in commands.choices.items():
        if command in said:  # another name for one before
            continue
        said.add(command)
        title = f"minicv {name}"
        lines += [title, "-" * len(title), "", *_as_text(command.format_help())]
    return "\n".join(lines)


def _as_text(text: str) -> list[str]:
    return [".. code-block:: text", "", *(f"   {line}".rstrip() for line in text.splitlines()), ""]
