"""Arguments of a wrong type: each operation names the argument and says what to write."""

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F
from minicv.functional.arguments import (
    as_inputs,
    as_number,
    as_whole_number,
    as_whole_numbers,
    check_constant,
    check_tensor,
)

pytestmark = pytest.mark.host_only
X = np.ones((2, 3))
MAPS = np.ones((1, 1, 4, 4))
LABELS = np.array([0, 1])
BOX = np.array([[0.0, 0.0, 2.0, 2.0]])

WRONG = {
    "pad 1": (lambda: F.pad(X, 1), r"pad: pad must be .* but is 1; write \(left, right\)"),
    "pad None": (lambda: F.pad(X, None), "pad: pad must be a tuple of whole numbers but is None"),
    "pad 1.5": (lambda: F.pad(X, (1.5, 1)), "pad: pad must be a tuple of whole numbers"),
    "pad value": (lambda: F.pad(X, (1, 1), value="a"), "pad: value must be a number but is 'a'"),
    "clip": (lambda: F.clip(X, "a"), "clip: min must be a number but is 'a'"),
    "clip array": (lambda: F.clip(X, 0, X), "clip: max must be a number"),
    "clip tensor": (lambda: F.clip(X, Tensor(1.0)), "clip: min must be a number"),
    "slope": (lambda: F.leaky_relu(X, None), "leaky_relu: negative_slope must be a number"),
    "dropout": (lambda: F.dropout(X, "a"), "dropout: p must be a number but is 'a'"),
    "beta": (lambda: F.smooth_l1(X, X, "a"), "smooth_l1: beta must be a number but is 'a'"),
    "margin": (lambda: F.multiclass_hinge(X, LABELS, "a"), "multiclass_hinge: margin must be a"),
    "lrn": (lambda: F.local_response_norm(X, "a"), "local_response_norm: size must be a number"),
    "sum 1.0": (lambda: F.sum(X, 1.0), "sum: dim must be a whole number, .* but is 1.0"),
    "sum True": (lambda: F.sum(X, True), "sum: dim must be a whole number, .* but is True"),
    "mean text": (lambda: F.mean(X, "a"), "mean: dim must be a whole number"),
    "max None in it": (lambda: F.max(X, (0, None)), "max: dim must be a whole number"),
    "softmax None": (lambda: F.softmax(X, None), "softmax: dim must be one whole number"),
    "softmax two": (lambda: F.softmax(X, (0, 1)), "softmax: dim must be one whole number"),
    "log_softmax": (lambda: F.log_softmax(X, 1.0), "log_softmax: dim must be one whole number"),
    "concatenate": (lambda: F.concatenate([X, X], None), "concatenate: dim must be one whole"),
    "concatenate None": (lambda: F.concatenate(None), "concatenate: tensors must be a list"),
    "concatenate one": (lambda: F.concatenate([X, None]), "Concatenate: input 1 is None"),
    "stack": (lambda: F.stack([X, X], (0,)), r"stack: dim must be one whole number but is \(0,\)"),
    "stack a number": (lambda: F.stack(3.0), "stack: tensors must be a list of tensors"),
    "reshape": (lambda: F.reshape(X, 6.0), "reshape: shape must be a tuple of whole numbers"),
    "reshape None": (lambda: F.reshape(X, None), "reshape: shape must be a tuple of whole"),
    "permute": (lambda: F.permute(X, None), "permute: dims must be a tuple of whole numbers"),
    "transpose": (lambda: F.transpose(X, 0, "a"), "transpose: dim1 must be one whole number"),
    "transpose None": (lambda: F.transpose(None, 0, 1), "transpose: x must be a Tensor or an arr"),
    "flatten": (lambda: F.flatten(X, None), "flatten: start_dim must be one whole number"),
    "flatten None": (lambda: F.flatten(None), "flatten: x must be a Tensor or an array"),
    "relu": (lambda: F.relu(None), "Relu: input 0 is None"),
    "linear": (lambda: F.linear(X, None), "Linear: input 1 is None"),
    "labels": (lambda: F.softmax_cross_entropy(X, Tensor(LABELS)), "labels must be a plain array"),
    "labels list": (lambda: F.multiclass_hinge(X, [0, 1]), "labels: expected a NumPy or CuPy"),
    "targets": (lambda: F.binary_hinge(X[0], [1, 1, -1]), "targets: expected a NumPy or CuPy"),
    "weight": (lambda: F.softmax_cross_entropy(X, LABELS, [1, 2, 3]), "weight: expected a NumPy"),
    "ignored": (
        lambda: F.softmax_cross_entropy(X, LABELS, ignore_index=None),
        "softmax_cross_entropy: ignore_index must be a whole number but is None",
    ),
    "indices": (lambda: F.max_unpool2d(MAPS, None, 2), "max_unpool2d: indices: expected a NumPy"),
    "levels": (lambda: F.spatial_pyramid_pool(MAPS, 2), "levels must be a tuple of whole numbers"),
    "level": (lambda: F.spatial_pyramid_pool(MAPS, ("a",)), "a level must be a number but is 'a'"),
    "scale": (lambda: F.roi_pool(MAPS, BOX, [0], 2, "a"), "roi_pool: spatial_scale must be a num"),
    "samples": (lambda: F.roi_align(MAPS, BOX, [0], 2, 1.0, "a"), "sampling_ratio must be a whole"),
    "sample": (lambda: F.roi_align(MAPS, BOX, [0], 2, 1.0, 1.5), "sampling_ratio .* but is 1.5"),
    "choice": (lambda: F.where([True], X, 0.0), "where: condition must be .* but is a list"),
    "choice None": (lambda: F.where(np.array([True]), X, None), "Where: input 1 is None"),
    "boxes": (lambda: F.roi_pool(MAPS, BOX.astype(str), [0], 2), "boxes and .* must be numbers"),
    "pool None": (lambda: F.max_pool2d(None, 2), "max_pool2d: x must be a Tensor or an array"),
    "kernel": (lambda: F.conv_transpose2d(MAPS, None), "conv_transpose2d: weight must be a Ten"),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_type_is_named(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_numbers_of_numpy_do_not_widen():
    x = np.ones(3, "float32")
    for number in (np.float64(0.5), np.int64(0), np.float16(0.5)):
        assert F.clip(x, number).dtype == np.float32
        assert F.leaky_relu(x, number).dtype == np.float32
        assert F.pad(x, (1, 1), value=number).dtype == np.float32
        assert F.smooth_l1(x, x, number).dtype == np.float32
        assert F.dropout(x, number, rng=np.random.default_rng(0)).dtype == np.float32


def test_whole_numbers_of_numpy_count():
    assert as_whole_numbers("pad", "pad", np.array([1, 2])) == (1, 2)
    assert as_whole_number("softmax_cross_entropy", "ignore_index", np.int8(-1)) == -1
    assert F.sum(X, np.int64(1)).shape == (2,)
    assert as_number("clip", "min", np.uint8(3)) == 3


def test_inputs_in_a_list_may_come_from_any_iterable():
    assert as_inputs("stack", (x for x in (1, 2))) == [1, 2]
    assert F.stack(Tensor(X)).shape == (2, 3)  # its rows
    with pytest.raises(TypeError, match="stack: tensors must be a list of tensors but is a str"):
        as_inputs("stack", "ab")


def test_constants_and_tensors():
    check_constant("op", "labels", LABELS)
    check_tensor("op", X)
    with pytest.raises(TypeError, match="op: labels must be an array of numbers but has dtype <U1"):
        check_constant("op", "labels", np.array(["a"]))
    with pytest.raises(TypeError, match="op: y must be a Tensor or an array but is a float"):
        check_tensor("op", 1.0, "y")
