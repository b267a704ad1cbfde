"""Every system by name; models are built here from a spec, and loaded from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minicv.models.model import Model
from minicv.proposals import PROPOSERS
from minicv.tasks import detection, segmentation
from minicv.tasks.task import Colours, Spec, System
from minicv.training.fit import MODEL, model_arrays, part_of
from minicv.weights import WeightsError, load_checkpoint, save_checkpoint
from minicv.weights.schema import check_value

SYSTEMS: dict[str, System] = {
    system.name: system for system in (*detection.SYSTEMS, *segmentation.SYSTEMS)
}


def build(spec: Spec, rng: np.random.Generator) -> Model:
    """The model of that spec with fresh weights, which ``rng`` draws.

    Raises:
        ValueError: an unknown system, or one that cannot stand on that backbone.

    >>> spec = Spec("faster_rcnn", ("cow",), detection.FASTER_RCNN["small"], "small")
    >>> build(spec, np.random.default_rng(0)).classes
    ('cow',)
    """
    system = system_named(spec.system)
    if spec.backbone not in system.settings:
        system.backbone(spec.backbone or "none")  # says which ones it takes
    model = system.build(spec, rng)
    model.colours = spec.colours
    return model


def system_named(name: str) -> System:
    """The system of that name.

    Raises:
        ValueError: there is none.

    >>> system_named("fcn8s").task.name
    'segmentation'
    """
    if name not in SYSTEMS:
        raise ValueError(f"system {name!r}: expected one of {', '.join(SYSTEMS)}")
    return SYSTEMS[name]


def load(path: str | Path) -> tuple[Model, System]:
    """The trained model of a checkpoint of `minicv train`, in evaluation mode, and its system.

    Raises:
        WeightsError: no such file, damaged, of another version, or no checkpoint of a model.
    """
    arrays, description = load_checkpoint(path)
    spec, system = _spec_of(description, path)
    try:
        model = build(spec, np.random.default_rng(0))
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path}: cannot build the model that it describes: {error}") from None
    try:
        model.load_state_dict(part_of(arrays, MODEL))
    except ValueError as error:
        raise WeightsError(
            f"{path}: the weights do not fit their own description: {error}"
        ) from None
    return model.eval(), system


def save(path: str | Path, model: Model, spec: Spec) -> None:
    """Write a model for `load`: its weights alone, so that no training can resume from the file.

    Raises:
        WeightsError: the file cannot be written.
    """
    save_checkpoint(path, model_arrays(model), spec.describe())


def _spec_of(description: Mapping[str, Any], path: str | Path) -> tuple[Spec, System]:
    needed = (name for name in Spec.__dataclass_fields__ if name != "colours")
    absent = [name for name in needed if name not in description]
    if absent:
        raise WeightsError(
            f"{path}: no checkpoint of minicv train; its description lacks {', '.join(absent)}"
        )
    name = description["system"]
    if name not in SYSTEMS:
        raise WeightsError(
            f"{path}: weights of another model ({name!r}, expected one of {', '.join(SYSTEMS)})"
        )
    system = SYSTEMS[name]
    kind = type(next(iter(system.settings.values())))
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in description["settings"].items()
    }
    try:
        settings = kind(**values)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path}: settings of another version of the model ({error})") from None
    classes = tuple(description["classes"])
    others = {key: description[key] for key in ("backbone", "proposals", "frozen")}
    colours = _colours_of(description, len(classes), path)
    return Spec(name, classes, settings, **others, colours=colours), system


def _colours_of(description: Mapping[str, Any], classes: int, path: str | Path) -> Colours | None:
    """The colours of the classes; a checkpoint need not have any."""
    colours = description.get("colours")
    check_value(path, "colours", colours, tuple[tuple[int, int, int], ...] | None)
    if colours is None:
        return None
    if len(colours) != classes or not all(0 <= part <= 255 for own in colours for part in own):
        raise WeightsError(
            f"{path}: its colours are {colours}; expected red, green and blue of 0..255 for each "
            f"of {classes} classes"
        )
    return tuple((red, green, blue) for red, green, blue in colours)


def table_of_systems() -> str:
    """The README's table, in Markdown: the systems of each task, and those that take a backbone.

    >>> table_of_systems().splitlines()[2].partition(";")[0]
    '| detection | `faster_rcnn` Faster R-CNN (Ren 2015)'
    """
    of_task: dict[str, list[str]] = {}
    for system in SYSTEMS.values():
        named = f"`{system.name}` {system.title} ({system.source})"
        of_task.setdefault(system.task.name, []).append(named)
    rows = [f"| {task} | {'; '.join(named)} |" for task, named in of_task.items()]
    on_backbones: dict[tuple[str, ...], list[str]] = {}
    for system in SYSTEMS.values():
        on_backbones.setdefault(system.backbones, []).append(f"`{system.name}`")
    rows += [
        f"| on {', '.join(backbones)} | {', '.join(names)} |"
        for backbones, names in on_backbones.items()
        if backbones
    ]
    asking = [f"`{system.name}`" for system in SYSTEMS.values() if system.on_proposals]
    rows.append(f"| with a proposer, {', '.join(PROPOSERS)} | {', '.join(asking)} |")
    return "\n".join(["| task | systems |", "|---|---|", *rows])
