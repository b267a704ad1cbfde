"""im2col: the same result however the work is cut into strips."""

import numpy as np
import pytest
from convolution_cases import Case

from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu.convolution_columns import strips

CASES = [
    Case((1, 3, 9, 11), (4, 3, 3, 2), padding=(1, 0)),
    Case((5, 2, 6, 7), (4, 2, 3, 3), stride=(2, 1), padding=(1, 2)),
    Case((3, 6, 8, 9), (4, 3, 2, 3), dilation=(2, 1), groups=2),
    Case((1, 4, 8, 9), (6, 2, 3, 3), stride=(2, 3), padding=(2, 1), groups=2),
    Case((2, 2, 6, 5), (3, 2, 2, 2), padding=(2, 3)),  # more padding than the kernel reaches
    Case((2, 2, 6, 5), (7, 2, 3, 2), padding=(1, 1)),  # many more channels out than in
    Case((2, 3, 4, 3), (16, 3, 3, 2), stride=(2, 1), padding=(1, 0)),  # more weight than columns
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
        counts.add(len(strips(n, oh, ow, column_bytes, columns * column_bytes)))
        for cut, whole in zip(case.run(np.float64), usual, strict=True):
            np.testing.assert_allclose(cut, whole, rtol=1e-12, atol=1e-12)
    assert len(counts) >= 2 and max(counts) >= n * oh
