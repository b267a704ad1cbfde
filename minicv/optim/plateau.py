"""A learning rate that falls when the training no longer gets better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from minicv.optim.options import as_number, as_whole_number


class ReduceLROnPlateau:
    """base_lr, multiplied by ``factor`` whenever a value has not improved for a while.

    Call ``step(value)`` once an epoch, with the loss or the metric of the validation. After more
    than ``patience`` calls without an improvement the rate falls. Other schedules are functions of
    the step; this one depends on what happened, so it remembers. ``lr(step)`` gives the present
    rate, whatever the step, so that it can stand where any schedule stands:
    ``optimizer.set_lr(schedule.lr(step))``. To resume a training, save `state_dict`, or call
    ``step`` with the values so far once more.

    Args:
        base_lr: the first rate.
        mode: "min" if lower values are better, such as a loss, or "max".
        factor: of each reduction, below 1.
        patience: how many calls in a row without an improvement are borne.
        threshold: an improvement must be larger than this ...
        threshold_mode: ... share of the best value ("rel"), or difference to it ("abs").
        cooldown: how many calls after a reduction do not count.
        min_lr: the rate never falls below.
        eps: a reduction by less than this is left out.

    NaN is no improvement. With "rel" the share is of the absolute value, so that a negative loss
    improves when it falls, as a positive one does; PyTorch takes one that stays for better.

    Raises:
        ValueError: an option is out of its range.
        TypeError: an option or a value is no number.

    Source: `torch.optim.lr_scheduler.ReduceLROnPlateau`.

    >>> schedule = ReduceLROnPlateau(1.0, factor=0.5, patience=1)
    >>> rates = []
    >>> for loss in (3.0, 2.0, 2.0, 2.5, 2.5, 2.5):
    ...     schedule.step(loss)
    ...     rates.append(schedule.lr(0))
    >>> rates  # the second call in a row that is no better halves the rate
    [1.0, 1.0, 1.0, 0.5, 0.5, 0.25]
    """

    remembered = ("rate", "best", "num_bad_epochs", "cooldown_counter")

    def __init__(
        self,
        base_lr: float,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        owner = "ReduceLROnPlateau"
        self.base_lr = as_number(owner, "base_lr", base_lr, least=0)
        self.factor = as_number(owner, "factor", factor, least=0)
        if self.factor >= 1:
            raise ValueError(f"{owner}: factor must be below 1 but is {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"{owner}: mode must be 'min' or 'max' but is {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"{owner}: threshold_mode must be 'rel' or 'abs' but is {threshold_mode!r}"
            )
        self.mode = mode
        self.patience = as_whole_number(owner, "patience", patience, least=0)
        self.threshold = as_number(owner, "threshold", threshold, least=0)
        self.threshold_mode = threshold_mode
        self.cooldown = as_whole_number(owner, "cooldown", cooldown, least=0)
        self.min_lr = as_number(owner, "min_lr", min_lr, least=0)
        self.eps = as_number(owner, "eps", eps, least=0)
        self.rate = float(self.base_lr)
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0

    def lr(self, step: int) -> float:
        """The present rate; the step makes no difference."""
        return self.rate

    def step(self, value: Any) -> None:
        """Take note of an epoch's value, and lower the rate if it is time to."""
        given = value
        try:
            value = float(value) if hasattr(value, "__float__") else None
        except (TypeError, ValueError):  # of an array with several elements
            value = None
        if value is None:
            raise TypeError(
                "ReduceLROnPlateau.step: value must be one number, such as the loss of the "
                f"validation, but is {given!r}"
            )
        if self._is_better(value):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            lower = max(self.rate * self.factor, self.min_lr)
            if self.rate - lower > self.eps:
                self.rate = lower
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0

    def state_dict(self) -> dict[str, np.ndarray]:
        """What it remembers, as arrays by name: ready for `numpy.savez`."""
        return {name: np.array(getattr(self, name)) for name in self.remembered}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave.

        Raises:
            ValueError: an entry is missing.
        """
        missing = [name for name in self.remembered if name not in state_dict]
        if missing:
            raise ValueError(
                f"ReduceLROnPlateau: the saved state has no entry {missing[0]!r}; expected are "
                f"{list(self.remembered)}"
            )
        self.rate, self.best = float(state_dict["rate"]), float(state_dict["best"])
        self.num_bad_epochs = int(state_dict["num_bad_epochs"])
        self.cooldown_counter = int(state_dict["cooldown_counter"])

    def __repr__(self) -> str:
        return (
            f"ReduceLROnPlateau(base_lr={self.base_lr}, mode={self.mode!r}, factor={self.factor}, "
            f"patience={self.patience}, threshold={self.threshold}, "
            f"threshold_mode={self.threshold_mode!r}, cooldown={self.cooldown}, "
            f"min_lr={self.min_lr}, eps={self.eps})"
        )

    def _is_better(self, value: float) -> bool:
        margin = self.threshold
        if self.threshold_mode == "rel":
            margin *= abs(self.best) if math.isfinite(self.best) else 0.0
        return value < self.best - margin if self.mode == "min" else value > self.best + margin
