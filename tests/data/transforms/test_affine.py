"""Turning, zooming and moving: pixels and joints go to the same places, by hand and by search."""

import numpy as np
import pytest

from minicv.data.transforms import RandomAffine, affine


def spot(height, width, x, y):
    """A picture with a soft bright spot whose middle is at (x, y)."""
    across = np.exp(-(((np.arange(width) + 0.5 - x) / 1.5) ** 2))
    down = np.exp(-(((np.arange(height) + 0.5 - y) / 1.5) ** 2))
    return np.repeat((down[:, None] * across)[None], 3, axis=0).astype(np.float32)


def middle_of(image):
    """The centre of gravity of the spot, x and y in pixels."""
    weights = image[0].astype(np.float64)
    height, width = weights.shape
    x = (weights.sum(axis=0) * (np.arange(width) + 0.5)).sum() / weights.sum()
    y = (weights.sum(axis=1) * (np.arange(height) + 0.5)).sum() / weights.sum()
    return x, y


@pytest.mark.parametrize(
    ("degrees", "scale", "shift"),
    [(0, 1.0, (3, -2)), (25, 1.0, (0, 0)), (-40, 0.8, (2.5, 1)), (10, 1.5, (-3, 4.25))],
)
def test_the_joint_stays_on_its_spot(degrees, scale, shift):
    joints = np.array([[17.0, 13.0, 1.0]], np.float32)
    image = spot(36, 30, 17, 13)
    moved, target = affine(image, {"joints": joints}, degrees, scale, shift, fill=0.0)
    assert middle_of(moved) == pytest.approx(target["joints"][0, :2].tolist(), abs=0.05)
    assert moved.dtype == np.float32 and target["joints"].dtype == np.float32
    assert joints.tolist() == [[17.0, 13.0, 1.0]]  # the argument stays


def test_a_quarter_turn_by_hand():
    """Clockwise: what was at the top is at the right."""
    image = np.zeros((1, 4, 4), np.float32)
    image[0, 0, 1] = 1
    turned, target = affine(image, {"joints": np.array([[1.5, 0.5, 1.0]])}, degrees=90)
    assert np.argwhere(turned[0] > 0.9).tolist() == [[1, 3]]
    np.testing.assert_allclose(target["joints"], [[3.5, 1.5, 1.0]], atol=1e-12)


def test_nothing_happens_without_a_change():
    image = np.random.default_rng(0).random((3, 5, 7), dtype=np.float32)
    joints = np.array([[3.0, 2.0, 1.0], [6.99, 0.0, 0.0]])
    same, target = affine(image, {"joints": joints, "label": 3, "image_id": "a"})
    np.testing.assert_allclose(same, image, atol=1e-6)
    np.testing.assert_allclose(target["joints"], joints, atol=1e-12)
    assert target["label"] == 3 and target["image_id"] == "a"


def test_a_joint_that_leaves_is_not_annotated_and_the_ground_is_grey():
    image = np.ones((3, 8, 8), np.float32)
    joints = np.array([[1.0, 1.0, 1.0], [7.0, 4.0, 1.0]])
    moved, target = affine(image, {"joints": joints}, shift=(2, 0), fill=0.25)
    assert target["joints"][:, 2].tolist() == [1, 0]
    assert (moved[:, :, :2] == 0.25).all() and (moved[:, :, 2:] == 1).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_the_smallest_pictures(size):
    image, target = affine(np.ones((3, *size), np.float32), {"joints": np.zeros((2, 3))}, 30, 1.2)
    assert image.shape == (3, *size) and target["joints"].shape == (2, 3)


def test_labels_that_cannot_be_turned_are_refused():
    target = {"boxes": np.zeros((0, 4)), "joints": np.zeros((1, 3))}
    with pytest.raises(ValueError, match="the target has boxes, which cannot be turned"):
        affine(np.ones((3, 4, 4), np.float32), target, 10)
    with pytest.raises(ValueError, match="scale=0"):
        affine(np.ones((3, 4, 4), np.float32), {}, scale=0)


def test_random_ones_stay_in_their_ranges():
    turn = RandomAffine(degrees=20, scale=(0.5, 2.0), shift=0.25)
    joints = np.array([[20.0, 20.0, 1.0], [30.0, 20.0, 1.0]])
    angles, factors, middles = [], [], []
    for seed in range(300):
        image = np.zeros((1, 40, 40), np.float32)
        _, target = turn(image, {"joints": joints}, np.random.default_rng(seed))
        arm = target["joints"][1, :2] - target["joints"][0, :2]
        angles.append(np.degrees(np.arctan2(arm[1], arm[0])))
        factors.append(np.hypot(*arm) / 10)
        middles.append(target["joints"][0, :2] - 20)
    assert -20 <= min(angles) < -18 and 18 < max(angles) <= 20
    assert 0.5 <= min(factors) < 0.53 and 1.9 < max(factors) <= 2
    assert np.median(factors) == pytest.approx(1, abs=0.12)  # halving and doubling alike
    assert np.abs(middles).max() <= 10 and np.abs(middles).max() > 9.5


@pytest.mark.parametrize(
    "options", [{"degrees": -1}, {"degrees": 181}, {"shift": 1.5}, {"scale": (2.0, 1.0)}]
)
def test_wrong_ranges_are_refused(options):
    with pytest.raises(ValueError, match=r"RandomAffine: (degrees|scale)="):
        RandomAffine(**options)


def test_it_needs_a_generator():
    with pytest.raises(ValueError, match="rng is None"):
        RandomAffine()(np.zeros((3, 4, 4), np.float32), {}, None)
