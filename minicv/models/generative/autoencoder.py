"""The fully connected autoencoder (Hinton & Salakhutdinov 2006).

    1. encode   pixels -> three layers, each with fewer units    (N, C S S) -> (N, D)
    2. decode   code   -> the same layers mirrored               (N, D) -> (N, C S S)

With one layer each way, without ReLU and sigmoid, the best such network is a principal component
analysis: the code spans the plane of the D directions in which pictures vary most. The layers
between bend that plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.generative.picture_autoencoder import AutoencoderSettings, PictureAutoencoder
from minicv.nn import Linear, ReLU, Sequential


@dataclass(frozen=True)
class FullyConnectedSettings(AutoencoderSettings):
    """The settings of an `Autoencoder`; see also `AutoencoderSettings`.

    Attributes:
        units: of the first layer; the second has a quarter.

    Raises:
        ValueError: no units.
    """

    units: int = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.units < 1:
            raise ValueError(f"FullyConnectedSettings: units={self.units}; expected at least 1")


class Autoencoder(PictureAutoencoder):
    """Layers of 512, 128 and D units, and back; ReLU between, none at the code.

    The paper's network for handwritten digits has 1000, 500, 250 and 30 units, and sigmoids. Those
    had to be trained layer by layer before, as restricted Boltzmann machines; with ReLU and Adam
    that is not needed.

    Args:
        classes: the names of the data's labels.
        settings: see `FullyConnectedSettings`; None takes the defaults.
        rng: draws the initial weights.

    Source: Hinton & Salakhutdinov, Reducing the dimensionality of data with neural networks,
    Science 313, 2006.

    >>> settings = FullyConnectedSettings(28, 1, code=2)
    >>> model = Autoencoder(("any",), settings, rng=np.random.default_rng(0))
    >>> code, logits = model(Tensor(np.zeros((5, 1, 28, 28), "float32")))
    >>> code.shape, logits.shape
    ((5, 2), (5, 1, 28, 28))
    """

    settings: FullyConnectedSettings

    def __init__(
        self,
        classes: Sequence[str],
        settings: FullyConnectedSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(classes, settings or FullyConnectedSettings())
        units, pixels = self.settings.units, int(np.prod(self.shape))
        sizes = (pixels, units, max(1, units // 4), self.settings.code)
        self.encoder = layers(sizes, rng=rng)
        self.decoder = layers(sizes[::-1], rng=rng)

    def encode(self, x: Tensor) -> Tensor:
        """(N, C, S, S) -> (N, D)."""
        return self.encoder(F.flatten(x, 1))

    def decode(self, code: Tensor) -> Tensor:
        """(N, D) -> (N, C, S, S), logits."""
        return F.reshape(self.decoder(code), (len(code.data), *self.shape))


def layers(sizes: Sequence[int], *, rng: np.random.Generator) -> Sequential:
    """Fully connected layers from sizes[0] to sizes[1] and so on, with ReLU between them.

    >>> layers((9, 4, 2), rng=np.random.default_rng(0))(Tensor(np.zeros((1, 9), "float32"))).shape
    (1, 2)
    """
    parts: list[Linear | ReLU] = []
    for before, after in pairwise(sizes):
        parts += [Linear(before, after, rng=rng), ReLU()]
    return Sequential(*parts[:-1])
