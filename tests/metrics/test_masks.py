"""The mask metrics' input and overlaps: against whole arrays, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics.masks import check_sizes, mask_overlaps, read_masks
from minicv.vision.mask_runs import mask_runs


def prediction(**changes):
    masks = np.zeros((2, 4, 5), bool)
    masks[1, 0, :3] = True
    return {"masks": masks, "scores": [0.2, 0.5], "labels": [0, 1], **changes}


def target(**changes):
    return {"masks": np.ones((1, 4, 5), bool), "labels": [2], **changes}


@given(seed=st.integers(0, 100_000), density=st.sampled_from([0.0, 0.3, 1.0]))
def test_overlaps_against_arrays(seed, density):
    rng = np.random.default_rng(seed)
    found, there = rng.random((3, 4, 5)) < density, rng.random((2, 4, 5)) < 0.5
    crowd = rng.random(2) < 0.5
    expected = np.zeros((3, 2))
    for i, a in enumerate(found):
        for j, b in enumerate(there):
            whole = a.sum() if crowd[j] else (a | b).sum()
            expected[i, j] = (a & b).sum() / whole if whole else 0
    overlaps = mask_overlaps(mask_runs(found), mask_runs(there), crowd)
    assert overlaps.tolist() == expected.tolist()


def test_best_first_and_absent_fields_are_filled_in():
    (found,), (there,) = read_masks([prediction()], [target(area=None, name="cow")], "test")
    assert found.labels.tolist() == [1, 0] and found.masks.area().tolist() == [3, 0]
    assert there.area.tolist() == [20.0]
    assert there.difficult.tolist() == there.iscrowd.tolist() == [False]
    given = {"difficult": [1], "iscrowd": np.array([True]), "area": [3]}
    _, (there,) = read_masks([prediction()], [target(**given)], "test")
    assert (there.difficult[0], there.iscrowd[0], there.area[0]) == (True, True, 3.0)


def test_no_masks_fit_any_size():
    one, none = mask_runs(np.ones((1, 4, 5), bool)), mask_runs(np.ones((0, 9, 9), bool))
    check_sizes(one, none, "found", "there")
    check_sizes(none, one, "found", "there")
    with pytest.raises(ValueError, match=r"found are of 4 x 5 pixels .* but there of 5 x 4;"):
        check_sizes(one, mask_runs(np.ones((1, 5, 4), bool)), "found", "there")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"masks": np.ones((4, 5), bool)},
            r"predictions\[1\]\['masks'\] expects shape \(n, H, W\)",
        ),
        ({"masks": np.full((2, 4, 5), 0.5)}, r"predictions\[1\]\['masks'\] expects 0 or 1"),
        (
            {"scores": [1.0]},
            r"predictions\[1\]\['scores'\] expects one value per object, shape \(2",
        ),
        ({"labels": [0, -1]}, r"predictions\[1\]\['labels'\] expects whole numbers"),
        ({"masks": np.ones((2, 5, 4), bool)}, r"predictions\[1\]\['masks'\] are of 5 x 4 pixels"),
    ],
)
def test_a_bad_prediction_is_named(changes, message):
    with pytest.raises(ValueError, match=f"test: {message}"):
        read_masks([prediction(), prediction(**changes)], [target()] * 2, "test")


def test_a_bad_target_is_named():
    with pytest.raises(
        ValueError, match=r"test: targets\[0\] has no field 'masks'; it has \['area'"
    ):
        read_masks([prediction()], [{"area": 1}], "test")
    with pytest.raises(ValueError, match=r"targets\[0\]\['area'\] expects one value per object"):
        read_masks([prediction()], [target(area=[1, 2])], "test")
    with pytest.raises(ValueError, match="1 predictions and 2 targets"):
        read_masks([prediction()], [target()] * 2, "test")
