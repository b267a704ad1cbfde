r"""From patches to fully convolutional: the same answers for every window, computed once.

Let f be a patch net: (3, P, P) -> K numbers. The sliding window puts f at every position of an
image x: y(i, j) = f(x[:, i : i + P, j : j + P]). Neighbouring windows share nearly all of their
pixels, and f computes everything again for each window. But each layer of f can run over the whole
image once instead: running the layer and then cutting out the window gives the same numbers.

**Convolution.** Without padding, result (a, b) of a convolution with stride t is a sum over the
inputs from (t a, t b) on: g(x)[a, b] = Σ w[u, v] x[t a + u, t b + v]. If the window starts at
(t p, t q), that window's result (a, b) is

    Σ w[u, v] x[t p + t a + u, t q + t b + v] = g(x)[p + a, q + b],

result (p + a, q + b) of the convolution over the image. In words: the convolution of a window is a
window of the convolution, t times closer to the origin. The same holds for **pooling**, with max
for Σ, and for an **activation**, which treats every number by itself.

**Fully connected layer.** It sees a window of the maps before it, C maps of M x M numbers, and
forms Σ W[o, (c, u, v)] m[c, p + u, q + v]. This is a convolution with the same numbers as kernels
(C, M, M). After it a window is one position, so the next fully connected layer is a 1x1
convolution.

A pooling must not leave out the last rows of a window because they do not fill a 2x2 square: in the
image the square would be full, and there would be one result too many. So a patch must be exactly
what the net sees.

Layer after layer, the dense net gives at position (p, q) what the patch net gives for the window
that starts at (s p, s q), where s is the product of all strides. The results are equal; only the
order of the sums may differ.

With padding this is false, because a patch net would see zeros where the dense net sees the image.
So padding is refused. A border is put around the whole image instead, before the net.

The dense net of stride s gives the result of every s-th window. There are two ways to have the
result of every window.

**Shift and stitch.** The windows that start at (a + s p, b + s q) are those of the image without
its first a rows and b columns, at position (p, q). So the s² shifted images together have every
window, and their results are interleaved. The computation that the shifted images share is
repeated for each.

**À trous** ("with holes"). A layer of stride t skips positions. Let the layer step by 1 and keep
all positions. Neighbours of the dense net are then t positions apart. So every later layer reaches
t times as far, with holes between its taps (a dilation of t). Nothing is computed twice, and each
window's result is computed from the same numbers.

Source: Long, Shelhamer & Darrell, Fully convolutional networks (CVPR 2015), sections 3.1 and 3.2;
Sermanet et al., OverFeat (ICLR 2014), sections 3.3 and 3.5; Giusti et al., Fast image scanning with
deep max-pooling convolutional neural networks (ICIP 2013); holes: Holschneider et al. 1989, the
algorithme à trous.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array
from minicv.functional.conv2d import Pair, as_pair
from minicv.models.counting_multiplications import count_multiplications, size_after
from minicv.models.segmentation.upsampling import cut
from minicv.nn import (
    Conv2d,
    Dropout,
    Flatten,
    Identity,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    ReLU6,
    Sequential,
    Sigmoid,
    Tanh,
)

# Layers that treat every number by itself.
ELEMENTWISE = (ReLU, ReLU6, LeakyReLU, Sigmoid, Tanh, Dropout, Identity)


def convolutionalize(patch_net: Sequential, patch_shape: tuple[int, int, int]) -> Sequential:
    """The same computation as a net of convolutions alone, for images of any size.

    The result's position (p, q) is what ``patch_net`` gives for the patch that starts at pixel
    (s p, s q), where s is the `total_stride`: (N, C, H, W) -> (N, K, OH, OW) with
    OH = floor((H - P) / s) + 1. See above for why.

    Args:
        patch_net: `Conv2d` and `MaxPool2d` without padding, activations, `Flatten`, `Linear`:
            (R, C, P, P) -> (R, K).
        patch_shape: (C, P, P) of a patch; the kernels of the first fully connected layer follow
            from it.

    Returns:
        a net with copies of the weights.

    Raises:
        ValueError: a layer that pads, is of none of these kinds, or does not fit; a patch with
            pixels that the net does not see; or a net whose result for a patch is more than one
            position.

    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Conv2d(1, 2, 3, rng=rng), ReLU(), MaxPool2d(2), Flatten(),
    ...                  Linear(8, 5, rng=rng))
    >>> dense = convolutionalize(net, (1, 6, 6))
    >>> image = rng.random((1, 1, 9, 11), dtype="float32")
    >>> dense(Tensor(image)).shape
    (1, 5, 2, 3)
    >>> patch = image[:, :, 2:8, 4:10]  # the window of position (1, 2)
    >>> np.allclose(dense(Tensor(image)).data[:, :, 1, 2], net(Tensor(patch)).data, rtol=1e-5)
    True
    """
    channels, size = patch_shape[0], patch_shape[1:]
    flat = False
    layers: list[Module] = []
    for number, layer in enumerate(patch_net):
        where = f"convolutionalize: layer {number}, {layer!r}"
        if isinstance(layer, (Conv2d, MaxPool2d)) and not flat:
            _refuse_padding(layer, where)
            size = size_after(layer, size)
            if isinstance(layer, Conv2d):
                channels = layer.out_channels
                layer = convolution_like(layer)
            layers.append(layer)
        elif isinstance(layer, Flatten) and not flat:
            flat = True
        elif isinstance(layer, Linear) and flat:
            if layer.in_features != channels * math.prod(size):
                raise ValueError(
                    f"{where}: a patch of {patch_shape} arrives as {channels} maps of "
                    f"{size[0]}x{size[1]} numbers, but it takes {layer.in_features}"
                )
            # (O, I) -> (O, C, M, M): i = (c M + u) M + v, as Flatten lays them out
            kernels = layer.weight.data.reshape(-1, channels, *size)
            layers.append(_convolution(kernels, None if layer.bias is None else layer.bias.data))
            channels, size = layer.out_features, (1, 1)
        elif isinstance(layer, ELEMENTWISE):
            layers.append(layer)
        else:
            raise ValueError(
                f"{where}: expected convolutions, max poolings and activations, then Flatten, "
                "Linear and activations"
            )
    if size == (1, 1) and (seen := field_of_view(Sequential(*layers))) != patch_shape[1:]:
        raise ValueError(
            f"convolutionalize: of a patch of {patch_shape} the net sees {seen[0]}x{seen[1]} "
            "pixels only; take a patch of that size"
        )
    if size != (1, 1):
        raise ValueError(
            f"convolutionalize: the net gives {size[0]}x{size[1]} positions for a patch of "
            f"{patch_shape}, expected one; end with Flatten and Linear"
        )
    return Sequential(*layers)


def shift_and_stitch(dense: Sequential, x: Tensor, patch_size: int) -> Tensor:
    """The dense net's result for the window at every pixel: (N, C, H, W) -> (N, K, OH, OW).

    OH = H - P + 1, OW = W - P + 1; position (i, j) belongs to the window that starts at pixel
    (i, j).

    Args:
        dense: from `convolutionalize`.
        x: images, H and W at least P.
        patch_size: P.

    Raises:
        ValueError: an image is smaller than a patch.

    >>> dense = Sequential(MaxPool2d(2))
    >>> shift_and_stitch(dense, Tensor([[[[1.0, 2.0, 4.0, 3.0], [0.0, 5.0, 0.0, 0.0]]]]), 2).data
    array([[[[5., 5., 4.]]]], dtype=float32)
    """
    stride = total_stride(dense)
    out_height, out_width = (length - patch_size + 1 for length in x.shape[2:])
    if min(out_height, out_width) < 1:
        raise ValueError(
            f"shift_and_stitch: x={x.shape} is smaller than a patch of {patch_size}; see "
            "mirror_border"
        )
    h, w = -(-out_height // stride), -(-out_width // stride)  # positions of each shifted image
    # A margin at the bottom and the right gives all the same size; its results are cut off below.
    x = F.pad(x, (0, stride * w - out_width, 0, stride * h - out_height))
    height, width = ((n - 1) * stride + patch_size for n in (h, w))
    shifted = [
        dense(x[:, :, a : a + height, b : b + width]) for a in range(stride) for b in range(stride)
    ]  # each (N, K, h, w)
    n, k = shifted[0].shape[:2]
    grid = F.stack(shifted).reshape(stride, stride, n, k, h, w)  # (a, b, N, K, h, w)
    stitched = F.permute(grid, (2, 3, 4, 0, 5, 1))  # -> (N, K, h, a, w, b)
    stitched = stitched.reshape(n, k, h * stride, w * stride)  # row p s + a is that of shift a
    return cut(stitched, (out_height, out_width))


def a_trous(dense: Sequential) -> Sequential:
    """The dense net with stride 1 and holes, which gives every window's result by itself.

    (N, C, H, W) -> (N, K, H - P + 1, W - P + 1), as `shift_and_stitch`.

    Args:
        dense: from `convolutionalize`.

    Returns:
        a net with copies of the weights.

    >>> layers = Sequential(MaxPool2d(2), Conv2d(1, 4, 3, rng=np.random.default_rng(0)))
    >>> for layer in a_trous(layers):
    ...     print(layer)
    MaxPool2d(kernel_size=2, stride=1, padding=0, dilation=(1, 1), ceil_mode=False)
    Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1), dilation=(2, 2))
    """
    down, across = 1, 1  # positions from one neighbour of the dense net to the next
    layers: list[Module] = []
    for layer in dense:
        if isinstance(layer, (Conv2d, MaxPool2d)):
            own = as_pair("a_trous", "dilation", layer.dilation, least=1)
            stride = as_pair("a_trous", "stride", layer.stride, least=1)
            dilation = (own[0] * down, own[1] * across)
            if isinstance(layer, Conv2d):
                layer = convolution_like(layer, stride=(1, 1), dilation=dilation)
            else:
                layer = MaxPool2d(layer.kernel_size, stride=1, dilation=dilation)
            down, across = down * stride[0], across * stride[1]
        layers.append(layer)
    return Sequential(*layers)


class WindowCosts(NamedTuple):
    """Multiplications to have a patch net's result for every pixel of an image, in four ways.

    Attributes:
        sliding_window: H · W times those of a patch.
        shift_and_stitch: s² times those of the dense net on a shifted image.
        a_trous: those of the dense net with holes.
        every_stride: those of the dense net as it is, which answers for every s-th pixel only.
    """

    sliding_window: int
    shift_and_stitch: int
    a_trous: int
    every_stride: int


def count_of_every_window(
    patch_net: Sequential, patch_size: int, size: tuple[int, int]
) -> WindowCosts:
    """Derived, for an image of ``size`` (H, W) and the border that `mirror_border` gives it.

    >>> net = Sequential(Conv2d(3, 4, 5, rng=np.random.default_rng(0)), MaxPool2d(2), Flatten(),
    ...                  Linear(16, 7, rng=np.random.default_rng(1)))
    >>> count_of_every_window(net, 8, (10, 10))
    WindowCosts(sliding_window=491200, shift_and_stitch=..., a_trous=..., every_stride=...)
    """
    shape = (3, patch_size, patch_size)
    dense = convolutionalize(patch_net, shape)
    stride = total_stride(dense)
    bordered = tuple(length + patch_size - 1 for length in size)
    shifted = tuple((-(-length // stride) - 1) * stride + patch_size for length in size)
    return WindowCosts(
        sliding_window=math.prod(size) * count_multiplications(patch_net, shape),
        shift_and_stitch=stride**2 * count_multiplications(dense, (3, *shifted)),
        a_trous=count_multiplications(a_trous(dense), (3, *bordered)),
        every_stride=count_multiplications(dense, (3, *bordered)),
    )


def total_stride(net: Sequential) -> int:
    """The product of all strides: pixels of the image from one position of the result to the next.

    Raises:
        ValueError: vertical and horizontal steps differ.

    >>> total_stride(Sequential(MaxPool2d(2), ReLU(), MaxPool2d(3, 1), MaxPool2d(2)))
    4
    """
    down, across = 1, 1
    for layer in net:
        if isinstance(layer, (Conv2d, MaxPool2d)):
            stride = as_pair("total_stride", "stride", layer.stride, least=1)
            down, across = down * stride[0], across * stride[1]
    if down != across:
        raise ValueError(f"total_stride: {down} vertical and {across} horizontal; expected one")
    return down


def field_of_view(net: Sequential) -> Pair:
    """(height, width) of the pixels that one position of the result depends on.

    From 1, a layer with stride t and kernel K adds K - 1 steps (times its dilation), each as long
    as the product of all strides before it.

    >>> field_of_view(Sequential(MaxPool2d(2), ReLU(), MaxPool2d(3, 1)))
    (6, 6)
    """
    seen, step = [1, 1], [1, 1]
    for layer in net:
        if isinstance(layer, (Conv2d, MaxPool2d)):
            kernel, dilation, stride = (
                as_pair("field_of_view", name, getattr(layer, name), least=1)
                for name in ("kernel_size", "dilation", "stride")
            )
            for axis in (0, 1):
                seen[axis] += (kernel[axis] - 1) * dilation[axis] * step[axis]
                step[axis] *= stride[axis]
    return seen[0], seen[1]


def convolution_like(
    layer: Conv2d, stride: Pair | None = None, dilation: Pair | None = None
) -> Conv2d:
    """A copy of a convolution without padding, with another stride or dilation where one is given.

    >>> layer = Conv2d(1, 2, 3, stride=2, rng=np.random.default_rng(0))
    >>> convolution_like(layer, stride=(1, 1))
    Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
    """
    return _convolution(
        layer.weight.data,
        None if layer.bias is None else layer.bias.data,
        stride or layer.stride,
        dilation or layer.dilation,
        layer.groups,
    )


def _convolution(
    weight: Array,
    bias: Array | None,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Conv2d:
    """With a copy of these weights, (O, C / groups, KH, KW) and (O,)."""
    out_channels, in_channels, *kernel = weight.shape
    layer = Conv2d(
        in_channels * groups,
        out_channels,
        tuple(kernel),
        stride,
        dilation=dilation,
        groups=groups,
        bias=bias is not None,
        rng=np.random.default_rng(0),  # the weights that it draws are replaced
    )
    layer.weight.data = weight.copy()
    if bias is not None and layer.bias is not None:
        layer.bias.data = bias.copy()
    return layer


def _refuse_padding(layer: Conv2d | MaxPool2d, where: str) -> None:
    padding = as_pair("convolutionalize", "padding", layer.padding, least=0)
    trailing = getattr(layer, "trailing", (0, 0))  # of padding="same" for an even kernel
    if padding != (0, 0) or trailing != (0, 0) or getattr(layer, "ceil_mode", False):
        raise ValueError(
            f"{where}: it pads the patch, where the dense net would see the image; expected "
            "padding=0 and ceil_mode=False"
        )
