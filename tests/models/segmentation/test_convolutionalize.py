"""convolutionalize: the dense net equals the sliding window, and refuses what cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from patch_nets import PATCH_NETS, K, make_patch_net

from minicv import Tensor, no_grad
from minicv.models.segmentation import convolutionalize
from minicv.models.segmentation.convolutionalize import (
    convolution_like,
    field_of_view,
    size_after,
    total_stride,
)
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


@given(
    kernel=st.integers(1, 4), stride=st.integers(1, 3), padding=st.integers(0, 1),
    dilation=st.integers(1, 2), height=st.integers(8, 12), width=st.integers(8, 12),
)  # fmt: skip
def test_size_after_is_the_size_after(kernel, stride, padding, dilation, height, width):
    rng = np.random.default_rng(0)
    layer = Conv2d(1, 1, kernel, stride, padding, dilation, rng=rng)
    result = layer(Tensor(np.zeros((1, 1, height, width), "f4"))).shape[2:]
    assert size_after(layer, (height, width)) == result


def layers(*inner, units=K):
    return Sequential(*inner, Flatten(), Linear(units, K, rng=np.random.default_rng(0)))


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (layers(Conv2d(3, 1, 3, padding=1, rng=RNG), units=64), "layer 0, Conv2d.*it pads"),
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
