"""Softmax cross entropy on CUDA is that on the CPU, for few classes and many, weighted or not."""

import numpy as np
import pytest
from cuda_kernels import check_kernel, cupy, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.backend import cpu, cuda, to_numpy
from minicv.backend.cuda.softmax_cross_entropy import MANY_CLASSES
from minicv.testing import strategies

pytestmark = needs_compiler
DTYPES = st.sampled_from([np.float32, np.float64])
LABEL_DTYPES = st.sampled_from([np.int64, np.int32, np.uint8, np.int16])


def check(logits, labels, weight, ignore_index):
    tolerance = 1e-12 if logits.dtype == np.float64 else 2e-6
    tolerances = {"rtol": tolerance, "atol": 5 * tolerance}
    arguments = (logits, labels, weight, ignore_index)
    check_kernel("softmax_cross_entropy_forward", *arguments, **tolerances)
    _, factor, softmax = cpu.softmax_cross_entropy_forward(*arguments)
    grad = factor * np.random.default_rng(0).normal(size=factor.shape).astype(factor.dtype)
    check_kernel(
        "softmax_cross_entropy_backward", grad, softmax, labels, ignore_index, **tolerances
    )


@given(
    samples=st.integers(0, 4),
    classes=st.sampled_from([1, 2, 5, MANY_CLASSES, MANY_CLASSES + 1, 300]),
    pixels=st.sampled_from([0, 1, 3, 260]),
    dtype=DTYPES,
    label_dtype=LABEL_DTYPES,
    weighted=st.booleans(),
    seed=strategies.seeds(),
)
def test_equals_the_cpu(samples, classes, pixels, dtype, label_dtype, weighted, seed):
    if classes > 10 and pixels > 10:
        pixels = 2
    rng = np.random.default_rng(seed)
    logits = rng.uniform(-4, 4, (samples, classes, pixels)).astype(dtype)
    labels = rng.integers(0, min(classes, 250), (samples, pixels)).astype(label_dtype)
    ignore_index = 255 if label_dtype is np.uint8 else -100
    labels[rng.random(labels.shape) < 0.2] = ignore_index
    weight = rng.uniform(0.1, 2, classes) if weighted else None
    check(logits, labels, weight, ignore_index)


@pytest.mark.parametrize("classes", [3, 100])
def test_huge_and_infinite_scores(classes):
    logits = np.full((3, classes, 1), -1e4, np.float32)
    logits[0, 0] = 1e4
    logits[1] = -np.inf
    logits[1, 2] = 0
    check(logits, np.array([[0], [2], [1]]), None, -100)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [3, 100])
def test_infinite_and_missing_scores_that_count_or_not(classes, weighted):
    """Rows of +inf, of two +inf, of -inf alone and of NaN: counted, ignored, or of weight 0."""
    rows = np.zeros((4, classes), np.float32)
    rows[0, 1] = rows[1, :2] = np.inf
    rows[2] = -np.inf
    rows[3, 0] = np.nan
    logits = np.concatenate([rows, rows, rows])[..., None]
    labels = np.repeat([1, -100, 2], 4)[:, None]
    weight = np.ones(classes)
    weight[2] = 0
    check(logits, labels, weight if weighted else None, -100)


def test_arrays_with_gaps():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(6, 5, 4)).transpose(2, 1, 0), rng.integers(0, 5, (6, 8)).T
    check(logits, labels[::2], rng.random((5, 2))[:, 0], 3)


@pytest.mark.parametrize("classes", [4, 100])
@pytest.mark.parametrize("label", [-1, 100, 2**40])
def test_a_label_that_is_no_class_makes_its_own_loss_nan(classes, label):
    """Without a wait, and without reading outside of the arrays."""
    rng = np.random.default_rng(0)
    logits = Tensor(cupy.asarray(rng.normal(size=(3, classes))), requires_grad=True)
    weight = cupy.asarray(np.ones(classes))
    labels = cupy.asarray(np.array([1, label, 2]))
    with cupy.recorded_synchronisations() as reasons:
        losses = F.softmax_cross_entropy(logits, labels, weight, reduction="none")
        mean = F.softmax_cross_entropy(logits, labels, weight)
        mean.backward()
    assert reasons == []
    assert np.isnan(to_numpy(losses.data)).tolist() == [False, True, False]
    assert np.isnan(mean.item())


def test_float64_weights_do_not_widen_float32_logits():
    logits = cupy.asarray(np.zeros((1, 2, 1), np.float32))
    results = cuda.softmax_cross_entropy_forward(
        logits, cupy.asarray(np.zeros((1, 1), int)), cupy.asarray(np.ones(2)), -100
    )
    assert {result.dtype for result in results} == {np.dtype(np.float32)}
