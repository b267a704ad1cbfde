"""How many windows fit, how a map is cut into bins, and what is said when options do not fit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.functional.pooling_windows import (
    adaptive_bins,
    check_maps,
    output_length,
    pooling_windows,
)

SIZES = st.integers(1, 4)


@given(st.integers(1, 12), SIZES, SIZES, st.integers(0, 2), SIZES, st.booleans())
def test_output_length_counts_the_starts_that_fit(length, kernel, stride, padding, dilation, ceil):
    padding = min(padding, kernel // 2)
    reach = dilation * (kernel - 1) + 1
    end = length + padding
    fitting = [s for s in range(-padding, end, stride) if s + reach <= end]
    count = len(fitting)
    if ceil:
        # One more window may hang over the end, by less than a stride, if it starts on the map.
        following = fitting[-1] + stride if fitting else -padding
        hangs_over = following + reach - end
        count += 0 < hangs_over < stride and following < length
    assert max(output_length(length, kernel, stride, padding, dilation, ceil), 0) == count


@given(st.integers(1, 12), st.integers(1, 15))
def test_bins_cover_everything_in_order(length, bins):
    cut = adaptive_bins(length, bins)
    assert len(cut) == bins
    assert cut[0].start == 0 and cut[-1].stop == length
    for before, after in pairwise(cut):
        assert before.start <= after.start <= before.stop <= after.stop
    assert all(b.stop > b.start for b in cut)


def test_options_become_pairs():
    windows = pooling_windows("avg_pool2d", np.zeros((1, 1, 6, 9)), (2, 3), None, (1, 0))
    assert windows.kernel == windows.stride == (2, 3)
    assert windows.padding == (1, 0) and windows.dilation == (1, 1) and windows.output == (4, 3)


def test_maps_must_have_pixels_and_fractions():
    with pytest.raises(ValueError, match=r"avg_pool2d: the maps of x must not be empty"):
        check_maps("avg_pool2d", np.zeros((1, 1, 3, 0)))
    with pytest.raises(TypeError, match="avg_pool2d: x must be floating point but is uint8"):
        check_maps("avg_pool2d", np.zeros((1, 1, 3, 3), np.uint8))
