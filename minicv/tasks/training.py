"""Train a system on a data set: from names and numbers to ``best.npz``.

1. choose    recipe and settings of the system and its backbone, with the changes asked for
2. prepare   the data, and the settings that depend on the data
3. build     the model, on published weights where there are some
4. fit       epoch by epoch, with validation and checkpoints
5. after     what gradients do not train, on the best weights
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data.sources import Splits
from minicv.proposals import CachedProposals
from minicv.tasks.json_files import write_json
from minicv.tasks.systems import SYSTEMS, build, load, save
from minicv.tasks.task import Spec, System
from minicv.training import Recipe, evaluate, fit, validator
from minicv.weights import KNOWN_WEIGHTS, load_checkpoint, start_from

DEFAULT_PROPOSALS = "selective_search"


def train(
    system: System,
    splits: Splits,
    out: Path,
    *,
    backbone: str | None = None,
    backbone_weights: Path | None = None,
    proposals: str | None = None,
    changes: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "cpu",
    resume: bool = False,
    workers: int = 1,
    say: Callable[[str], None] = print,
) -> list[dict[str, float]]:
    """Train ``system`` by its recipe; checkpoints and ``history.json`` go to ``out``.

    Args:
        system: one of `minicv.tasks.SYSTEMS`.
        splits: of a data set that has the labels which the system's task needs.
        out: folder; ``last.npz`` is written after every epoch, ``best.npz`` when the task's
            ``best_by`` on the validation images is the best so far.
        backbone: None is the system's first.
        backbone_weights: a file to start the backbone from; see `minicv.weights.start_from`.
        proposals: the proposer of a system on proposals; None is Selective Search.
        changes: of the recipe and the settings, by the name of the field; None leaves a field.
        seed: of everything random.
        device: "cpu" or "cuda:N".
        resume: go on from ``out/last.npz`` if it is there, with the same numbers.
        workers: threads that read ahead.
        say: takes each sentence about what happens.

    Returns:
        one record an epoch; see `fit`.

    Raises:
        ValueError: a change that the system does not know, or a backbone that it cannot stand on.
        WeightsError: weights of another model; a checkpoint that does not fit or cannot be written.
        DivergenceError: a loss is no finite number.
    """
    # 1. Choose.
    backbone = system.backbone(backbone)
    if backbone is None and backbone_weights is not None:
        raise ValueError(f"--backbone-weights: {system.name} stands on no backbone")
    if proposals is not None and not system.on_proposals:
        raise ValueError(f"--proposals: {system.name} has no such option; it uses no proposer")
    recipe, settings = _changed(system, backbone, changes or {})

    # 2. Prepare.
    task = system.task
    prepared = recipe.prepare(splits, settings, workers=workers)
    recipe = prepared.recipe
    classes = task.classes_of(splits.train)

    # 3. Build.
    resumes = resume and (out / "last.npz").is_file()
    if resumes:  # as the training began, whether or not the weights are named again
        frozen = bool(load_checkpoint(out / "last.npz")[1].get("frozen", True))
    else:
        frozen = backbone_weights is not None or backbone in KNOWN_WEIGHTS
    spec = Spec(
        system.name,
        classes,
        prepared.settings,
        backbone,
        (proposals or DEFAULT_PROPOSALS) if system.on_proposals else None,
        frozen=frozen,
    )
    model = build(spec, np.random.default_rng(seed))
    if backbone is not None and not resumes:
        say(start_from(model, backbone, backbone_weights))
    _cache_proposals(model, system, out)
    model.to(device)
    count = sum(p.size for p in model.parameters())
    say(
        f"{system.name}{'' if backbone is None else f' on {backbone}'}: {count:,} parameters; "
        f"{len(prepared.train)} training and {len(prepared.validation)} validation images; "
        f"classes {', '.join(classes)}"
    )

    # 4. Fit.
    step, loader, rng = recipe.begin(
        model, prepared.train, seed=seed, transform=prepared.transform, workers=workers
    )
    make_metric = functools.partial(task.metric, classes)
    watched = tuple(dict.fromkeys((*task.watched, task.best_by)))
    validate = validator(prepared.validation, make_metric, watched, recipe.batch_size)
    history = fit(
        step,
        loader,
        epochs=recipe.epochs,
        rng=rng,
        validate=lambda model: validate(recipe.validated(model)),
        best_by=task.best_by,
        out=out,
        description=spec.describe(),
        resume=resume,
    )
    record = {"seed": seed, "recipe": dataclasses.asdict(recipe), "epochs": history}
    write_json(out / "history.json", record)

    # 5. After.
    if system.after_fit is not None:
        best, _ = load(out / "best.npz")
        _cache_proposals(best, system, out)
        best.to(device)
        said = system.after_fit(best, prepared.train, out, np.random.default_rng(seed))
        save(out / "best.npz", best, spec)
        values = evaluate(best, prepared.validation, make_metric()).values
        named = ", ".join(f"{name} {values[name]:.3f}" for name in watched)
        say(f"{said}; on validation {named}")
    return history


def _changed(
    system: System, backbone: str | None, changes: Mapping[str, Any]
) -> tuple[Recipe, Any]:
    """The recipe and the settings of the system on that backbone, with the changes."""
    recipe, settings = system.recipes[backbone], system.settings[backbone]
    given = {name: value for name, value in changes.items() if value is not None}
    always = {"epochs", "batch_size", "lr"}
    for name in given:
        if name not in always and name not in system.options:
            having = [other.name for other in SYSTEMS.values() if name in other.options]
            raise ValueError(
                f"--{name.replace('_', '-')}: {system.name} has no such option; "
                f"{', '.join(having) or 'no system'} {'have' if len(having) > 1 else 'has'} it"
            )
    if "min_size" in given and "max_size" not in given:  # keep the ratio of the two
        ratio = settings.max_size / settings.min_size if settings.min_size else 2
        given["max_size"] = round(given["min_size"] * ratio)
    of_recipe = {f.name for f in dataclasses.fields(recipe)}
    recipe = recipe.changed(**{name: v for name, v in given.items() if name in of_recipe})
    own = {name: value for name, value in given.items() if name not in of_recipe}
    return recipe, dataclasses.replace(settings, **own)


def _cache_proposals(model: Any, system: System, out: Path) -> None:
    """Cache the proposals on disk, because every epoch needs the same ones."""
    if system.on_proposals:
        model.proposer = CachedProposals(model.proposer, out / "proposals")
