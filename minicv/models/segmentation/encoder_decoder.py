"""A small encoder and decoder in which the way of upsampling can be exchanged.

    encoder   conv, pool ... conv, pool      (N, 3, H, W)   -> (N, C, H/8, W/8)
    middle    conv                           sees the whole of an object
    decoder   upsample, conv ... upsample, conv             -> (N, C, H, W)
    score     conv 1x1                                      -> (N, K, H, W)

Pooling lets deep layers see a large part of the image at little cost, but loses where objects are.
The decoder has to restore the places, and its upsampling decides how well it can; see `upsampling`
for the four ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from minicv.autograd import Tensor
from minicv.inspection.stage import StageRecorder, record_features
from minicv.models.segmentation.conv_block import ConvBNReLU
from minicv.models.segmentation.segmenter import SILENT, Segmenter, SegmenterSettings
from minicv.models.segmentation.upsampling import (
    Switches,
    Upsampling,
    make_upsampling,
    pool,
)
from minicv.nn import Conv2d, ModuleList


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderSettings(SegmenterSettings):
    """The settings of an `EncoderDecoder`; see also `SegmenterSettings`.

    Attributes:
        upsampling: one of the four ways of `upsampling`.
        widths: channels of each level of the encoder; as many numbers as there are poolings.

    Raises:
        ValueError: an unknown upsampling, or widths without a number or with one below 1.
    """

    upsampling: Upsampling = "max_unpool"
    widths: tuple[int, ...] = (32, 64, 128)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.upsampling not in get_args(Upsampling):
            raise ValueError(
                f"EncoderDecoderSettings: upsampling is {self.upsampling!r}, expected one of "
                f"{', '.join(get_args(Upsampling))}"
            )
        if len(self.widths) == 0 or min(self.widths) < 1:
            raise ValueError(
                f"EncoderDecoderSettings: widths is {self.widths}, expected the number of "
                "channels of each level, at least one level"
            )


class EncoderDecoder(Segmenter):
    """One 3x3 convolution a level, each with batch normalisation and ReLU.

    With ``widths`` of (A, B, C):

    | part | layers | out, for (N, 3, H, W) |
    |---|---|---|
    | encoder 0, 1, 2 | conv to A, B, C channels; 2x2 max pooling | (N, C, H/8, W/8) |
    | middle | conv | (N, C, H/8, W/8) |
    | decoder 2, 1, 0 | upsampling; conv to B, A, A channels | (N, A, H, W) |
    | score | conv 1x1 | (N, K, H, W) |

    A side that cannot be halved is rounded up, and the decoder comes back to the same sizes.

    ======================= =================================== ============================
    upsampling              a value of the small map            what the decoder learns of
                                                                the place within the block
    ======================= =================================== ============================
    "nearest"               fills its 2x2 block                 nothing
    "bed_of_nails"          stands in the block's top left      nothing
                            corner, among zeros
    "max_unpool"            goes back to where the encoder's    where the strongest response
                            maximum was, among zeros            was, in every channel
    "transposed"            is multiplied by a learned 3x3      what is usual, from the
                            stamp; stamps add up                weights; nothing of this image
    ======================= =================================== ============================

    All else is the same in the four networks; only "transposed" has more weights.

    Args:
        classes: the K names.
        settings: see `EncoderDecoderSettings`; None takes the defaults.
        rng: draws the initial weights.

    Source: the lecture's third step; Noh et al. 2015 and Badrinarayanan et al. 2017 for the form.

    >>> settings = EncoderDecoderSettings(upsampling="max_unpool", widths=(4, 8))
    >>> model = EncoderDecoder(("cow", "sky"), settings, rng=np.random.default_rng(0))
    >>> model(Tensor(np.zeros((1, 3, 7, 10), "float32"))).shape
    (1, 2, 7, 10)
    """

    settings: EncoderDecoderSettings

    def __init__(
        self,
        classes: Sequence[str],
        settings: EncoderDecoderSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or EncoderDecoderSettings())
        widths = self.settings.widths
        before = (3, *widths[:-1])  # channels that come into each level of the encoder
        after = (widths[0], *widths[:-1])  # and that leave each level of the decoder
        self.encoder, self.upsamplings, self.decoder = ModuleList(), ModuleList(), ModuleList()
        for into, width in zip(before, widths, strict=True):
            self.encoder.append(ConvBNReLU(into, width, rng=rng))
        self.middle = ConvBNReLU(widths[-1], widths[-1], rng=rng)
        for width, out in zip(widths, after, strict=True):
            self.upsamplings.append(make_upsampling(self.settings.upsampling, width, rng=rng))
            self.decoder.append(ConvBNReLU(width, out, rng=rng))
        self.score = Conv2d(widths[0], len(self.classes), 1, rng=rng)
        # Convolutions of encoder and decoder 2 (step - 1), middle step, 3x3 stamps 2 (step - 1).
        self.step = 2 ** len(widths)
        self.reach = 5 * self.step

    def forward(self, x: Tensor, record: StageRecorder = SILENT) -> Tensor:
        """(N, 3, H, W), normalised -> logits (N, K, H, W)."""
        switches: list[Switches] = []
        for convolution in self.encoder:
            x, places = pool(convolution(x))  # (N, C, h, w) -> (N, C', h/2, w/2)
            switches.append(places)
        x = self.middle(x)
        record_features(record, x.data[0], 2 ** len(switches))
        for level in reversed(range(len(switches))):
            x = self.upsamplings[level](x, switches[level])  # (N, C', h/2, w/2) -> (N, C', h, w)
            x = self.decoder[level](x)  # -> (N, C, h, w)
        return self.score(x)  # (N, C, H, W) -> (N, K, H, W)
