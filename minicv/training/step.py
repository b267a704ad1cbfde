"""One step of training: a batch comes in, parameters move, named loss values come out.

    1. loss      images, targets  -> named losses
    2. guard     losses           -> stop, with a sentence, if one is no finite number
    3. gradients sum of losses    -> walked backward, clipped to a total norm
    4. move      the schedule sets the learning rate, the optimizer changes the parameters

`fit` runs any `Step`. A step may hold two optimizers, as a GAN's does, or train one part of a model
by a loss of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, to_numpy, xp_of
from minicv.models.model import Model
from minicv.nn import Module
from minicv.optim import Optimizer, Schedule, clip_grad_norm
from minicv.training.divergence import Images, Targets, check_losses

Loss = Callable[[Images, Targets, np.random.Generator], Mapping[str, Tensor]]


class Step(Protocol):
    """What `fit` runs on each batch.

    Attributes:
        model: whose weights a checkpoint keeps.
        steps: finished so far.
    """

    @property
    def model(self) -> Module: ...

    @property
    def steps(self) -> int: ...

    def __call__(
        self, images: Images, targets: Targets, rng: np.random.Generator
    ) -> dict[str, float]:
        """Learn from one batch; the loss values by name."""
        ...

    def state_dict(self) -> dict[str, Array]:
        """All that the next step depends on, except the model's weights."""
        ...

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue where `state_dict` was taken."""
        ...


class GradientStep:
    """Gradient descent on the sum of a model's losses.

    Args:
        model: in training mode while `fit` runs.
        optimizer: of the parameters that learn.
        schedule: ``schedule.lr(step)`` is the learning rate of each step.
        loss: ``loss(images, targets, rng)`` gives named losses. None is ``model.loss``; a part of
            the model learns alone by a loss and an optimizer of its own.
        max_norm: greatest norm of all gradients together; a longer gradient is scaled to it.

    Raises, when it is called:
        DivergenceError: a loss, or the norm of the gradients, is no finite number.

    >>> from minicv.nn import Linear
    >>> from minicv.optim import SGD, ConstantLR
    >>> line = Linear(1, 1, bias=False, rng=np.random.default_rng(0))
    >>> line.weight.data[:] = 1
    >>> step = GradientStep(line, SGD(line.parameters(), lr=0.1), ConstantLR(0.1),
    ...                     loss=lambda x, y, rng: {"loss": (line(Tensor(x[0])) ** 2).sum()})
    >>> step([np.ones((1, 1), "float32")], [{}], np.random.default_rng(0))
    {'loss': 1.0}
    >>> line.weight.data.tolist(), step.steps  # 1 - 0.1 · 2
    ([[0.8...]], 1)
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        schedule: Schedule,
        loss: Loss | None = None,
        max_norm: float = 10.0,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.schedule = schedule
        self.loss: Loss = model.loss if loss is None else loss
        self.max_norm = max_norm
        self.steps = 0
        self._parameters = [p for group in optimizer.param_groups for p in group["params"]]

    def __call__(
        self, images: Images, targets: Targets, rng: np.random.Generator
    ) -> dict[str, float]:
        learning_rate = self.schedule.lr(self.steps)
        self.optimizer.set_lr(learning_rate)
        losses = self.loss(images, targets, rng)
        values = loss_values(losses)
        check_losses(values, targets, learning_rate, self.steps, images)
        self.optimizer.zero_grad()
        total_loss(losses).backward()
        norm = clip_grad_norm(self._parameters, self.max_norm)
        check_losses({"norm of the gradients": norm}, targets, learning_rate, self.steps)
        self.optimizer.step()
        self.steps += 1
        return values

    @property
    def learning_rate(self) -> float:
        """Of the step before; `fit` names it where a training diverges."""
        return self.schedule.lr(max(self.steps - 1, 0))

    def state_dict(self) -> dict[str, Array]:
        """The optimizer's state and the number of steps, which is the position in the schedule."""
        state = {f"optimizer/{name}": a for name, a in self.optimizer.state_dict().items()}
        return {**state, "steps": np.array(self.steps)}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue where `state_dict` was taken.

        Raises:
            ValueError: the state of another optimizer, or of other parameters.
        """
        prefix = "optimizer/"
        self.optimizer.load_state_dict(
            {name[len(prefix) :]: a for name, a in state.items() if name.startswith(prefix)}
        )
        self.steps = int(state["steps"])


def total_loss(losses: Mapping[str, Tensor]) -> Tensor:
    """The sum of all losses.

    Raises:
        ValueError: there is none.
    """
    if not losses:
        raise ValueError("total_loss: expected at least one loss, but the model gave none")
    first, *others = losses.values()
    for loss in others:
        first = first + loss
    return first


def loss_values(losses: Mapping[str, Tensor]) -> dict[str, float]:
    """The value of each loss. All come from the device in one copy, so that the host waits once.

    >>> loss_values({"loss_objectness": Tensor([0.5]), "loss_box_reg": Tensor([0.25])})
    {'loss_objectness': 0.5, 'loss_box_reg': 0.25}
    """
    if not losses:
        return {}
    arrays = [loss.data.reshape(()) for loss in losses.values()]
    together = xp_of(*arrays).stack(arrays)
    return dict(zip(losses, to_numpy(together).tolist(), strict=True))
