"""Transposed convolution of images: learnable upsampling."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array
from minicv.backend.kernels import kernels_of
from minicv.backend.storage import as_stored
from minicv.functional.arguments import check_tensor
from minicv.functional.conv2d import Pair, as_pair, check_bias, check_layer_shapes


class ConvTranspose2d(Function):
    """The transpose of `Conv2d`: each does forward what the other does backward.

    Seen from the convolution whose transpose this is, our x is its gradient dL/dy, our result is
    its dL/dx, and the weight is the same array. So the same three kernels serve, in other roles.
    """

    keeps_float16 = True

    def __init__(
        self,
        stride: Pair = (1, 1),
        padding: Pair = (0, 0),
        output_padding: Pair = (0, 0),
        groups: int = 1,
        dilation: Pair = (1, 1),
    ) -> None:
        self.output_padding = output_padding
        self.options = (stride, padding, dilation, groups)

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        x, weight = as_stored(x), as_stored(weight)
        self.x_shape, self.weight_shape = x.shape, weight.shape
        self.x = x if self.needs_grad[1] else None
        self.weight = weight if self.needs_grad[0] else None
        shape = _output_shape(x.shape, weight.shape, self.output_padding, *self.options)
        y = kernels_of(x, weight).conv2d_grad_input(x, weight, shape, *self.options)
        return y if bias is None else y + as_stored(bias)[:, None, None]

    def backward(self, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        kernels = kernels_of(grad)
        grad_x = grad_weight = grad_bias = None
        if self.needs_grad[0]:
            grad_x = kernels.conv2d_forward(grad, self.weight, None, *self.options)
            # Where output_padding is wider than the stride, more windows fit than x has pixels.
            grad_x = grad_x[:, :, : self.x_shape[2], : self.x_shape[3]]
        if self.needs_grad[1]:
            # x plays the convolution's dL/dy, and dL/dy plays its input.
            grad_weight = kernels.conv2d_grad_weight(self.x, grad, self.weight_shape, *self.options)
        if self.needs_grad[2]:
            grad_bias = grad.sum(axis=(0, 2, 3))  # (N, O, OH, OW) -> (O,)
        return grad_x, grad_weight, grad_bias


def conv_transpose2d(
    x: Tensor | Array,
    weight: Tensor | Array,
    bias: Tensor | Array | None = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    groups: int = 1,
    dilation: int | Pair = 1,
) -> Tensor:
    r"""Stamp a copy of the kernel, scaled by each input pixel, into a larger image and add them up.

    Also called up-convolution, fractionally strided convolution or, wrongly, deconvolution.
    Forward::

        y[n, o, h, w] = bias[o] + Σ_c Σ of weight[c, o, u, v] · x[n, c, i, j]
        over all i, u with h = i·stride + u·dilation - padding, and j, v with w likewise

    Stamps that overlap add. Gradients, each sum over the h, w that i, j, u, v lead to::

        dL/dx[n, c, i, j]      = Σ_{o, u, v} weight[c, o, u, v] · dL/dy[n, o, h, w]
        dL/dweight[c, o, u, v] = Σ_{n, i, j} x[n, c, i, j] · dL/dy[n, o, h, w]
        dL/dbias[o]            = Σ_{n, h, w} dL/dy[n, o, h, w]

    dL/dx is `conv2d` of dL/dy with the same weight: the two operations are each other's transpose.

    A convolution with stride s maps s different input sizes to the same output size;
    ``output_padding`` says which of these sizes the result has, by adding rows at the bottom and
    columns on the right.

    =======  =========================================================================
    x        (N, C, H, W)
    weight   (C, O / groups, KH, KW)
    bias     (O,) or None
    result   (N, O, OH, OW), OH = (H - 1) s - 2p + d (KH - 1) + output_padding + 1
    =======  =========================================================================

    ``stride``, ``padding``, ``output_padding`` and ``dilation`` are one number or (vertical,
    horizontal). ``padding`` cuts rows and columns off the result: it undoes that of `conv2d`. A
    batch of 0 images gives an empty result and a zero gradient for the weight.

    Cost: N·C·H·W·(O / groups)·KH·KW multiply-adds, and twice that for both gradients. Memory: the
    result and a cache-sized scratch buffer.

    Raises:
        ValueError: the shapes do not fit, ``groups`` does not divide the channels, the result
            would be empty, or an option is out of range.

    Source: Long, Shelhamer and Darrell 2015, "Fully convolutional networks for semantic
    segmentation", section 3.3; Dumoulin and Visin 2016, "A guide to convolution arithmetic for
    deep learning", chapter 4.

    The lecture's example with a = 1, b = 10: two stamps of (x, y, z), two pixels apart.

    >>> image, kernel = Tensor([[[[1.0, 10.0]]]]), Tensor([[[[1.0, 2.0, 3.0]]]])
    >>> conv_transpose2d(image, kernel, stride=(1, 2)).data.tolist()
    [[[[1.0, 2.0, 13.0, 20.0, 30.0]]]]
    """
    check_tensor("conv_transpose2d", x)
    check_tensor("conv_transpose2d", weight, "weight")
    stride = as_pair("conv_transpose2d", "stride", stride, least=1)
    padding = as_pair("conv_transpose2d", "padding", padding, least=0)
    output_padding = as_pair("conv_transpose2d", "output_padding", output_padding, least=0)
    dilation = as_pair("conv_transpose2d", "dilation", dilation, least=1)
    check_layer_shapes("conv_transpose2d", x, weight, groups, "(C, O / groups, KH, KW)")
    if x.shape[1] != weight.shape[0]:
        raise ValueError(
            f"conv_transpose2d: weight expects {weight.shape[0]} input channels (weight.shape[0]) "
            f"but x has {x.shape[1]}; x={x.shape}, weight={weight.shape}, groups={groups}"
        )
    check_bias("conv_transpose2d", bias, weight.shape[1] * groups)
    for axis in (0, 1):
        limit = max(stride[axis], dilation[axis])
        if output_padding[axis] >= limit:
            raise ValueError(
                f"conv_transpose2d: output_padding must be smaller than the stride or the dilation "
                f"but output_padding={output_padding}, stride={stride}, dilation={dilation}; a "
                "larger border would never be reached by any input pixel"
            )
    shape = _output_shape(x.shape, weight.shape, output_padding, stride, padding, dilation, groups)
    if min(shape[2:]) < 1:
        raise ValueError(
            f"conv_transpose2d: the result would have {shape[2]}x{shape[3]} pixels because padding "
            f"{padding} cuts off more than there is; x={x.shape}, weight={weight.shape}, "
            f"stride={stride}"
        )
    return ConvTranspose2d(stride, padding, output_padding, groups, dilation)(x, weight, bias)


def _output_shape(
    x_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    output_padding: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[int, int, int, int]:
    """Of the result: `conv2d`'s formula solved for the size of its input."""
    oh, ow = (
        (x_shape[axis + 2] - 1) * stride[axis]
        - 2 * padding[axis]
        + dilation[axis] * (weight_shape[axis + 2] - 1)
        + output_padding[axis]
        + 1
        for axis in (0, 1)
    )
    return x_shape[0], weight_shape[1] * groups, oh, ow
