"""Masks as runs of ones: areas and overlaps against whole arrays, and every form of input."""

import time

import cupy_stand_in
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.vision.mask_runs import MaskRuns, mask_runs
from minicv.vision.run_lengths import compress_counts, encode_runs


def coco(masks):
    return [
        {"size": list(mask.shape), "counts": compress_counts(encode_runs(mask))} for mask in masks
    ]


@given(
    seed=st.integers(0, 100_000),
    size=st.tuples(st.integers(1, 7), st.integers(1, 6)),
    counts=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    density=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
)
def test_areas_and_overlaps_against_arrays(seed, size, counts, density):
    rng = np.random.default_rng(seed)
    ours, theirs = (rng.random((count, *size)) < density for count in counts)
    shared = [[int((a & b).sum()) for b in theirs] for a in ours]
    for left, right in ((mask_runs(ours), mask_runs(theirs)), (coco(ours), mask_runs(theirs))):
        left = mask_runs(left)
        assert left.area().tolist() == ours.sum(axis=(1, 2)).tolist()
        found = left.intersection(right)
        assert found.dtype == np.int64 and found.shape == counts
        assert found.tolist() == shared


def test_masks_of_which_a_run_goes_on_in_the_next_column():
    whole, hole = np.ones((2, 3, 4), bool)
    hole[1, 2] = False
    runs = mask_runs(np.stack([whole, hole]))
    assert runs.starts.tolist() == [0, 0, 8] and runs.ends.tolist() == [12, 7, 12]
    assert runs.splits.tolist() == [0, 1, 3]
    assert runs.intersection(runs).tolist() == [[12, 11], [11, 11]]
    assert runs.counts(1).tolist() == encode_runs(hole).tolist() == [0, 7, 1, 4]


def test_some_of_the_masks():
    planes = np.random.default_rng(0).random((4, 5, 6)) < 0.5
    planes[2] = False
    runs = mask_runs(planes)
    areas = planes.sum(axis=(1, 2))
    for chosen in (np.array([3, 0, 2]), np.array([True, False, True, False]), slice(1, 3)):
        some = runs[chosen]
        assert some.area().tolist() == areas[chosen].tolist() and some.size == (5, 6)
        assert some.intersection(runs).tolist() == runs.intersection(runs)[chosen].tolist()
    none = runs[np.zeros(4, bool)]
    assert len(none) == 0 and none.intersection(runs).shape == (0, 4)
    with pytest.raises(IndexError, match="MaskRuns: mask 0 of none"):
        none.counts(0)


def test_every_form_gives_the_same():
    planes = np.random.default_rng(1).random((3, 4, 5)) < 0.5
    plain = [{"size": (4, 5), "counts": encode_runs(mask).tolist()} for mask in planes]
    given_as = [planes, planes.astype(np.uint8), planes.astype(np.float32), plain, coco(planes)]
    given_as += [cupy_stand_in.asarray(planes), mask_runs(planes), list(planes)]
    for masks in given_as:
        runs = mask_runs(masks)
        assert isinstance(runs, MaskRuns) and runs.size == (4, 5)
        assert [runs.counts(n).tolist() for n in range(3)] == [row["counts"] for row in plain]


def test_no_masks_have_no_size():
    for masks in ([], np.zeros((0, 4, 5), bool)):
        runs = mask_runs(masks)
        assert (len(runs), runs.size, runs.area().tolist()) == (0, None, [])
        assert runs.intersection(mask_runs(np.ones((2, 3, 3), bool))).shape == (0, 2)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros((4, 5), bool), r"here expects shape \(n, H, W\), or n dicts .* \(4, 5\) of bool"),
        (np.zeros((1, 4, 5), str), r"of <U1"),
        (np.full((1, 1, 1), 0.3), "here expects 0 or 1 but holds 0.3"),
        ([{"size": [2, 2]}], r"here: mask 0 has no 'counts'; it has \['size'\]"),
        (
            [{"size": [2, 2], "counts": [3]}],
            r"here: mask 0: the runs hold 3 pixels, expected 2 \* 2",
        ),
        ([{"size": [-2, -2], "counts": [4]}], r"size is \[-2, -2\], expected height and width"),
        ([{"size": [2.5, 2], "counts": [5]}], "here: mask 0: .*integer"),
        ([{"size": 4, "counts": [4]}], "here: mask 0: "),
        ([{"size": [2, 2], "counts": "é"}], "here: mask 0: the compressed runs hold"),
        (
            [{"size": [2, 2], "counts": [4]}, {"size": [2, 3], "counts": [6]}],
            r"here: masks of \(2, 2\) and of \(2, 3\)",
        ),
    ],
)
def test_what_is_no_mask(masks, message):
    with pytest.raises(ValueError, match=message):
        mask_runs(masks, "here")


def test_two_sizes():
    with pytest.raises(ValueError, match="masks of 2 x 3 and of 3 x 2 pixels"):
        mask_runs(np.ones((1, 2, 3), bool)).intersection(mask_runs(np.ones((1, 3, 2), bool)))


def test_a_crowded_picture_takes_a_moment():
    """100 discs against 20 on 640 x 480 pixels; some 0.02 s here, of which most is to find runs."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:480, :640]
    centres, radii = rng.uniform(0, 1, (100, 2)) * (480, 640), rng.uniform(10, 90, 100)
    discs = np.array([np.hypot(y - a, x - b) < r for (a, b), r in zip(centres, radii, strict=True)])
    begin = time.perf_counter()
    runs = mask_runs(discs)
    shared = runs.intersection(runs[:20])
    assert time.perf_counter() - begin < 1
    assert runs.starts.nbytes + runs.ends.nbytes < discs.nbytes / 100
    assert shared[37, 11] == (discs[37] & discs[11]).sum()
    assert np.diag(shared).tolist() == discs[:20].sum(axis=(1, 2)).tolist()
