"""Arrays in one piece: views that keep shape and value, aligned, and recognised again."""

import cupy_stand_in
import numpy as np
import pytest
from cupy_devices import CUPYS

from minicv.backend import to_numpy
from minicv.optim.joined import ALIGNMENT, Joined, join, whole_of

ARRAYS = [np.arange(6.0).reshape(2, 3), np.zeros((0, 4)), np.array(7.0), np.ones(ALIGNMENT)]


@pytest.mark.parametrize("xp", [np, cupy_stand_in])
def test_parts_are_views_with_the_same_values(xp):
    arrays = [xp.asarray(array) for array in ARRAYS]
    joined = Joined(arrays)
    for part, array in zip(joined.parts, ARRAYS, strict=True):
        assert part.shape == array.shape
        assert np.array_equal(to_numpy(part), array)
    assert joined.whole.shape == (3 * ALIGNMENT,)
    assert np.array_equal(to_numpy(join(arrays)), to_numpy(joined.whole))
    joined.whole += 1
    assert to_numpy(joined.parts[2]) == 8
    assert np.array_equal(to_numpy(arrays[2]), 7)  # a copy


def test_each_part_is_aligned_and_gaps_are_zero():
    joined = Joined([np.ones(5), np.ones(3)])
    starts = [part.ctypes.data - joined.whole.ctypes.data for part in joined.parts]
    assert starts == [0, 8 * ALIGNMENT]
    assert joined.whole.sum() == 8


def test_an_array_put_in_the_place_of_a_part_is_noticed():
    joined = Joined([np.ones(5), np.ones(3)])
    assert joined.holds(joined.parts)
    assert not joined.holds([joined.parts[0], joined.parts[1].copy()])
    assert not joined.holds(joined.parts[:1])


def test_memory_in_any_order():
    array = np.asfortranarray(ARRAYS[0])
    assert np.array_equal(Joined([array]).parts[0], array)


@pytest.mark.parametrize("cupy", CUPYS)
def test_arrays_that_are_joined_already_are_found(cupy):
    """None is always a right answer; the arrays of the stand-in have no address."""
    joined = Joined([cupy.asarray(np.full(shape, 2.0)) for shape in ((2, 3), (70,), (1,))])
    found = whole_of(joined.parts[1:])
    if cupy is not cupy_stand_in:
        found *= 5
        assert [to_numpy(part).sum() for part in joined.parts] == [12.0, 700.0, 10.0]
    for others in (joined.parts[::-1], [joined.parts[0].T], [joined.parts[0].copy()]):
        assert whole_of(others) is None
    assert whole_of([np.zeros(3)]) is None
