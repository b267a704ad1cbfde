"""Shift-and-stitch and à trous: every window's result, equal to the sliding window's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from patch_nets import PATCH_NETS, K, make_patch_net

from minicv import Tensor, no_grad
from minicv.models.segmentation import a_trous, convolutionalize, shift_and_stitch
from minicv.models.segmentation.convolutionalize import total_stride


def sliding_window(net, images, size):
    """Window after window."""
    height, width = (length - size + 1 for length in images.shape[2:])
    y = np.empty((len(images), K, height, width), images.dtype)
    for i, j in np.ndindex(height, width):
        y[:, :, i, j] = net(Tensor(images[:, :, i : i + size, j : j + size])).data
    return y


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-4), ("float64", 1e-10)])
@pytest.mark.parametrize("stride", PATCH_NETS)
@given(height=st.integers(0, 7), width=st.integers(0, 7))
def test_both_ways_equal_the_sliding_window(stride, dtype, rtol, height, width):
    size, net = make_patch_net(stride, dtype)
    dense = convolutionalize(net, (3, size, size))
    shape = (2, 3, size + height, size + width)
    images = np.random.default_rng(0).normal(size=shape).astype(dtype)
    with no_grad():
        expected = sliding_window(net, images, size)
        stitched = shift_and_stitch(dense, Tensor(images), size).data
        holes = a_trous(dense)
        np.testing.assert_allclose(stitched, expected, rtol=rtol, atol=rtol * 1e-1)
        np.testing.assert_allclose(holes(Tensor(images)).data, expected, rtol=rtol, atol=rtol / 10)
    assert total_stride(holes) == 1


def test_gradients_are_those_of_the_windows():
    """The dense net can be trained, and learns what the windows would."""
    size, net = make_patch_net(2, "float64")
    rng = np.random.default_rng(0)
    images, cotangent = rng.normal(size=(1, 3, 12, 11)), rng.normal(size=(1, K, 5, 4))
    for i, j in np.ndindex(5, 4):
        net(Tensor(images[:, :, i : i + size, j : j + size])).backward(cotangent[:, :, i, j])
    expected = [parameter.grad for parameter in net.parameters()]
    dense = convolutionalize(net, (3, size, size))
    holes = a_trous(dense)
    shift_and_stitch(dense, Tensor(images), size).backward(cotangent)
    holes(Tensor(images)).backward(cotangent)
    for way in (dense, holes):
        for parameter, grad in zip(way.parameters(), expected, strict=True):
            np.testing.assert_allclose(parameter.grad.reshape(grad.shape), grad, rtol=1e-9)


def test_an_image_smaller_than_a_patch_is_refused():
    size, net = make_patch_net(2, "float32")
    dense = convolutionalize(net, (3, size, size))
    with pytest.raises(ValueError, match=r"smaller than a patch of 8; see mirror_border"):
        shift_and_stitch(dense, Tensor(np.zeros((1, 3, 7, 20), "f4")), size)
