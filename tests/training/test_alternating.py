"""Alternating training: what learns in which step, and that the four make a detector."""

import numpy as np
import pytest
from short_training import FASTER_RCNN_FOR_TEN_SCENES, precision_of, ten_scenes
from tiny_detector import SETTINGS

from minicv.data import DataLoader, Farmyard
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FasterRCNN
from minicv.optim import SGD, Adam, ConstantLR, StepLR
from minicv.training.alternating import fit_alternating

RPN_LOSSES = {"loss_objectness", "loss_rpn_box_reg"}
HEAD_LOSSES = {"loss_classifier", "loss_box_reg"}


def make_model(settings=SETTINGS, width=4):
    rng = np.random.default_rng(0)
    return FasterRCNN(SmallBackbone(width, rng=rng), Farmyard.classes, settings, rng=rng)


def train(*epochs, model=None):
    """The trained model, and what each step reports."""
    model = model or make_model()
    data = Farmyard(4, size=(48, 48), seed=3)
    loader = DataLoader(data, 2, shuffle=True, rng=np.random.default_rng(1))
    histories = fit_alternating(
        model,
        loader,
        lambda parameters: (SGD(parameters, lr=0.01, momentum=0.9), ConstantLR(0.01)),
        epochs=epochs,
        rng=np.random.default_rng(2),
        progress=False,
    )
    return model, histories


def differing(model, other):
    """Which of the parts of two models are not equal, statistics included."""
    theirs = other.state_dict()
    return {
        name.partition(".")[0]
        for name, array in model.state_dict().items()
        if not np.array_equal(array, theirs[name])
    }


def test_each_step_reports_its_own_losses():
    _, histories = train(2, 1, 1, 1)
    assert [len(records) for records in histories] == [2, 1, 1, 1]
    names = [{name for name in records[0] if name.startswith("loss")} for records in histories]
    assert names == [RPN_LOSSES, HEAD_LOSSES, RPN_LOSSES, HEAD_LOSSES]


def test_what_learns_in_each_step():
    """Steps are the same whatever comes after, so two trainings differ by what came after alone."""
    nothing, first, second, third, fourth = (
        train(*[1] * steps, *[0] * (4 - steps))[0] for steps in range(5)
    )
    assert differing(nothing, make_model()) == set()
    # Of the first step the proposal network is kept; its backbone has only taught the second.
    assert differing(first, nothing) == {"rpn"}
    assert differing(second, first) == {"backbone", "box_head", "box_predictor"}
    assert differing(third, second) == {"rpn"}
    assert differing(fourth, third) == {"box_head", "box_predictor"}


def test_all_is_free_again_afterwards():
    model = make_model()
    frozen = next(model.backbone.parameters())
    frozen.requires_grad = False  # as a backbone does with its first layers
    before = frozen.data.copy()
    train(1, 1, 1, 1, model=model)
    assert [p.requires_grad for p in model.parameters()].count(False) == 1
    np.testing.assert_array_equal(frozen.data, before)
    assert all(part.training for part in model.backbone.modules())


def test_there_are_four_steps():
    with pytest.raises(ValueError, match=r"epochs of four steps but epochs=\(1, 2\)"):
        train(1, 2)


@pytest.mark.slow
def test_overfits_ten_farmyard_images():
    images, targets = ten_scenes(side=64)
    samples = list(zip(images, targets, strict=True))
    model = make_model(FASTER_RCNN_FOR_TEN_SCENES, width=16)
    fit_alternating(
        model,
        DataLoader(samples, 5, shuffle=True, rng=np.random.default_rng(1)),
        lambda parameters: (Adam(parameters, lr=0.003), StepLR(0.003, 60, 0.2)),
        epochs=(40, 40, 40, 40),
        rng=np.random.default_rng(2),
        progress=False,
    )
    assert precision_of(model, images, targets) > 0.95
