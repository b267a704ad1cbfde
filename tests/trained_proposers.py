"""Models that small proposers learn from a few Farmyard scenes, once for all tests."""

import functools

import numpy as np

from minicv.data import Farmyard
from minicv.proposals.bing_training import train_bing
from minicv.proposals.objectness import train_objectness


@functools.cache
def scenes(count, seed):
    """``count`` images and the boxes in them."""
    farmyard = Farmyard(count, size=(128, 128), seed=seed)
    pairs = [farmyard[i] for i in range(count)]
    return [image for image, _ in pairs], [target["boxes"] for _, target in pairs]


@functools.cache
def bing_model():
    return train_bing(*scenes(20, 1), np.random.default_rng(0))


@functools.cache
def objectness_model():
    return train_objectness(*scenes(8, 1), np.random.default_rng(0), least_area=200)
