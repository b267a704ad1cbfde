"""Everything that a training run must remember to go on as if it had never stopped."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minicv.nn import Module
from minicv.optim import Optimizer
from minicv.weights import WeightsError, load_checkpoint, save_checkpoint

_MODEL, _OPTIMIZER = "model/", "optimizer/"


class TrainState:
    """A model, its optimizer, the generators, and where in the training they are.

    Attributes:
        epoch, step: finished so far.
        best: the best validation figure so far.
        history: one record per epoch.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        generators: Mapping[str, np.random.Generator | None],
        description: Mapping[str, Any],
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.generators = {name: rng for name, rng in generators.items() if rng is not None}
        self.description = dict(description)
        self.epoch = 0
        self.step = 0
        self.best = float("-inf")
        self.history: list[dict[str, float]] = []

    def note_figure(self, figure: float) -> bool:
        """Keep ``figure`` if it is the best so far, and say whether it is.

        Of equal figures the latest is the best: few validation images soon give equal ones, and
        the later weights have seen more and moved less. NaN, as over images without objects, is
        the best only as long as there was no number.
        """
        if math.isnan(figure):
            return self.best == float("-inf")
        if figure < self.best:
            return False
        self.best = figure
        return True

    def save(self, path: Path) -> None:
        """Write all of it to ``path``, whole or not at all."""
        arrays = as_model_arrays(self.model.state_dict())
        arrays |= {_OPTIMIZER + name: a for name, a in self.optimizer.state_dict().items()}
        description = {
            **self.description,
            "training": {
                "epoch": self.epoch,
                "step": self.step,
                "best": self.best if np.isfinite(self.best) else None,
                "history": self.history,
                "generators": {
                    name: rng.bit_generator.state for name, rng in self.generators.items()
                },
            },
        }
        save_checkpoint(path, arrays, description)

    def load(self, path: Path) -> None:
        """Take everything from ``path``.

        Raises:
            WeightsError: the file is of another model or optimizer, or without training state.
        """
        arrays, description = load_checkpoint(path)
        training = description.get("training")
        if training is None:
            raise WeightsError(f"{path}: holds weights alone, no training to resume")
        for key, mine in self.description.items():
            theirs = description.get(key)
            if theirs != _as_json(mine):
                raise WeightsError(
                    f"{path}: cannot resume, its {key} is {theirs} but this run's is {mine}"
                )
        theirs = _kinds(training["generators"])
        mine = _kinds({name: rng.bit_generator.state for name, rng in self.generators.items()})
        if theirs != mine:
            raise WeightsError(
                f"{path}: cannot resume, its generators are {theirs} but this run's are {mine}"
            )
        try:
            self.model.load_state_dict(_part(arrays, _MODEL))
            self.optimizer.load_state_dict(_part(arrays, _OPTIMIZER))
        except ValueError as error:
            raise WeightsError(f"{path}: cannot resume: {error}") from None
        for name, rng in self.generators.items():
            rng.bit_generator.state = copy.deepcopy(training["generators"][name])
        self.epoch, self.step = training["epoch"], training["step"]
        self.best = float("-inf") if training["best"] is None else training["best"]
        self.history = training["history"]


def as_model_arrays(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A model's state_dict as it stands among the arrays of a checkpoint.

    >>> list(as_model_arrays({"weight": np.ones(1)}))
    ['model/weight']
    """
    return {_MODEL + name: array for name, array in state.items()}


def model_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The part of a checkpoint's arrays that is the model's state_dict.

    >>> list(model_arrays({"model/weight": np.ones(1), "optimizer/0": np.ones(1)}))
    ['weight']
    """
    return _part(arrays, _MODEL)


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}


def _kinds(states: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Which algorithm each generator follows, such as PCG64."""
    return {name: state["bit_generator"] for name, state in states.items()}


def _as_json(value: Any) -> Any:
    """As a value comes back from a JSON file: tuples are lists there."""
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, (list, tuple)) else value
