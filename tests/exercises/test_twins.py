"""What a learner's function is held against is what minicv computes."""

import numpy as np
import pytest

from minicv.exercises import ORDER, load
from minicv.exercises.average_precision import (
    area_by_loops,
    find_targets_by_loops,
    precision_recall_by_loops,
)
from minicv.metrics import voc_average_precision

RTOL = 1e-5  # minicv's anchors, and losses of float32, have seven digits
# What minicv computes as a part of something else: the first below, gradients beside slopes.
OTHERWISE = {"find_targets", "conv2d_gradients", "max_pool2d_gradient"}

HOLES = [hole for name in ORDER for hole in load(name).holes]
CASES = [
    pytest.param(hole, case.arguments, id=f"{hole.name}-{number}")
    for hole in HOLES
    if hole.speed is not None and hole.name not in OTHERWISE
    for number, case in enumerate(hole.cases, 1)
]


def arrays(returned):
    """The first of what was returned, as an array."""
    first = returned[0] if isinstance(returned, tuple) else returned
    return np.asarray(getattr(first, "data", first))


@pytest.mark.parametrize(("hole", "arguments"), CASES)
def test_twin_equals_minicv(hole, arguments):
    expected, ours = arrays(hole.twin(**arguments)), arrays(hole.speed.ours(**arguments))
    if hole.name == "conv_transpose1d":
        ours = ours[0, 0, 0]  # minicv takes the row as an image
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=RTOL, atol=1e-12)


def test_three_steps_are_average_precision():
    rng = np.random.default_rng(0)
    for _ in range(20):
        corner = rng.integers(0, 6, (8, 2)).astype(float)
        boxes = np.concatenate([corner, corner + rng.integers(2, 5, (8, 2))], axis=1)
        targets = boxes[:3] + rng.integers(0, 2, 4)
        scores = rng.integers(0, 4, 8) / 4
        ours = voc_average_precision(
            [{"boxes": boxes, "scores": scores, "labels": np.zeros(8, int)}],
            [{"boxes": targets, "labels": np.zeros(3, int)}],
        )
        found = find_targets_by_loops(boxes, scores, targets, 0.5)
        precision, recall = precision_recall_by_loops(scores, found, 3)
        np.testing.assert_allclose(ours.precision[0], precision, rtol=1e-12)
        np.testing.assert_allclose(ours.recall[0], recall, rtol=1e-12)
        np.testing.assert_allclose(ours.mean_area, area_by_loops(recall, precision), rtol=1e-12)
