"""An inverted residual: three convolutions that run as one where nobody looks between them."""

from __future__ import annotations

import minicv.functional as F
from minicv.autograd import Tensor, grad_enabled
from minicv.autograd.watching import watching
from minicv.backend.convolution_layer import wanted_algorithm
from minicv.backend.cpu import inverted_residual as kernel
from minicv.backend.storage import current_storage
from minicv.nn.convolution import Conv2d
from minicv.nn.fusion import conv_bn_relu
from minicv.nn.normalization import BatchNorm2d, FrozenBatchNorm2d

ConvNorm = tuple[Conv2d, BatchNorm2d | FrozenBatchNorm2d]
Margins = tuple[int, int, int, int]  # left, right, top, bottom


def run_inverted_residual(
    x: Tensor,
    expand: ConvNorm | None,
    depthwise: ConvNorm,
    project: ConvNorm,
    shortcut: Tensor | None = None,
    margins: Margins = (0, 0, 0, 0),
) -> Tensor:
    """Widen by 1x1 and ReLU6, filter each channel by itself and ReLU6, narrow by 1x1.

    ``bn(project(relu6(bn(depthwise(relu6(bn(expand(x)))))))) + shortcut``. On the CPU the three
    convolutions run as one in float32, and the wide map between them is never written to memory as
    a whole; see ``minicv/backend/cpu/inverted_residual.py``. They run one after the other where
    somebody needs what lies between them: a gradient, a normalisation in training, `Module.capture`
    or a profile.

    Args:
        x: (N, C, H, W).
        expand: the 1x1 convolution that widens, and its normalisation; None where x is wide.
        depthwise: a convolution with as many groups as channels.
        project: the 1x1 convolution that narrows.
        shortcut: added to the result, (N, O, OH, OW).
        margins: zeros around the wide map beside the padding of ``depthwise``: left, right, top,
            bottom.

    Raises:
        ValueError: shapes do not fit.

    Source: Sandler et al., MobileNetV2, 2018, Figure 3.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> widen, narrow = Conv2d(2, 12, 1, rng=rng), Conv2d(12, 2, 1, rng=rng)
    >>> taps = Conv2d(12, 12, 3, padding=1, groups=12, rng=rng)
    >>> layers = [(conv, FrozenBatchNorm2d(conv.out_channels)) for conv in (widen, taps, narrow)]
    >>> x = Tensor(np.ones((1, 2, 5, 5), dtype=np.float32))
    >>> run_inverted_residual(x, *layers, shortcut=x).shape
    (1, 2, 5, 5)
    """
    steps = None
    if _nobody_looks(x, expand, depthwise, project, shortcut):
        steps = _steps_of_one_kernel(x, expand, depthwise, project, shortcut, margins)
    if steps is not None:
        return Tensor(kernel.forward(x.data, steps, None if shortcut is None else shortcut.data))
    y = x
    if expand is not None:
        y = conv_bn_relu(y, *expand, activation="relu6")
    if any(margins):
        y = F.pad(y, margins)
    y = conv_bn_relu(y, *depthwise, activation="relu6")
    return conv_bn_relu(y, *project, shortcut)


def _nobody_looks(x: Tensor, *others: ConvNorm | Tensor | None) -> bool:
    """Whether nobody needs what the layers give one by one."""
    if watching() is not None or wanted_algorithm() is not None:
        return False
    if current_storage() != "float32":  # each layer rounds what it gives
        return False
    read = [x]
    for other in others:
        if isinstance(other, Tensor):
            read.append(other)
        elif other is not None:
            conv, bn = other
            if "forward" in vars(conv) or "forward" in vars(bn):
                return False
            if isinstance(bn, BatchNorm2d) and bn.training:
                return False
            read += [*conv.parameters(), *bn.parameters()] if grad_enabled() else []
    return not (grad_enabled() and any(tensor.requires_grad for tensor in read))


def _steps_of_one_kernel(
    x: Tensor,
    expand: ConvNorm | None,
    depthwise: ConvNorm,
    project: ConvNorm,
    shortcut: Tensor | None,
    margins: Margins,
) -> kernel.Steps | None:
    """None if the kernel does not compute these layers, or if their shapes do not fit."""
    for conv, bn in (expand or project, depthwise, project):
        if bn.num_features != conv.out_channels or conv.trailing != (0, 0):
            return None
        if conv is not depthwise[0] and (conv.stride, conv.padding) != ((1, 1), (0, 0)):
            return None
    conv = depthwise[0]
    (above, before), (left, right, top, bottom) = conv.padding, margins
    steps = kernel.Steps(
        None if expand is None else _folded(*expand),
        _folded(*depthwise),
        _folded(*project),
        conv.stride,
        (left + before, right + before, top + above, bottom + above),
    )
    fits = conv.dilation == (1, 1) and kernel.can_compute(
        x.data, steps, None if shortcut is None else shortcut.data
    )
    return steps if fits else None


def _folded(conv: Conv2d, bn: BatchNorm2d | FrozenBatchNorm2d) -> kernel.ConvNorm:
    scale, shift = (v.data if isinstance(v, Tensor) else v for v in bn.scale_and_shift())
    if conv.bias is not None:
        shift = conv.bias.data * scale + shift
    return kernel.ConvNorm(conv.weight.data, scale, shift)
