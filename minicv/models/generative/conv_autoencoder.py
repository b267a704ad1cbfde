"""Convolutional autoencoders: down by strided convolutions or by max pooling, and up again.

    1. encode   picture  -> levels of convolution, batch normalisation and ReLU, each of half the
                            side; then one layer to the code        (N, C, S, S) -> (N, D)
    2. decode   code     -> one layer to the smallest map, then the levels mirrored, each of twice
                            the side                                (N, D) -> (N, C, S, S)

How a level halves the side, and how its mirror image doubles it:

| down | on the way down | on the way up |
|---|---|---|
| ``"stride"`` | a 3x3 convolution with stride 2 | a 4x4 transposed convolution with stride 2 |
| ``"pool"`` | a 3x3 convolution, max pooling | max unpooling by switches, a 3x3 convolution |

The stamps of a 4x4 transposed convolution overlap evenly, two by two; those of a 3x3 one would
begin with a checkerboard, and have to unlearn it.

**What the switches mean.** They say in which corner of its 2x2 window each maximum was, and they
pass from the pooling to the unpooling *beside* the code. So with ``"pool"`` the code is not all
that the decoder sees: the code says how strong each feature is, the switches say where it was, 2
bits for each number of each pooled map (`switch_bits`), often far more than the code can hold.
The reconstructions are sharp, but no picture can be drawn of a code alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.generative.picture_autoencoder import AutoencoderSettings, PictureAutoencoder
from minicv.models.segmentation.upsampling import Switches, cut, pool, unpool
from minicv.nn import (
    BatchNorm2d,
    Conv2d,
    ConvTranspose2d,
    Linear,
    Module,
    ModuleList,
)

Down = Literal["stride", "pool"]
LEVELS = 2  # for a side of up to 32 pixels


@dataclass(frozen=True)
class ConvSettings(AutoencoderSettings):
    """The settings of a `ConvAutoencoder`; see also `AutoencoderSettings`.

    Attributes:
        filters: channels of the first level; each further level has twice as many.
        down: ``"stride"`` or ``"pool"``, see `minicv.models.generative.conv_autoencoder`.

    Raises:
        ValueError: no channels, or another way down.

    >>> ConvSettings(28).widths, ConvSettings(64).widths
    ((32, 64), (32, 64, 128))
    """

    filters: int = 32
    down: Down = "stride"

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        if self.filters < 1:
            raise ValueError(f"{name}: filters={self.filters}; expected at least 1")
        if self.down not in get_args(Down):
            raise ValueError(f"{name}: down={self.down!r}; expected 'stride' or 'pool'")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each level, see `widths_of`."""
        return widths_of(self.filters, self.shape[1])


class ConvAutoencoder(PictureAutoencoder):
    """An autoencoder whose layers see neighbouring pixels only, the same everywhere.

    Args:
        classes: the names of the data's labels.
        settings: see `ConvSettings`; None takes the defaults.
        rng: draws the initial weights.

    Source: Masci et al., Stacked convolutional auto-encoders, ICANN 2011 (with max pooling); Zhao
    et al., Stacked what-where auto-encoders, 2016 (with the switches).

    >>> model = ConvAutoencoder(("any",), ConvSettings(28, 1), rng=np.random.default_rng(0))
    >>> code, logits = model(Tensor(np.zeros((5, 1, 28, 28), "float32")))
    >>> code.shape, logits.shape
    ((5, 32), (5, 1, 28, 28))
    """

    settings: ConvSettings

    def __init__(
        self,
        classes: Sequence[str],
        settings: ConvSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or ConvSettings())
        own = self.settings
        self.encoder = Encoder(self.shape, own.widths, own.down, rng=rng)
        self.to_code = Linear(self.encoder.features, own.code, rng=rng)
        self.from_code = Linear(own.code, self.encoder.features, rng=rng)
        self.decoder = Decoder(self.shape, own.widths, own.down, rng=rng)
        if own.down == "pool":
            self.seen_by_decoder = f"the code, and {self.switch_bits:,} bits of switches"

    def encode(self, x: Tensor) -> Tensor:
        """(N, C, S, S) -> (N, D)."""
        return self.to_code(self.encoder(x)[0])

    def decode(self, code: Tensor, switches: Sequence[Switches] = ()) -> Tensor:
        """(N, D), and for "pool" the switches of each level -> logits (N, C, S, S).

        Raises:
            ValueError: there are no switches, and the unpoolings need them.
        """
        return self.decoder(self.from_code(code), switches)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, S, S) -> codes (N, D) and logits (N, C, S, S)."""
        features, switches = self.encoder(x)
        code = self.to_code(features)
        return code, self.decode(code, switches)

    @property
    def switch_bits(self) -> int:
        """How much passes beside the code of one picture: 2 bits for each pooled number."""
        if self.settings.down == "stride":
            return 0
        sides = self.encoder.sides[1:]
        return sum(2 * c * s * s for c, s in zip(self.settings.widths, sides, strict=True))


class Encoder(Module):
    """Levels of half the side each: (N, C, S, S) -> (N, features), and the switches of each level.

    Args:
        shape: (C, S, S).
        widths: channels of each level.
        down: how a level halves the side; a side that is odd is rounded up.
        rng: draws the initial weights.

    Attributes:
        sides: S, and the side of each level's map.
        features: numbers of the last map, flat.

    >>> Encoder((1, 28, 28), (8, 16), "stride", rng=np.random.default_rng(0)).features
    784
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        widths: Sequence[int],
        down: Down,
        *,
        rng: np.random.Generator,
    ) -> None:
        self.down = down
        self.sides = sides_of(shape[1], len(widths))
        self.features = widths[-1] * self.sides[-1] ** 2
        self.convolutions, self.norms = ModuleList(), ModuleList()
        stride = 2 if down == "stride" else 1
        for before, after in zip((shape[0], *widths), widths, strict=False):
            # Without a bias, for the normalisation takes the mean away.
            self.convolutions.append(
                Conv2d(before, after, 3, stride, padding=1, bias=False, rng=rng)
            )
            self.norms.append(BatchNorm2d(after))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Switches]]:
        switches = []
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = norm(convolution(x), "relu")  # (N, c, s, s) -> (N, c', s/2, s/2), or s for "pool"
            if self.down == "pool":
                x, places = pool(x)  # -> (N, c', s/2, s/2)
                switches.append(places)
        return F.flatten(x, 1), switches  # -> (N, features)


class Decoder(Module):
    """The mirror image of an `Encoder`: (N, features) -> logits (N, C, S, S).

    Args:
        shape, widths, down, rng: of the encoder.

    >>> decoder = Decoder((1, 28, 28), (8, 16), "stride", rng=np.random.default_rng(0))
    >>> decoder(Tensor(np.zeros((3, 784), "float32"))).shape
    (3, 1, 28, 28)
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        widths: Sequence[int],
        down: Down,
        *,
        rng: np.random.Generator,
    ) -> None:
        self.down = down
        self.sides = sides_of(shape[1], len(widths))
        self.deepest = widths[-1]
        self.norm = BatchNorm2d(self.deepest)  # of the map that the code is made to
        self.convolutions, self.norms = ModuleList(), ModuleList()
        upwards = (*widths[::-1], shape[0])
        for level, (before, after) in enumerate(pairwise(upwards), start=1):
            last = level == len(widths)  # gives the logits: it has a bias, and no normalisation
            self.convolutions.append(
                ConvTranspose2d(before, after, 4, 2, padding=1, bias=last, rng=rng)
                if down == "stride"
                else Conv2d(before, after, 3, padding=1, bias=last, rng=rng)
            )
            if not last:
                self.norms.append(BatchNorm2d(after))

    def forward(self, h: Tensor, switches: Sequence[Switches] = ()) -> Tensor:
        """``switches``: of each level, the largest map first."""
        if self.down == "pool" and len(switches) != len(self.convolutions):
            raise ValueError(
                f"decode: {len(switches)} switches for {len(self.convolutions)} unpoolings; with "
                "down='pool' a code is no picture without the switches of its encoder"
            )
        side = self.sides[-1]
        h = F.reshape(h, (len(h.data), self.deepest, side, side))  # (N, features) -> (N, c, s, s)
        h = self.norm(h, "relu")
        norms = iter(self.norms)
        for level in range(len(self.convolutions) - 1, -1, -1):
            convolution = self.convolutions[len(self.convolutions) - 1 - level]
            if self.down == "pool":
                h = convolution(unpool(h, switches[level]))  # (N, c, s, s) -> (N, c', 2s, 2s)
            else:
                h = cut(convolution(h), (self.sides[level],) * 2)  # the same; odd sides are cut
            norm = next(norms, None)
            if norm is not None:
                h = norm(h, "relu")
        return h


def widths_of(filters: int, size: int) -> tuple[int, ...]:
    """Channels of each level: two levels up to 32 pixels, and one more for each doubling.

    So the smallest map is about 8 x 8, whatever the size.

    >>> widths_of(8, 28), widths_of(8, 100)
    ((8, 16), (8, 16, 32, 64))
    """
    levels = LEVELS + max(0, (size - 1).bit_length() - 5)
    return tuple(filters * 2**level for level in range(levels))


def sides_of(size: int, levels: int) -> tuple[int, ...]:
    """The side of a square, and that after each halving, rounded up.

    >>> sides_of(28, 3)
    (28, 14, 7, 4)
    """
    sides = [size]
    for _ in range(levels):
        sides.append(-(-sides[-1] // 2))
    return tuple(sides)
