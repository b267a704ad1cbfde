"""Windows: which taps lie on the map, and whether windows share positions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.windows import Windows


def along_one_axis(kernel, stride, padding, dilation, count):
    return Windows(*[(value, value) for value in (kernel, stride, padding, dilation, count)])


SIZES = st.integers(1, 4)


@given(SIZES, SIZES, st.integers(0, 3), SIZES, st.integers(1, 5), st.integers(1, 12))
def test_taps_equal_a_walk_over_all_windows(kernel, stride, padding, dilation, count, length):
    windows = along_one_axis(kernel, stride, padding, dilation, count)
    for tap, (here, there) in enumerate(windows.taps(1, length)):
        places = {o: o * stride - padding + tap * dilation for o in range(count)}
        expected = [(o, place) for o, place in places.items() if 0 <= place < length]
        found = zip(range(count)[here], range(length)[there], strict=True)
        assert list(found) == expected


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "overlap"),
    [(2, 2, 1, False), (3, 2, 1, True), (2, 3, 2, False), (2, 2, 2, True), (1, 1, 1, False)],
)
def test_overlap(kernel, stride, dilation, overlap):
    assert along_one_axis(kernel, stride, 0, dilation, 5).overlap is overlap
