"""The range of every number among a system's settings, for command lines and checkpoints.

A model's own file says what its numbers mean; here is only what no training and no prediction can
be meant to have, such as pictures of a million pixels a side.
"""

from __future__ import annotations

import dataclasses
from typing import Any

MOST_SIDE = 10_000  # pixels of a side that pictures, patches and regions are brought to
MOST_LEVELS = 12  # of a pyramid; a pixel of the last is 2048 of the picture
_SIDES = (
    *("min_size", "max_size", "size", "scales", "proposal_size", "warp_size", "patch_size"),
    *("max_proposal_side", "anchor_sizes", "region_side"),
)
_SHARES = ("_iou", "nms_threshold", "_fraction", "_floor", "dropout")
_POSITIVE = ("_beta", "box_weights", "aspect_ratios", "feature_norm")
_FROM_ZERO = ("context", "sampling_ratio", "min_proposal_size")
_ANY_SIGN = ("score_threshold", "svm_hard_score", "svm_easy_score")


def check_ranges(settings: Any) -> None:
    """Refuse a setting with a number that cannot be meant.

    Args:
        settings: a system's frozen dataclass.

    Raises:
        ValueError: names the setting, its value and the range.

    >>> from minicv.models.detection import SPPNetSettings
    >>> check_ranges(SPPNetSettings(scales=(10**9,)))
    Traceback (most recent call last):
        ...
    ValueError: SPPNetSettings: scales=(1000000000,); expected numbers from 1 to 10,000
    """
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        for number in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                continue
            low, high = _range(field.name, whole=isinstance(number, int))
            if field.name == "scales" and number is value:  # of a pyramid, each half of the other
                low, high = 1, MOST_LEVELS
            if not low <= number <= high:  # true for NaN
                raise ValueError(
                    f"{type(settings).__name__}: {field.name}={value!r:.80}; expected numbers "
                    f"from {low:,} to {high:,}"
                )


def _range(name: str, whole: bool) -> tuple[float, float]:
    if name in _SIDES:
        return 1, MOST_SIDE
    if name.endswith(_SHARES):
        return 0, 1
    if name in _FROM_ZERO:
        return 0, MOST_SIDE
    if name in _ANY_SIGN:
        return -1_000_000, 1_000_000
    if name == "width" and not whole:  # a share of the paper's channels
        return 0.001, 4
    if name.endswith(_POSITIVE) and not whole:
        return 1e-6, 1e6
    return (1, 1_000_000) if whole and name != "class_weights" else (0, 1e12)
