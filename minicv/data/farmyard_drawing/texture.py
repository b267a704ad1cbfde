"""Random textures: the grain of fur and leaves, blades of grass, broad patches of the meadow."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter


class Textures(NamedTuple):
    """Noise of mean 0 and variance 1, a half larger than the picture; float32."""

    grain: np.ndarray
    blades: np.ndarray
    patches: np.ndarray


@lru_cache(maxsize=8)
def textures(size: tuple[int, int]) -> Textures:
    """The textures for pictures of `size` (H, W).

    They are the same for every scene, which takes a random part of each: drawing new noise for
    every scene would cost more than all the rest of it.
    """
    height, width = size
    rng = np.random.default_rng(128)
    shape = (height + height // 2 + 1, width + width // 2 + 1)
    unit = min(height, width) / 128
    return Textures(
        grain=_noise(shape, (0.55 * unit, 0.55 * unit), rng),
        blades=_noise(shape, (1.6 * unit, 0.5 * unit), rng),  # grass grows upwards
        patches=_noise(shape, (5 * unit, 12 * unit), rng),  # seen from the side, patches are flat
    )


def _noise(
    shape: tuple[int, int], sigma: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """White noise blurred by `sigma`, and by its half and quarter where a pixel can show that."""
    noise = np.zeros(shape)
    for octave in (1.0, 0.5, 0.25):
        if octave == 1 or octave * min(sigma) >= 0.5:
            blur = (octave * sigma[0], octave * sigma[1])
            part = gaussian_filter(rng.standard_normal(shape), blur, mode="wrap")
            noise += octave**0.5 * part / part.std()
    return (noise / noise.std()).astype(np.float32)


def random_part(
    texture: np.ndarray, height: int, width: int, rng: np.random.Generator
) -> np.ndarray:
    """A part (height, width) of a texture, from a random place."""
    top = int(rng.integers(texture.shape[0] - height + 1))
    left = int(rng.integers(texture.shape[1] - width + 1))
    return texture[top : top + height, left : left + width]
