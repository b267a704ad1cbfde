"""Offsets and boxes on CUDA are those of the CPU."""

import numpy as np
import pytest
from cuda_kernels import check_kernel, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import cpu

pytestmark = needs_compiler
WEIGHTS = [(1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)]
DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-12}  # exp and log are those of another library


def random_boxes(rng, shape, dtype):
    corner = rng.uniform(0, 40, (*shape, 2))
    return np.concatenate([corner, corner + rng.uniform(1, 20, (*shape, 2))], -1).astype(dtype)


@pytest.mark.parametrize("weights", WEIGHTS)
@given(st.sampled_from([0, 1, 7, 300]), st.sampled_from(DTYPES), st.integers(0, 1000))
def test_encode(weights, count, dtype, seed):
    rng = np.random.default_rng(seed)
    boxes, proposals = (random_boxes(rng, (count,), dtype) for _ in range(2))
    near = {"rtol": TOLERANCE[dtype], "atol": 10 * TOLERANCE[dtype]}
    check_kernel("encode_boxes", boxes, proposals, weights, **near)


@pytest.mark.parametrize("weights", WEIGHTS)
@given(st.sampled_from([0, 1, 7, 100]), st.integers(0, 4), st.sampled_from(DTYPES))
def test_decode(weights, count, classes, dtype):
    """Offsets of one class, or of several; some so large that the limit of the logarithm holds."""
    rng = np.random.default_rng(count)
    shape = (count, 4) if classes == 0 else (count, classes - 1, 4)
    deltas, proposals = rng.normal(0, 9, shape).astype(dtype), random_boxes(rng, (count,), dtype)
    near = {"rtol": TOLERANCE[dtype], "atol": 400 * TOLERANCE[dtype]}
    check_kernel("decode_boxes", deltas, proposals, weights, **near)


@pytest.mark.parametrize("dtype", DTYPES)
def test_clip_and_what_is_large(dtype):
    rng = np.random.default_rng(0)
    boxes = rng.choice([-3, 0, 2.5, 7, 9, np.inf, -np.inf, np.nan], (5, 60, 4)).astype(dtype)
    check_kernel("clip_boxes", boxes, 7.0, 9.0)
    finite = np.nan_to_num(boxes, nan=0, posinf=20, neginf=-20)
    check_kernel("large_boxes", finite, 2.5)


@pytest.mark.parametrize("dtype", DTYPES)
@given(st.integers(0, 1000), st.sampled_from([(1, 5, 5), (2, 90, 17), (3, 4, 0)]))
def test_candidates(dtype, seed, shape):
    rng = np.random.default_rng(seed)
    images, anchors, chosen = shape
    numbers = np.stack([rng.permutation(anchors)[:chosen] for _ in range(images)])
    sizes = [(30.0 + i, 50.0 - i) for i in range(images)]
    logits = rng.normal(0, 40, (images, anchors)).astype(dtype)
    deltas = rng.normal(0, 1, (images, anchors, 4)).astype(dtype)
    boxes = random_boxes(rng, (anchors,), dtype)
    near = {"rtol": TOLERANCE[dtype], "atol": 200 * TOLERANCE[dtype]}
    arguments = (logits, deltas, boxes, numbers.astype(np.int64), sizes)
    # No side of a random box is close to the limit.
    found, _, _ = cpu.decode_candidates(*arguments, 3.0)
    sides = found[..., 2:] - found[..., :2]
    limit = 3.0 if abs(sides - 3).min(initial=9) > 1e-3 else 0.0
    check_kernel("decode_candidates", *arguments, limit, **near)
