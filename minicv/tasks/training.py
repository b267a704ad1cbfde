"""Train a system on a data set: from names and numbers to ``best.npz``.

1. choose    recipe and settings of the system and its backbone, with the changes asked for; new or
             on from an earlier training; nothing has been read yet
2. prepare   the data, and the settings that depend on the data
3. build     the model, on published weights where there are some
4. fit       epoch by epoch, with validation and checkpoints
5. after     what gradients do not train, on the best weights
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data.sources import Splits
from minicv.files import check_unlocked, locked
from minicv.models.model import Model
from minicv.proposals import CachedProposals
from minicv.tasks.choice import Choice, choose
from minicv.tasks.earlier import Earlier, check_data, data_terms
from minicv.tasks.history import write_history
from minicv.tasks.systems import build, load, save
from minicv.tasks.task import Spec, System
from minicv.training import evaluate, fit, validator
from minicv.training.fit import chosen_from
from minicv.weights import KNOWN_WEIGHTS, load_description, start_from


def train(
    system: System,
    splits: Splits,
    out: Path,
    *,
    backbone: str | None = None,
    backbone_weights: Path | None = None,
    proposals: str | None = None,
    changes: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str = "cpu",
    resume: bool = False,
    overwrite: bool = False,
    workers: int = 1,
    data: str | None = None,
    say: Callable[[str], None] = print,
) -> list[dict[str, float]]:
    """Train ``system`` by its recipe; checkpoints and the history go to ``out``.

    After every epoch ``last.npz`` is written, ``best.npz`` when the task's ``best_by`` on the
    validation images is the best so far, and ``history.json``, ``history.csv`` and
    ``history.png``.

    Args:
        system: one of `minicv.tasks.SYSTEMS`.
        splits: of a data set that has the labels which the system's task needs.
        out: folder.
        backbone: None is the system's first.
        backbone_weights: a file to start the backbone from; see `minicv.weights.start_from`.
        proposals: the proposer of a system on proposals; None is Selective Search.
        changes: of the recipe and the settings, by the name of the field; None leaves a field.
        seed: of everything random; None is 0.
        device: "cpu" or "cuda:N".
        resume: go on from ``out/last.npz`` if it is there, with the same numbers. What is None then
            is as the training began; what is not must be so too, but for the number of epochs.
        overwrite: begin anew where an earlier training stands in ``out``; its files are replaced
            when the first epoch is saved. Without this, it is refused.
        workers: threads that read ahead.
        data: the source of the splits, as ``--data`` says it, by which they are known again.
        say: takes each sentence about what happens.

    Returns:
        one record an epoch; see `fit`.

    Raises:
        ValueError: a change that the system does not know, or a backbone that it cannot stand on; a
            training that stands in ``out`` already, or that began with other options or data.
        WeightsError: weights of another model; a checkpoint that does not fit or cannot be written.
        OSError: nothing can be written to ``out``, or another training writes there.
        DivergenceError: the training went astray; see `minicv.training.divergence`.
    """
    check_unlocked(out)
    chosen = functools.partial(
        choose,
        system,
        out,
        backbone=backbone,
        backbone_weights=backbone_weights,
        proposals=proposals,
        changes=changes,
        seed=seed,
        workers=workers,
        resume=resume,
        overwrite=overwrite,
    )
    chosen()  # what cannot be done is refused before anything is written
    with locked(out):
        choice = chosen()  # 1. Choose: another training may have ended there in between.
        if resume and choice.earlier is None:
            say(f"there is nothing to resume in {out}: the training begins anew")
        if choice.earlier is not None and backbone_weights is not None:
            say(f"--backbone-weights is not read: the weights come from {choice.earlier.path}")
        return _train(system, splits, out, choice, backbone_weights, device, workers, data, say)


def _train(
    system: System,
    splits: Splits,
    out: Path,
    choice: Choice,
    backbone_weights: Path | None,
    device: str,
    workers: int,
    data: str | None,
    say: Callable[[str], None],
) -> list[dict[str, float]]:
    """Steps 2 to 5, while nobody else writes to ``out``."""
    earlier, backbone, seed = choice.earlier, choice.backbone, choice.seed

    # 2. Prepare.
    task = system.task
    classes = task.classes_of(splits.train)
    terms = {**choice.terms(), "data": data_terms(splits, classes, data)}
    if earlier is not None:
        check_data(earlier, terms["data"], say)
    prepared = choice.recipe.prepare(splits, choice.settings, workers=workers)
    recipe = prepared.recipe

    # 3. Build.
    if earlier is not None:  # as the training began, whether or not the weights are named again
        frozen = bool(earlier.description.get("frozen", True))
    else:
        frozen = backbone_weights is not None or backbone in KNOWN_WEIGHTS
    spec = Spec(
        system.name,
        classes,
        prepared.settings,
        backbone,
        choice.proposals,
        frozen=frozen,
        colours=task.colours_of(splits.train),
    )
    model = build(spec, np.random.default_rng(seed))
    if backbone is not None and earlier is None:
        say(start_from(model, backbone, backbone_weights))
    # The best and the last, and beside them the next two, before they take the names.
    _check_disk(out, model, copies=4 if earlier is None else 2)
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
    if recipe.freeze:
        learning = sum(p.size for p in model.parameters() if p.requires_grad)
        say(f"the backbone is frozen: {count - learning:,} parameters stay as they are")
    make_metric = functools.partial(task.metric, classes)
    watched = tuple(dict.fromkeys((*task.watched, task.best_by)))
    validate = validator(prepared.validation, make_metric, watched, recipe.batch_size)
    about: dict[str, Any] = {"system": system.name, "data": data, "seed": seed}
    about["recipe"] = dataclasses.asdict(recipe)
    if earlier is not None:
        say(_going_on(choice, earlier))
    history = fit(
        step,
        loader,
        epochs=recipe.epochs,
        rng=rng,
        validate=lambda model: validate(recipe.validated(model)),
        best_by=task.best_by,
        smaller_is_better=task.smaller_is_better,
        out=out,
        description=spec.describe(),
        terms=terms,
        resume=earlier is not None,
        on_epoch=functools.partial(write_history, out, about),
    )

    # 5. After.
    if system.after_fit is not None and not (
        earlier is not None
        and earlier.epochs == len(history)
        and "training" not in load_description(out / "best.npz")  # all of it was done before
    ):
        best, _ = load(out / "best.npz")
        of_best = load_description(out / "best.npz")
        _cache_proposals(best, system, out)
        best.to(device)
        said = system.after_fit(best, prepared.train, out, np.random.default_rng(seed))
        save(out / "best.npz", best, spec, chosen_from(of_best))
        values = evaluate(best, prepared.validation, make_metric()).values
        named = ", ".join(f"{name} {values[name]:.3f}" for name in watched)
        say(f"{said}; on validation {named}")
    return history


def _check_disk(out: Path, model: Model, copies: int) -> None:
    """Refuse a disk that cannot hold the checkpoints: weights and at least as much beside them."""
    needed = 2 * copies * sum(array.nbytes for array in model.state_dict().values())
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise OSError(
            f"--out {out}: {free / 1e6:,.0f} MB are free there, and the checkpoints need about "
            f"{needed / 1e6:,.0f} MB; make room or name another folder"
        )


def _going_on(choice: Choice, earlier: Earlier) -> str:
    """Where a training goes on, and what is other than it was planned."""
    done, epochs = earlier.epochs, choice.recipe.epochs
    if done == epochs:
        return f"nothing left to do: {done} of {epochs} epochs are done"
    if done > epochs:
        return f"nothing left to do: {done} epochs are done already, and --epochs is {epochs}"
    begun = f"seed {choice.seed}, lr {choice.recipe.lr:g}, batch size {choice.recipe.batch_size}"
    said = f"going on from epoch {done + 1} of {epochs} ({done} done), as it began: {begun}"
    if not earlier.terms:
        return f"going on from epoch {done + 1} of {epochs} ({done} done), with {begun}"
    if earlier.planned != epochs:
        said += (
            f"; but {earlier.planned} epochs were planned, and from here on the learning rate "
            f"follows the schedule of {epochs}, so the numbers are not those of {epochs} at once"
        )
    return said


def _cache_proposals(model: Any, system: System, out: Path) -> None:
    """Cache the proposals on disk, because every epoch needs the same ones."""
    if system.on_proposals:
        model.proposer = CachedProposals(model.proposer, out / "proposals")
