"""Batch normalisation: by the statistics of the batch, or by frozen ones."""

from __future__ import annotations

import math
from typing import Literal

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of, xp_of
from minicv.functional.arguments import check_constant
from minicv.functional.relu import relu
from minicv.functional.relu6 import relu6

Activation = Literal["relu", "relu6"] | None
CEILINGS: dict[Activation, float] = {None: math.inf, "relu": math.inf, "relu6": 6.0}


class BatchNorm(Function):
    """Normalisation by the statistics of the batch, and ReLU or ReLU6 after it if wanted.

    After the call ``mean`` and the biased ``variance``, both (C,), and ``count``, the number of
    values per channel, can be read. `minicv.nn.BatchNorm2d` updates its running statistics so.
    """

    def __init__(self, eps: float, activation: Activation = None) -> None:
        self.eps = eps
        self.relu, self.ceiling = activation is not None, CEILINGS[activation]

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        _check("batch_norm", x, weight=weight, bias=bias)
        self.count = math.prod(x.shape[axis] for axis in _axes_of_a_channel(x))
        if self.count < 2:
            raise ValueError(
                "batch_norm: training needs at least 2 values per channel to take a variance of, "
                f"but x={x.shape} has {self.count}; use a larger batch, or evaluation mode"
            )
        y, self.saved, self.mean, self.variance, self.inverse_deviation = kernels_of(
            x
        ).batch_norm_forward(x, weight, bias, self.eps, self.relu, self.ceiling)
        self.weight = weight
        self.y = y if self.relu else None  # tells where the ReLU lets the gradient pass
        return y

    def backward(self, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        return kernels_of(grad).batch_norm_backward(
            grad,
            self.saved,
            self.y,
            self.weight,
            self.mean,
            self.inverse_deviation,
            self.needs_grad[0],
            self.ceiling,
        )


class FrozenBatchNorm(Function):
    """Normalisation by given statistics: one scale and one shift per channel."""

    def __init__(self, running_mean: Array, running_var: Array, eps: float) -> None:
        self.running_mean = running_mean
        self.running_var = running_var
        self.eps = eps

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        mean, variance = self.running_mean, self.running_var
        check_constant("frozen_batch_norm", "running_mean", mean)
        check_constant("frozen_batch_norm", "running_var", variance)
        _check(
            "frozen_batch_norm",
            x,
            weight=weight,
            bias=bias,
            running_mean=mean,
            running_var=variance,
        )
        xp = xp_of(x, mean, variance)
        if variance.dtype.kind != "f" or variance.dtype.itemsize < 4:
            variance = variance.astype(x.dtype)  # in float16, 1e-5 has three bits
        # float64 statistics must not widen a float32 x.
        self.inverse_deviation = (1 / xp.sqrt(variance + self.eps)).astype(x.dtype)
        self.scale = self.inverse_deviation if weight is None else weight * self.inverse_deviation
        shift = -mean.astype(x.dtype) * self.scale
        if bias is not None:
            shift = shift + bias
        self.x = x if self.needs_grad[1] else None
        y = x * _per_channel(self.scale, x)
        y += _per_channel(shift, x)
        return y

    def backward(self, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        axes = _axes_of_a_channel(grad)
        grad_x = grad * _per_channel(self.scale, grad) if self.needs_grad[0] else None
        grad_weight = grad_bias = None
        if self.needs_grad[1] or self.needs_grad[2]:
            grad_bias = grad.sum(axis=axes)
        if self.needs_grad[1]:
            mean = self.running_mean.astype(grad.dtype)
            grad_weight = (grad * self.x).sum(axis=axes) - mean * grad_bias
            grad_weight *= self.inverse_deviation
        return grad_x, grad_weight, grad_bias


def batch_norm(
    x: Tensor | Array,
    weight: Tensor | Array | None,
    bias: Tensor | Array | None,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    training: bool = False,
    eps: float = 1e-5,
    activation: Activation = None,
) -> Tensor:
    """Normalise each channel to mean 0 and variance 1, then scale and shift it, then ReLU.

    Forward: x̂ = (x - μ) / √(σ² + eps) and y = weight · x̂ + bias, for each channel. In training, μ
    and σ² are the mean and the biased variance of the channel over the batch and all pixels; else
    they are ``running_mean`` and ``running_var``, and the result is that of `frozen_batch_norm`.
    With ``activation="relu"`` or ``"relu6"``, y < 0 becomes 0 in the same pass, and with the latter
    y > 6 becomes 6.

    Gradients in training, with m values per channel, sums over them, and g = dL/dy (0 where the
    ReLU has cut y off):
    dL/d(bias) = Σ g; dL/d(weight) = Σ g x̂;
    dL/dx = weight / √(σ² + eps) · (g - Σ g / m - x̂ Σ g x̂ / m),
    where the last two terms are the gradient that flows through μ and σ².

    ============ ======================== ==============================
    x            (N, C) or (N, C, H, W)   more or fewer pixel axes also
    weight, bias (C,)                     None stands for 1 and 0
    running_*    (C,)                     arrays; not changed here
    y            as x
    ============ ======================== ==============================

    The running statistics are left alone: `minicv.nn.BatchNorm2d` holds and updates them.

    A constant channel gives x̂ = 0. Kinks as in `relu` and `relu6`. Cost in training: about six
    passes over x forward and six backward, on a device three and five; keeps x̂ or x, an array of
    the size of x, and with ReLU the result.

    Args:
        x: activations.
        weight, bias: γ and β of the paper.
        running_mean, running_var: statistics for evaluation.
        training: whether to use the statistics of the batch.
        eps: keeps the root away from 0.
        activation: "relu", "relu6" or None.

    Raises:
        ValueError: shapes do not fit; evaluation without statistics; training with fewer than two
            values per channel; ``activation`` has another name.

    Source: Ioffe & Szegedy, Batch Normalization, 2015, algorithms 1 and 2 and section 3.

    >>> x = Tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> batch_norm(x, None, None, training=True).data.round(3).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    >>> batch_norm(x, None, None, training=True, activation="relu").data.round(3).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """
    if activation not in CEILINGS:
        raise ValueError(
            f'batch_norm: activation must be "relu", "relu6" or None but is {activation!r}'
        )
    if training:
        return BatchNorm(eps, activation)(x, weight, bias)
    if running_mean is None or running_var is None:
        raise ValueError(
            "batch_norm: evaluation needs running_mean and running_var; pass both, or training=True"
        )
    y = FrozenBatchNorm(running_mean, running_var, eps)(x, weight, bias)
    if activation is None:
        return y
    return relu(y) if activation == "relu" else relu6(y)


def frozen_batch_norm(
    x: Tensor | Array,
    weight: Tensor | Array | None,
    bias: Tensor | Array | None,
    running_mean: Array,
    running_var: Array,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalisation with fixed statistics: y = scale · x + shift for each channel.

    Forward: scale = weight / √(running_var + eps), shift = bias - running_mean · scale.
    Gradients: dL/dx = scale · dL/dy; dL/d(bias) = Σ dL/dy; dL/d(weight) = Σ x̂ dL/dy with
    x̂ = (x - running_mean) / √(running_var + eps).

    Detectors train on a few images at a time, too few for statistics of their own, so they keep
    those of the pretrained backbone.

    Shapes as for `batch_norm`. An empty batch gives an empty result. Cost: two passes over x; keeps
    x only when the weight needs a gradient.

    Args:
        x: activations.
        weight, bias: γ and β; None stands for 1 and 0.
        running_mean, running_var: constant arrays (C,).
        eps: keeps the root away from 0.

    Raises:
        ValueError: shapes do not fit.

    Source: He 2016, Deep Residual Learning, appendix A ("linear activations with constant offsets
    and scales").

    >>> import numpy as np
    >>> one = np.ones(1, dtype=np.float32)
    >>> y = frozen_batch_norm(Tensor([[5.0]]), 2 * one, one, running_mean=3 * one,
    ...                       running_var=4 * one, eps=0.0)
    >>> y.data.tolist()  # 2 · (5 - 3) / 2 + 1
    [[3.0]]
    """
    return FrozenBatchNorm(running_mean, running_var, eps)(x, weight, bias)


def _axes_of_a_channel(x: Array) -> tuple[int, ...]:
    """All axes but the second: one channel's values lie along them."""
    return (0, *range(2, x.ndim))


def _per_channel(values: Array, x: Array) -> Array:
    """(C,) -> (1, C, 1, 1), to broadcast against x."""
    return values.reshape(1, -1, *[1] * (x.ndim - 2))


def _check(operation: str, x: Array, **arrays: Array | None) -> None:
    if x.ndim < 2:
        raise ValueError(f"{operation}: x must be (N, C) or (N, C, H, W); x={x.shape}")
    for name, array in arrays.items():
        if array is not None and array.shape != x.shape[1:2]:
            raise ValueError(
                f"{operation}: {name} must have one number for each of the {x.shape[1]} channels "
                f"of x, shape {x.shape[1:2]}; x={x.shape}, {name}={array.shape}"
            )
