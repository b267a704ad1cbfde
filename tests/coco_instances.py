"""The recorded cases of masks and keypoints; `tests/fixtures/make_coco_instances.py` made them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

FIXTURE = Path(__file__).resolve().parent / "fixtures" / "coco_instances.npz"
NAMES = [
    "plain",
    "crowds",
    "many_detections",
    "many_classes",
    "sparse",
    "only_crowds",
    "no_detections",
    "no_targets",
]


@cache
def recorded() -> dict[str, np.ndarray]:
    """All columns of the file."""
    with np.load(FIXTURE) as file:
        return dict(file)


def case_of(kind: str, name: str) -> dict[str, np.ndarray]:
    """The columns of one case; kind is masks, coco or leeds."""
    start = f"{kind}/{name}/"
    return {k.removeprefix(start): v for k, v in recorded().items() if k.startswith(start)}


def images_of(case: dict[str, np.ndarray]) -> tuple[list[dict], list[dict]]:
    """The predictions and the targets of each image."""
    sides = {}
    for side in ("detection", "target"):
        image = case[f"{side}_image"]
        columns = {
            key.removeprefix(f"{side}_"): column
            for key, column in case.items()
            if key.startswith(f"{side}_") and key != f"{side}_image"
        }
        sizes, counts = columns.pop("sizes", None), columns.pop("masks", None)
        columns |= {} if sizes is None else {"masks": _runs(sizes, counts)}
        numbers = [np.flatnonzero(image == n) for n in range(int(case["images"]))]
        sides[side] = [
            {key: _some(column, of_image) for key, column in columns.items()}
            for of_image in numbers
        ]
    return sides["detection"], sides["target"]


def _runs(sizes: np.ndarray, counts: np.ndarray) -> list[dict]:
    pairs = zip(sizes.tolist(), counts.tolist(), strict=True)
    return [{"size": size, "counts": text} for size, text in pairs]


def _some(column: np.ndarray | list, numbers: np.ndarray) -> np.ndarray | list:
    return [column[n] for n in numbers] if isinstance(column, list) else column[numbers]
