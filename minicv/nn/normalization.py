"""Normalisation layers: over a batch, trained and frozen; of each sample; of local responses."""

from __future__ import annotations

import numpy as np

import minicv.functional as F
from minicv.autograd import Tensor, grad_enabled
from minicv.backend import Array, kernels_of, xp_of
from minicv.functional.arguments import check_tensor
from minicv.functional.batch_norm import Activation, BatchNorm
from minicv.nn.arguments import as_count, as_option
from minicv.nn.module import Module
from minicv.nn.parameter import Buffer, Parameter


class BatchNorm2d(Module):
    """Batch normalisation of (N, C, H, W); see `minicv.functional.batch_norm`.

    In training it normalises by the statistics of the batch and moves ``running_mean`` and
    ``running_var`` towards them by ``momentum``, with the unbiased variance as in PyTorch. In
    evaluation it normalises by the running statistics.

    Parameters weight and bias (C,) start as 1 and 0, or are None without ``affine``; buffers
    running_mean and running_var (C,) start as 0 and 1, num_batches_tracked counts batches.

    Args:
        num_features: number of channels C.
        eps: keeps the root of the variance away from 0.
        momentum: share of the new batch in the running statistics.
        affine: whether to scale and shift.

    >>> layer = BatchNorm2d(8)
    >>> layer
    BatchNorm2d(8, eps=1e-05, momentum=0.1, affine=True)
    >>> layer(Tensor(np.ones((2, 8, 3, 3), dtype=np.float32))).shape
    (2, 8, 3, 3)
    >>> layer.running_mean.data[:2].round(2).tolist()
    [0.1..., 0.1...]
    """

    axes = 4

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True
    ) -> None:
        name = type(self).__name__
        num_features = self.num_features = as_count(name, "num_features", num_features, least=0)
        self.eps = as_option(name, "eps", eps)
        self.momentum = as_option(name, "momentum", momentum)
        self.weight = Parameter(np.ones(num_features, dtype=np.float32)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype=np.float32)) if affine else None
        self.running_mean = Buffer(np.zeros(num_features, dtype=np.float32))
        self.running_var = Buffer(np.ones(num_features, dtype=np.float32))
        self.num_batches_tracked = Buffer(np.array(0, dtype=np.int64))

    def forward(self, x: Tensor, activation: Activation = None) -> Tensor:
        """``activation="relu"`` appends a ReLU, in the same pass while training."""
        _check_axes(self, x, self.axes)
        if not self.training:
            return F.batch_norm(
                x,
                self.weight,
                self.bias,
                self.running_mean.data,
                self.running_var.data,
                eps=self.eps,
                activation=activation,
            )
        operation = BatchNorm(self.eps, activation)
        y = operation(x, self.weight, self.bias)
        running = (self.running_mean, self.running_var, self.num_batches_tracked)
        followed = kernels_of(operation.mean).follow_statistics(
            *(buffer.data for buffer in running),
            *(operation.mean, operation.variance, self.momentum, operation.count),
        )
        for buffer, new in zip(running, followed, strict=True):
            buffer.data = new
        return y

    def scale_and_shift(self) -> tuple[Tensor | Array, Tensor | Array]:
        """(scale, shift), each (C,), such that in evaluation y = scale · x + shift."""
        if self.training:
            raise RuntimeError(
                f"{type(self).__name__}: in training the scale depends on the batch; "
                "call eval() first"
            )
        weight, bias = self.weight, self.bias
        if (
            weight is None
            or bias is None
            or not (grad_enabled() and (weight.requires_grad or bias.requires_grad))
        ):
            # Plain arrays: a network has many of these products, each of a few numbers. They are
            # computed anew each time, for the parameters may have been changed in place.
            return _folded(self, *(None if p is None else p.data for p in (weight, bias)))
        scale = weight / xp_of(self.running_var.data).sqrt(self.running_var.data + self.eps)
        return scale, bias - self.running_mean.data * scale

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}"
        )


class BatchNorm1d(BatchNorm2d):
    """Batch normalisation of (N, C), after a fully connected layer; else as `BatchNorm2d`.

    >>> BatchNorm1d(4)
    BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True)
    """

    axes = 2


class FrozenBatchNorm2d(Module):
    """Batch normalisation that never changes: statistics, scale and shift are all buffers.

    It has the entries of a `BatchNorm2d`, takes the state of a trained one, and is the same in
    training and evaluation. Nothing in it needs a gradient, so it costs one multiplication and one
    addition per activation, or nothing at all by `minicv.nn.conv_frozen_bn`.

    Args:
        num_features: number of channels C.
        eps: of the `BatchNorm2d` that was trained.

    >>> layer = FrozenBatchNorm2d(8)
    >>> list(layer.parameters()), [name for name, buffer in layer.named_buffers()]
    ([], ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'])
    """

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        name = "FrozenBatchNorm2d"
        num_features = self.num_features = as_count(name, "num_features", num_features, least=0)
        self.eps = as_option(name, "eps", eps)
        self.weight = Buffer(np.ones(num_features, dtype=np.float32))
        self.bias = Buffer(np.zeros(num_features, dtype=np.float32))
        self.running_mean = Buffer(np.zeros(num_features, dtype=np.float32))
        self.running_var = Buffer(np.ones(num_features, dtype=np.float32))
        self.num_batches_tracked = Buffer(np.array(0, dtype=np.int64))

    def forward(self, x: Tensor) -> Tensor:
        _check_axes(self, x, 4)
        return F.frozen_batch_norm(
            x,
            self.weight.data,
            self.bias.data,
            self.running_mean.data,
            self.running_var.data,
            self.eps,
        )

    def scale_and_shift(self) -> tuple[Array, Array]:
        """(scale, shift), each (C,), such that y = scale · x + shift."""
        return _folded(self, self.weight.data, self.bias.data)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}"


class LayerNorm(Module):
    """Each sample by its own mean and variance; see `minicv.functional.layer_norm`.

    Training and evaluation are the same. Parameters weight and bias have the shape
    ``normalized_shape`` and start as 1 and 0.

    Args:
        normalized_shape: the last lengths of x.shape; one number for the last axis alone.
        eps: keeps the root of the variance away from 0.
        elementwise_affine: whether to scale and shift.
        bias: whether to shift, where it scales.

    >>> layer = LayerNorm(2)
    >>> layer
    LayerNorm((2,), eps=1e-05, elementwise_affine=True)
    >>> layer(Tensor([[1.0, 3.0], [10.0, 30.0]])).data.round(3).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        lengths = normalized_shape if isinstance(normalized_shape, (tuple, list)) else None
        self.normalized_shape = tuple(
            as_count("LayerNorm", "normalized_shape", length)
            for length in ([normalized_shape] if lengths is None else lengths)
        )
        if not self.normalized_shape:
            raise ValueError("LayerNorm: normalized_shape must name at least one axis but is ()")
        self.eps = as_option("LayerNorm", "eps", eps)
        self.elementwise_affine = elementwise_affine
        one, zero = np.ones(self.normalized_shape), np.zeros(self.normalized_shape)
        self.weight = Parameter(one.astype(np.float32)) if elementwise_affine else None
        self.bias = Parameter(zero.astype(np.float32)) if elementwise_affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        shown = f"{self.normalized_shape}, eps={self.eps}"
        shown += f", elementwise_affine={self.elementwise_affine}"
        return shown + ", bias=False" * (self.elementwise_affine and self.bias is None)


class GroupNorm(Module):
    """Each sample by the statistics of its groups of channels; see `minicv.functional.group_norm`.

    Training and evaluation are the same, and a batch of one image is fine. Parameters weight and
    bias (C,) start as 1 and 0, or are None without ``affine``.

    Args:
        num_groups: how many groups; a divisor of ``num_channels``.
        num_channels: C.
        eps: keeps the root of the variance away from 0.
        affine: whether to scale and shift.

    >>> GroupNorm(4, 32)
    GroupNorm(4, 32, eps=1e-05, affine=True)
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True
    ) -> None:
        self.num_groups = as_count("GroupNorm", "num_groups", num_groups)
        self.num_channels = as_count("GroupNorm", "num_channels", num_channels)
        if self.num_channels % self.num_groups:
            raise ValueError(
                f"GroupNorm: num_groups must divide num_channels; num_groups={num_groups}, "
                f"num_channels={num_channels}"
            )
        self.eps = as_option("GroupNorm", "eps", eps)
        self.weight = Parameter(np.ones(self.num_channels, dtype=np.float32)) if affine else None
        self.bias = Parameter(np.zeros(self.num_channels, dtype=np.float32)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        _check_channels(self, x, self.num_channels)
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, "
            f"affine={self.weight is not None}"
        )


class InstanceNorm2d(Module):
    """Each channel of each image by itself; see `minicv.functional.instance_norm`.

    Training and evaluation are the same. PyTorch's can keep running statistics, which is seldom
    used and off by default; here there are none. With ``affine`` weight and bias (C,) start as 1
    and 0.

    Args:
        num_features: number of channels C.
        eps: keeps the root of the variance away from 0.
        affine: whether to scale and shift.

    >>> InstanceNorm2d(8)
    InstanceNorm2d(8, eps=1e-05, affine=False)
    """

    def __init__(self, num_features: int, eps: float = 1e-5, *, affine: bool = False) -> None:
        self.num_features = as_count("InstanceNorm2d", "num_features", num_features)
        self.eps = as_option("InstanceNorm2d", "eps", eps)
        self.weight = Parameter(np.ones(self.num_features, dtype=np.float32)) if affine else None
        self.bias = Parameter(np.zeros(self.num_features, dtype=np.float32)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        _check_axes(self, x, 4)
        _check_channels(self, x, self.num_features)
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, affine={self.weight is not None}"


class LocalResponseNorm(Module):
    """Divides each activation by the strength of its neighbours in other channels.

    See `minicv.functional.local_response_norm`. AlexNet's is
    ``LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)``, since alpha is divided by size here.

    >>> LocalResponseNorm(5)
    LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=1.0)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size = as_count("LocalResponseNorm", "size", size)
        self.alpha = as_option("LocalResponseNorm", "alpha", alpha)
        self.beta = as_option("LocalResponseNorm", "beta", beta)
        self.k = as_option("LocalResponseNorm", "k", k)

    def forward(self, x: Tensor) -> Tensor:
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _folded(
    layer: BatchNorm2d | FrozenBatchNorm2d, weight: Array | None, bias: Array | None
) -> tuple[Array, Array]:
    mean, variance = layer.running_mean.data, layer.running_var.data
    folded: tuple[Array, Array] = kernels_of(mean, variance).fold_statistics(
        mean, variance, weight, bias, layer.eps
    )
    return folded


def _check_axes(layer: Module, x: Tensor | Array, axes: int) -> None:
    shape = getattr(x, "shape", None)
    if shape is None:
        raise TypeError(
            f"{type(layer).__name__}: x must be a Tensor or an array but is a {type(x).__name__}"
        )
    if len(shape) != axes:
        expected = "(N, C, H, W)" if axes == 4 else "(N, C)"
        raise ValueError(f"{type(layer).__name__}: x must be {expected}; x={x.shape}")


def _check_channels(layer: Module, x: Tensor | Array, channels: int) -> None:
    check_tensor(type(layer).__name__, x)
    if len(x.shape) < 2 or x.shape[1] != channels:
        raise ValueError(
            f"{type(layer).__name__}: x must have {channels} channels, its axis 1; x={x.shape}"
        )
