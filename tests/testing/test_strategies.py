"""The strategies keep what they promise: gaps, layouts, distinct sizes, proper boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from minicv.testing import strategies


@given(st.data())
def test_shapes(data):
    shape = data.draw(strategies.shapes(min_dims=2, max_dims=3, max_side=4))
    assert 2 <= len(shape) <= 3
    assert all(1 <= side <= 4 for side in shape)


def test_shapes_may_be_empty_only_when_allowed():
    find(strategies.shapes(allow_empty=True), lambda shape: 0 in shape, settings=_quick())
    with pytest.raises(NoSuchExample):
        find(strategies.shapes(), lambda shape: 0 in shape, settings=_quick())


@given(strategies.distinct_sizes(4, low=2, high=6))
def test_distinct_sizes(sizes):
    assert len(set(sizes)) == len(sizes) == 4
    assert all(2 <= size <= 6 for size in sizes)


@given(strategies.arrays(strategies.shapes(allow_empty=True), low=-1, high=3))
def test_arrays_stay_within_their_limits(array):
    assert array.dtype == np.float64
    assert ((array >= -1) & (array <= 3)).all()


@given(strategies.arrays((2, 3), dtype=np.float32))
def test_arrays_take_a_fixed_shape_and_a_dtype(array):
    assert array.shape == (2, 3)
    assert array.dtype == np.float32


@given(strategies.distinct_arrays(strategies.shapes(allow_empty=True), scale=3.0))
def test_distinct_arrays_keep_a_gap_between_values_and_around_zero(array):
    gap = 0.5 * 3.0 / max(array.size, 1)
    values = np.sort(array.ravel())
    assert (np.diff(values) >= 0.99 * gap).all()
    assert (np.abs(values) >= 0.49 * gap).all()
    assert (np.abs(values) <= 3.0 + gap).all()


@given(st.data())
def test_layouts_have_the_same_values(data):
    array = data.draw(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)))
    other = data.draw(strategies.layouts(array))
    assert other.dtype == array.dtype
    np.testing.assert_array_equal(other, array)
    assert not np.shares_memory(other, array)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_layouts_of_any_dtype_reach_all_four_kinds_of_memory(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    kinds = {
        "C order": lambda a: a.flags.c_contiguous,
        "Fortran order": lambda a: a.flags.f_contiguous,
        "every second": lambda a: a.strides[1] == 2 * a.itemsize,
        "reversed": lambda a: a.strides[0] < 0,
    }
    for kind in kinds.values():
        found = find(strategies.layouts(array), kind, settings=_quick())
        np.testing.assert_array_equal(found, array)


@given(strategies.boxes(st.integers(0, 6), width=20, height=10))
def test_boxes(boxes):
    assert boxes.ndim == 2
    assert boxes.shape[1] == 4
    assert (boxes[:, 2] >= boxes[:, 0]).all()
    assert (boxes[:, 3] >= boxes[:, 1]).all()
    assert (boxes[:, 0::2] >= -5.5).all()
    assert (boxes[:, 0::2] <= 25).all()


@pytest.mark.parametrize(
    "kind",
    [
        lambda box: box[2] == box[0],
        lambda box: box[0] < 0,
        lambda box: box[2] > 20,
        lambda box: (2 * box == np.floor(2 * box)).all(),
        lambda box: 0 < box[0] < box[2] < 20,
    ],
    ids=["degenerate", "outside to the left", "outside to the right", "half pixels", "inside"],
)
def test_boxes_of_every_kind_occur(kind):
    boxes = strategies.boxes(8, width=20, height=10)
    found = find(boxes, lambda drawn: any(kind(box) for box in drawn), settings=_quick())
    assert any(kind(box) for box in found)


@given(strategies.seeds())
def test_seeds_are_taken_by_a_generator(seed):
    np.random.default_rng(seed)
    assert 0 <= seed < 2**31


def _quick() -> settings:
    return settings(max_examples=200, database=None)
