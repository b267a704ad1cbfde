"""The mask head: which cells of a region belong to its object (He et al. 2017).

The head keeps the rows and columns of the region's features, for a mask is a place for each class
and not a list of numbers. Each class has a mask of its own, and the class decides which one counts:
so the masks of different classes do not compete.

Source: He et al., Mask R-CNN, 2017, section 3 and figure 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.nn import Conv2d, ConvTranspose2d, Module
from minicv.nn import initializers as init


class MaskHead(Module):
    """3x3 convolutions with ReLU: (R, C, h, w) -> (R, channels[-1], h, w).

    Layers are called ``mask_fcn1``, ``mask_fcn2`` and so on, as in torchvision's published files.

    Args:
        in_channels: C.
        channels: of each convolution; the paper has four of 256.
        rng: draws the initial weights.
    """

    def __init__(
        self, in_channels: int, channels: Sequence[int], *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.depth = len(channels)
        for number, width in enumerate(channels, start=1):
            setattr(self, f"mask_fcn{number}", he_convolution(in_channels, width, 3, rng))
            in_channels = width

    def forward(self, x: Tensor) -> Tensor:
        for number in range(1, self.depth + 1):
            x = F.relu(getattr(self, f"mask_fcn{number}")(x))
        return x


class MaskPredictor(Module):
    """A transposed convolution to twice the size, then a logit for each class and cell.

    (R, C, h, w) -> (R, K+1, 2h, 2w). The background comes first and is never used; it exists
    because published weights have it. The logits' weights start uniform within ±1 / √channels, so
    that probabilities start near one half, however few classes there are.

    Args:
        in_channels: C.
        channels: of the transposed convolution; the paper has 256.
        num_classes: K.
        rng: draws the initial weights.

    Source: He et al. 2017, figure 4.
    """

    def __init__(
        self, in_channels: int, channels: int, num_classes: int, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.conv5_mask = ConvTranspose2d(in_channels, channels, 2, 2, rng=rng)
        self.mask_fcn_logits = Conv2d(channels, num_classes + 1, 1, rng=rng)
        he_draw(self.conv5_mask, rng)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv5_mask(x))  # (R, C, h, w) -> (R, channels, 2h, 2w)
        return self.mask_fcn_logits(x)  # -> (R, K+1, 2h, 2w)


def mask_loss(logits: Tensor, targets: Array, classes: Array) -> Tensor:
    """Binary cross-entropy on the mask of the true class, the mean over regions and cells.

    Args:
        logits: (P, K+1, M, M), background first.
        targets: (P, M, M), how much of each cell the object covers, 0 to 1; see `mask_targets`.
        classes: (P,) the true class of each region, 1..K.

    Returns:
        a number; 0 where there are no regions.

    Source: He et al. 2017, section 3: "L_mask is only defined on the k-th mask".

    >>> logits = Tensor(np.zeros((1, 2, 1, 1)))
    >>> round(float(mask_loss(logits, np.ones((1, 1, 1)), np.array([1])).data), 4)
    0.6931
    """
    xp = xp_of(logits.data)
    chosen = logits[xp.arange(len(classes)), classes]  # (P, K+1, M, M) -> (P, M, M)
    return F.binary_cross_entropy_with_logits(chosen, targets.astype(logits.data.dtype, copy=False))


def he_convolution(
    channels_in: int, channels_out: int, kernel: int, rng: np.random.Generator
) -> Conv2d:
    """A convolution that keeps the size, drawn for ReLU; bias 0."""
    layer = Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, rng=rng)
    he_draw(layer, rng)
    return layer


def he_draw(layer: Conv2d | ConvTranspose2d, rng: np.random.Generator) -> None:
    """New weights of variance 2 / fan_out, as torchvision draws its heads'; biases become 0.

    For a transposed convolution, too, fan_out is the length of the weight's first axis times KH KW.
    """
    layer.weight.data = init.he_normal(layer.weight.shape, rng, mode="fan_out")
    if layer.bias is not None:
        layer.bias.data = init.constant(layer.bias.shape, 0.0)
