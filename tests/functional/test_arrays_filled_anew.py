"""A caller fills an index, a mask or labels anew before the backward pass: nothing changes.

The elements of a loop are often written into the same array, and its losses are added up.
"""

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F

MAPS = np.arange(16.0).reshape(1, 1, 4, 4)
PLACES = np.array([[[[0, 5], [9, 15]]]])

# Each: an operation that takes an array beside x, x, the array, and what it is overwritten with.
CASES = {
    "rows": (lambda x, rows: x[rows], np.arange(3.0), np.array([0, 0, 1]), 2),
    "pairs": (lambda x, rows: x[rows, rows], np.eye(3), np.array([0, 0, 1]), 2),
    "mask": (lambda x, mask: x[mask], np.arange(3.0), np.array([True, False, True]), False),
    "where": (lambda x, mask: F.where(mask, x, 0.0), np.arange(2.0), np.array([True, False]), True),
    "labels": (F.softmax_cross_entropy, np.zeros((2, 2)), np.array([0, 1]), 0),
    "hinge": (F.multiclass_hinge, np.zeros((2, 2)), np.array([0, 1]), 0),
    "binary hinge": (F.binary_hinge, np.zeros(2), np.array([1.0, -1.0]), 1),
    "unpooling": (lambda x, at: F.max_unpool2d(x, at, 2), MAPS[:, :, :2, :2], PLACES, 0),
    "RoIAlign": (lambda x, b: F.roi_align(x, b, [0], 2), MAPS, np.array([[0.0, 0, 2, 2]]), 3),
    "RoI pooling": (lambda x, b: F.roi_pool(x, b, [0], 2), MAPS, np.array([[0.0, 0, 2, 2]]), 3),
}


@pytest.mark.parametrize(("operation", "x", "array", "later"), CASES.values(), ids=CASES)
def test_the_gradient_is_that_of_the_forward_pass(operation, x, array, later):
    gradients = []
    for fill in (False, True):
        leaf, beside = Tensor(x, requires_grad=True), array.copy()
        y = operation(leaf, beside)
        if fill:
            beside[...] = later
        y.backward(np.arange(1.0, y.size + 1).reshape(y.shape))
        gradients.append(leaf.grad)
    assert gradients[0].any()
    np.testing.assert_array_equal(*gradients)
