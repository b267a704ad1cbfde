"""A chain applies its transforms in order, with one rng."""

from __future__ import annotations

import numpy as np

from minicv.data.transforms import Compose


def add_random(image, target, rng):
    return image + rng.integers(10), target


def double(image, target, rng):
    return 2 * image, {**target, "seen": True}


def test_order_and_rng():
    image, target = Compose([add_random, double, add_random])(
        np.zeros(1), {"a": 1}, np.random.default_rng(4)
    )
    rng = np.random.default_rng(4)
    assert image[0] == 2 * rng.integers(10) + rng.integers(10)
    assert target == {"a": 1, "seen": True}


def test_empty_chain():
    image = np.zeros(1)
    assert Compose([])(image, {}, None)[0] is image
