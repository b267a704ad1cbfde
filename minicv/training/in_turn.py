"""Two parts of one model learn in turn: the first for so many steps, and then the second."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minicv.backend import Array
from minicv.nn import Module
from minicv.training.divergence import Images, Targets
from minicv.training.step import GradientStep

_FIRST, _SECOND = "first/", "second/"


class StepsInTurn:
    """``turn`` steps of one learner, then only steps of another, on the same model.

    Each has its own loss, optimizer and schedule, which begins when its turn comes. Once the second
    has begun the first does not come back, also where a training resumes with more epochs.

    Args:
        first, second: learners of the same model.
        turn: steps of the first; 0 leaves it out.

    Raises:
        ValueError: the learners have two models, or ``turn`` is below 0.

    >>> from minicv.nn import Linear
    >>> from minicv.optim import SGD, ConstantLR
    >>> line = Linear(1, 1, rng=np.random.default_rng(0))
    >>> line.weight.data[:], line.bias.data[:] = 0, 0
    >>> down = [GradientStep(line, SGD([part], lr=1.0), ConstantLR(1.0),
    ...                      loss=lambda x, y, rng, part=part: {"loss": part.sum()})
    ...         for part in (line.weight, line.bias)]
    >>> step = StepsInTurn(*down, turn=1)
    >>> for _ in range(3):
    ...     _ = step([np.ones((1, 1), "float32")], [{}], np.random.default_rng(0))
    >>> line.weight.data.item(), line.bias.data.item()
    (-1.0, -2.0)
    """

    def __init__(self, first: GradientStep, second: GradientStep, turn: int) -> None:
        if first.model is not second.model:
            raise ValueError("StepsInTurn: the two learners have different models; expected one")
        if turn < 0:
            raise ValueError(f"StepsInTurn: turn={turn}; expected a number of steps from 0 on")
        self.first = first
        self.second = second
        self.turn = turn

    @property
    def model(self) -> Module:
        """Of both learners."""
        return self.first.model

    @property
    def steps(self) -> int:
        """Of both learners together."""
        return self.first.steps + self.second.steps

    @property
    def learner(self) -> GradientStep:
        """Who makes the next step."""
        begun = self.second.steps > 0 or self.first.steps >= self.turn
        return self.second if begun else self.first

    @property
    def learning_rate(self) -> float:
        """Of the step before."""
        return (self.second if self.second.steps else self.first).learning_rate

    def __call__(
        self, images: Images, targets: Targets, rng: np.random.Generator
    ) -> dict[str, float]:
        return self.learner(images, targets, rng)

    def state_dict(self) -> dict[str, Array]:
        """That of both learners."""
        return {
            prefix + name: array
            for prefix, learner in ((_FIRST, self.first), (_SECOND, self.second))
            for name, array in learner.state_dict().items()
        }

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue where `state_dict` was taken; see `GradientStep.load_state_dict`."""
        for prefix, learner in ((_FIRST, self.first), (_SECOND, self.second)):
            learner.load_state_dict(
                {
                    name.removeprefix(prefix): array
                    for name, array in state.items()
                    if name.startswith(prefix)
                }
            )
