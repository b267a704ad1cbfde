"""Group normalisation: each sample by the statistics of its groups of channels."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array
from minicv.functional.arguments import as_number, as_whole_number, check_tensor
from minicv.functional.normalized_rows import gradient_of_rows, normalized_rows


class GroupNorm(Function):
    def __init__(self, num_groups: int, eps: float) -> None:
        self.num_groups = num_groups
        self.eps = eps

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        samples, channels = x.shape[:2]
        self.maps = (samples, channels, math.prod(x.shape[2:]))  # (N, C, P)
        group = channels // self.num_groups * self.maps[2]  # values of a group
        rows = x.reshape(samples * self.num_groups, group)
        normalized, self.inverse_deviation = normalized_rows(rows, self.eps)
        self.normalized = normalized
        self.weight = weight
        y = normalized.reshape(self.maps)
        if weight is not None:
            y = y * weight[:, None]
        if bias is not None:
            y = y + bias[:, None]
        return y.reshape(x.shape)

    def backward(self, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        grad_x = grad_weight = grad_bias = None
        maps = grad.reshape(self.maps)
        if self.needs_grad[1]:
            grad_weight = (maps * self.normalized.reshape(self.maps)).sum(axis=(0, 2))
        if self.needs_grad[2]:
            grad_bias = maps.sum(axis=(0, 2))
        if self.needs_grad[0]:
            if self.weight is not None:
                maps = maps * self.weight[:, None]
            rows = maps.reshape(self.normalized.shape)
            grad_x = gradient_of_rows(rows, self.normalized, self.inverse_deviation)
            grad_x = grad_x.reshape(grad.shape)
        return grad_x, grad_weight, grad_bias


def group_norm(
    x: Tensor | Array,
    num_groups: int,
    weight: Tensor | Array | None = None,
    bias: Tensor | Array | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each group of channels of each image to mean 0 and variance 1.

    Forward: the C channels are cut into ``num_groups`` groups of neighbours; x̂ = (x - μ) /
    √(σ² + eps) with the mean and the biased variance of the group, over its channels and all
    pixels; y = weight · x̂ + bias with a weight and a bias for each channel. No image sees another
    one: unlike `batch_norm` it works with one image at a time, as detectors are trained, and is the
    same in training and evaluation.

    Gradients, with D values in a group, sums over them, and g = weight · dL/dy: dL/dx = (g -
    Σ g / D - x̂ Σ g x̂ / D) / √(σ² + eps); dL/d(weight) = Σ dL/dy x̂ and dL/d(bias) = Σ dL/dy, over
    all images and pixels.

    ============ ======================== ==========================
    x            (N, C) or (N, C, H, W)   more or fewer pixel axes also
    weight, bias (C,)                     None stands for 1 and 0
    y            as x
    ============ ======================== ==========================

    A group whose values are all equal gives x̂ = 0; so does a group of a single value. An empty
    batch gives an empty result. Cost: about six passes over x in each direction; keeps an array of
    its size.

    Args:
        x: activations.
        num_groups: a divisor of C. 1 normalises each image as a whole; C is `instance_norm`.
        weight, bias: γ and β.
        eps: keeps the root away from 0.

    Raises:
        ValueError: x has no channels or no pixels, ``num_groups`` does not divide the channels, or
            weight or bias has another shape.

    Source: Wu & He 2018, Group Normalization, section 3.

    >>> x = Tensor([[1.0, 3.0, 10.0, 30.0]])  # 4 channels of a vector
    >>> group_norm(x, 2).data.round(3).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """
    return _normalized("group_norm", x, num_groups, weight, bias, eps)


def instance_norm(
    x: Tensor | Array,
    *,
    weight: Tensor | Array | None = None,
    bias: Tensor | Array | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each image to mean 0 and variance 1, by itself.

    Forward, gradients, shapes and cost as for `group_norm` with a group for each channel. PyTorch
    has running statistics besides, seldom used and off by default; here there are none, so the
    options are given by name.

    Raises:
        ValueError: x has fewer than two pixels, of which there is no variance; weight or bias has
            another shape than (C,).

    Source: Ulyanov, Vedaldi & Lempitsky 2016, Instance Normalization, equation 2.

    >>> instance_norm(Tensor([[[1.0, 3.0], [10.0, 30.0]]])).data.round(3).tolist()
    [[[-1.0, 1.0], [-1.0, 1.0]]]
    """
    check_tensor("instance_norm", x)
    if math.prod(x.shape[2:]) < 2:
        raise ValueError(
            "instance_norm: x must be (N, C, H, W) with at least 2 pixels, to take a variance of, "
            f"but x={tuple(x.shape)}; of a vector take group_norm or layer_norm"
        )
    return _normalized("instance_norm", x, x.shape[1], weight, bias, eps)


def _normalized(
    operation: str,
    x: Tensor | Array,
    num_groups: int,
    weight: Tensor | Array | None,
    bias: Tensor | Array | None,
    eps: float,
) -> Tensor:
    """Group normalisation, after a check of all arguments under the name of ``operation``."""
    check_tensor(operation, x)
    shape = tuple(x.shape)
    if len(shape) < 2 or math.prod(shape[1:]) == 0:
        raise ValueError(
            f"{operation}: x must be (N, C) or (N, C, H, W) with at least one channel and pixel; "
            f"x={shape}"
        )
    num_groups = as_whole_number(operation, "num_groups", num_groups)
    if num_groups < 1 or shape[1] % num_groups:
        raise ValueError(
            f"{operation}: num_groups must be a positive divisor of the {shape[1]} channels of x "
            f"but is {num_groups}; x={shape}"
        )
    for argument, values in (("weight", weight), ("bias", bias)):
        if values is not None:
            check_tensor(operation, values, argument)
            if tuple(values.shape) != shape[1:2]:
                raise ValueError(
                    f"{operation}: {argument} must have one number for each of the {shape[1]} "
                    f"channels of x, shape {shape[1:2]}; x={shape}, "
                    f"{argument}={tuple(values.shape)}"
                )
    return GroupNorm(num_groups, float(as_number(operation, "eps", eps)))(x, weight, bias)
