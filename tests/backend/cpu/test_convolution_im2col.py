"""im2col: the same result however the work is cut into strips."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu import convolution_im2col as im2col

CASES = [
    Case((1, 3, 9, 11), (4, 3, 3, 2), padding=(1, 0)),
    Case((5, 2, 6, 7), (4, 2, 3, 3), stride=(2, 1), padding=(1, 2)),
    Case((3, 6, 8, 9), (4, 3, 2, 3), dilation=(2, 1), groups=2),
    Case((1, 4, 8, 9), (6, 2, 3, 3), stride=(2, 3), padding=(2, 1), groups=2),
    Case((2, 2, 6, 5), (3, 2, 2, 2), padding=(2, 3)),  # more padding than the kernel reaches
    Case((2, 2, 6, 5), (7, 2, 3, 2), padding=(1, 1)),  # many more channels out than in
]


@pytest.mark.parametrize("case", CASES)
def test_any_length_of_strips_gives_the_same(case, monkeypatch):
    usual = case.run(np.float64)
    assert case.algorithm("float64") == "im2col"
    monkeypatch.setattr(im2col, "GRAD_WEIGHT_COLUMNS", 1)
    n, _, oh, ow = case.y_shape
    column_bytes = 8 * case.weight[0].size
    counts = set()
    for columns in (1, ow, 3 * ow, 2 * oh * ow + 1):
        monkeypatch.setattr(im2col, "STRIP_BYTES", columns * column_bytes)
        counts.add(len(im2col.strips(n, oh, ow, column_bytes, columns * column_bytes)))
        for cut, whole in zip(case.run(np.float64), usual, strict=True):
            np.testing.assert_allclose(cut, whole, rtol=1e-12, atol=1e-12)
    assert len(counts) >= 2 and max(counts) >= n * oh


@given(
    st.integers(0, 6), st.integers(1, 9), st.integers(1, 9), st.integers(1, 50), st.integers(0, 999)
)
def test_strips_cover_every_output_row_once(n, oh, ow, column_bytes, strip_bytes):
    covered = np.zeros((n, oh), int)
    for images, rows in im2col.strips(n, oh, ow, column_bytes, strip_bytes):
        covered[images, rows] += 1
        assert images.stop - images.start == 1 or rows == slice(0, oh)
    assert (covered == 1).all()
