"""Columns: strips cover everything once, and each number is the pixel that it stands for."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu.convolution_columns import gather, strips


@given(
    st.integers(0, 6), st.integers(1, 9), st.integers(1, 9), st.integers(1, 50), st.integers(0, 999)
)
def test_strips_cover_every_output_row_once(n, oh, ow, column_bytes, strip_bytes):
    covered = np.zeros((n, oh), int)
    for images, rows in strips(n, oh, ow, column_bytes, strip_bytes):
        covered[images, rows] += 1
        assert images.stop - images.start == 1 or rows == slice(0, oh)
    assert (covered == 1).all()


@given(st.data())
def test_a_column_is_what_a_window_sees(data):
    stride, dilation, kernel = (
        data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(3)
    )
    n, groups, cg = (data.draw(st.integers(1, 3)) for _ in range(3))
    oh, ow = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    size = [
        s * (out - 1) + d * (k - 1) + 1 + data.draw(st.integers(0, 2))
        for s, out, d, k in zip(stride, (oh, ow), dilation, kernel, strict=True)
    ]
    x = np.random.default_rng(0).normal(size=(n, groups * cg, *size))
    first, group = data.draw(st.integers(0, oh - 1)), data.draw(st.integers(0, groups - 1))
    images, rows = slice(n - 1, n), slice(first, oh)
    columns = gather(x, (1, cg, *kernel), images, rows, ow, group, stride, dilation)
    expected = [
        [
            x[
                n - 1,
                group * cg + c,
                i * stride[0] + u * dilation[0],
                j * stride[1] + v * dilation[1],
            ]
            for i, j in itertools.product(range(first, oh), range(ow))
        ]
        for c, u, v in itertools.product(range(cg), range(kernel[0]), range(kernel[1]))
    ]
    np.testing.assert_array_equal(columns, expected)
