"""Convolution of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from minicv.autograd import Function, Tensor
from minicv.backend import Array
from minicv.backend.kernels import kernels_of
from minicv.backend.storage import as_stored
from minicv.functional.arguments import as_whole_number, check_tensor
from minicv.functional.pad import pad

Pair = tuple[int, int]
Padding = int | Pair | Literal["same", "valid"]


class Conv2d(Function):
    keeps_float16 = True

    def __init__(
        self,
        stride: Pair = (1, 1),
        padding: Pair = (0, 0),
        dilation: Pair = (1, 1),
        groups: int = 1,
    ) -> None:
        self.options = (stride, padding, dilation, groups)

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        x, weight = as_stored(x), as_stored(weight)
        self.x_shape, self.weight_shape = x.shape, weight.shape
        # The gradient of the weight needs x, and the gradient of x needs the weight.
        self.x = x if self.needs_grad[1] else None
        self.weight = weight if self.needs_grad[0] else None
        return kernels_of(x, weight).conv2d_forward(x, weight, bias, *self.options)

    def backward(self, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        kernels = kernels_of(grad)
        grad_x = grad_weight = grad_bias = None
        if self.needs_grad[0]:
            grad_x = kernels.conv2d_grad_input(grad, self.weight, self.x_shape, *self.options)
        if self.needs_grad[1]:
            grad_weight = kernels.conv2d_grad_weight(grad, self.x, self.weight_shape, *self.options)
        if self.needs_grad[2]:
            grad_bias = grad.sum(axis=(0, 2, 3))  # (N, O, OH, OW) -> (O,)
        return grad_x, grad_weight, grad_bias


def conv2d(
    x: Tensor | Array,
    weight: Tensor | Array,
    bias: Tensor | Array | None = None,
    stride: int | Pair = 1,
    padding: Padding = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    r"""Slide a small kernel over each image and take a weighted sum of what it covers.

    Forward (a cross-correlation, as in every deep learning library; the kernel is not flipped)::

        y[n, o, i, j] = bias[o] + Σ_{c, u, v} weight[o, c, u, v] · x[n, c, h, w]
        where h = i·stride + u·dilation - padding, w = j·stride + v·dilation - padding

    and x is zero outside the image. Gradients, with the same h and w::

        dL/dx[n, c, h, w]      = Σ_o Σ of weight[o, c, u, v] · dL/dy[n, o, i, j]
                                 over all (i, u), (j, v) that lead to this h, w
        dL/dweight[o, c, u, v] = Σ_{n, i, j} dL/dy[n, o, i, j] · x[n, c, h, w]
        dL/dbias[o]            = Σ_{n, i, j} dL/dy[n, o, i, j]

    dL/dx is a transposed convolution of dL/dy with the same weight; see `conv_transpose2d`.

    With ``groups`` = G, the channels are divided into G equal groups, and output group g sees input
    group g alone (c counts within the group). G = C is a depthwise convolution.

    =======  ==========================================================
    x        (N, C, H, W)
    weight   (O, C / groups, KH, KW)
    bias     (O,) or None
    result   (N, O, OH, OW), OH = floor((H + 2p - d (KH - 1) - 1) / s) + 1
    =======  ==========================================================

    ``stride``, ``padding`` and ``dilation`` are one number or (vertical, horizontal). Rows and
    columns that no window reaches are ignored in the forward pass and get a gradient of zero.
    ``padding="same"`` gives the result the size of x, with stride 1: d (K - 1) rows of zeros are
    shared between top and bottom, and of an odd number the bottom has one more (columns: the
    right), which takes a copy of x. ``padding="valid"`` is 0. A
    batch of 0 images gives an empty result and a zero gradient for the weight. Infinity and NaN in
    x or dL/dy reach what the formulas say, and no more, on the CPU. On a GPU Winograd's algorithm
    spreads them to the other results of their tile; ``use_conv_algorithm("im2col")`` does not.

    Cost: N·O·OH·OW·(C / groups)·KH·KW multiply-adds, and twice that for both gradients. Memory: the
    result, a padded copy of x, and a cache-sized scratch buffer.

    Raises:
        ValueError: the shapes do not fit, ``groups`` does not divide the channels, the kernel is
            larger than the padded input, an option is out of range, or ``padding="same"`` comes
            with another stride than 1.

    Source: LeCun et al. 1989, "Backpropagation applied to handwritten zip code recognition";
    Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", chapter 2.

    >>> x = Tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
    >>> weight = Tensor([[[[1.0, 0.0], [0.0, -1.0]]]])
    >>> conv2d(x, weight).data.tolist()
    [[[[-4.0, -4.0], [-4.0, -4.0]]]]
    """
    x, padding = padded_by_name("conv2d", x, weight, stride, padding, dilation)
    options = checked_options("conv2d", x, weight, stride, padding, dilation, groups)
    check_bias("conv2d", bias, weight.shape[0])
    return Conv2d(*options)(x, weight, bias)


def padded_by_name(
    operation: str,
    x: Tensor | Array,
    weight: Tensor | Array,
    stride: int | Pair,
    padding: Padding,
    dilation: int | Pair,
) -> tuple[Tensor | Array, int | Pair]:
    """``(x, padding)`` with numbers in place of "same" or "valid"; other paddings as they are.

    The kernels pad both sides by the same. So where "same" wants an odd number of rows or columns,
    x gets the one that is left over, at the bottom or on the right.

    Raises:
        ValueError: another name, or "same" with another stride than 1.

    >>> import numpy as np
    >>> x, weight = np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 4))
    >>> x, padding = padded_by_name("conv2d", x, weight, 1, "same", 1)
    >>> x.shape, padding
    ((1, 1, 5, 6), (1, 1))
    """
    if not isinstance(padding, str):
        return x, padding
    if len(getattr(x, "shape", ())) != 4 or len(getattr(weight, "shape", ())) != 4:
        return x, 0  # they are refused by those who use them
    kernel = (weight.shape[2], weight.shape[3])
    both, (down, right) = padding_by_name(operation, padding, stride, kernel, dilation)
    if down or right:
        x = pad(x, (0, right, 0, down))
    return x, both


def padding_by_name(
    operation: str, padding: str, stride: int | Pair, kernel_size: int | Pair, dilation: int | Pair
) -> tuple[Pair, Pair]:
    """What "same" and "valid" mean: zeros on both sides, and those at the bottom and right besides.

    Raises:
        ValueError: another name, or "same" with another stride than 1.

    >>> padding_by_name("conv2d", "same", 1, (3, 4), 1)
    ((1, 1), (0, 1))
    """
    if padding not in ("same", "valid"):
        raise ValueError(
            f'{operation}: padding must be numbers, "same" or "valid" but is {padding!r}'
        )
    if padding == "valid":
        return (0, 0), (0, 0)
    if as_pair(operation, "stride", stride, least=1) != (1, 1):
        raise ValueError(
            f'{operation}: padding="same" needs stride 1, for with a larger one the result cannot '
            f"have the size of x, but stride is {stride}; give the padding as a number"
        )
    kernel = as_pair(operation, "kernel_size", kernel_size, least=1)
    dilation = as_pair(operation, "dilation", dilation, least=1)
    height, width = (d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
    return (height // 2, width // 2), (height % 2, width % 2)


def as_pair(operation: str, argument: str, value: int | Sequence[int], least: int) -> Pair:
    """``value`` as (vertical, horizontal), both whole numbers of at least ``least``.

    >>> as_pair("conv2d", "stride", 2, least=1)
    (2, 2)
    """
    pair: tuple[Any, ...] = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    try:
        whole = tuple(int(v) for v in pair)
    except (TypeError, ValueError):
        whole = ()
    if len(pair) != 2 or whole != pair or min(whole) < least:
        raise ValueError(
            f"{operation}: {argument} must be a whole number of at least {least}, or a pair of "
            f"them (vertical, horizontal), but is {value!r}"
        )
    return whole[0], whole[1]


def check_layer_shapes(
    operation: str, x: Tensor | Array, weight: Tensor | Array, groups: int, layout: str
) -> None:
    """Check the axes of x and weight, and that ``groups`` divides weight.shape[0]."""
    for argument, array, expected in (("x", x, "(N, C, H, W)"), ("weight", weight, layout)):
        check_tensor(operation, array, argument)
        if len(array.shape) != 4:
            raise ValueError(
                f"{operation}: {argument} must have 4 axes {expected} but has shape {array.shape}; "
                "a single image needs x[None]"
            )
    if min(weight.shape) < 1:
        raise ValueError(f"{operation}: weight {layout} must not be empty; weight={weight.shape}")
    groups = as_whole_number(operation, "groups", groups)
    if groups < 1 or weight.shape[0] % groups:
        raise ValueError(
            f"{operation}: groups must be a positive divisor of weight.shape[0] = "
            f"{weight.shape[0]} but is {groups}; weight={weight.shape}"
        )


def check_bias(operation: str, bias: Tensor | Array | None, channels: int) -> None:
    """Check that bias is None or has one number for each output channel."""
    if bias is None:
        return
    check_tensor(operation, bias, "bias")
    if bias.shape != (channels,):
        raise ValueError(
            f"{operation}: bias must have shape ({channels},), one number for each output channel, "
            f"but has shape {bias.shape}"
        )


def checked_options(
    operation: str,
    x: Tensor | Array,
    weight: Tensor | Array,
    stride: int | Pair,
    padding: int | Pair,
    dilation: int | Pair,
    groups: int,
) -> tuple[Pair, Pair, Pair, int]:
    """(stride, padding, dilation, groups) of a convolution, checked against x and weight."""
    stride = as_pair(operation, "stride", stride, least=1)
    padding = as_pair(operation, "padding", padding, least=0)
    dilation = as_pair(operation, "dilation", dilation, least=1)
    check_layer_shapes(operation, x, weight, groups, "(O, C / groups, KH, KW)")
    expected = weight.shape[1] * groups
    if x.shape[1] != expected:
        raise ValueError(
            f"{operation}: weight expects {expected} input channels (weight.shape[1] * groups) but "
            f"x has {x.shape[1]}; x={x.shape}, weight={weight.shape}, groups={groups}"
        )
    kernel = (weight.shape[2], weight.shape[3])
    padded = tuple(size + 2 * p for size, p in zip(x.shape[2:], padding, strict=True))
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    if reach[0] > padded[0] or reach[1] > padded[1]:
        spacing = str(dilation[0]) if dilation[0] == dilation[1] else str(dilation)
        raise ValueError(
            f"{operation}: kernel {kernel[0]}x{kernel[1]} (dilation {spacing}) is larger than the "
            f"padded input {padded[0]}x{padded[1]}; x={x.shape}, weight={weight.shape}, "
            f"padding={padding}"
        )
    return stride, padding, dilation, groups
