"""Faster R-CNN by turns: proposal network and head are trained apart until they share a backbone.

    1. proposals   backbone and proposal network, from the initial weights
    2. detector    another backbone and the head, from the initial weights, on the boxes of 1
    3. proposals   the proposal network again, on the backbone of 2, which now stays as it is
    4. detector    the same backbone, and the head again, on the boxes of 3

So the two halves end on the same features, although none of the steps had to train a network whose
proposals change under it. It takes twice as long as all four losses at once (`FasterRCNN.loss`),
which came later and does as well.

Source: Ren et al., Faster R-CNN, 2015, section 3.2, "4-step alternating training".
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from minicv.autograd import Tensor
from minicv.data import DataLoader
from minicv.models.detection.faster_rcnn import FasterRCNN, Target
from minicv.nn import Module
from minicv.optim import Optimizer, Schedule
from minicv.training.fit import fit

Losses = Callable[[Sequence[np.ndarray], Sequence[Target], np.random.Generator], dict[str, Tensor]]
MakeOptimizer = Callable[[Iterable[Tensor]], tuple[Optimizer, Schedule]]


def fit_alternating(
    model: FasterRCNN,
    loader: DataLoader,
    make_optimizer: MakeOptimizer,
    *,
    epochs: Sequence[int],
    rng: np.random.Generator,
    max_norm: float = 10.0,
    progress: bool = True,
) -> list[list[dict[str, float]]]:
    """Train ``model`` in four steps.

    Args:
        model: with its initial weights, such as a backbone's that were published.
        loader: yields (images, targets).
        make_optimizer: called with the parameters of each step; returns a new optimizer and its
            schedule.
        epochs: of each of the four steps.
        rng: for sampling within the losses.
        max_norm, progress: see `fit`.

    Returns:
        the records of each step; see `fit`.

    Raises:
        ValueError: not four numbers of epochs.
        DivergenceError: a loss is no finite number.
    """
    if len(epochs) != 4:
        raise ValueError(
            f"fit_alternating: expected the epochs of four steps but epochs={tuple(epochs)}"
        )
    detector = copy.deepcopy(model)  # the second backbone, and with it the head of step 2

    def run(step: int, learns: Mapping[str, Module], losses: Losses) -> list[dict[str, float]]:
        part = _Part(learns, losses)
        optimizer, schedule = make_optimizer(p for p in part.parameters() if p.requires_grad)
        return fit(
            part,
            loader,
            optimizer,
            schedule,
            epochs=epochs[step - 1],
            rng=rng,
            max_norm=max_norm,
            progress=progress,
        )

    rpn = {"backbone": model.backbone, "rpn": model.rpn}
    head = {"box_head": detector.box_head, "box_predictor": detector.box_predictor}
    histories = [run(1, rpn, model.rpn_loss)]
    histories.append(
        run(2, {"backbone": detector.backbone, **head}, _head_losses(detector, proposer=model))
    )
    detector.rpn.load_state_dict(model.rpn.state_dict())
    with _as_it_is(detector.backbone):
        histories.append(run(3, {"rpn": detector.rpn}, detector.rpn_loss))
        histories.append(run(4, head, _head_losses(detector, proposer=detector)))
    model.load_state_dict(detector.state_dict())
    return histories


class _Part(Module):
    """A model that owns nothing but the parts that learn: `fit` leaves all others alone."""

    def __init__(self, learns: Mapping[str, Module], losses: Losses) -> None:
        super().__init__()
        for name, part in learns.items():
            setattr(self, name, part)
        self.loss = losses


def _head_losses(detector: FasterRCNN, proposer: FasterRCNN) -> Losses:
    """The losses of ``detector``'s head on the boxes of ``proposer``."""

    def losses(
        images: Sequence[np.ndarray], targets: Sequence[Target], rng: np.random.Generator
    ) -> dict[str, Tensor]:
        proposals = [proposer.propose(image, rng)[0] for image in images]
        return detector.head_loss(images, targets, proposals, rng)

    return losses


@contextlib.contextmanager
def _as_it_is(backbone: Module) -> Iterator[None]:
    """No parameter of ``backbone`` gets a gradient in the block, and no statistic of it moves."""
    learning = [p for p in backbone.parameters() if p.requires_grad]
    backbone.requires_grad_(False).eval()
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad = True
