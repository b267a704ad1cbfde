"""SegNet: an encoder with max pooling, and a decoder that is its mirror image.

Every max unpooling of the decoder takes the switches of the pooling that it mirrors. Strong
responses are at the borders of objects, so the borders come back to the pixel; a convolution then
fills the zeros between. SegNet is DeconvNet without the two layers of 4096 units, which hold nine
tenths of DeconvNet's weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv.autograd import Tensor
from minicv.inspection.stage import StageRecorder, record_features
from minicv.models.segmentation.conv_block import conv_blocks
from minicv.models.segmentation.segmenter import SILENT, Segmenter, SegmenterSettings
from minicv.models.segmentation.upsampling import Switches, pool, unpool
from minicv.nn import Conv2d, ModuleList


@dataclass(frozen=True, kw_only=True)
class SegNetSettings(SegmenterSettings):
    """The settings of a `SegNet`; see also `SegmenterSettings`.

    Attributes:
        widths: channels of each level.
        depths: convolutions of each level.
        kernel_size: of all convolutions; odd.

    Raises:
        ValueError: widths and depths of different lengths, empty, or with a number below 1.
    """

    widths: tuple[int, ...] = (24, 48, 64, 96)
    depths: tuple[int, ...] = (1, 1, 2, 2)
    kernel_size: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        widths, depths = self.widths, self.depths
        if len(widths) != len(depths) or min(widths, default=0) < 1 or min(depths) < 1:
            raise ValueError(
                f"SegNetSettings: widths={widths}, depths={depths}; expected a number of channels "
                "and a number of convolutions, each at least 1, for each level"
            )


class SegNet(Segmenter):
    """A SegNet of a size that a CPU trains from nothing.

    Level l of the encoder has ``depths[l]`` 3x3 convolutions to ``widths[l]`` channels, each with
    batch normalisation and ReLU, and a 2x2 max pooling. Level l of the decoder mirrors it: max
    unpooling by the switches of that pooling, then as many convolutions, of which the last has the
    ``widths[l - 1]`` channels that the next unpooling needs. The very last one gives the logits and
    has neither normalisation nor ReLU.

    | | out, for (N, 3, H, W) and four levels |
    |---|---|
    | encoder 0, 1, 2, 3 | (N, widths[3], H/16, W/16) |
    | decoder 3, 2, 1, 0 | (N, K, H, W) |

    A side that cannot be halved is rounded up, and the decoder comes back to the same sizes.

    The published SegNet has VGG-16's levels, depths (2, 2, 3, 3, 3) and widths (64, 128, 256, 512,
    512); SegNet-Basic four levels of one 7x7 convolution to 64 channels.

    Args:
        classes: the K names.
        settings: see `SegNetSettings`; None takes the defaults.
        rng: draws the initial weights.

    Raises:
        ValueError: an even kernel.

    Source: Badrinarayanan, Kendall & Cipolla, SegNet (TPAMI 2017), section 3.

    >>> settings = SegNetSettings(widths=(4, 8), depths=(1, 2))
    >>> model = SegNet(("cow", "sky"), settings, rng=np.random.default_rng(0))
    >>> model(Tensor(np.zeros((1, 3, 7, 10), "float32"))).shape
    (1, 2, 7, 10)
    """

    settings: SegNetSettings

    def __init__(
        self,
        classes: Sequence[str],
        settings: SegNetSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or SegNetSettings())
        widths, kernel_size = self.settings.widths, self.settings.kernel_size
        self.encoder, self.decoder = ModuleList(), ModuleList()
        for level, (width, depth) in enumerate(zip(widths, self.settings.depths, strict=True)):
            below = widths[level - 1] if level > 0 else 3
            upwards = (below, *[width] * depth)
            downwards = upwards[:0:-1] if level == 0 else upwards[::-1]  # the score comes last
            self.encoder.append(conv_blocks(upwards, kernel_size, rng=rng))
            self.decoder.append(conv_blocks(downwards, kernel_size, rng=rng))
        self.score = Conv2d(
            widths[0], len(self.classes), kernel_size, padding=kernel_size // 2, rng=rng
        )
        self.step = 2 ** len(widths)
        one_way = sum(depth * 2**level for level, depth in enumerate(self.settings.depths))
        self.reach = (2 * one_way + 1) * (kernel_size // 2) + 2 * self.step  # and the unpoolings

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W)."""
        switches: list[Switches] = []
        for convolutions in self.encoder:
            x, places = pool(convolutions(x))  # (N, C, h, w) -> (N, C', h/2, w/2)
            switches.append(places)
        record_features(record, x.data[0], 2 ** len(switches))
        for convolutions in reversed(list(self.decoder)):
            x = unpool(x, switches.pop())  # (N, C', h/2, w/2) -> (N, C', h, w)
            x = convolutions(x)  # -> (N, C, h, w)
        return self.score(x)  # (N, C, H, W) -> (N, K, H, W)
