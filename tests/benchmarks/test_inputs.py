"""Every process must draw the same numbers, and float64 must hold the same as float32."""

import numpy as np
import pytest

from benchmarks import inputs


def test_names_decide_what_is_drawn():
    first, again, other = (inputs.normal(name, (3, 4)) for name in ("x", "x", "y"))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    assert first[0, 0] == np.float32(inputs.normal("x", [3, 4], "float64")[0, 0])


@pytest.mark.parametrize("name", ["a.weight", "a.bias", "a.running_var"])
@pytest.mark.parametrize("shape", [(5,), (5, 3), (8, 4, 3, 3)])
def test_weights_in_float64_are_those_of_float32(name, shape):
    single, double = (inputs.weight(name, shape, dtype) for dtype in ("float32", "float64"))
    assert single.dtype == np.float32 and double.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=1e-7)


def test_variances_are_positive():
    assert (inputs.weight("bn.running_var", (1000,)) > 0.5).all()


def test_boxes_lie_in_the_image_and_have_a_size():
    x1, y1, x2, y2 = inputs.boxes("b", 500, (60, 90), 5.0, 50.0).T
    assert (x1 >= 0).all() and (y1 >= 0).all() and (x2 <= 90).all() and (y2 <= 60).all()
    assert (x2 - x1 > 4.9).all() and (y2 - y1 > 4.9).all() and (x2 - x1).max() > 40


def test_crowded_boxes_have_rivals_and_distinct_scores():
    boxes, scores = inputs.crowded_boxes(200, (600, 800))
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert len(np.unique(scores)) == 200


def test_scenes_fit_the_detector():
    images, targets = inputs.scenes(2, (32, 48), classes=5)
    assert [image.shape for image in images] == [(3, 32, 48)] * 2
    assert images[0].min() >= 0 and images[0].max() < 1
    assert all(t["labels"].max() < 5 and t["boxes"].shape == (3, 4) for t in targets)
