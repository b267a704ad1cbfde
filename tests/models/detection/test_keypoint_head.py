"""The joint head: its layers against loops, its loss against torchvision, and joints unknown."""

import math
from pathlib import Path

import numpy as np
import pytest
from cuda_kernels import needs_compiler
from hypothesis import given

from minicv import Tensor, reference
from minicv.backend import to_numpy
from minicv.models.detection.keypoint_head import KeypointHead, KeypointPredictor, keypoint_loss
from minicv.testing import gradcheck, strategies
from minicv.vision import joint_positions

FIXTURE = np.load(Path(__file__).parents[2] / "fixtures" / "masks_and_joints.npz")


def randomise(module, rng):
    """Biases, too, which begin as 0."""
    for _, parameter in module.named_parameters():
        parameter.data = rng.normal(size=parameter.shape)
    return module


def test_the_head_against_loops():
    rng = np.random.default_rng(0)
    head = randomise(KeypointHead(3, (5, 2, 4), rng=rng), rng)
    assert [name for name, _ in head.named_parameters()] == [
        f"{layer}.{kind}" for layer in (0, 2, 4) for kind in ("weight", "bias")
    ]
    x = rng.normal(size=(2, 3, 4, 6))
    expected = x
    for index in (0, 2, 4):
        weight, bias = head[index].weight.data, head[index].bias.data
        expected = np.maximum(reference.conv2d(expected, weight, bias, padding=(1, 1)), 0)
    np.testing.assert_allclose(head(Tensor(x)).data, expected, atol=1e-9)


def test_the_predictor_against_loops():
    rng = np.random.default_rng(0)
    predictor = randomise(KeypointPredictor(3, joints=5, rng=rng), rng)
    shapes = {name: parameter.shape for name, parameter in predictor.named_parameters()}
    assert shapes == {"kps_score_lowres.weight": (3, 5, 4, 4), "kps_score_lowres.bias": (5,)}
    x = rng.normal(size=(2, 3, 4, 6))
    layer = predictor.kps_score_lowres
    doubled = reference.conv_transpose2d(
        x, layer.weight.data, layer.bias.data, stride=(2, 2), padding=(1, 1)
    )
    assert doubled.shape == (2, 5, 8, 12)
    heatmaps = predictor(Tensor(x))
    assert heatmaps.shape == (2, 5, 16, 24)
    expected = reference.resize_bilinear(doubled, (16, 24))
    np.testing.assert_allclose(heatmaps.data, expected, atol=1e-10)


def test_all_places_start_about_equally_likely():
    rng = np.random.default_rng(0)
    head, predictor = KeypointHead(64, (48, 96), rng=rng), KeypointPredictor(96, 5, rng=rng)
    x = np.maximum(rng.normal(size=(3, 64, 14, 14)), 0).astype(np.float32)
    positions = rng.integers(0, 56 * 56, (3, 5))
    loss = keypoint_loss(predictor(head(Tensor(x))), positions, np.ones((3, 5), bool))
    assert loss.item() == pytest.approx(math.log(56 * 56), abs=1.0)
    for layer, fan_out in ((head[2], 96 * 9), (predictor.kps_score_lowres, 96 * 16)):
        assert layer.weight.data.std() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
        assert not layer.bias.data.any()


def loss_by_loops(logits, positions, valid):
    losses = []
    for p, j in np.ndindex(positions.shape):
        if valid[p, j]:
            flat = [float(value) for row in logits[p, j] for value in row]
            log_sum = math.log(sum(math.exp(value) for value in flat))
            losses.append(log_sum - flat[positions[p, j]])
    return sum(losses) / len(losses) if losses else 0.0


@given(strategies.distinct_sizes(3, low=1, high=6), strategies.seeds())
def test_loss_against_loops(sizes, seed):
    regions, joints, cells = sizes
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(regions, joints, cells, cells))
    positions = rng.integers(0, cells * cells, (regions, joints))
    valid = rng.random((regions, joints)) > 0.4
    loss = keypoint_loss(Tensor(logits), positions, valid)
    assert loss.item() == pytest.approx(loss_by_loops(logits, positions, valid), abs=1e-12)
    gradcheck(lambda x: keypoint_loss(x, positions, valid), logits, atol=1e-12)


def test_joints_nobody_knows_do_not_learn():
    logits = Tensor(np.random.default_rng(0).normal(size=(2, 3, 4, 4)), requires_grad=True)
    valid = np.array([[True, False, False], [False, False, True]])
    keypoint_loss(logits, np.full((2, 3), 7), valid).backward()
    assert np.abs(logits.grad).sum(axis=(2, 3)).astype(bool).tolist() == valid.tolist()


def test_positions_and_loss_as_in_torchvision():
    """Joints on borders, invisible ones, and a degenerate box are among them."""
    keypoints, boxes = FIXTURE["keypoints"], FIXTURE["boxes"]
    positions, valid = joint_positions(keypoints, boxes, 14)
    assert 0 < valid.sum() < valid.size
    logits = Tensor(FIXTURE["joint_logits"], requires_grad=True)
    loss = keypoint_loss(logits, positions, valid)
    loss.backward()
    np.testing.assert_allclose(loss.item(), FIXTURE["joint_loss"], rtol=1e-12)
    np.testing.assert_allclose(logits.grad, FIXTURE["joint_loss_grad"], atol=1e-12)


@pytest.mark.parametrize("regions", [0, 2])
def test_without_a_joint_the_loss_is_zero_and_so_is_every_gradient(regions):
    rng = np.random.default_rng(0)
    head, predictor = KeypointHead(3, (4,), rng=rng), KeypointPredictor(4, 5, rng=rng)
    logits = predictor(head(Tensor(np.ones((regions, 3, 6, 6), np.float32))))
    assert logits.shape == (regions, 5, 24, 24)
    nothing = np.zeros((regions, 5), np.int64), np.zeros((regions, 5), bool)
    loss = keypoint_loss(logits, *nothing)
    loss.backward()
    assert loss.item() == 0
    for module in (head, predictor):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert not parameter.grad.any(), name


@needs_compiler
def test_loss_on_a_device(xp):
    rng = np.random.default_rng(0)
    logits, positions = rng.normal(size=(2, 3, 4, 4)), rng.integers(0, 16, (2, 3))
    valid = np.array([[True, False, True], [False, True, True]])
    loss = keypoint_loss(Tensor(xp.asarray(logits)), xp.asarray(positions), xp.asarray(valid))
    expected = loss_by_loops(logits, positions, valid)
    assert float(to_numpy(loss.data)) == pytest.approx(expected, rel=1e-12)
