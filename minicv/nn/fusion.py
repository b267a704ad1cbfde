"""A frozen batch normalisation for free: folded into the weights of the convolution before it."""

from __future__ import annotations

from minicv.autograd import Tensor
from minicv.functional import conv2d, reshape
from minicv.nn.convolution import Conv2d
from minicv.nn.normalization import BatchNorm2d, FrozenBatchNorm2d


def conv_frozen_bn(x: Tensor, conv: Conv2d, bn: FrozenBatchNorm2d | BatchNorm2d) -> Tensor:
    """``bn(conv(x))``, with the normalisation applied to the small weight and not to the output.

    Both are linear: scale · (W * x + b) + shift = (scale · W) * x + (scale · b + shift). So the
    large activation is written once and read never, and gradients still flow to x, to conv's
    weight and bias, and in an evaluating `BatchNorm2d` to its own.

    Args:
        x: (N, C, H, W).
        conv: the convolution.
        bn: what follows it: frozen, or in evaluation mode.

    Raises:
        RuntimeError: ``bn`` is in training and depends on the batch.
        ValueError: the channels do not agree.

    >>> import numpy as np
    >>> conv = Conv2d(3, 8, 3, rng=np.random.default_rng(0))
    >>> x = Tensor(np.ones((1, 3, 5, 5), dtype=np.float32))
    >>> conv_frozen_bn(x, conv, FrozenBatchNorm2d(8)).shape
    (1, 8, 3, 3)
    """
    if bn.num_features != conv.out_channels:
        raise ValueError(
            f"conv_frozen_bn: bn normalises {bn.num_features} channels but conv gives "
            f"{conv.out_channels}"
        )
    scale, shift = bn.scale_and_shift()  # (O,)
    if isinstance(scale, Tensor):
        weight = conv.weight * reshape(scale, (-1, 1, 1, 1))
    else:
        weight = conv.weight * scale[:, None, None, None]
    if conv.bias is not None:
        shift = conv.bias * scale + shift
    return conv2d(x, weight, shift, conv.stride, conv.padding, conv.dilation, conv.groups)
