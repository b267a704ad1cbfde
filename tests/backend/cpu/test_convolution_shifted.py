"""Convolution by shifted rows: equal to im2col however it is cut, and where it may be used."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.convolution_layer import NO_EPILOGUE
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu import convolution_shifted as shifted

CASES = [
    Case((3, 2, 6, 7), (4, 2, 3, 3), padding=(1, 1)),
    Case((1, 3, 9, 11), (4, 3, 3, 2), padding=(1, 0)),
    Case((2, 2, 8, 9), (3, 2, 3, 4), padding=(0, 2), dilation=(2, 1)),
    Case((5, 2, 4, 3), (2, 2, 4, 3), padding=(3, 2)),  # the result is larger than x
    Case((2, 3, 5, 4), (6, 3, 5, 4)),  # one window sees all of an image
    Case((2, 1, 1, 1), (1, 1, 3, 3), padding=(1, 1)),
]


@st.composite
def cases(draw):
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, dilation = draw(pair), draw(pair)
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    padding = tuple(draw(st.integers(0, r)) for r in reach)
    least = [max(1, r + 1 - 2 * p) for r, p in zip(reach, padding, strict=True)]
    size = [low + draw(st.integers(0, 5)) for low in least]
    n, c, o = (draw(st.integers(1, 4)) for _ in range(3))
    return Case((n, c, *size), (o, c, *kernel), padding=padding, dilation=dilation)


def run(module, case, epilogue=NO_EPILOGUE):
    layer = case.layer
    return (
        module.forward(layer, case.x, case.weight, epilogue),
        module.grad_input(layer, case.grad, case.weight),
        module.grad_weight(layer, case.grad, case.x),
    )


def assert_equal(case, epilogue=NO_EPILOGUE):
    pairs = zip(run(shifted, case, epilogue), run(im2col, case, epilogue), strict=True)
    for mine, expected in pairs:
        assert mine.dtype == expected.dtype
        np.testing.assert_allclose(mine, expected, rtol=1e-11, atol=1e-11)


@given(cases())
def test_it_equals_im2col(case):
    assert shifted.can_compute(case.layer)
    assert_equal(case)


@pytest.mark.parametrize("size", [1, 700, 3000, 1 << 20])
@pytest.mark.parametrize("case", CASES)
def test_any_size_of_blocks_gives_the_same(case, size, monkeypatch):
    monkeypatch.setattr(shifted, "BLOCK_BYTES", size)
    assert_equal(case)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("ceiling", [None, np.inf, 0.7])
@pytest.mark.parametrize("size", [300, 1 << 20])
def test_the_epilogue(scale, shortcut, ceiling, size, monkeypatch):
    monkeypatch.setattr(shifted, "BLOCK_BYTES", size)
    case = CASES[0]
    assert_equal(case, case.epilogue(scale, shortcut, ceiling))


@given(cases(), st.integers(1, 3000))
def test_blocks_cover_every_output_row_once(case, position_bytes):
    n, _, oh, _ = case.y_shape
    covered = np.zeros((n, oh), int)
    blocks = shifted.blocks(case.layer, position_bytes << 10)
    for images, rows in blocks:
        covered[images, rows] += 1
        assert images.stop - images.start == 1 or rows == slice(0, oh)
    assert (covered == 1).all()
    assert len(blocks) > 1 or n * oh == 1


def test_what_was_in_scratch_memory_before_leaves_no_trace():
    other = Case((3, 2, 6, 7), (4, 2, 3, 3), padding=(0, 0))
    other.x[:] = other.grad[:] = np.nan
    run(shifted, other)
    for case in CASES:
        assert_equal(case)


@pytest.mark.parametrize(
    ("reason", "layer"),
    [
        ("stride", Case((1, 2, 6, 6), (2, 2, 3, 3), stride=(1, 2)).layer),
        ("groups", Case((1, 2, 6, 6), (2, 1, 3, 3), groups=2).layer),
        ("much padding", Case((1, 2, 6, 6), (2, 2, 3, 3), padding=(3, 1)).layer),
        (
            "x is larger than its windows reach",
            Case((1, 2, 6, 6), (2, 2, 3, 3)).layer._replace(x_shape=(1, 2, 7, 6)),
        ),
    ],
)
def test_what_it_cannot_compute(reason, layer):
    assert not shifted.can_compute(layer), reason
