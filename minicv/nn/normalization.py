"""Normalisation layers: batch normalisation, trained and frozen, and local response."""

from __future__ import annotations

import numpy as np

import minicv.functional as F
from minicv.autograd import Tensor, grad_enabled
from minicv.backend import Array, xp_of
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
        unbiased = operation.variance * (operation.count / (operation.count - 1))
        self._follow(self.running_mean, operation.mean)
        self._follow(self.running_var, unbiased)
        self.num_batches_tracked.data = self.num_batches_tracked.data + 1
        return y

    def scale_and_shift(self) -> tuple[Tensor | Array, Tensor | Array]:
        """(scale, shift), each (C,), such that in evaluation y = scale · x + shift."""
        if self.training:
            raise RuntimeError(
                f"{type(self).__name__}: in training the scale depends on the batch; "
                "call eval() first"
            )
        weight: Tensor | Array | None = self.weight
        bias: Tensor | Array | None = self.bias
        if self.weight is not None and self.bias is not None and not grad_enabled():
            # As plain arrays: a network has many of these products, each of a few numbers.
            weight, bias = self.weight.data, self.bias.data
        scale = 1 / xp_of(self.running_var.data).sqrt(self.running_var.data + self.eps)
        if weight is not None:
            scale = weight * scale
        shift = -self.running_mean.data * scale
        return scale, shift if bias is None else bias + shift

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}"
        )

    def _follow(self, running: Buffer, batch: Array) -> None:
        old = running.data
        running.data = (old + self.momentum * (batch - old)).astype(old.dtype, copy=False)


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
        xp = xp_of(self.weight.data)
        scale = self.weight.data / xp.sqrt(self.running_var.data + self.eps)
        return scale, self.bias.data - self.running_mean.data * scale

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}"


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


def _check_axes(layer: Module, x: Tensor | Array, axes: int) -> None:
    shape = getattr(x, "shape", None)
    if shape is None:
        raise TypeError(
            f"{type(layer).__name__}: x must be a Tensor or an array but is a {type(x).__name__}"
        )
    if len(shape) != axes:
        expected = "(N, C, H, W)" if axes == 4 else "(N, C)"
        raise ValueError(f"{type(layer).__name__}: x must be {expected}; x={x.shape}")
