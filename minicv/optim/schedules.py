"""Learning rate schedules: the rate as a pure function of the step.

A schedule knows nothing of the optimizer and remembers nothing, so a resumed run has the right rate
at once: ``optimizer.set_lr(schedule.lr(step))`` before each step. A step is whatever the caller
counts, batches or epochs, from 0. `minicv.optim.ReduceLROnPlateau`, which must see how the training
goes, is the one exception.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal, Protocol

from minicv.optim.options import as_number, as_whole_number


class Schedule(Protocol):
    """Anything with ``lr(step)``."""

    def lr(self, step: int) -> float: ...


@dataclass(frozen=True)
class ConstantLR:
    """The same rate for ever.

    >>> ConstantLR(0.1).lr(1000)
    0.1
    """

    base_lr: float

    def __post_init__(self) -> None:
        _check_rates(self, "base_lr")

    def lr(self, step: int) -> float:
        return self.base_lr


@dataclass(frozen=True)
class StepLR:
    """base_lr · gammaⁿ after n · step_size steps.

    >>> schedule = StepLR(1.0, step_size=10, gamma=0.5)
    >>> [schedule.lr(step) for step in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """

    base_lr: float
    step_size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        _check_rates(self, "base_lr", "gamma")
        as_whole_number("StepLR", "step_size", self.step_size, least=1)

    def lr(self, step: int) -> float:
        return self.base_lr * self.gamma ** (step // self.step_size)


@dataclass(frozen=True)
class MultiStepLR:
    """base_lr · gammaⁿ once n of the milestones are reached.

    >>> schedule = MultiStepLR(1.0, milestones=(10, 15), gamma=0.5)
    >>> [schedule.lr(step) for step in (9, 10, 14, 15)]
    [1.0, 0.5, 0.5, 0.25]
    """

    base_lr: float
    milestones: tuple[int, ...]
    gamma: float = 0.1

    def __post_init__(self) -> None:
        _check_rates(self, "base_lr", "gamma")
        if not isinstance(self.milestones, (tuple, list)):
            raise TypeError(
                "MultiStepLR: milestones must be a tuple of steps, such as (30, 60), but is "
                f"{self.milestones!r}"
            )
        for milestone in self.milestones:
            as_number("MultiStepLR", "each of milestones", milestone)

    def lr(self, step: int) -> float:
        reached = sum(1 for milestone in self.milestones if step >= milestone)
        return self.base_lr * self.gamma**reached


@dataclass(frozen=True)
class ExponentialLR:
    """base_lr · gammaˢ at step s.

    >>> schedule = ExponentialLR(1.0, gamma=0.5)
    >>> [schedule.lr(step) for step in (0, 1, 2, 10)]
    [1.0, 0.5, 0.25, 0.0009765625]
    """

    base_lr: float
    gamma: float

    def __post_init__(self) -> None:
        _check_rates(self, "base_lr", "gamma")

    def lr(self, step: int) -> float:
        return self.base_lr * self.gamma**step


@dataclass(frozen=True)
class CosineAnnealingLR:
    """Half a cosine wave from base_lr at step 0 down to eta_min at step T_max, where it stays.

    lr = eta_min + (base_lr - eta_min) (1 + cos(π step / T_max)) / 2.
    Source: Loshchilov & Hutter, SGDR, 2017, equation 5, without restarts.

    >>> schedule = CosineAnnealingLR(1.0, T_max=4)
    >>> [round(schedule.lr(step), 4) for step in (0, 1, 2, 4, 9)]
    [1.0, 0.8536, 0.5, 0.0, 0.0]
    """

    base_lr: float
    T_max: int
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        _check_rates(self, "base_lr", "eta_min")
        as_whole_number("CosineAnnealingLR", "T_max", self.T_max, least=1)

    def lr(self, step: int) -> float:
        share = (1 + math.cos(math.pi * min(step, self.T_max) / self.T_max)) / 2
        return self.eta_min + (self.base_lr - self.eta_min) * share


@dataclass(frozen=True)
class OneCycleLR:
    """Up to a high rate and down to a very small one, within one training of ``total_steps``.

    The rate starts at max_lr / div_factor, is max_lr when the share ``pct_start`` of the steps is
    done, and ends at max_lr / (div_factor · final_div_factor) in step total_steps - 1, where it
    stays. With ``three_phase`` it first comes down to where it began, as slowly as it rose.

    Args:
        max_lr: the highest rate.
        total_steps: of the training, at least 1.
        pct_start: share of the steps in which the rate rises, in 0..1; with ``three_phase`` at most
            0.5.
        anneal_strategy: "cos" for half a cosine wave, up and down, or "linear".
        div_factor, final_div_factor: as above.
        three_phase: whether the way down has two parts.

    PyTorch's also moves the momentum, against the rate; here the momentum stays as it is.

    Source: Smith & Topin 2018, Super-Convergence; the forms are PyTorch's.

    >>> schedule = OneCycleLR(1.0, total_steps=10, pct_start=0.5)
    >>> [round(schedule.lr(step), 4) for step in (0, 2, 4, 7, 9, 20)]
    [0.04, 0.52, 1.0, 0.3455, 0.0, 0.0]
    """

    max_lr: float
    total_steps: int
    pct_start: float = 0.3
    anneal_strategy: Literal["cos", "linear"] = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False

    def __post_init__(self) -> None:
        _check_rates(self, "max_lr", "pct_start", "div_factor", "final_div_factor")
        as_whole_number("OneCycleLR", "total_steps", self.total_steps, least=1)
        most = 0.5 if self.three_phase else 1
        if self.pct_start > most:
            raise ValueError(f"OneCycleLR: pct_start must be in 0..{most} but is {self.pct_start}")
        if not (self.div_factor and self.final_div_factor):
            raise ValueError("OneCycleLR: div_factor and final_div_factor must not be 0")
        if self.anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "OneCycleLR: anneal_strategy must be 'cos' or 'linear' but is "
                f"{self.anneal_strategy!r}"
            )

    def lr(self, step: int) -> float:
        first = self.max_lr / self.div_factor
        peak = self.pct_start * self.total_steps - 1  # not always a whole number
        points = [(0.0, first), (peak, self.max_lr)]
        if self.three_phase:
            points.append((2 * peak, first))
        points.append((self.total_steps - 1, first / self.final_div_factor))
        for (start, from_lr), (end, to_lr) in itertools.pairwise(points):
            if step <= end:
                done = (step - start) / (end - start) if end > start else 1.0
                if self.anneal_strategy == "cos":
                    done = (1 - math.cos(math.pi * done)) / 2
                return from_lr + (to_lr - from_lr) * done
        return points[-1][1]


@dataclass(frozen=True)
class WarmupThen:
    """Another schedule, whose first steps are scaled down to spare weights that are still random.

    At step s < warmup_steps the rate is multiplied by a factor that rises linearly from
    start_factor at step 0 and would be 1 at step warmup_steps. The other schedule counts its steps
    from 0 as well, not from the end of the warm-up.
    Source: Goyal 2017, Accurate, Large Minibatch SGD, section 2.2.

    >>> schedule = WarmupThen(StepLR(1.0, step_size=6), warmup_steps=4, start_factor=0.2)
    >>> [round(schedule.lr(step), 4) for step in (0, 1, 3, 4, 6)]
    [0.2, 0.4, 0.8, 1.0, 0.1]
    """

    schedule: Schedule
    warmup_steps: int
    start_factor: float = 0.001

    def __post_init__(self) -> None:
        if not callable(getattr(self.schedule, "lr", None)):
            raise TypeError(
                f"{type(self).__name__}: schedule must be a schedule, such as ConstantLR(0.1), but "
                f"is {self.schedule!r}"
            )
        for option in ("warmup_steps", "start_factor"):
            as_number(type(self).__name__, option, getattr(self, option))
        if self.warmup_steps < 0 or not 0 <= self.start_factor <= 1:
            raise ValueError(
                "WarmupThen: warmup_steps must not be negative and start_factor must be in 0..1; "
                f"warmup_steps={self.warmup_steps}, start_factor={self.start_factor}"
            )

    def lr(self, step: int) -> float:
        factor = 1.0
        if step < self.warmup_steps:
            factor = self.start_factor + (1 - self.start_factor) * step / self.warmup_steps
        return factor * self.schedule.lr(step)


class LinearWarmup(WarmupThen):
    """A linear rise to base_lr, which then stays.

    >>> schedule = LinearWarmup(1.0, warmup_steps=4, start_factor=0.2)
    >>> [round(schedule.lr(step), 4) for step in (0, 2, 4, 9)]
    [0.2, 0.6, 1.0, 1.0]
    """

    def __init__(self, base_lr: float, warmup_steps: int, start_factor: float = 0.001) -> None:
        super().__init__(ConstantLR(base_lr), warmup_steps, start_factor)


def _check_rates(schedule: Schedule, *options: str) -> None:
    for option in options:
        as_number(type(schedule).__name__, option, getattr(schedule, option), least=0)
