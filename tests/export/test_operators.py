"""Every operation of minicv.functional: what its ONNX nodes compute, or why it has none."""

import numpy as np
import onnx_in_numpy
import pytest
from operation_cases import CASES, all_functions

from minicv import Tensor
from minicv import functional as F
from minicv.export import ExportError
from minicv.export.onnx_file import onnx_bytes
from minicv.export.replay import replay

LOSSES = {
    "BinaryCrossEntropyWithLogits",
    "BinaryHinge",
    "KLDivergence",
    "L1Loss",
    "L2Loss",
    "MulticlassHinge",
    "SmoothL1",
    "SoftmaxCrossEntropy",
}
REFUSED = {
    "BatchNorm": "eval()",
    "Dropout": "eval()",
    "RoIAlign": "suppression",
    "RoIPool": "suppression",
    **dict.fromkeys(LOSSES, "no ONNX operator"),
}
# Cases of an operation that cannot be written in this form, and what the message says.
REFUSED_FORMS = {
    "max_unpool2d": "poolings of the network",  # its places are a constant
    "local_response_norm": "odd sizes",  # its size is 2
}


def graph_of(apply, array):
    """The graph of an operation on one array, which is cut out of the image, and its result."""
    flat = np.asarray(array, np.float32).ravel()
    image = Tensor(flat[None], requires_grad=True)
    y = apply(image[0].reshape(array.shape))
    if y.requires_grad is False:
        raise AssertionError("the result does not depend on the image")
    return replay(image, {"y": y}), image.data, y.data


def in_onnxruntime(graph, image, opset=17):
    pytest.importorskip("onnx", reason="the package onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    session = runtime.InferenceSession(
        onnx_bytes(graph, opset, {}), providers=["CPUExecutionProvider"]
    )
    return session.run(["y"], {"image": image})[0]


def calls():
    """(name, one-array call, array): each case with each of its inputs as the array."""
    for case in CASES:
        for index in range(len(case.inputs)):
            yield pytest.param(case, index, id=f"{case}, input {index}")


def called(case, index):
    inputs = [np.asarray(array, np.float32) for array in case.inputs]
    constants = [c.astype(np.float32) if c.dtype.kind == "f" else c for c in case.constants]

    def apply(x):
        own = [x if i == index else Tensor(array) for i, array in enumerate(inputs)]
        return case.apply(*own, *constants)

    return apply, inputs[index]


def written(case, index):
    """The graph, or None for what must be refused and is."""
    name = case.function.__name__
    try:
        graph, image, y = graph_of(*called(case, index))
    except ExportError as error:
        told = REFUSED.get(name) or REFUSED_FORMS.get(str(case))
        if told is None and index > 0:
            told = "fixed weights"  # a weight that depends on the image
        assert told is not None and told in str(error), error
        return None
    assert name not in REFUSED
    return graph, image, y


@pytest.mark.parametrize(("case", "index"), list(calls()))
def test_nodes_compute_what_the_operation_computes(case, index):
    result = written(case, index)
    if result is None:
        return
    graph, image, y = result
    found = onnx_in_numpy.run(graph, image)["y"]
    assert found.shape == y.shape
    np.testing.assert_allclose(found, y, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("case", "index"), list(calls()))
def test_onnxruntime_agrees(case, index):
    result = written(case, index)
    if result is None:
        return
    graph, image, y = result
    found = in_onnxruntime(graph, image)
    assert found.shape == y.shape
    np.testing.assert_allclose(found, y, rtol=1e-4, atol=1e-5)


X = (2, 3, 7, 10)
ROWS = np.array([3, 0, -1, 3])
FORMS = {
    "a pooling that rounds up, odd sizes": (lambda x: F.max_pool2d(x, 2, ceil_mode=True), X),
    "and with padding": (lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), X),
    "and with a window less, which began in the padding": (
        lambda x: F.max_pool2d(x, 2, 3, 1, ceil_mode=True),
        (1, 2, 8, 5),
    ),
    "a pooling with holes": (lambda x: F.max_pool2d(x, 2, 1, dilation=(3, 2)), X),
    "a pooling of one cell": (lambda x: F.max_pool2d(x, 1, stride=2), X),
    "means with padding that counts": (lambda x: F.avg_pool2d(x, 3, 2, 1), X),
    "means without": (lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), X),
    "means beyond the padding": (
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        (1, 2, 8, 8),
    ),
    "global mean": (lambda x: F.adaptive_avg_pool2d(x, 1), X),
    "even bins": (lambda x: F.adaptive_avg_pool2d(x, (7, 5)), X),
    "uneven bins": (lambda x: F.adaptive_avg_pool2d(x, (3, 4)), X),
    "more bins than cells": (lambda x: F.adaptive_avg_pool2d(x, (9, 12)), X),
    "global maximum": (lambda x: F.adaptive_max_pool2d(x, 1), X),
    "maxima of even bins": (lambda x: F.adaptive_max_pool2d(x, (7, 5)), X),
    "maxima of uneven bins": (lambda x: F.adaptive_max_pool2d(x, (3, 4)), X),
    "a pyramid of poolings": (lambda x: F.spatial_pyramid_pool(x, (1, 2, 3)), X),
    "larger": (lambda x: F.resize_bilinear(x, (13, 21)), X),
    "smaller": (lambda x: F.resize_bilinear(x, (4, 3)), X),
    "corners on corners": (lambda x: F.resize_bilinear(x, (13, 4), align_corners=True), X),
    "a factor that is not that of the sizes": (
        lambda x: F.resize_bilinear(x, (17, 25), False, (2.5, 2.5)),
        X,
    ),
    "nearest by two factors": (lambda x: F.unpool_nearest(x, (2, 3)), X),
    "bed of nails by two factors": (lambda x: F.unpool_bed_of_nails(x, (2, 3)), X),
    "an odd size that was pooled and unpooled": (lambda x: pooled_and_unpooled(x, 2), X),
    "and with windows that overlap": (lambda x: pooled_and_unpooled(x, 3, 2), X),
    "cut": (lambda x: x[:, :, :5, 1:9], X),
    "backwards and by steps": (lambda x: x[:, ::-1, ::3, -2:0:-2], X),
    "numbers, None and the rest": (lambda x: x[1, None, ..., -2], X),
    "rows by number": (lambda x: x[:, :, ROWS], X),
    "all": (lambda x: x[:], X),
    "an empty margin": (lambda x: F.pad(x, (0, 0)) + 0.0, X),
    "margins and a value": (lambda x: F.pad(x, (1, 2, 0, 3), value=-1.5), X),
    "flat": (lambda x: F.flatten(x, 1), X),
    "one axis in two": (lambda x: x.reshape(2, 3, 7, 5, 2), X),
    "axes from behind": (lambda x: x.permute(0, -1, 1, -2), X),
    "mean over maps": (lambda x: F.mean(x, dim=(2, 3)), X),
    "mean that keeps its axes": (lambda x: F.mean(x, dim=-1, keepdim=True), X),
    "sum of all": (lambda x: F.sum(x), X),
    "no more than": (lambda x: F.clip(x, max=0.3), X),
    "no less than": (lambda x: F.clip(x, min=0.1), X),
    "a number before": (lambda x: 1.0 / (2.0 - x), X),
    "normalisation of five channels": (
        lambda x: F.local_response_norm(x, 5, alpha=0.5, beta=0.75, k=2.0),
        (1, 8, 2, 3),
    ),
    "layers of vectors in maps": (
        lambda x: F.linear(x, Tensor(np.ones((4, 10), "f")), Tensor(np.arange(4, dtype="f"))),
        X,
    ),
}


def pooled_and_unpooled(x, *window):
    y, places = F.max_pool2d(x, *window, ceil_mode=True, return_indices=True)
    return F.max_unpool2d(F.relu(y) + 1.0, places, output_size=x.shape)


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_operations(name):
    apply, shape = FORMS[name]
    array = np.random.default_rng(0).uniform(-1, 1, shape)
    graph, image, y = graph_of(apply, array)
    found = onnx_in_numpy.run(graph, image)["y"]
    assert found.shape == y.shape
    np.testing.assert_allclose(found, y, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("name", FORMS)
def test_forms_of_operations_in_onnxruntime(name, opset):
    apply, shape = FORMS[name]
    array = np.random.default_rng(0).uniform(-1, 1, shape)
    graph, image, y = graph_of(apply, array)
    if name == "and with windows that overlap" and opset < 16:
        with pytest.raises(ExportError, match="no 'reduction' before opset 16"):
            in_onnxruntime(graph, image, opset)
        return
    found = in_onnxruntime(graph, image, opset)
    assert found.shape == y.shape
    np.testing.assert_allclose(found, y, rtol=1e-4, atol=1e-5)


def test_what_numpy_selects_by_masks_is_refused():
    with pytest.raises(ExportError, match="an index of masks"):
        graph_of(lambda x: x[np.array([True, False])], np.ones((2, 3)))


def test_means_that_count_beyond_the_padding_are_refused():
    with pytest.raises(ExportError, match="beyond the padding"):
        graph_of(lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), np.ones((1, 1, 8, 8)))


def test_every_operation_is_written_or_refused():
    names = {function.__name__ for function in all_functions()}
    assert REFUSED.keys() <= names
    tried = {case.function.__name__ for case in CASES}
    assert tried == names
