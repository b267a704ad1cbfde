"""Layers that run together: a convolution and what follows, while its result is in the cache."""

from __future__ import annotations

import itertools

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.functional.conv_norm_relu import Activation
from minicv.nn.activation import ReLU
from minicv.nn.containers import Sequential
from minicv.nn.convolution import Conv2d
from minicv.nn.module import Module
from minicv.nn.normalization import BatchNorm2d, FrozenBatchNorm2d


def run_conv_relu(x: Tensor, layers: Sequential) -> Tensor:
    """``layers(x)``, where each convolution and the ReLU that comes after it run as one operation.

    Args:
        x: (N, C, H, W).
        layers: of any kind. A ReLU that no convolution precedes runs like every other layer.

    >>> import numpy as np
    >>> layers = Sequential(Conv2d(3, 8, 3, rng=np.random.default_rng(0)), ReLU())
    >>> x = Tensor(np.ones((1, 3, 5, 5), dtype=np.float32))
    >>> bool((run_conv_relu(x, layers).data == layers(x).data).all())
    True
    """
    fused = False
    for layer, following in itertools.zip_longest(layers, list(layers)[1:]):
        if fused:  # this ReLU has run with the convolution before it
            fused = False
            continue
        if type(layer) is Conv2d and type(following) is ReLU and _is_as_written(layer):
            fused = True
            options = (layer.stride, layer.padding, layer.dilation, layer.groups)
            x = layer.padded(x)
            x = F.conv_norm_relu(x, layer.weight, None, layer.bias, None, "relu", *options)
        else:
            x = layer(x)
    return x


def conv_bn_relu(
    x: Tensor,
    conv: Conv2d,
    bn: BatchNorm2d | FrozenBatchNorm2d,
    shortcut: Tensor | None = None,
    activation: Activation = None,
) -> Tensor:
    """``activation(bn(conv(x)) + shortcut)``, fused unless ``bn`` is in training.

    In training the normalisation depends on the whole result of the convolution, so the layers run
    one after the other; only a ReLU directly after the normalisation is fused with it. In
    evaluation see `conv_frozen_bn`.

    Args:
        x: (N, C, H, W).
        conv: the convolution.
        bn: what follows it.
        shortcut: added to the result, (N, O, OH, OW).
        activation: "relu", "relu6" or None, at the end.

    >>> import numpy as np
    >>> conv, bn = Conv2d(3, 8, 3, rng=np.random.default_rng(0)), BatchNorm2d(8)
    >>> x = Tensor(np.ones((1, 3, 5, 5), dtype=np.float32))
    >>> y = conv_bn_relu(x, conv, bn, activation="relu")
    >>> bool(y.data.min() >= 0)
    True
    """
    if (isinstance(bn, FrozenBatchNorm2d) or not bn.training) and _is_as_written(conv):
        return conv_frozen_bn(x, conv, bn, shortcut, activation)
    if isinstance(bn, BatchNorm2d) and activation is not None and shortcut is None:
        return bn(conv(x), activation)
    y = bn(conv(x))
    if shortcut is not None:
        y = y + shortcut
    if activation is None:
        return y
    return F.relu(y) if activation == "relu" else F.relu6(y)


def conv_frozen_bn(
    x: Tensor,
    conv: Conv2d,
    bn: FrozenBatchNorm2d | BatchNorm2d,
    shortcut: Tensor | None = None,
    activation: Activation = None,
) -> Tensor:
    """``activation(bn(conv(x)) + shortcut)``, all in the memory of the convolution's result.

    The normalisation is one scale and one shift for each channel: scale · (W * x + b) + shift =
    scale · (W * x) + (scale · b + shift). Gradients still flow to x, to the shortcut, to conv's
    weight and bias, and to the weight and bias of a `BatchNorm2d` in evaluation mode. See
    `minicv.functional.conv_norm_relu`.

    Args:
        x: (N, C, H, W).
        conv: the convolution.
        bn: what follows it: frozen, or in evaluation mode.
        shortcut: added to the result, (N, O, OH, OW).
        activation: "relu", "relu6" or None, at the end.

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
    # (O,); as tensors, which the door of an operation lets in without a look at each
    scale, shift = (v if isinstance(v, Tensor) else Tensor(v) for v in bn.scale_and_shift())
    if conv.bias is not None:
        shift = conv.bias * scale + shift
    options = (conv.stride, conv.padding, conv.dilation, conv.groups)
    x = conv.padded(x)
    return F.conv_norm_relu(x, conv.weight, scale, shift, shortcut, activation, *options)


def _is_as_written(layer: Module) -> bool:
    """Whether the layer runs the ``forward`` of its class, and not one set on it by a caller."""
    return "forward" not in vars(layer)
