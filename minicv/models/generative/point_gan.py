"""The original GAN where one can watch it: points of the plane, drawn by two perceptrons.

    1. draw      latent vectors                       (N, Z)
    2. generate  three layers, ReLU between           (N, Z) -> (N, 2)
    3. judge     three layers, ReLU between           (N, 2) -> (N,) logits

The points to learn lie in eight heaps on a circle. Each heap is a mode of their distribution. A
generator whose points all fall into a few heaps has collapsed: each of them looks real by itself,
so the discriminator has nothing against them until it has moved, and then they all move on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.generative.gan import GAN
from minicv.nn import Linear, Module, ReLU, Sequential


@dataclass(frozen=True)
class GaussianRing:
    """Equal Gaussians whose centres lie evenly on a circle around the origin.

    Attributes:
        modes: how many.
        radius: of the circle.
        std: standard deviation of each Gaussian, along each axis.

    Raises:
        ValueError: no mode, or a radius or deviation that is not positive.

    Source: Metz et al., Unrolled generative adversarial networks, 2017, section 3.1, with eight
    modes, radius 2 and a standard deviation of 0.02.

    >>> ring = GaussianRing(modes=4, radius=1.0)
    >>> (ring.centres.round(3) + 0.0).tolist()
    [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]
    >>> ring.sample(3, np.random.default_rng(0)).shape
    (3, 2)
    """

    modes: int = 8
    radius: float = 2.0
    std: float = 0.1

    def __post_init__(self) -> None:
        if self.modes < 1 or not self.radius > 0 or not self.std > 0:
            raise ValueError(
                f"GaussianRing: modes={self.modes}, radius={self.radius}, std={self.std}; expected "
                "at least one mode, a positive radius and a positive deviation"
            )

    @property
    def centres(self) -> np.ndarray:
        """(modes, 2), anticlockwise, the first on the positive x axis."""
        angles = 2 * np.pi * np.arange(self.modes) / self.modes
        return self.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n points of the mixture, (n, 2) float32."""
        centres = self.centres[rng.integers(self.modes, size=n)]
        return (centres + self.std * rng.standard_normal((n, 2))).astype(np.float32)


class PointGAN(GAN):
    """A GAN on points of the plane; see the head of this file.

    Args:
        latent: Z.
        units: of each hidden layer.
        rng: draws the first weights.

    Source: Goodfellow et al. 2014.

    >>> gan = PointGAN(latent=4, units=8, rng=np.random.default_rng(0))
    >>> gan.sample(5, np.random.default_rng(1)).shape
    (5, 2)
    >>> gan.realness(np.zeros((3, 2))).shape
    (3,)
    """

    def __init__(self, latent: int = 16, units: int = 64, *, rng: np.random.Generator) -> None:
        self.latent = latent
        self.generator = _perceptron(latent, units, 2, rng)
        self.discriminator = _Judge(units, rng)

    def real(self, images: Sequence[np.ndarray]) -> Tensor:
        """Points, each (2,), as (N, 2)."""
        return self.on_device(np.asarray(images, np.float32).reshape(-1, 2))

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n points of the generator, (n, 2)."""
        return self.generate(rng.standard_normal((n, self.latent), dtype=np.float32))

    def realness(self, points: np.ndarray) -> np.ndarray:
        """The discriminator's probability that each of the points (N, 2) is real, (N,) float32."""
        return self.probabilities(self.real(list(points)))


class _Judge(Module):
    """Points (N, 2) -> logits (N,)."""

    def __init__(self, units: int, rng: np.random.Generator) -> None:
        self.layers = _perceptron(2, units, 1, rng)

    def forward(self, points: Tensor) -> Tensor:
        logits: Tensor = self.layers(points)
        return F.reshape(logits, (-1,))


def _perceptron(inputs: int, units: int, outputs: int, rng: np.random.Generator) -> Sequential:
    return Sequential(
        Linear(inputs, units, rng=rng), ReLU(),
        Linear(units, units, rng=rng), ReLU(),
        Linear(units, outputs, rng=rng),
    )  # fmt: skip
