"""Exercises: write an operation yourself and hold it against minicv's, case by case."""

from __future__ import annotations

import importlib
from typing import cast

from minicv.exercises.exercise import Exercise

# In the order of the chapters in docs/, which is the lecture's. Each is a file of this room.
ORDER = (
    "conv2d",
    "conv2d_gradients",
    "max_pool2d",
    "max_pool2d_gradient",
    "softmax_cross_entropy",
    "multiclass_hinge",
    "mean_iou",
    "unpool_nearest",
    "unpool_bed_of_nails",
    "max_unpool2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "box_iou",
    "selective_search",
    "box_coding",
    "hard_negatives",
    "nms",
    "average_precision",
    "spatial_pyramid_pool",
    "roi_pool",
    "anchors",
    "roi_align",
    "reparameterization",
    "gan_losses",
)


def load(name: str) -> Exercise:
    """The exercise of that name.

    >>> load("softmax_cross_entropy").title
    'softmax, cross entropy and their gradient'
    """
    return cast(Exercise, importlib.import_module(f"minicv.exercises.{name}").EXERCISE)


__all__ = ["ORDER", "Exercise", "load"]
