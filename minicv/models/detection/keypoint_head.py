"""The joint head: where in a region each joint of a body is (He et al. 2017, section 5).

Each joint has a heat map over the region, and a softmax over all of its positions: a joint is in
one place. So a joint is learnt like a class, of which there are as many as positions.

Source: He et al., Mask R-CNN, 2017, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.models.detection.mask_head import he_convolution, he_draw
from minicv.nn import ConvTranspose2d, Module, ReLU, Sequential

NOT_LEARNT = -1  # a position of no cell


class KeypointHead(Sequential):
    """3x3 convolutions with ReLU: (R, C, h, w) -> (R, channels[-1], h, w).

    Layers are called ``0``, ``2``, ``4`` and so on, as in torchvision.

    Args:
        in_channels: C.
        channels: of each convolution; the paper has eight of 512.
        rng: draws the initial weights.
    """

    def __init__(
        self, in_channels: int, channels: Sequence[int], *, rng: np.random.Generator
    ) -> None:
        layers: list[Module] = []
        for width in channels:
            layers += [he_convolution(in_channels, width, 3, rng), ReLU()]
            in_channels = width
        super().__init__(*layers)


class KeypointPredictor(Module):
    """Heat maps of four times the size: (R, C, h, w) -> (R, J, 4h, 4w) logits.

    A transposed convolution doubles the map, bilinear interpolation doubles it again.

    Args:
        in_channels: C.
        joints: J.
        rng: draws the initial weights.
    """

    def __init__(self, in_channels: int, joints: int, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.kps_score_lowres = ConvTranspose2d(in_channels, joints, 4, 2, 1, rng=rng)
        he_draw(self.kps_score_lowres, rng)

    def forward(self, x: Tensor) -> Tensor:
        x = self.kps_score_lowres(x)  # (R, C, h, w) -> (R, J, 2h, 2w)
        h, w = x.shape[2:]
        return F.resize_bilinear(x, (2 * h, 2 * w))  # -> (R, J, 4h, 4w)


def keypoint_loss(logits: Tensor, positions: Array, valid: Array) -> Tensor:
    """Softmax cross-entropy over the positions of each joint, the mean over the joints to learn.

    Args:
        logits: (P, J, M, M).
        positions: (P, J) the right position of each joint, row by row, 0..M·M-1.
        valid: (P, J) bool, which joints can be learnt: visible and inside of the region.

    Returns:
        a number; 0 where no joint can be learnt.

    >>> logits = Tensor(np.zeros((1, 1, 2, 2)))
    >>> round(float(keypoint_loss(logits, np.array([[3]]), np.array([[True]])).data), 4)
    1.3863
    """
    p, j, h, w = logits.shape
    wanted = xp_of(positions).where(valid, positions, NOT_LEARNT)
    of_joints = logits.reshape(p * j, h * w)  # (P, J, M, M) -> (P J, M M)
    return F.softmax_cross_entropy(of_joints, wanted.reshape(p * j), ignore_index=NOT_LEARNT)
