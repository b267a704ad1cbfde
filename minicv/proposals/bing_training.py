"""Training of BING: both of its stages are linear SVMs.

Source: Cheng et al., "BING: Binarized Normed Gradients for Objectness Estimation at 300fps" (2014),
section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.proposals.bing import (
    SIZES,
    WINDOW,
    BinaryTemplate,
    BingModel,
    GradientMap,
    gradient_maps,
    stage_one,
)
from minicv.proposals.proposer import checked_image
from minicv.vision.boxes import as_float_boxes, box_iou
from minicv.vision.linear_models import fit_linear_svm

OBJECT_IOU = 0.5  # a window that overlaps an object by this holds it
MOST_NEWTON_STEPS = 50


def train_bing(
    images: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    rng: np.random.Generator,
    negatives: int = 100,
    bases: int = 2,
    bits: int = 4,
) -> BingModel:
    """Learn what windows with objects have in common, whatever the objects.

    Stage one: for each object and each size the window closest to the object is a positive example
    if the two overlap by an IoU of 0.5; random windows that overlap no object so far are negative
    examples. A linear SVM on the 64 normed gradients of a window gives the template. Stage two: the
    template finds the best windows of each size, and for each size a linear SVM on one number, the
    score, learns to tell windows with objects from the others. So sizes at which there are many
    objects come first.

    Args:
        images: each (3, H, W), float in 0..1; the sequence is read twice, and may read files.
        boxes: for each image the (N, 4) boxes of its objects.
        rng: draws the negatives.
        negatives: number of windows without objects that are drawn from each image.
        bases, bits: as in the `Bing` that will use the model.

    Raises:
        ValueError: images and boxes differ in number, or no window holds an object.

    Source: Cheng et al. 2014, section 3.1 and equations 1 to 3.
    """
    if len(images) != len(boxes):
        raise ValueError(f"train_bing: {len(images)} images but boxes for {len(boxes)}")
    boxes = [as_float_boxes(objects, "train_bing", "boxes") for objects in boxes]
    features, holds = [], []
    for image, objects in zip(images, boxes, strict=True):
        for windows, positive in _examples(image, objects, rng, negatives):
            features.append(windows)
            holds.append(np.full(len(windows), positive))
    is_positive = np.concatenate([np.zeros(0, bool), *holds])
    if not is_positive.any():
        raise ValueError(
            f"train_bing: none of {len(images)} images has an object that a window of BING's sizes "
            "(16 to 512 pixels, each side) overlaps by 0.5; give images with larger objects"
        )
    svm = fit_linear_svm(
        np.concatenate(features).astype(np.float32) / 255,
        is_positive,
        # All positive examples together weigh as much as all negative ones.
        positive_weight=max(1.0, np.mean(~is_positive) / np.mean(is_positive)),
    )
    template = svm.weight.astype(np.float64) / 255
    scales, offsets = _calibrate(images, boxes, BinaryTemplate(template, bases, bits))
    return BingModel(tuple(template.tolist()), scales, offsets)


def _examples(
    image: np.ndarray, objects: np.ndarray, rng: np.random.Generator, negatives: int
) -> list[tuple[np.ndarray, bool]]:
    """(M, 64) normed gradients of windows, and whether they hold objects."""
    maps = list(gradient_maps(checked_image(image, "train_bing")))
    if not maps:
        return []
    found = []
    for one in maps:
        rows, columns = _closest(one, objects)
        close = box_iou(one.boxes(rows, columns), objects)  # (N, N); window i belongs to object i
        holds = np.diagonal(close) >= OBJECT_IOU
        found.append((_windows(one, rows[holds], columns[holds]), True))
    which = rng.integers(0, len(maps), negatives)
    for number, count in zip(*np.unique(which, return_counts=True), strict=True):
        one = maps[number]
        rows, columns = (rng.integers(0, places, count) for places in one.places)
        free = (box_iou(one.boxes(rows, columns), objects) < OBJECT_IOU).all(axis=1)
        found.append((_windows(one, rows[free], columns[free]), False))
    return found


def _closest(one: GradientMap, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, 4) -> rows and columns of the windows with the same middle, moved inside of the map."""
    places = []
    for axis in (1, 0):
        middle = (objects[:, axis] + objects[:, axis + 2]) / 2
        small = middle * one.values.shape[1 - axis] / one.image_size[1 - axis]
        first = np.floor(small - WINDOW / 2 + 0.5).astype(np.int64)
        places.append(np.clip(first, 0, one.places[1 - axis] - 1))
    return places[0], places[1]


def _windows(one: GradientMap, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(M, 64)."""
    windows = np.lib.stride_tricks.sliding_window_view(one.values, (WINDOW, WINDOW))
    return windows[rows, columns].reshape(-1, WINDOW * WINDOW)


def _calibrate(
    images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], template: BinaryTemplate
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scale and offset of each size. A size of which no window was seen has the offset -1."""
    scores: list[list[np.ndarray]] = [[] for _ in SIZES]
    holds: list[list[np.ndarray]] = [[] for _ in SIZES]
    for image, objects in zip(images, boxes, strict=True):
        for one, rows, columns, score in stage_one(
            checked_image(image, "train_bing"), template, radius=2, most_per_size=130
        ):
            scores[one.size].append(score)
            overlaps = box_iou(one.boxes(rows, columns), objects)
            holds[one.size].append((overlaps >= OBJECT_IOU).any(axis=1))
    scales, offsets = [], []
    for score_parts, hold_parts in zip(scores, holds, strict=True):
        if not score_parts:
            scales.append(0.0)
            offsets.append(-1.0)
            continue
        score, is_positive = np.concatenate(score_parts), np.concatenate(hold_parts)
        middle, spread = score.mean(), score.std() or 1.0
        slope, offset = _separate((score - middle) / spread, is_positive)
        scales.append(slope / spread)
        offsets.append(offset - slope / spread * middle)
    return tuple(scales), tuple(offsets)


def _separate(score: np.ndarray, is_positive: np.ndarray) -> tuple[float, float]:
    """A linear SVM on one number: the line ``f(s) = v s + t`` with the least

        ``(v^2 + t^2) / 2 + sum_i max(0, 1 - y_i f(s_i))^2``.

    The hinge is squared because most sizes have few positive examples: there the plain hinge gives
    -1 to every window, and that ranks nothing. As long as the same windows miss their margin the
    sum is quadratic, so Newton's steps end exactly at the optimum.
    """
    rows = np.stack([score, np.ones(len(score))], axis=1)  # (M, 2)
    signs = np.where(is_positive, 1.0, -1.0)

    def loss(line: np.ndarray) -> float:
        return 0.5 * line @ line + (np.maximum(1 - signs * (rows @ line), 0) ** 2).sum()

    line: np.ndarray = np.zeros(2)
    for _ in range(MOST_NEWTON_STEPS):
        missing = signs * (rows @ line) < 1
        near = rows[missing]
        best = np.linalg.solve(np.eye(2) + 2 * near.T @ near, 2 * near.T @ signs[missing])
        step = 1.0
        while step > 1e-9 and loss(line + step * (best - line)) > loss(line):
            step /= 2
        moved = line + step * (best - line)
        if np.allclose(moved, line, rtol=1e-9, atol=1e-12):
            break
        line = moved
    return float(line[0]), float(line[1])
