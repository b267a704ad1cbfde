"""Convolutions only, at full resolution: the lecture's second step.

The patch classifier computes the same features again for every patch. A stack of convolutions
computes each feature once, and the logits of all pixels together. No map is made smaller, so none
has to be made larger again. But every layer works on every pixel, and a 3x3 layer sees only one
pixel further. To see a whole object the stack must be deep, and a deep stack is slow. So the next
networks make the maps smaller and then larger again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv.autograd import Tensor
from minicv.inspection.stage import StageRecorder, record_features
from minicv.models.segmentation.conv_block import conv_blocks
from minicv.models.segmentation.segmenter import SILENT, Segmenter, SegmenterSettings
from minicv.nn import Conv2d


@dataclass(frozen=True, kw_only=True)
class FullResolutionSettings(SegmenterSettings):
    """The settings of a `FullResolution`; see also `SegmenterSettings`.

    Attributes:
        width: C, channels of every layer.
        depth: number of 3x3 convolutions.

    Raises:
        ValueError: width or depth below 1.
    """

    width: int = 32
    depth: int = 6

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width < 1 or self.depth < 1:
            raise ValueError(
                f"FullResolutionSettings: width={self.width}, depth={self.depth}; expected at "
                "least 1 for both"
            )


class FullResolution(Segmenter):
    """``depth`` 3x3 convolutions, each with batch normalisation and ReLU, then the score.

    | layer | out, for (N, 3, H, W) | multiply-adds for a pixel |
    |---|---|---|
    | conv 3x3 | (N, C, H, W) | 27 C |
    | conv 3x3, depth - 1 times | (N, C, H, W) | 9 C² each |
    | conv 1x1, the score | (N, K, H, W) | C K |

    Receptive field: 1 + 2 depth pixels a side, 13 with the six layers of the default. With a
    pooling after each layer it would be over a hundred. Cost for a pixel, all layers together:
    27 C + 9 C² (depth - 1) + C K, with the default and 8 classes 47,200 multiply-adds; training
    takes three times as many and keeps three maps of C numbers for a pixel and layer.

    Args:
        classes: the K names.
        settings: see `FullResolutionSettings`; None takes the defaults.
        rng: draws the initial weights.

    Source: the lecture's second step; Long et al. 2015, "Fully convolutional networks for semantic
    segmentation", section 3, for the network without fully connected layers.

    >>> settings = FullResolutionSettings(width=4, depth=2)
    >>> model = FullResolution(("cow", "sky"), settings, rng=np.random.default_rng(0))
    >>> model(Tensor(np.zeros((1, 3, 7, 10), "float32"))).shape
    (1, 2, 7, 10)
    >>> model.receptive_field, model.multiply_adds_per_pixel
    (5, 260)
    """

    settings: FullResolutionSettings

    def __init__(
        self,
        classes: Sequence[str],
        settings: FullResolutionSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or FullResolutionSettings())
        width, depth = self.settings.width, self.settings.depth
        self.layers = conv_blocks((3, *[width] * depth), rng=rng)
        self.score = Conv2d(width, len(self.classes), 1, rng=rng)
        self.reach = depth

    @property
    def receptive_field(self) -> int:
        """How many pixels a side the logits of one pixel depend on."""
        return 1 + 2 * self.settings.depth

    @property
    def multiply_adds_per_pixel(self) -> int:
        """Of all convolutions, forward."""
        c, depth = self.settings.width, self.settings.depth
        return 27 * c + 9 * c * c * (depth - 1) + c * len(self.classes)

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W)."""
        x = self.layers(x)  # (N, 3, H, W) -> (N, C, H, W)
        record_features(record, x.data[0], 1)
        return self.score(x)  # -> (N, K, H, W)
