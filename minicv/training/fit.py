"""The training loop, and what a run must remember to go on as if it had never stopped."""

from __future__ import annotations

import copy
import json
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.data import DataLoader
from minicv.nn import Dropout, Module
from minicv.training.divergence import Guard
from minicv.training.progress import Progress
from minicv.training.step import Step
from minicv.weights import (
    WeightsError,
    load_checkpoint,
    load_description,
    save_checkpoints,
)
from minicv.weights.numbers import check_all_numbers
from minicv.weights.schema import check_value

Validate = Callable[[Any], Mapping[str, float]]
MODEL, STEP = "model/", "step/"  # what the names of a checkpoint's arrays begin with


def fit(
    step: Step,
    loader: DataLoader,
    *,
    epochs: int,
    rng: np.random.Generator,
    validate: Validate | None = None,
    best_by: str = "AP",
    smaller_is_better: bool = False,
    out: str | Path | None = None,
    description: Mapping[str, Any] | None = None,
    terms: Mapping[str, Any] | None = None,
    resume: bool = False,
    on_epoch: Callable[[list[dict[str, float]]], None] | None = None,
    progress: bool = True,
) -> list[dict[str, float]]:
    """Run ``step`` on every batch of ``loader``, for ``epochs`` epochs.

    After each epoch ``validate(step.model)`` returns named values. ``out/last.npz`` is written
    then, and ``out/best.npz`` when the value ``best_by`` is the best so far. A checkpoint holds
    weights, the state of the step and of every generator, so that a resumed run gives the same
    numbers as one that was never interrupted. Whenever it stops, ``best.npz`` is the best of the
    history once it was resumed; see `TrainingState.mend_best`.

    Args:
        step: learns from one batch, see `Step`.
        loader: yields (images, targets); its generator is part of the state.
        epochs: in total, with those before an interruption.
        rng: for sampling within the loss.
        validate: values of an epoch, e.g. validation losses and "AP" or "mIoU".
        best_by: which value decides on ``best.npz``. While it is NaN, as over images without
            labels, the latest weights count as the best.
        smaller_is_better: of this value; else larger is.
        out: folder for checkpoints; None writes none.
        description: kept in the checkpoints, to build the model again.
        terms: kept in the checkpoints too, for whoever resumes: what the training was asked to do.
        resume: go on from ``out/last.npz`` if it is there.
        on_epoch: called with the records so far once each epoch is saved, and when a training
            resumes.
        progress: whether to show how far an epoch has come, with every loss; see `Progress`.

    Returns:
        one dictionary per epoch: "epoch", "step", "seconds", mean training losses, and all values.

    Raises:
        DivergenceError: a loss is no finite number or far above the first ones, or a number that
            a checkpoint would hold is not finite.
        WeightsError: a checkpoint cannot be written, or does not fit on resuming.
        ValueError: a loader without a batch; pixels that are no finite numbers or labels that the
            model cannot learn from, with the name of the image.
    """
    if len(loader) == 0:
        raise ValueError(
            f"fit: the loader has no batch to train on; it has {len(loader.dataset)} images, "
            f"batch_size={loader.batch_size}, drop_last={loader.drop_last}"
        )
    out = None if out is None else Path(out)
    generators = {"fit": rng, "loader": loader.rng, **_generators_within(step.model)}
    state = TrainingState(step, generators, description or {}, terms, smaller_is_better)
    if resume and out is not None and (out / "last.npz").is_file():
        state.load(out / "last.npz")
        lost = state.mend_best(out, best_by)
        if lost:
            warnings.warn(lost, stacklevel=2)
        if on_epoch is not None and state.history:
            on_epoch(state.history)
    guard = Guard(state.history)
    while state.epoch < epochs:
        started = time.perf_counter()
        step.model.train()
        totals: dict[str, float] = {}
        bar = Progress(loader, f"epoch {state.epoch + 1}/{epochs}", shown=progress)
        for batches, (images, targets) in enumerate(bar, start=1):
            guard.pictures(images, targets)
            values = step(images, targets, rng)
            guard.losses(values, targets, _rate(step), step.steps - 1)
            for name, value in values.items():
                totals[name] = totals.get(name, 0.0) + value
            means = {name: total / batches for name, total in totals.items()}
            bar.note({name.removeprefix("loss_"): mean for name, mean in means.items()})
        state.epoch += 1
        record: dict[str, float] = {"epoch": state.epoch, "step": step.steps}
        means = {name: round(total / len(loader), 6) for name, total in totals.items()}
        record.update(means)
        record["seconds"] = round(time.perf_counter() - started, 3)
        guard.numbers(_to_look_at(step, out is not None), state.epoch, _rate(step))
        judged = {} if validate is None else validate(step.model)
        guard.epoch(means, judged, state.epoch, _rate(step))
        record.update(judged)
        state.history.append(record)
        best = best_by in record and state.note_value(record[best_by])
        if out is not None:
            # The last first: a training that is stopped between the two makes the best of it.
            state.save(*(out / name for name in ("last.npz", "best.npz")[: 1 + best]))
        if on_epoch is not None:
            on_epoch(state.history)
        if progress:
            print(_line(record, best), flush=True)  # at once, also where a log file is written
    return state.history


# The types of what a checkpoint says of its training. The values of the history may be NaN.
_TRAINING: dict[str, Any] = {
    "epoch": int,
    "best": float | None,
    "history": list[dict[str, Real]],
    "generators": dict[str, dict[str, Any]],
    "terms": dict[str, Any] | None,
}


class TrainingState:
    """A step with its model, the generators, and where in the training they are.

    Attributes:
        epoch: finished so far.
        best: the best validation value so far.
        worst: the infinite value with which it begins.
        history: one record per epoch.
    """

    def __init__(
        self,
        step: Step,
        generators: Mapping[str, np.random.Generator | None],
        description: Mapping[str, Any],
        terms: Mapping[str, Any] | None = None,
        smaller_is_better: bool = False,
    ) -> None:
        self.step = step
        self.generators = {name: rng for name, rng in generators.items() if rng is not None}
        self.description = dict(description)
        self.terms = None if terms is None else dict(terms)
        self.epoch = 0
        self.worst = float("inf") if smaller_is_better else float("-inf")
        self.best = self.worst
        self.history: list[dict[str, float]] = []

    def note_value(self, value: float) -> bool:
        """Note a validation value, and say whether it is the best so far.

        Of equal values the latest is the best: with few validation images values are often equal,
        and the later weights have learnt longer at a lower rate. NaN, as over images without
        objects, is the best only while there has been no number.
        """
        if math.isnan(value):
            return self.best == self.worst
        if (value > self.best) if self.worst > 0 else (value < self.best):
            return False
        self.best = value
        return True

    def mend_best(self, out: Path, best_by: str) -> str:
        """Write ``out/best.npz`` if a stop came before it, or if something else stands there.

        The file must hold the history up to the best epoch, to the second. If it does not and the
        best epoch is the latest one, then the weights that were just loaded are the best. This
        mends a stop anywhere: ``last.npz`` is written first, and another training that was
        overwritten has another history.

        Args:
            out: the folder, from whose ``last.npz`` this state was loaded.
            best_by: which value decides.

        Returns:
            a sentence if the best weights are lost, which no stop can do: somebody took the file
            away. Then the latest weights are the best from now on.
        """
        values = [record.get(best_by) for record in self.history]
        known = self.best != self.worst
        epochs = [
            epoch
            for epoch, value in enumerate(values, start=1)
            if value is not None and (value == self.best or not known)
        ]
        if not epochs or _is_of(out / "best.npz", self.description, self.history[: epochs[-1]]):
            return ""
        if epochs[-1] == self.epoch:
            self.save(out / "best.npz")
            return ""
        self.best = self.worst
        latest = values[-1]
        if latest is not None:
            self.note_value(latest)
        self.save(out / "last.npz", out / "best.npz")
        return (
            f"{out / 'best.npz'}: the weights of epoch {epochs[-1]}, the best by {best_by}, are "
            f"not there any more; those of epoch {self.epoch} are the best from now on"
        )

    def save(self, *paths: Path) -> None:
        """Write all of it to these paths, in this order, whole or not at all."""
        arrays = model_arrays(self.step.model)
        arrays |= {STEP + name: array for name, array in self.step.state_dict().items()}
        training = {
            "epoch": self.epoch,
            "best": self.best if np.isfinite(self.best) else None,
            "history": self.history,
            "generators": {name: g.bit_generator.state for name, g in self.generators.items()},
            "terms": self.terms,
        }
        save_checkpoints(paths, arrays, {**self.description, "training": training})

    def load(self, path: Path) -> None:
        """Take everything from ``path``.

        Raises:
            WeightsError: the file is of another model or step, or without training state.
        """
        arrays, description = load_checkpoint(path)
        training = training_of(description, path)
        check_all_numbers(path, arrays)
        for key, mine in self.description.items():
            theirs = description.get(key)
            if key == "colours" and theirs is None:
                continue  # a checkpoint from before they were kept
            if _differs(theirs, _as_json(mine)):
                where, then, now = _difference(key, theirs, _as_json(mine))
                raise WeightsError(
                    f"{path}: cannot resume, its {where} is {then} but this run's is {now}"
                )
        theirs = _kinds(training["generators"])
        mine = _kinds({name: rng.bit_generator.state for name, rng in self.generators.items()})
        if theirs != mine:
            raise WeightsError(
                f"{path}: cannot resume, its generators are {theirs} but this run's are {mine}"
            )
        try:
            self.step.model.load_state_dict(part_of(arrays, MODEL))
            self.step.load_state_dict(part_of(arrays, STEP))
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            raise WeightsError(f"{path}: cannot resume: {error}") from None
        for name, rng in self.generators.items():
            try:
                rng.bit_generator.state = copy.deepcopy(training["generators"][name])
            except (ValueError, TypeError, LookupError, OverflowError) as error:
                raise WeightsError(
                    f"{path}: its training/generators/{name} is no state of a generator ({error})"
                ) from None
        self.epoch = training["epoch"]
        self.best = self.worst if training["best"] is None else training["best"]
        self.history = training["history"]


def _is_of(path: Path, mine: Mapping[str, Any], history: Sequence[Mapping[str, float]]) -> bool:
    """Whether the file holds the weights at the end of ``history``, of this very training."""
    try:
        description = load_description(path)
    except WeightsError:  # absent or damaged
        return False
    for key, value in mine.items():
        said = description.get(key)
        if _differs(said, _as_json(value)) and not (key == "colours" and said is None):
            return False
    theirs = chosen_from(description)
    # An older version did not note it beside weights alone. As text, because NaN is not NaN.
    return theirs is None or json.dumps(theirs) == json.dumps(list(history))


def _to_look_at(step: Step, is_saved: bool) -> dict[str, np.ndarray]:
    """The arrays of a model and a step. From a device only those that will come from it anyway."""
    arrays: dict[str, Array] = {name: own.data for name, own in step.model.named_parameters()}
    arrays |= {name: own.data for name, own in step.model.named_buffers()}
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        if not is_saved:
            return {}
        arrays = dict(step.model.state_dict())
    return {**arrays, **{name: to_numpy(array) for name, array in step.state_dict().items()}}


def _rate(step: Step) -> float | None:
    """The learning rate of the last step, of a step that has one."""
    return getattr(step, "learning_rate", None)


def _difference(key: str, theirs: Any, mine: Any) -> tuple[str, Any, Any]:
    """The field that differs and its two values; of settings the first one alone.

    >>> _difference("settings", {"a": 1, "b": 2}, {"a": 1, "b": 3})
    ('settings/b', 2, 3)
    """
    if isinstance(theirs, dict) and isinstance(mine, dict):
        for name, value in mine.items():
            if name in theirs and _differs(theirs[name], value):
                return f"{key}/{name}", theirs[name], value
    return key, theirs, mine


def _differs(theirs: Any, mine: Any) -> bool:
    """Whether a checkpoint says something else; an older one may lack settings that are new.

    >>> _differs({"width": 2}, {"width": 2, "new": 1}), _differs({"width": 3}, {"width": 2})
    (False, True)
    >>> _differs({"old": 1}, {}), _differs([1], [1])
    (True, False)
    """
    if isinstance(theirs, Mapping) and isinstance(mine, Mapping):
        return any(key not in mine or value != mine[key] for key, value in theirs.items())
    return bool(theirs != mine)


def training_of(description: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What a checkpoint says of its training, every value of the type that `fit` wrote.

    Raises:
        WeightsError: it holds no training, or a value is missing or of another type.

    >>> training_of({"system": "segnet"}, Path("best.npz"))
    Traceback (most recent call last):
        ...
    minicv.weights.errors.WeightsError: best.npz: holds weights alone, no training to resume
    """
    training = description.get("training")
    if training is None:
        raise WeightsError(f"{path}: holds weights alone, no training to resume")
    check_value(path, "training", training, dict[str, Any])
    absent = [name for name in _TRAINING if name not in training and name != "terms"]
    if absent:
        raise WeightsError(f"{path}: its training lacks {', '.join(absent)}")
    for name, hint in _TRAINING.items():
        check_value(path, f"training/{name}", training.get(name), hint)
    epoch, records = training["epoch"], training["history"]
    if epoch < 0 or len(records) != epoch:
        raise WeightsError(
            f"{path}: its training/epoch is {epoch}, but training/history has {len(records)} "
            "epochs; expected as many"
        )
    for number, record in enumerate(records, start=1):
        if record.get("epoch") != number:
            raise WeightsError(
                f"{path}: its training/history[{number - 1}] is of epoch {record.get('epoch')}, "
                f"expected {number}"
            )
    return training


def chosen_from(description: Mapping[str, Any]) -> list[dict[str, float]] | None:
    """The history up to the epoch of which a ``best.npz`` holds the weights; None if unknown.

    It stands under "training", and under "chosen_from" where the file holds weights alone, because
    something was done to the best weights after the training.

    >>> chosen_from({"chosen_from": [{"epoch": 1}]}), chosen_from({})
    ([{'epoch': 1}], None)
    """
    training = description.get("training")
    kept = training.get("history") if isinstance(training, dict) else None
    return description.get("chosen_from") if kept is None else kept


def model_arrays(model: Module) -> dict[str, Array]:
    """A model's state_dict under the names that a checkpoint gives it.

    >>> from minicv.nn import Linear
    >>> list(model_arrays(Linear(2, 1, rng=np.random.default_rng(0))))
    ['model/weight', 'model/bias']
    """
    return {MODEL + name: array for name, array in model.state_dict().items()}


def part_of(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with ``prefix``, without it.

    >>> list(part_of({"model/weight": np.ones(1), "step/steps": np.ones(1)}, MODEL))
    ['weight']
    """
    return {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}


def _generators_within(model: Module) -> dict[str, np.random.Generator]:
    """The generators of the model's dropout layers, by the layer's name."""
    return {name: part.rng for name, part in model.named_modules() if isinstance(part, Dropout)}


def _kinds(states: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Which algorithm each generator follows, such as PCG64."""
    return {name: str(state.get("bit_generator")) for name, state in states.items()}


def _as_json(value: Any) -> Any:
    """The value as JSON gives it back: tuples become lists."""
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


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
