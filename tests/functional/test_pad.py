"""pad: values, adjoint, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import adjoint_check, strategies

MARGINS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=3)


@given(strategies.arrays((2, 3, 4)), MARGINS, st.data())
def test_values(x, margins, data):
    pad = [side for pair in margins for side in pair]
    y = F.pad(data.draw(strategies.layouts(x)), pad, value=7.5).data
    by_axis = [(0, 0)] * (3 - len(margins)) + margins[::-1]
    assert y.shape == tuple(b + n + a for n, (b, a) in zip(x.shape, by_axis, strict=True))
    for position in np.ndindex(y.shape):
        source = tuple(i - before for i, (before, _) in zip(position, by_axis, strict=True))
        inside = all(0 <= i < n for i, n in zip(source, x.shape, strict=True))
        assert y[position] == (x[source] if inside else 7.5)


@given(strategies.arrays((2, 3, 4)), MARGINS)
def test_backward_is_the_transpose(x, margins):
    adjoint_check(lambda x: F.pad(x, [side for pair in margins for side in pair]), x)


def test_left_right_top_bottom_in_float32():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    y = F.pad(x, (1, 0, 0, 1))
    y.backward(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert y.data.tolist() == [[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]
    assert x.grad.tolist() == [[2.0, 3.0]]
    assert y.dtype == x.grad.dtype == np.float32


def test_an_empty_input_gives_the_margin_alone():
    assert F.pad(np.zeros((0, 2)), (0, 0, 1, 1), value=3).data.tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_refusals():
    for margins in ((1,), (1, 1, 1, 1, 1, 1)):
        with pytest.raises(ValueError, match=r"pad: pad must be pairs .* 2 axes of x"):
            F.pad(np.zeros((2, 3)), margins)
    with pytest.raises(ValueError, match=r"pad: margins must not be negative but are \(0, -1\)"):
        F.pad(np.zeros((2, 3)), (0, -1))
