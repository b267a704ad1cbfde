"""Activations in 16 bits: the block, what enters and leaves it, and kernels without float16."""

import threading

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.backend import use_storage
from minicv.backend.storage import as_stored, computed_in_float32, current_storage


def test_it_nests_ends_with_an_error_and_concerns_its_thread():
    seen = []
    with pytest.raises(ZeroDivisionError), use_storage("float16"):
        with use_storage("float32"):
            assert current_storage() == "float32"
        assert current_storage() == "float16"
        thread = threading.Thread(target=lambda: seen.append(current_storage()))
        thread.start()
        thread.join()
        raise ZeroDivisionError
    assert current_storage() == "float32" and seen == ["float32"]


@pytest.mark.parametrize(
    ("name", "reason"), [("bfloat16", "NumPy has no such dtype"), ("half", "there is none of that")]
)
def test_a_name_that_is_none(name, reason):
    expected = f"use_storage: no storage '{name}', {reason}.*; choose one of float32, float16"
    with pytest.raises(ValueError, match=expected), use_storage(name):
        pass


def test_only_float32_is_narrowed_and_only_within():
    arrays = [np.ones(2, dtype) for dtype in ("float16", "float32", "float64", "int64")]
    assert [as_stored(array) is array for array in arrays] == [True] * 4
    with use_storage("float16"):
        names = [as_stored(array).dtype.name for array in arrays]
    assert names == ["float16", "float16", "float64", "int64"]


def test_a_kernel_without_float16_computes_in_float32():
    def kernel(x, y, number):
        """Of a name."""
        assert {x.dtype.name, y.dtype.name} <= {"float32", "int64"}
        return x * number, y

    run = computed_in_float32(kernel)
    assert run.__name__ == "kernel" and run.__doc__ == "Of a name."
    product, counts = run(np.float16([2047]), np.int64([5]), 3)  # 6141: float16 has every fourth
    assert product.dtype == np.float16 and product.tolist() == [6140]
    assert counts.dtype == np.int64
    largest, _ = run(np.float16([60000]), np.float16([1]), 2)  # without a warning
    assert largest.tolist() == [np.inf]
    plain = np.float32([1])
    assert run(plain, plain, 1)[1] is plain


def rounded(x):
    return np.asarray(x, np.float32).astype(np.float16).astype(np.float32)


X = np.random.default_rng(0).normal(size=(2, 3, 5, 6)).astype(np.float32)
WEIGHT = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)


def in_float16(compute, *arrays):
    with use_storage("float16"), no_grad():
        return compute(*map(Tensor, arrays)).data


@pytest.mark.parametrize(
    ("compute", "arrays"),
    [
        (F.conv2d, (X, WEIGHT)),
        (F.conv2d, (X, WEIGHT, np.float32([1, 0.1, 0.01, 0.001]))),
        (lambda *a: F.conv_norm_relu(*a, activation="relu"), (X, WEIGHT, WEIGHT[:, 0, 0, 0])),
        (F.conv_transpose2d, (X, WEIGHT.transpose(1, 0, 2, 3))),
        (F.linear, (X, WEIGHT[:, 0].reshape(6, 6))),
    ],
    ids=["conv2d", "with a bias", "conv_norm_relu", "conv_transpose2d", "linear"],
)
def test_a_layer_rounds_its_input_its_weight_and_its_result(compute, arrays):
    y = in_float16(compute, *arrays)
    x, weight, *others = arrays
    expected = compute(*map(Tensor, (rounded(x), rounded(weight), *others))).data
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y.astype(np.float32), rounded(expected))
    assert np.abs(y - compute(*map(Tensor, arrays)).data).max() < 0.02


@pytest.mark.parametrize(
    "compute",
    [
        F.relu,
        F.relu6,
        lambda x: x + x[:, :, ::-1],
        lambda x: F.concatenate([x, x], dim=1),
        lambda x: F.stack([x, x]),
        lambda x: x.reshape(2, -1),
        lambda x: x.permute(1, 0, 2, 3),
        lambda x: F.pad(x, (1, 2)),
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
        lambda x: F.unpool_nearest(x, 2),
    ],
)
def test_what_comes_between_layers_leaves_float16_as_it_is(compute):
    half = X.astype(np.float16)
    y = in_float16(compute, half)
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y, rounded(compute(Tensor(half.astype(np.float32))).data))
    assert compute(Tensor(half)).dtype == np.float32  # outside of the block
    assert in_float16(compute, X).dtype == np.float32  # nothing but layers narrows


@pytest.mark.parametrize(
    "compute", [F.exp, lambda x: F.softmax(x, dim=1), lambda x: x.sum(), lambda x: x * 2]
)
def test_everything_else_takes_float16_and_gives_float32(compute):
    half = X.astype(np.float16)
    y = in_float16(compute, half)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, compute(Tensor(half)).data)


def test_beside_float32_a_sum_is_float32():
    both = in_float16(lambda x, y: x + y, X.astype(np.float16), X)
    assert both.dtype == np.float32
    np.testing.assert_array_equal(both, X.astype(np.float16) + X)


def test_float64_stays():
    assert in_float16(F.conv2d, X.astype(float), WEIGHT.astype(float)).dtype == np.float64


def test_nothing_is_recorded_for_a_gradient():
    x = Tensor(X, requires_grad=True)
    with use_storage("float16"), pytest.raises(RuntimeError, match="Relu: use_storage is for pred"):
        F.relu(x)
