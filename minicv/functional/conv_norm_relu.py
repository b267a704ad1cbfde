"""A convolution with its epilogue: scale, shift, shortcut and ReLU, in one operation."""

from __future__ import annotations

import math
from typing import Any, Literal

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of
from minicv.backend.clipping import kept_inside
from minicv.backend.storage import as_stored
from minicv.functional.arguments import check_tensor
from minicv.functional.conv2d import Padding, Pair, checked_options, padded_by_name

Activation = Literal["relu", "relu6"] | None
CEILINGS: dict[Activation, float | None] = {None: None, "relu": math.inf, "relu6": 6.0}


class ConvNormRelu(Function):
    """The mathematics of `conv_norm_relu`; ``ceiling`` limits the ReLU, None means no ReLU."""

    keeps_float16 = True

    def __init__(
        self, ceiling: float | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> None:
        self.ceiling = ceiling
        self.options = (stride, padding, dilation, groups)

    def forward(
        self,
        x: Array,
        weight: Array,
        scale: Array | None,
        shift: Array | None,
        shortcut: Array | None,
    ) -> Array:
        needs_x, needs_weight, needs_scale, _, _ = self.needs_grad
        x, weight = as_stored(x), as_stored(weight)
        self.x_shape, self.weight_shape = x.shape, weight.shape
        self.x = x if needs_weight or needs_scale else None
        self.weight: Any = weight if needs_x or needs_scale else None
        self.scale = scale
        if shortcut is not None and shortcut.shape != self.result_shape():
            raise ValueError(
                f"conv_norm_relu: shortcut must have the shape of the convolution's result, "
                f"{self.result_shape()}, but has shape {shortcut.shape}; x={x.shape}, "
                f"weight={weight.shape}"
            )
        y = kernels_of(x, weight).conv2d_norm_relu_forward(
            x, weight, scale, shift, shortcut, self.ceiling, *self.options
        )
        self.y = y if self.ceiling is not None else None
        return y

    def result_shape(self) -> tuple[int, ...]:
        """(N, O, OH, OW)."""
        stride, padding, dilation, _ = self.options
        axes = zip(self.x_shape[2:], self.weight_shape[2:], stride, padding, dilation, strict=True)
        sizes = ((size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in axes)
        return (self.x_shape[0], self.weight_shape[0], *sizes)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        kernels = kernels_of(grad)
        if self.y is not None and self.ceiling is not None:
            grad = kept_inside(self.y, self.ceiling, grad)
        needs_x, needs_weight, needs_scale, needs_shift, _ = self.needs_grad
        scale = None if self.scale is None else self.scale[:, None, None, None]
        grad_x = grad_weight = grad_scale = grad_shift = None
        if needs_x:
            scaled = self.weight if scale is None else self.weight * scale
            grad_x = kernels.conv2d_grad_input(grad, scaled, self.x_shape, *self.options)
        if needs_weight or needs_scale:
            plain = kernels.conv2d_grad_weight(grad, self.x, self.weight_shape, *self.options)
            if needs_scale:
                grad_scale = (self.weight * plain).sum(axis=(1, 2, 3))  # -> (O,)
            if needs_weight:
                grad_weight = plain if scale is None else plain * scale
        if needs_shift:
            grad_shift = grad.sum(axis=(0, 2, 3))  # (N, O, OH, OW) -> (O,)
        return grad_x, grad_weight, grad_scale, grad_shift, grad


def conv_norm_relu(
    x: Tensor | Array,
    weight: Tensor | Array,
    scale: Tensor | Array | None = None,
    shift: Tensor | Array | None = None,
    shortcut: Tensor | Array | None = None,
    activation: Activation = None,
    stride: int | Pair = 1,
    padding: Padding = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    r"""Convolution; then scale and shift of each channel, shortcut and ReLU, each if it is given.

    Forward: y = a(scale · (weight ⋆ x) + shift + shortcut), where a is ReLU, ReLU6 or nothing, and
    ⋆ is the cross-correlation of `conv2d`. A batch normalisation with fixed statistics is such a
    scale and shift. The steps after the convolution, its epilogue, work on each block of the result
    while the block is in the cache, so the large result is written to memory once. As separate
    operations they would take about as long as a 1x1 convolution.

    Gradients, with g = dL/dy where a lets it pass and 0 elsewhere::

        dL/dshortcut = g                         dL/dshift = Σ_{n, i, j} g
        dL/dweight   = scale · G                 dL/dscale = Σ_{c, u, v} weight · G
        dL/dx        = gradient of the convolution by scale · weight

    where G is the gradient of the weight that g gives through the convolution alone. dL/dscale is
    Σ g · (weight ⋆ x), but weight ⋆ x is not stored. That sum is linear in the weight with slope
    G, so it equals Σ weight · G.

    ============ ==============================================
    x            (N, C, H, W)
    weight       (O, C / groups, KH, KW)
    scale, shift (O,) or None
    shortcut     (N, O, OH, OW) or None; not broadcast
    result       (N, O, OH, OW), as of `conv2d`
    ============ ==============================================

    Kinks as in `relu` and `relu6`. Cost: that of `conv2d`, and a pass over the result in the cache.
    Keeps x, weight and the result.

    Args:
        x, weight: as for `conv2d`.
        scale, shift: of each output channel.
        shortcut: added before the activation.
        activation: "relu", "relu6" or None.
        stride, padding, dilation, groups: as for `conv2d`.

    Raises:
        ValueError: shapes or options do not fit, or ``activation`` has another name.

    Source: He 2016, Deep Residual Learning, Figure 2 and appendix A.

    >>> x, weight = Tensor([[[[-1.0, 1.0, 4.0]]]]), Tensor([[[[2.0]]]])
    >>> conv_norm_relu(x, weight, shift=Tensor([-1.0]), activation="relu6").data.tolist()
    [[[[0.0, 1.0, 6.0]]]]
    """
    if activation not in CEILINGS:
        raise ValueError(
            f'conv_norm_relu: activation must be "relu", "relu6" or None but is {activation!r}'
        )
    x, padding = padded_by_name("conv_norm_relu", x, weight, stride, padding, dilation)
    options = checked_options("conv_norm_relu", x, weight, stride, padding, dilation, groups)
    for argument, values in (("scale", scale), ("shift", shift), ("shortcut", shortcut)):
        if values is not None:
            check_tensor("conv_norm_relu", values, argument)
    for argument, values in (("scale", scale), ("shift", shift)):
        if values is not None and values.shape != weight.shape[:1]:
            raise ValueError(
                f"conv_norm_relu: {argument} must have shape {weight.shape[:1]}, one number for "
                f"each output channel, but has shape {values.shape}"
            )
    return ConvNormRelu(CEILINGS[activation], *options)(x, weight, scale, shift, shortcut)
