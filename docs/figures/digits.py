"""Drawn digits of 16 x 16 pixels, on which small networks learn within seconds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from minicv.autograd import Tensor
from minicv.inspection.canvas import font
from minicv.nn import Module
from minicv.optim import Adam

SIDE = 16
NAMES = tuple("0123456789")


def draw_digits(
    n: int, rng: np.random.Generator, digits: str = "0123456789", moved: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """White on black, in several sizes, turned and moved a little.

    Args:
        n: how many.
        rng: draws which, and how.
        digits: that are drawn from.
        moved: how much they move, turn and grow; 0 for not at all.

    Returns:
        pictures (n, 1, 16, 16) in 0..1, and which of ``digits`` each shows.
    """
    labels = rng.integers(len(digits), size=n)
    pictures = np.empty((n, 1, SIDE, SIDE), np.float32)
    for own, label in zip(pictures, labels, strict=True):
        large = Image.new("L", (4 * SIDE, 4 * SIDE))
        size, angle = 4 * (13.5 + moved * rng.uniform(-1.5, 1.5)), moved * rng.uniform(-12, 12)
        place = 2 * SIDE + 4 * moved * rng.uniform(-1, 1, 2)
        draw = ImageDraw.Draw(large)
        draw.text(tuple(place), digits[label], fill=255, font=font(size), anchor="mm")
        own[0] = np.asarray(large.rotate(angle, Image.Resampling.BILINEAR).reduce(4)) / 255
    return pictures, labels


def in_colour(pictures: np.ndarray) -> list[np.ndarray]:
    """Each (1, S, S) as models take it, (3, S, S)."""
    return [np.repeat(own, 3, axis=0) for own in pictures]


def train(
    network: Module,
    loss: Callable[[np.ndarray, np.random.Generator], Tensor],
    pictures: np.ndarray,
    steps: int,
    rate: float,
) -> None:
    """Some hundred steps of Adam: enough for a figure, not for a result.

    Args:
        network: whose parameters learn.
        loss: of pictures (64, 1, 16, 16), by the network.
        pictures: from which each step draws 64.
        steps, rate: of Adam.
    """
    rng = np.random.default_rng(0)
    optimizer = Adam(network.parameters(), lr=rate)
    for step in range(steps):
        if step == steps * 3 // 4:
            optimizer.param_groups[0]["lr"] = rate / 5
        optimizer.zero_grad()
        loss(pictures[rng.integers(len(pictures), size=64)], rng).backward()
        optimizer.step()
    network.eval()
