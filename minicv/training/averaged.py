"""Averaged weights: a model that is the mean of the weights which training passes through.

Towards the end of a training the weights still jump around a good place, the more so the higher the
learning rate is. Their mean lies nearer to the middle, and costs one addition a weight and step:

    1. learn     the learner's weights w move, as any `Step` moves them
    2. average   a <- d a + (1 - d) w        an exponential moving average

The average is what validation judges and what a checkpoint keeps as the model. The learner never
sees it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np

from minicv.backend import Array
from minicv.models.model import Model
from minicv.nn import Dropout
from minicv.training.divergence import Images, Targets
from minicv.training.step import GradientStep

_LEARNER = "learner/"


class AveragingStep:
    """A step whose model is the moving average of the weights that another step learns.

    ``d`` is ``decay``, but less in the first n steps, (1 + n) / (10 + n), so that the initial
    weights are soon forgotten. Buffers, such as batch statistics, are the learner's.

    Args:
        learner: moves the weights of its own model.
        decay: d, the share of the old average that a step keeps. The average reaches back about
            1 / (1 - d) steps.

    Attributes:
        model: the average, a copy of the learner's model; `fit` validates and saves it.

    Raises:
        ValueError: a decay outside of 0..1.

    Source: Polyak & Juditsky, Acceleration of stochastic approximation by averaging, 1992; the
    smaller d of the first steps is TensorFlow's ExponentialMovingAverage.

    >>> from minicv.nn import Linear
    >>> from minicv.optim import SGD, ConstantLR
    >>> line = Linear(1, 1, bias=False, rng=np.random.default_rng(0))
    >>> line.weight.data[:] = 0
    >>> down = GradientStep(line, SGD(line.parameters(), lr=1.0), ConstantLR(1.0),
    ...                     loss=lambda x, y, rng: {"loss": line.weight.sum()})
    >>> step = AveragingStep(down, decay=0.5)
    >>> for _ in range(2):
    ...     _ = step([np.ones((1, 1), "float32")], [{}], np.random.default_rng(0))
    >>> line.weight.data.tolist(), step.model.weight.data.tolist()  # d = 2/11, then 3/12
    ([[-2.0]], [[-1.70...]])
    """

    def __init__(self, learner: GradientStep, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"AveragingStep: decay={decay}; expected at least 0 and less than 1")
        self.learner = learner
        self.decay = decay
        self.model: Model = copy.deepcopy(learner.model)
        for own, learning in zip(self.model.modules(), learner.model.modules(), strict=True):
            if isinstance(own, Dropout) and isinstance(learning, Dropout):
                own.rng = learning.rng  # the generator that a checkpoint keeps
        learner.model.train()

    @property
    def steps(self) -> int:
        """Of the learner."""
        return self.learner.steps

    @property
    def learning_rate(self) -> float:
        """Of the learner's step before."""
        return self.learner.learning_rate

    def __call__(
        self, images: Images, targets: Targets, rng: np.random.Generator
    ) -> dict[str, float]:
        values = self.learner(images, targets, rng)
        done = self.learner.steps
        new = 1 - min(self.decay, (1 + done) / (10 + done))
        learning = self.learner.model
        for average, weight in zip(self.model.parameters(), learning.parameters(), strict=True):
            if weight.requires_grad:
                average.data += new * (weight.data - average.data)
        for own, buffer in zip(self.model.buffers(), learning.buffers(), strict=True):
            own.data[...] = buffer.data
        return values

    def state_dict(self) -> dict[str, Array]:
        """The learner's weights and its state."""
        weights = self.learner.model.state_dict().items()
        return {
            **self.learner.state_dict(),
            **{_LEARNER + name: array for name, array in weights},
        }

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue where `state_dict` was taken; ``model`` is loaded apart from it.

        Raises:
            ValueError: the state of another optimizer or of another model, or one without averages.
        """
        weights = {
            name.removeprefix(_LEARNER): array
            for name, array in state.items()
            if name.startswith(_LEARNER)
        }
        rest = {name: array for name, array in state.items() if not name.startswith(_LEARNER)}
        self.learner.model.load_state_dict(weights)
        self.learner.load_state_dict(rest)
