"""The training loop: one loss dictionary, one optimizer, checkpoints that survive anything."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from minicv.data import DataLoader
from minicv.nn import Dropout, Module
from minicv.optim import Optimizer, Schedule, clip_grad_norm
from minicv.training.divergence import check_losses
from minicv.training.loss_values import loss_values
from minicv.training.train_state import TrainState

Validate = Callable[[Module], Mapping[str, float]]


def fit(
    model: Module,
    loader: DataLoader,
    optimizer: Optimizer,
    schedule: Schedule,
    *,
    epochs: int,
    rng: np.random.Generator,
    validate: Validate | None = None,
    best_by: str = "AP",
    out: str | Path | None = None,
    description: Mapping[str, Any] | None = None,
    resume: bool = False,
    max_norm: float = 10.0,
    progress: bool = True,
) -> list[dict[str, float]]:
    """Train ``model`` for ``epochs`` passes over ``loader``.

    A step: draw a batch; ``model.loss`` gives named losses, whose sum is walked backward; gradients
    are clipped to a total norm; the schedule sets the learning rate; the optimizer moves.

    After each epoch ``validate(model)`` returns named figures. ``out/last.npz`` is written then,
    and ``out/best.npz`` when the figure ``best_by`` is the best so far. A checkpoint holds weights,
    optimizer, schedule position and the state of every generator, so that a resumed run gives the
    same numbers as one that was never interrupted.

    Args:
        model: has ``loss(images, targets, rng) -> dict of Tensors``.
        loader: yields (images, targets); its generator is part of the state.
        optimizer, schedule: ``schedule.lr(step)`` sets the rate before each step.
        epochs: in total, counted from the very beginning also when resuming.
        rng: for sampling within the loss.
        validate: figures of an epoch, e.g. validation losses and "AP" or "mIoU".
        best_by: which figure decides on ``best.npz``; larger is better. While it is NaN, as over
            images without labels, the latest weights count as the best.
        out: folder for checkpoints; None writes none.
        description: kept in the checkpoints, to build the model again.
        resume: go on from ``out/last.npz`` if it is there.
        max_norm: of all gradients together.
        progress: whether to show a bar with every loss.

    Returns:
        one dictionary per epoch: "epoch", "step", "seconds", mean training losses, and all figures.

    Raises:
        DivergenceError: a loss is no finite number.
        WeightsError: a checkpoint cannot be written, or does not fit on resuming.
        ValueError: a loader without a batch; labels that the model cannot learn from, with the name
            of the image.
    """
    if len(loader) == 0:
        raise ValueError(
            f"fit: the loader has no batch to train on; it has {len(loader.dataset)} images, "
            f"batch_size={loader.batch_size}, drop_last={loader.drop_last}"
        )
    out = None if out is None else Path(out)
    generators = {"fit": rng, "loader": loader.rng, **_generators_within(model)}
    state = TrainState(model, optimizer, generators, description or {})
    if resume and out is not None and (out / "last.npz").is_file():
        state.load(out / "last.npz")
    while state.epoch < epochs:
        started = time.perf_counter()
        losses = _run_epoch(state, loader, schedule, rng, epochs, max_norm, progress)
        state.epoch += 1
        record = {"epoch": state.epoch, "step": state.step, **losses}
        record["seconds"] = round(time.perf_counter() - started, 3)
        if validate is not None:
            record.update(validate(model))
        state.history.append(record)
        best = best_by in record and state.note_figure(record[best_by])
        if out is not None:
            state.save(out / "last.npz")
            if best:
                state.save(out / "best.npz")
        if progress:
            tqdm.write(_line(record, best))
    return state.history


def _run_epoch(
    state: TrainState,
    loader: DataLoader,
    schedule: Schedule,
    rng: np.random.Generator,
    epochs: int,
    max_norm: float,
    progress: bool,
) -> dict[str, float]:
    """Every batch once; the mean of each loss over the epoch."""
    model, optimizer = state.model, state.optimizer
    model.train()
    totals: dict[str, float] = {}
    bar = tqdm(loader, f"epoch {state.epoch + 1}/{epochs}", leave=False, disable=not progress)
    for batches, (images, targets) in enumerate(bar, start=1):
        learning_rate = schedule.lr(state.step)
        optimizer.set_lr(learning_rate)
        losses = model.loss(images, targets, rng)
        values = loss_values(losses)
        check_losses(values, targets, learning_rate, state.step)
        optimizer.zero_grad()
        sum(losses.values(), start=0.0).backward()
        norm = clip_grad_norm(model.parameters(), max_norm)
        check_losses({"norm of the gradients": norm}, targets, learning_rate, state.step)
        optimizer.step()
        state.step += 1
        for name, value in values.items():
            totals[name] = totals.get(name, 0.0) + value
        means = {name: total / batches for name, total in totals.items()}
        bar.set_postfix({name.removeprefix("loss_"): f"{m:.3f}" for name, m in means.items()})
    return {name: round(mean, 6) for name, mean in means.items()}


def _generators_within(model: Module) -> dict[str, np.random.Generator]:
    """Those from which the model's dropout draws, by the layer's name."""
    return {name: part.rng for name, part in model.named_modules() if isinstance(part, Dropout)}


def _line(record: Mapping[str, float], best: bool) -> str:
    """One epoch in one line; of the validation losses only their sum."""
    shown = [
        f"{name.removeprefix('loss_')} {value:.3f}"
        for name, value in record.items()
        if name not in ("epoch", "step", "seconds")
        and not name.startswith("val loss_")
        and math.isfinite(value)
    ]
    mark = "  (best)" if best else ""
    return f"epoch {record['epoch']}: " + "  ".join(shown) + f"  {record['seconds']:.0f} s{mark}"
