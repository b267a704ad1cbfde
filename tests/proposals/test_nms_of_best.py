"""The beginning of what suppression of all boxes would give."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.nms_of_best import nms_of_best
from minicv.vision import nms


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 60),
    most=st.integers(1, 20),
    threshold=st.sampled_from([0, 0.3, 0.7, 1]),
)
def test_against_all(seed, count, most, threshold):
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 8, (count, 2))
    boxes = np.concatenate([corner, corner + rng.integers(1, 8, (count, 2))], axis=1).astype(float)
    scores = np.sort(rng.integers(0, 9, count) / 8)[::-1]
    kept = nms_of_best(boxes, scores, threshold, most)
    assert kept.tolist() == nms(boxes, scores, threshold)[:most].tolist()
