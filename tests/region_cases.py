"""Maps and regions for tests of RoIPool and RoIAlign: proper, degenerate, outside, none at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minicv.testing import strategies


@st.composite
def regions(draw: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int], float]:
    """Maps x with many ties, boxes, the image of each box, an output size and a scale."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shape = draw(st.tuples(*[st.integers(1, most) for most in (3, 6, 7, 9)]))
    count, scale = draw(st.integers(0, 5)), draw(st.sampled_from([1.0, 0.25, 0.3]))
    boxes = draw(strategies.boxes(count, shape[3] / scale, shape[2] / scale)).astype(dtype)
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    turned = rng.random(count) < 0.2
    boxes[turned] = boxes[turned][:, [2, 3, 0, 1]]  # x2 < x1
    images = rng.integers(0, shape[0], count)
    x = rng.integers(-3, 4, shape).astype(dtype)
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 5)))
    return x, boxes, images, size, scale
