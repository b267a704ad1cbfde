"""Which level a region belongs to: exactly at the borders, beside them, and as in torchvision."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.vision import assign_levels

FIXTURE = np.load(Path(__file__).parent.parent / "fixtures" / "masks_and_joints.npz")
STRIDES = (4, 8, 16, 32)


def square(side, dtype=np.float64):
    return np.array([[0, 0, side, side]], dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("side", "level"), [(112, 1), (224, 2), (448, 3)])
def test_a_border_belongs_to_the_coarser_map(side, level, dtype):
    """So do the numbers one step beside it, for a rounded area must not change the level."""
    below, above = (np.nextafter(dtype(side), dtype(end)) for end in (0, np.inf))
    for one in (side, below, above):
        assert assign_levels(square(one, dtype), STRIDES).tolist() == [level]
    assert assign_levels(square(side * (1 - 1e-5), dtype), STRIDES).tolist() == [level - 1]
    assert assign_levels(square(side * (1 + 1e-5), dtype), STRIDES).tolist() == [level]


def test_a_level_is_rounded_down_never_to_the_nearest():
    boxes = np.concatenate([square(side) for side in (100, 200, 223, 300, 400, 447, 1e5)])
    assert assign_levels(boxes, STRIDES).tolist() == [0, 1, 1, 2, 2, 2, 3]


def test_an_oblong_box_counts_by_its_area():
    boxes = np.array([[7.0, 5, 7 + 448, 5 + 112], [-9, 0, 12535, 1], [0, 0, 1, 12543]])
    assert assign_levels(boxes, STRIDES).tolist() == [2, 1, 0]  # 224², 112², just below 112²


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0.5, 2000), st.floats(0.5, 2000)), max_size=9),
    st.sampled_from([(4, 8, 16, 32), (8, 16), (16,), (2, 4, 8, 16, 32, 64)]),
    st.sampled_from([(224.0, 16), (80.0, 16), (224.0, 4)]),
)
def test_against_the_formula(xp, places, strides, canonical):
    size, stride = canonical
    boxes = np.array([[x, 3, x + w, 3 + h] for x, w, h in places]).reshape(-1, 4)
    expected = []
    for x1, y1, x2, y2 in boxes:
        k = math.floor(
            math.log2(stride) + math.log2(math.sqrt((x2 - x1) * (y2 - y1)) / size) + 1e-6
        )
        nearest = min(max(2.0**k, strides[0]), strides[-1])
        expected.append(strides.index(nearest))
    levels = assign_levels(xp.asarray(boxes), strides, canonical_size=size, canonical_stride=stride)
    assert levels.dtype == np.int64
    assert to_numpy(levels).tolist() == expected


def test_as_torchvision_assigns():
    """Borders, up to 24 steps of float32 on either side, and boxes of all shapes."""
    regions = FIXTURE["regions"]
    assert regions.dtype == np.float32
    np.testing.assert_array_equal(assign_levels(regions, STRIDES), FIXTURE["levels"])
    pooled = assign_levels(np.clip(regions, 0, 1000), STRIDES)
    np.testing.assert_array_equal(pooled, FIXTURE["pooled_from"])
    assert np.bincount(FIXTURE["levels"]).min() > 20


def test_boxes_without_an_area_belong_to_the_finest_map(xp):
    boxes = np.array([[5.0, 5, 5, 900], [900, 900, 1, 1], [0, 0, np.nan, 9], [0, 0, 0, 0]])
    assert to_numpy(assign_levels(xp.asarray(boxes), STRIDES)).tolist() == [0, 0, 0, 0]
    assert assign_levels(xp.zeros((0, 4)), STRIDES).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros(4), STRIDES), {}, "boxes expects shape"),
        ((np.zeros((1, 4)), (4, 16)), {}, r"twice the one before but is \[4, 16\]"),
        ((np.zeros((1, 4)), (16, 8)), {}, "twice the one before"),
        ((np.zeros((1, 4)), (6, 12)), {}, r"strides expects powers of two but is \(6, 12\)"),
        ((np.zeros((1, 4)), ()), {}, "strides expects"),
        ((np.zeros((1, 4)), STRIDES), {"canonical_stride": 15}, "canonical_stride expects"),
        ((np.zeros((1, 4)), STRIDES), {"canonical_size": 0.0}, "canonical_size expects"),
    ],
)
def test_bad_settings_are_named(arguments, options, message):
    with pytest.raises(ValueError, match=f"assign_levels: .*{message}"):
        assign_levels(*arguments, **options)
