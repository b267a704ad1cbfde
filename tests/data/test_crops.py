"""Which objects are real, and the window around a box, beside plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures_with_objects import Pictures, target_of

from minicv.data import ObjectCrops, PersonCrops
from minicv.data.crops import real_objects, window_around


def test_crowds_difficult_and_degenerate_boxes_are_no_objects():
    boxes = [(0, 0, 4, 4), (1, 1, 3, 3), (2, 2, 5, 5), (3, 3, 3, 6), (4, 5, 6, 4), (12, 2, 14, 4),
             (-3, -3, 1, 1), (np.nan, 0, 2, 2), (0, 0, 12, 9)]  # fmt: skip
    target = target_of(boxes, difficult=[1], iscrowd=[2])
    assert real_objects(target, 9, 12).tolist() == [0, 6, 8]
    del target["difficult"], target["iscrowd"]
    assert real_objects(target, 9, 12).tolist() == [0, 1, 2, 6, 8]
    assert real_objects(target_of([]), 9, 12).tolist() == []


@given(
    st.floats(0, 1.5),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4, unique=True),
)
def test_the_window_is_the_smallest_of_whole_pixels(context, size, fractions):
    height, width = size
    x1, x2 = sorted(f * width for f in fractions[:2])
    y1, y2 = sorted(f * height for f in fractions[2:])
    rows, columns = window_around((x1, y1, x2, y2), context, height, width)
    for window, low, high, whole in ((rows, y1, y2, height), (columns, x1, x2, width)):
        more = context * (high - low)
        # A pixel [i, i + 1) is in it if and only if the enlarged box reaches into it.
        inside = [i for i in range(whole) if i + 1 > low - more and i < high + more]
        assert list(range(whole))[window] == inside and inside


@pytest.mark.parametrize("kind", [ObjectCrops, PersonCrops])
@pytest.mark.parametrize("context", [-0.1, np.nan, np.inf])
def test_a_context_that_is_none(kind, context):
    with pytest.raises(ValueError, match=f"^{kind.__name__}: context is .*expected a share"):
        kind(Pictures([target_of([(0, 0, 2, 2)])]), context)
