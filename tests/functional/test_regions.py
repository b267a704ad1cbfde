"""What is said when boxes or their images do not fit, by both operations on regions."""

import numpy as np
import pytest
from cuda_kernels import cupy

from minicv import Tensor
from minicv import functional as F
from minicv.functional.regions import check_regions

WHOLE = np.array([[0.0, 0.0, 6.0, 4.0]])


def test_lists_become_arrays():
    boxes, images = check_regions("roi_pool", np.zeros((2, 1, 4, 4)), [[0, 0, 2, 2]], [1], 1.0)
    assert boxes.tolist() == [[0, 0, 2, 2]]
    assert images.tolist() == [1] and images.dtype == np.int64


def test_arrays_of_a_device_are_not_looked_at():
    x, boxes = cupy.asarray(np.zeros((2, 1, 4, 4))), cupy.asarray(np.full((3, 4), np.nan))
    with cupy.recorded_synchronisations() as reasons:
        _, images = check_regions("roi_pool", x, boxes, cupy.asarray(np.array([-3, 1, 7])), 1.0)
    assert reasons == []
    assert images.get().tolist() == [0, 1, 1]


@pytest.mark.parametrize("operation", [F.roi_pool, F.roi_align])
def test_errors(operation):
    x, one = np.ones((2, 3, 5, 7)), np.array([1])
    with pytest.raises(ValueError, match=r"boxes must have shape \(R, 4\).* but have \(1, 5\)"):
        operation(x, np.zeros((1, 5)), one, 2)
    with pytest.raises(ValueError, match=r"one image for each box; boxes=\(1, 4\), .*=\(2,\)"):
        operation(x, WHOLE, np.array([0, 1]), 2)
    with pytest.raises(ValueError, match="reach from 2 to 2 but x has 2 images"):
        operation(x, WHOLE, np.array([2]), 2)
    with pytest.raises(ValueError, match=r"1 boxes but no image; x=\(0, 3, 5, 7\)"):
        operation(x[:0], WHOLE, np.array([0]), 2)
    with pytest.raises(ValueError, match="reach from -1 to -1"):
        operation(x, WHOLE, np.array([-1]), 2)
    with pytest.raises(TypeError, match="batch_indices must be whole numbers but are float64"):
        operation(x, WHOLE, np.array([0.0]), 2)
    with pytest.raises(ValueError, match=r"box 1 is not finite: \[0.0, nan, 6.0, 4.0\]"):
        boxes = np.repeat(WHOLE, 2, axis=0)
        boxes[1, 1] = np.nan
        operation(x, boxes, np.array([0, 0]), 2)
    with pytest.raises(ValueError, match="spatial_scale must be positive"):
        operation(x, WHOLE, one, 2, 0.0)
    with pytest.raises(ValueError, match="output_size must be"):
        operation(x, WHOLE, one, (2, 0))
    with pytest.raises(TypeError, match="constants and get no gradient"):
        operation(x, Tensor(WHOLE), one, 2)
