"""From patches to fully convolutional: every answer is the sliding window's, and its price."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from patch_nets import PATCH_NETS, K, make_patch_net

from minicv import Tensor, no_grad
from minicv.models.counting_multiplications import counting_multiplications
from minicv.models.segmentation import (
    a_trous,
    convolutionalize,
    count_of_every_window,
    shift_and_stitch,
)
from minicv.models.segmentation.convolutionalize import (
    convolution_like,
    field_of_view,
    total_stride,
)
from minicv.models.segmentation.patches import cut_patches, mirror_border
from minicv.nn import (
    AvgPool2d,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-4), ("float64", 1e-10)])
@pytest.mark.parametrize("stride", PATCH_NETS)
@given(height=st.integers(0, 13), width=st.integers(0, 13))
def test_the_dense_net_equals_the_window_at_every_position(stride, dtype, rtol, height, width):
    size, net = make_patch_net(stride, dtype)
    dense = convolutionalize(net, (3, size, size))
    assert total_stride(dense) == stride
    shape = (2, 3, size + height, size + width)
    images = np.random.default_rng(0).normal(size=shape).astype(dtype)
    with no_grad():
        y = dense(Tensor(images)).data
        assert y.shape == (2, K, height // stride + 1, width // stride + 1)
        for p, q in np.ndindex(*y.shape[2:]):
            i, j = stride * p, stride * q
            window = net(Tensor(images[:, :, i : i + size, j : j + size])).data
            np.testing.assert_allclose(y[:, :, p, q], window, rtol=rtol, atol=rtol * 1e-1)


@pytest.mark.parametrize("stride", PATCH_NETS)
def test_field_of_view_is_what_a_result_depends_on(stride):
    size, net = make_patch_net(stride, "float64")
    dense = convolutionalize(net, (3, size, size))
    assert field_of_view(dense) == (size, size)
    rng = np.random.default_rng(0)
    x = Tensor(np.abs(rng.normal(size=(20, 3, size + stride, size + stride))), requires_grad=True)
    dense(x)[:, :, 0, 0].sum().backward()
    rows = np.flatnonzero(np.abs(x.grad).sum(axis=(0, 1, 3)))
    assert (rows.min(), rows.max()) == (0, size - 1)


def test_the_weights_are_copies():
    size, net = make_patch_net(4, "float32")
    before = {name: array.copy() for name, array in net.state_dict().items()}
    dense = convolutionalize(net, (3, size, size))
    for parameter in dense.parameters():
        parameter.data += 1
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_convolution_like_keeps_all_else():
    rng = np.random.default_rng(0)
    layer = Conv2d(4, 6, (2, 3), stride=3, dilation=2, groups=2, rng=rng).astype("float64")
    copy = convolution_like(layer)
    assert repr(copy) == repr(layer) and copy.weight.dtype == np.float64
    x = Tensor(rng.normal(size=(1, 4, 9, 10)))
    np.testing.assert_array_equal(copy(x).data, layer(x).data)
    changed = convolution_like(layer, stride=(1, 1), dilation=(4, 4))
    assert (changed.stride, changed.dilation, changed.groups) == ((1, 1), (4, 4), 2)


def layers(*inner, units=K):
    return Sequential(*inner, Flatten(), Linear(units, K, rng=np.random.default_rng(0)))


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (layers(Conv2d(3, 1, 3, padding=1, rng=RNG), units=64), "layer 0, Conv2d.*it pads"),
        (layers(Conv2d(3, 1, 2, padding="same", rng=RNG), units=64), "layer 0, Conv2d.*it pads"),
        (layers(ReLU(), MaxPool2d(3, padding=1), units=27), "layer 1, MaxPool2d.*it pads"),
        (layers(MaxPool2d(3, ceil_mode=True), units=27), "layer 0.*ceil_mode=False"),
        (layers(AvgPool2d(2), units=48), "layer 0, AvgPool2d.*expected convolutions"),
        (layers(MaxPool2d(2), units=50), "layer 2.* 3 maps of 4x4 numbers, but it takes 50"),
        (Sequential(Linear(3, 4, rng=RNG)), "layer 0, Linear.*then Flatten"),
        (Sequential(Flatten(), MaxPool2d(2)), "layer 1, MaxPool2d.*expected"),
        (layers(MaxPool2d(3), units=12), r"of a patch of \(3, 8, 8\) the net sees 6x6 pixels only"),
        (Sequential(MaxPool2d(2)), "gives 4x4 positions .*end with Flatten"),
    ],
)
def test_what_cannot_be_made_dense_is_refused(net, message):
    with pytest.raises(ValueError, match=rf"convolutionalize: .*{message}"):
        convolutionalize(net, (3, 8, 8))


def test_unequal_strides_are_refused():
    with pytest.raises(ValueError, match="4 vertical and 2 horizontal"):
        total_stride(Sequential(MaxPool2d(2), MaxPool2d((2, 1))))


# Every window


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


# What each way costs


@pytest.mark.parametrize("stride", PATCH_NETS)
@pytest.mark.parametrize("size", [(1, 1), (8, 13)])
def test_derived_equals_measured_for_all_four_ways(stride, size):
    patch_size, net = make_patch_net(stride, "float32")
    dense = convolutionalize(net, (3, patch_size, patch_size))
    holes = a_trous(dense)
    image = np.random.default_rng(0).normal(size=(3, *size)).astype("f4")
    bordered = mirror_border(image, patch_size)
    x = Tensor(bordered[None])
    rows, columns = np.divmod(np.arange(size[0] * size[1]), size[1])
    patches = Tensor(cut_patches(bordered, rows, columns, patch_size))
    runs = {
        "sliding_window": (net, lambda: net(patches)),
        "shift_and_stitch": (dense, lambda: shift_and_stitch(dense, x, patch_size)),
        "a_trous": (holes, lambda: holes(x)),
        "every_stride": (dense, lambda: dense(x)),
    }
    derived = count_of_every_window(net, patch_size, size)
    for name, (module, run) in runs.items():
        with no_grad(), counting_multiplications(module) as count:
            run()
        assert count.multiplications == getattr(derived, name), name
