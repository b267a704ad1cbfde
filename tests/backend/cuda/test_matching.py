"""Matching on CUDA gives exactly the targets, labels and overlaps of the CPU."""

import numpy as np
import pytest
from cuda_kernels import check_kernel, cupy, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import cpu, cuda

pytestmark = needs_compiler
DTYPES = st.sampled_from([np.float32, np.float64])
RULES = [(0.7, 0.3, 0.0, True), (0.5, 0.5, 0.0, False), (0.5, 0.5, 0.1, False)]


def random_boxes(rng, count, dtype, whole):
    corner, side = rng.uniform(0, 20, (count, 2)), rng.uniform(-1, 9, (count, 2))
    boxes = np.concatenate([corner, corner + side], axis=1)
    return (np.floor(boxes) if whole else boxes).astype(dtype)


def check_equal(targets, boxes, parts, rules):
    moved = cupy.asarray(targets), cupy.asarray(boxes)
    for ours, theirs in zip(
        cuda.match_boxes(*moved, parts, *rules),
        cpu.match_boxes(targets, boxes, parts, *rules),
        strict=True,
    ):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(cupy.asnumpy(ours), theirs)


@pytest.mark.parametrize("rules", RULES)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 300)), min_size=1, max_size=3),
    DTYPES,
    st.integers(0, 1000),
    st.booleans(),
)
def test_images_with_boxes_of_their_own(rules, counts, dtype, seed, whole):
    """Whole-numbered boxes are often twins, degenerate, or tie for a target."""
    rng = np.random.default_rng(seed)
    targets = random_boxes(rng, sum(g for g, _ in counts), dtype, whole)
    boxes = random_boxes(rng, sum(n for _, n in counts), dtype, whole)
    parts, g, n = [], 0, 0
    for targets_here, boxes_here in counts:
        parts.append((slice(g, g + targets_here), slice(n, n + boxes_here)))
        g, n = g + targets_here, n + boxes_here
    check_equal(targets, boxes, parts, rules)
    check_kernel("match_boxes", targets, boxes, parts, *rules)


def test_images_that_share_their_boxes():
    rng = np.random.default_rng(0)
    targets, boxes = random_boxes(rng, 5, np.float32, False), random_boxes(rng, 600, np.float32, 0)
    every = slice(0, 600)
    parts = [(slice(0, 2), every), (slice(2, 2), every), (slice(2, 5), every)]
    check_equal(targets, boxes, parts, RULES[0])


def test_numbers_that_are_not_finite():
    values = [np.nan, np.inf, -np.inf, 0, 1, 2]
    rng = np.random.default_rng(0)
    targets, boxes = rng.choice(values, (6, 4)), rng.choice(values, (300, 4))
    parts = [(slice(0, 3), slice(0, 200)), (slice(3, 6), slice(200, 300))]
    with np.errstate(invalid="ignore"):  # inf - inf
        check_equal(targets, boxes, parts, RULES[0])


def test_the_host_does_not_wait():
    boxes = cupy.asarray(np.eye(4))
    with cupy.recorded_synchronisations() as reasons:
        cuda.match_boxes(boxes, boxes, [(slice(0, 4), slice(0, 4))], *RULES[0])
    assert reasons == []
