"""Convolutions only, at full resolution: the lecture's second step.

The patch classifier computes the same features again for every patch. A stack of convolutions
computes each once, and the logits of all pixels in one pass. Nothing is made smaller, so nothing
has to be made larger again. But every layer works on every pixel, and a 3x3 layer sees but one
pixel further: to see a whole thing the stack must be deep, and deep is dear. That is why the next
networks go down and up again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.autograd import Tensor
from minicv.models.segmentation.conv_block import conv_blocks
from minicv.models.segmentation.segmenter import Segmenter
from minicv.nn import Conv2d


class FullResolution(Segmenter):
    """``depth`` 3x3 convolutions, each with batch normalisation and ReLU, then the score.

    | layer | out, for (N, 3, H, W) | multiply-adds for a pixel |
    |---|---|---|
    | conv 3x3 | (N, C, H, W) | 27 C |
    | conv 3x3, depth - 1 times | (N, C, H, W) | 9 C² each |
    | conv 1x1, the score | (N, K, H, W) | C K |

    Receptive field: 1 + 2 depth pixels a side, 13 with the six layers of the default, where a
    pooling after each would make it over a hundred. Cost for a pixel, all layers together:
    27 C + 9 C² (depth - 1) + C K, with the default and 8 classes 47,200 multiply-adds; training
    takes three times as many and keeps three maps of C numbers for a pixel and layer.

    Args:
        classes: the K names.
        width: C, channels of every layer.
        depth: number of 3x3 convolutions.
        class_weights, min_size, max_size: see `Segmenter`.
        rng: draws the initial weights.

    Raises:
        ValueError: width or depth below 1.

    Source: the lecture's second step; Long et al. 2015, "Fully convolutional networks for semantic
    segmentation", section 3, for the network without fully connected layers.

    >>> rng = np.random.default_rng(0)
    >>> model = FullResolution(("cow", "sky"), width=4, depth=2, rng=rng)
    >>> model(Tensor(np.zeros((1, 3, 7, 10), "float32"))).shape
    (1, 2, 7, 10)
    >>> model.receptive_field, model.multiply_adds_per_pixel
    (5, 260)
    """

    def __init__(
        self,
        classes: Sequence[str],
        width: int = 32,
        depth: int = 6,
        *,
        class_weights: np.ndarray | None = None,
        min_size: int | None = None,
        max_size: int | None = None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, class_weights=class_weights, min_size=min_size, max_size=max_size)
        if width < 1 or depth < 1:
            raise ValueError(
                f"FullResolution: width={width}, depth={depth}; expected at least 1 for both"
            )
        self.width, self.depth = width, depth
        self.layers = conv_blocks((3, *[width] * depth), rng=rng)
        self.score = Conv2d(width, len(self.classes), 1, rng=rng)

    @property
    def receptive_field(self) -> int:
        """How many pixels a side the logits of one pixel depend on."""
        return 1 + 2 * self.depth

    @property
    def multiply_adds_per_pixel(self) -> int:
        """Of all convolutions, forward."""
        c = self.width
        return 27 * c + 9 * c * c * (self.depth - 1) + c * len(self.classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W)."""
        return self.score(self.layers(x))  # (N, 3, H, W) -> (N, C, H, W) -> (N, K, H, W)
