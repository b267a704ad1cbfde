"""The mask head: its layers against loops, its loss against torchvision, and no regions at all."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from minicv import Tensor, reference
from minicv.backend import to_numpy
from minicv.models.detection.mask_head import MaskHead, MaskPredictor, mask_loss
from minicv.testing import gradcheck, strategies
from minicv.vision import mask_targets

FIXTURE = np.load(Path(__file__).parents[2] / "fixtures" / "masks_and_joints.npz")


def randomise(module, rng):
    """Biases, too, which begin as 0."""
    for _, parameter in module.named_parameters():
        parameter.data = rng.normal(size=parameter.shape)
    return module


def test_the_head_against_loops():
    rng = np.random.default_rng(0)
    head = randomise(MaskHead(3, (5, 2), rng=rng), rng)
    assert [name for name, _ in head.named_parameters()] == [
        f"mask_fcn{layer}.{kind}" for layer in (1, 2) for kind in ("weight", "bias")
    ]
    x = rng.normal(size=(2, 3, 4, 6))
    expected = x
    for layer in (head.mask_fcn1, head.mask_fcn2):
        weight, bias = layer.weight.data, layer.bias.data
        expected = np.maximum(reference.conv2d(expected, weight, bias, padding=(1, 1)), 0)
    np.testing.assert_allclose(head(Tensor(x)).data, expected, atol=1e-10)


def test_the_predictor_against_loops():
    rng = np.random.default_rng(0)
    predictor = randomise(MaskPredictor(3, 4, num_classes=5, rng=rng), rng)
    shapes = {name: parameter.shape for name, parameter in predictor.named_parameters()}
    assert shapes == {
        "conv5_mask.weight": (3, 4, 2, 2),
        "conv5_mask.bias": (4,),
        "mask_fcn_logits.weight": (6, 4, 1, 1),
        "mask_fcn_logits.bias": (6,),
    }
    x = rng.normal(size=(2, 3, 4, 7))
    up, last = predictor.conv5_mask, predictor.mask_fcn_logits
    hidden = reference.conv_transpose2d(x, up.weight.data, up.bias.data, stride=(2, 2))
    expected = reference.conv2d(np.maximum(hidden, 0), last.weight.data, last.bias.data)
    logits = predictor(Tensor(x))
    assert logits.shape == (2, 6, 8, 14)
    np.testing.assert_allclose(logits.data, expected, atol=1e-10)


@pytest.mark.parametrize("num_classes", [1, 80])
def test_masks_start_undecided_and_signals_keep_their_strength(num_classes):
    rng = np.random.default_rng(0)
    head, predictor = MaskHead(64, (80, 96), rng=rng), MaskPredictor(96, 64, num_classes, rng=rng)
    x = np.abs(rng.normal(size=(3, 64, 6, 6))).astype(np.float32)
    hidden = head(Tensor(x))
    assert 0.2 < hidden.data.std() / x.std() < 5
    logits = predictor(hidden).data
    assert 0.1 < logits.std() < 1
    for layer, fan_out in ((head.mask_fcn2, 96 * 9), (predictor.conv5_mask, 96 * 4)):
        assert layer.weight.data.std() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
        assert not layer.bias.data.any()


def loss_by_loops(logits, targets, classes):
    total = 0.0
    for p, i, j in np.ndindex(targets.shape):
        probability = 1 / (1 + np.exp(-logits[p, classes[p], i, j]))
        t = targets[p, i, j]
        total -= t * np.log(probability) + (1 - t) * np.log(1 - probability)
    return total / targets.size


@given(strategies.distinct_sizes(3, low=1, high=6), strategies.seeds())
def test_loss_against_loops(sizes, seed):
    regions, num_classes, cells = sizes
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(regions, num_classes + 1, cells, cells))
    targets = rng.random((regions, cells, cells))
    classes = rng.integers(1, num_classes + 1, regions)
    loss = mask_loss(Tensor(logits), targets, classes)
    assert loss.item() == pytest.approx(loss_by_loops(logits, targets, classes), rel=1e-12)
    gradcheck(lambda x: mask_loss(x, targets, classes), logits)


def test_other_classes_do_not_learn():
    rng = np.random.default_rng(0)
    logits = Tensor(rng.normal(size=(2, 4, 3, 3)), requires_grad=True)
    mask_loss(logits, np.ones((2, 3, 3)), np.array([3, 1])).backward()
    assert np.abs(logits.grad).sum(axis=(2, 3)).astype(bool).tolist() == [
        [False, False, False, True],
        [False, True, False, False],
    ]


def test_targets_and_loss_as_in_torchvision():
    matched, boxes = FIXTURE["matched"], FIXTURE["boxes"].astype(float)
    targets = mask_targets(FIXTURE["masks"], matched, boxes, 7, aligned=False)
    logits = Tensor(FIXTURE["mask_logits"], requires_grad=True)
    loss = mask_loss(logits, targets, FIXTURE["labels"][matched])
    loss.backward()
    np.testing.assert_allclose(loss.item(), FIXTURE["mask_loss"], rtol=1e-6)
    np.testing.assert_allclose(logits.grad, FIXTURE["mask_loss_grad"], atol=1e-8)


def test_without_regions_the_loss_is_zero_and_so_is_every_gradient():
    rng = np.random.default_rng(0)
    head, predictor = MaskHead(3, (4,), rng=rng), MaskPredictor(4, 2, 3, rng=rng)
    logits = predictor(head(Tensor(np.zeros((0, 3, 5, 5), np.float32))))
    assert logits.shape == (0, 4, 10, 10)
    loss = mask_loss(logits, np.zeros((0, 10, 10), np.float32), np.zeros(0, np.int64))
    loss.backward()
    assert loss.item() == 0
    for module in (head, predictor):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert not parameter.grad.any(), name


def test_loss_on_a_device(xp):
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(2, 3, 4, 4)), rng.random((2, 4, 4))
    classes = np.array([2, 1])
    loss = mask_loss(Tensor(xp.asarray(logits)), xp.asarray(targets), xp.asarray(classes))
    expected = loss_by_loops(logits, targets, classes)
    assert float(to_numpy(loss.data)) == pytest.approx(expected, rel=1e-12)
