"""Replaying a record: what is written, what is a constant, which pooling an unpooling mirrors."""

import numpy as np
import onnx_in_numpy
import pytest

from minicv import Tensor
from minicv import functional as F
from minicv.export import ExportError
from minicv.export.replay import recorded, replay
from minicv.nn import BatchNorm2d, Conv2d, Module, conv_bn_relu


def picture(*shape):
    array = np.random.default_rng(0).random(shape, np.float32)
    return Tensor(array, requires_grad=True)


def operators(graph):
    return [node.operator for node in graph.nodes]


def test_what_comes_from_weights_alone_is_a_constant():
    image, weight = picture(1, 3, 4, 4), Tensor(np.float32([2.0]), requires_grad=True)
    graph = replay(image, {"y": image * ((weight + 1.0) * 4.0)})
    assert operators(graph) == ["Mul"]
    assert [array.tolist() for array in graph.constants.values()] == [[12.0]]


def test_a_normalisation_is_folded_into_the_convolution():
    class Block(Module):
        def __init__(self):
            self.conv = Conv2d(3, 4, 3, bias=False, rng=np.random.default_rng(0))
            self.bn = BatchNorm2d(4)

    block = Block().eval()
    block.bn.running_var.data = np.float32([1, 2, 3, 4])
    block.bn.running_mean.data = np.float32([4, 3, 2, 1])
    image = picture(2, 3, 5, 5)
    y = conv_bn_relu(image, block.conv, block.bn, activation="relu6")
    graph = replay(image, {"y": y}, block)
    assert operators(graph) == ["Conv", "Clip"]
    scale = 1 / np.sqrt(np.float32([1, 2, 3, 4]) + 1e-5)
    np.testing.assert_allclose(
        graph.constants["conv.weight"], block.conv.weight.data * scale[:, None, None, None]
    )
    np.testing.assert_allclose(onnx_in_numpy.run(graph, image.data)["y"], y.data, atol=1e-5)


def test_one_weight_with_two_normalisations_becomes_two_constants():
    conv = Conv2d(3, 3, 1, bias=False, rng=np.random.default_rng(0))
    one, two = BatchNorm2d(3).eval(), BatchNorm2d(3).eval()
    two.running_var.data = np.float32([4, 4, 4])
    image = picture(1, 3, 2, 2)
    y = conv_bn_relu(conv_bn_relu(image, conv, one), conv, two)
    graph = replay(image, {"y": y}, conv)
    weights = [array for array in graph.constants.values() if array.ndim == 4]
    assert len(weights) == 2 and "weight" in graph.constants
    np.testing.assert_allclose(onnx_in_numpy.run(graph, image.data)["y"], y.data, atol=1e-6)


def test_a_result_that_two_outputs_name_and_the_image_itself():
    image = picture(1, 3, 2, 2)
    y = F.relu(image)
    graph = replay(image, {"a": y, "b": y, "c": image, "d": y + y})
    found = onnx_in_numpy.run(graph, image.data)
    assert list(found) == ["a", "b", "c", "d"]
    for name, expected in (("a", y), ("b", y), ("c", image), ("d", y + y)):
        assert (found[name] == expected.data).all()


def test_an_output_from_outside_of_the_record_is_refused():
    image = picture(1, 3, 2, 2)
    with pytest.raises(ExportError, match=r"the output 'y' does not depend on the image .* \.data"):
        replay(image, {"y": Tensor(image.data * 2)})


def test_operations_come_in_the_order_in_which_they_were_made():
    image = picture(1, 3, 4, 4)
    halves = image * 0.5, image - 1.0
    names = [operation.name for _, operation in recorded([halves[1] + halves[0]])]
    assert names == ["Multiply", "Subtract", "Add"]


def test_each_unpooling_takes_the_places_of_its_own_pooling():
    image = picture(2, 3, 8, 6)
    first, places = F.max_pool2d(image, 2, return_indices=True)
    other, other_places = F.max_pool2d(-image, 2, return_indices=True)
    y = F.max_unpool2d(first, other_places, output_size=(8, 6))
    z = F.max_unpool2d(other, places, output_size=(8, 6))
    graph = replay(image, {"y": y, "z": z})
    found = onnx_in_numpy.run(graph, image.data)
    assert (found["y"] == y.data).all() and (found["z"] == z.data).all()
    assert sum(len(node.outputs) == 2 for node in graph.nodes) == 2  # both poolings give places


def test_a_pooling_without_an_unpooling_gives_no_places():
    image = picture(1, 3, 4, 4)
    y, _ = F.max_pool2d(image, 2, return_indices=True)
    assert len(replay(image, {"y": y}).nodes[0].outputs) == 1


def test_places_that_two_poolings_found_are_refused():
    image = picture(1, 3, 4, 4)
    one, places = F.max_pool2d(image, 2, return_indices=True)
    two = F.max_pool2d(image * 2.0, 2)  # the same places, for this image and for every other
    y = F.max_unpool2d(one + two, places, output_size=(4, 4))
    with pytest.raises(ExportError, match="MaxUnpool2d: 2 poolings"):
        replay(image, {"y": y})


def test_places_in_maps_of_one_pixel_are_the_same_for_every_image():
    image = picture(1, 3, 1, 1)
    once, places = F.max_pool2d(image, 2, ceil_mode=True, return_indices=True)
    twice, _ = F.max_pool2d(once * 2.0, 2, ceil_mode=True, return_indices=True)
    y = F.max_unpool2d(twice, places, output_size=(1, 1))
    found = onnx_in_numpy.run(replay(image, {"y": y}), image.data)
    assert (found["y"] == y.data).all()
