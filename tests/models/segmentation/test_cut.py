"""cut: the top left part, and nothing at all where the size is right."""

import numpy as np
import pytest

from minicv import Tensor
from minicv.models.segmentation.cut import cut


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 2), (4, 5)])
def test_first_rows_and_columns(size):
    x = np.arange(40.0).reshape(1, 2, 4, 5)
    np.testing.assert_array_equal(cut(Tensor(x), size).data, x[:, :, : size[0], : size[1]])


def test_gradient_of_what_is_cut_off_is_zero():
    x = Tensor(np.ones((1, 1, 2, 3)), requires_grad=True)
    cut(x, (2, 2)).backward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
    assert x.grad.tolist() == [[[[1, 2, 0], [3, 4, 0]]]]


def test_a_map_of_the_right_size_is_not_copied():
    x = Tensor(np.ones((1, 1, 2, 3)))
    assert cut(x, (2, 3)) is x
