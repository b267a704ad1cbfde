"""Change the colours of a picture; its labels stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.data.transforms.compose import need_rng
from minicv.data.transforms.photograph import check_photograph

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601: brightness of red, green, blue


@dataclass(frozen=True)
class ColorJitter:
    """Change brightness, contrast, saturation and hue at random, in random order.

    The first three draw a factor from [max(0, 1 - v), 1 + v] and blend the picture with black, with
    its mean brightness, and with its grey version: factor * picture + (1 - factor) * other. Hue
    turns the colours about the grey axis by up to `hue` of a full circle. Values are clipped to
    0..1 after each step.

    Args:
        brightness, contrast, saturation: v >= 0; 0 leaves the property alone.
        hue: 0..0.5.

    Raises:
        ValueError: a negative value, or hue above 0.5.

    Example:
        >>> jitter = ColorJitter(brightness=0.5)
        >>> image = np.full((3, 1, 2), 0.5, np.float32)
        >>> changed, _ = jitter(image, {}, np.random.default_rng(0))
        >>> bool((changed == changed[0, 0, 0]).all()), bool(0.25 <= changed[0, 0, 0] <= 0.75)
        (True, True)
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    def __post_init__(self) -> None:
        if min(self.brightness, self.contrast, self.saturation, self.hue) < 0 or self.hue > 0.5:
            raise ValueError(f"{self}: expected numbers of at least 0, and hue at most 0.5")

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        rng = need_rng("ColorJitter", rng)
        check_photograph("ColorJitter", image, unit_range=True)
        for step in rng.permutation(4).tolist():
            amount = (self.brightness, self.contrast, self.saturation, self.hue)[step]
            if amount == 0:
                continue
            if step == 3:
                image = turn_hue(image, float(rng.uniform(-amount, amount)))
            else:
                factor = np.float32(rng.uniform(max(0.0, 1 - amount), 1 + amount))
                other = (_black, _mean_grey, _grey)[step](image)
                image = factor * image + (1 - factor) * other
            image = np.clip(image, 0, 1)
        return image, target


def _black(image: np.ndarray) -> np.float32:
    return np.float32(0)


def _grey(image: np.ndarray) -> np.ndarray:
    return np.tensordot(LUMA, image, axes=1)  # (3, H, W) -> (H, W)


def _mean_grey(image: np.ndarray) -> np.float32:
    return np.float32(LUMA @ image.mean(axis=(1, 2)))


def turn_hue(image: np.ndarray, turn: float) -> np.ndarray:
    """Rotate the colours (3, H, W) about the grey axis by `turn` of a full circle.

    >>> red = np.array([1, 0, 0], np.float32).reshape(3, 1, 1)
    >>> (turn_hue(red, 1 / 3).ravel() + 1e-6).round(3).tolist()
    [0.0, 1.0, 0.0]
    """
    angle = 2 * np.pi * turn
    # Rodrigues' formula about (1, 1, 1) / sqrt(3).
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    matrix = (
        np.cos(angle) * np.eye(3)
        + np.sin(angle) * cross
        + (1 - np.cos(angle)) * np.full((3, 3), 1 / 3)
    )
    return np.tensordot(matrix.astype(np.float32), image, axes=1)  # (3, 3) x (3, H, W)
