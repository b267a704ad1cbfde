"""A chain of transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Transform = Callable[[np.ndarray, dict, "np.random.Generator | None"], tuple[np.ndarray, dict]]


class Compose:
    """Apply transforms one after the other.

    Args:
        transforms: callables `(image, target, rng) -> (image, target)`. Random ones draw from the
            same `rng` in this order.

    Example:
        >>> from minicv.data.transforms import RandomHorizontalFlip, Resize
        >>> transform = Compose([RandomHorizontalFlip(p=1.0), Resize((4, 8))])
        >>> image = np.zeros((3, 8, 16), np.float32)
        >>> target = {"boxes": np.array([[0.0, 0.0, 4.0, 8.0]], np.float32)}
        >>> image, target = transform(image, target, np.random.default_rng(0))
        >>> image.shape, target["boxes"].tolist()
        ((3, 4, 8), [[6.0, 0.0, 8.0, 4.0]])
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = list(transforms)

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        for transform in self.transforms:
            image, target = transform(image, target, rng)
        return image, target


def need_rng(name: str, rng: np.random.Generator | None) -> np.random.Generator:
    """`rng`, or a clear error for a random transform that was called without one."""
    if rng is None:
        raise ValueError(
            f"{name}: rng is None, expected a numpy.random.Generator; give one to the DataLoader"
        )
    return rng
