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

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from minicv.autograd import Tensor
from minicv.data import DataLoader
from minicv.models.detection.faster_rcnn import FasterRCNN
from minicv.nn import Module, evaluating
from minicv.optim import Optimizer, Schedule
from minicv.training.divergence import Images, Targets
from minicv.training.fit import fit
from minicv.training.step import GradientStep, Loss

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
        max_norm, progress: see `GradientStep` and `fit`.

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

    def run(
        number: int, whole: FasterRCNN, parts: Sequence[Module], loss: Loss
    ) -> list[dict[str, float]]:
        learning = [p for part in parts for p in part.parameters() if p.requires_grad]
        optimizer, schedule = make_optimizer(learning)
        step = GradientStep(whole, optimizer, schedule, loss, max_norm)
        return fit(step, loader, epochs=epochs[number - 1], rng=rng, progress=progress)

    head = [detector.box_head, detector.box_predictor]
    histories = [run(1, model, [model.backbone, model.rpn], model.rpn_loss)]
    head_loss = _head_loss(detector, proposer=model)
    histories.append(run(2, detector, [detector.backbone, *head], head_loss))
    detector.rpn.load_state_dict(model.rpn.state_dict())
    rpn_loss = _with_fixed_backbone(detector, detector.rpn_loss)
    histories.append(run(3, detector, [detector.rpn], rpn_loss))
    head_loss = _with_fixed_backbone(detector, _head_loss(detector, proposer=detector))
    histories.append(run(4, detector, head, head_loss))
    model.load_state_dict(detector.state_dict())
    return histories


def _head_loss(detector: FasterRCNN, proposer: FasterRCNN) -> Loss:
    """The losses of ``detector``'s head on the boxes of ``proposer``."""

    def loss(images: Images, targets: Targets, rng: np.random.Generator) -> Mapping[str, Tensor]:
        proposals = [proposer.propose(image, rng)[0] for image in images]
        return detector.head_loss(images, targets, proposals, rng)

    return loss


def _with_fixed_backbone(detector: FasterRCNN, loss: Loss) -> Loss:
    """The same losses; no gradient reaches the backbone, and no statistic of it moves."""

    def fixed(images: Images, targets: Targets, rng: np.random.Generator) -> Mapping[str, Tensor]:
        learning = [p for p in detector.backbone.parameters() if p.requires_grad]
        try:
            detector.backbone.requires_grad_(False)
            with evaluating(detector.backbone):
                return loss(images, targets, rng)
        finally:
            for parameter in learning:
                parameter.requires_grad = True

    return fixed
