"""Windows of boxes, and the scores of many windows put together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.models.segmentation.proposal_ensemble import aggregate_scores, proposal_windows
from minicv.testing import strategies

H, W, K = 9, 12, 3


@given(strategies.boxes(st.integers(0, 6), width=W, height=H))
def test_a_window_is_the_pixels_that_its_box_touches(boxes):
    windows = proposal_windows(boxes, (H, W))
    expected = []
    for x1, y1, x2, y2 in boxes:
        columns = [j for j in range(W) if x1 < j + 1 and x2 > j and x1 < x2]
        rows = [i for i in range(H) if y1 < i + 1 and y2 > i and y1 < y2]
        if rows and columns:
            expected.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    assert windows.tolist() == expected
    assert windows.shape == (len(expected), 4) and windows.dtype == np.int64


def test_wrong_boxes_are_refused():
    with pytest.raises(ValueError, match=r"proposal_windows: boxes expects shape \(N, 4\)"):
        proposal_windows(np.zeros(4), (H, W))
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, np.nan, 2.0, 2.0]])
    with pytest.raises(ValueError, match=r"box 1 is \[0\.0, nan, 2\.0, 2\.0\], expected finite"):
        proposal_windows(boxes, (H, W))
    boxes[0, 2] = np.inf
    with pytest.raises(ValueError, match="box 0 is"):
        proposal_windows(boxes, (H, W))


@given(strategies.boxes(st.integers(1, 6), width=W, height=H), strategies.seeds())
@pytest.mark.parametrize("aggregate", ["max", "mean"])
def test_equals_the_loops(aggregate, boxes, seed):
    windows = proposal_windows(boxes, (H, W))
    rng = np.random.default_rng(seed)
    scores = [rng.normal(size=(K, y2 - y1, x2 - x1)) for x1, y1, x2, y2 in windows.tolist()]
    expected = np.zeros((K, H, W))
    for k, i, j in np.ndindex(K, H, W):
        values = [
            of[k, i - y1, j - x1] if y1 <= i < y2 and x1 <= j < x2 else 0.0
            for (x1, y1, x2, y2), of in zip(windows.tolist(), scores, strict=True)
        ]
        if values:
            expected[k, i, j] = max(values) if aggregate == "max" else sum(values) / len(values)
    result = aggregate_scores(windows, iter(scores), (K, H, W), aggregate)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_without_windows_all_scores_are_zero():
    none = proposal_windows(np.zeros((0, 4)), (H, W))
    assert none.shape == (0, 4)
    result = aggregate_scores(none, [], (K, H, W), "mean")
    assert result.shape == (K, H, W) and not result.any()


def test_unknown_aggregate_is_refused():
    with pytest.raises(ValueError, match="aggregate is 'median', expected 'max' or 'mean'"):
        aggregate_scores(np.zeros((0, 4), int), [], (K, H, W), "median")
