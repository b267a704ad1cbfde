"""Every system by name; models are built here from a spec, and loaded from a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.models.model import Model
from minicv.proposals import PROPOSERS
from minicv.tasks import (
    classification,
    detection,
    generation,
    instances,
    localization,
    pose,
    reconstruction,
    segmentation,
)
from minicv.tasks.description import BoundedGenerator, described
from minicv.tasks.task import Spec, System
from minicv.training.fit import MODEL, model_arrays, part_of
from minicv.weights import WeightsError, load_checkpoint, save_checkpoint
from minicv.weights.numbers import check_all_numbers

SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        *detection.SYSTEMS,
        *instances.SYSTEMS,
        *classification.SYSTEMS,
        *localization.SYSTEMS,
        *pose.SYSTEMS,
        *segmentation.SYSTEMS,
        *reconstruction.SYSTEMS,
        *generation.SYSTEMS,
    )
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
        WeightsError: no such file, damaged, of another version, no checkpoint of a model, or one
            with weights that are not finite: it would find nothing and not say why.
    """
    arrays, description = load_checkpoint(path)
    spec, system = described(description, path, SYSTEMS)
    weights = part_of(arrays, MODEL)
    check_all_numbers(path, weights)
    rng = BoundedGenerator(0, weights)
    try:
        model = build(spec, rng)
    except (TypeError, ValueError, MemoryError) as error:
        raise WeightsError(f"{path}: cannot build the model that it describes: {error}") from None
    rng.weights = None
    try:
        model.load_state_dict(weights)
    except ValueError as error:
        raise WeightsError(
            f"{path}: the weights do not fit their own description: {error}"
        ) from None
    return model.eval(), system


def save(
    path: str | Path, model: Model, spec: Spec, chosen_from: Sequence[Any] | None = None
) -> None:
    """Write a model for `load`: its weights alone, so that no training can resume from the file.

    Args:
        path: of the file.
        model, spec: what `load` gives back.
        chosen_from: the history that ended with these weights, by which their training knows them
            again; see `minicv.training.fit.chosen_from`.

    Raises:
        WeightsError: the file cannot be written.
    """
    known = {} if chosen_from is None else {"chosen_from": list(chosen_from)}
    save_checkpoint(path, model_arrays(model), {**spec.describe(), **known})


def table_of_systems() -> str:
    """The README's table, in Markdown: the systems of each task, and which backbones they take.

    >>> table_of_systems().splitlines()[2].partition(";")[0]
    '| detection | `faster_rcnn` Faster R-CNN (Ren 2015)'
    """
    of_task: dict[str, list[str]] = {}
    for system in SYSTEMS.values():
        named = f"`{system.name}` {system.title} ({system.source})"
        of_task.setdefault(system.task.name, []).append(named)
    rows = [f"| {task} | {'; '.join(named)} |" for task, named in of_task.items()]
    standing: dict[str, list[str]] = {}  # the systems of each backbone
    for system in SYSTEMS.values():
        for backbone in system.backbones:
            standing.setdefault(backbone, []).append(f"`{system.name}`")
    alike: dict[tuple[str, ...], list[str]] = {}  # the backbones that have the same systems
    for backbone, names in standing.items():
        alike.setdefault(tuple(names), []).append(backbone)
    rows += [f"| on {', '.join(on)} | {', '.join(names)} |" for names, on in alike.items()]
    asking = [f"`{system.name}`" for system in SYSTEMS.values() if system.on_proposals]
    rows.append(f"| with a proposer, {', '.join(PROPOSERS)} | {', '.join(asking)} |")
    return "\n".join(["| task | systems |", "|---|---|", *rows])
