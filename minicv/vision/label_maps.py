"""Label maps: the class of every pixel.

A label map is (H, W) whole numbers: 0..K-1 is a class, `VOID` a pixel without a class.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from minicv.backend import Array, to_numpy, xp_of

# A pixel without a class: left out of losses, class weights and metrics. Pascal VOC writes 255, so
# there can be at most 255 classes.
VOID = 255


def check_label_map(
    label_map: Array,
    num_classes: int,
    name: str = "label map",
    size: tuple[int, int] | None = None,
) -> None:
    """Raise unless every pixel holds a class or `VOID`.

    Args:
        label_map: (H, W) of an integer dtype.
        num_classes: K; labels are 0..K-1 or `VOID`.
        name: what the message begins with, such as the image's name or the file.
        size: (height, width) of the image; None leaves that check out.

    Raises:
        ValueError: not two axes, another size than the image's, no whole numbers, or a label
            outside of the range: the first one in reading order, with its value and its place.

    >>> check_label_map(np.array([[0, 1], [VOID, 1]]), num_classes=2)
    >>> check_label_map(np.array([[0, 1], [7, 1]]), num_classes=2, name="image 'cow'")
    Traceback (most recent call last):
    ...
    ValueError: image 'cow': label 7 in row 1, column 0 (1 of 4 pixels); expected 0..1, or 255 ...
    """
    if not 1 <= num_classes <= VOID:
        raise ValueError(f"{name}: num_classes is {num_classes}, expected 1..{VOID}")
    shape = tuple(label_map.shape)
    if len(shape) != 2:
        hint = "; read a palette picture without converting it to RGB" if 3 in shape[2:] else ""
        raise ValueError(f"{name}: the label map has shape {shape}, expected (H, W){hint}")
    if size is not None and shape != tuple(size):
        raise ValueError(
            f"{name}: the label map is {shape[0]} x {shape[1]} (height x width) but its image is "
            f"{size[0]} x {size[1]}"
        )
    if label_map.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: the label map has the dtype {label_map.dtype}, expected whole numbers"
        )
    xp = xp_of(label_map)
    wrong = ((label_map < 0) | (label_map >= num_classes)) & (label_map != VOID)
    count = int(xp.count_nonzero(wrong))
    if count:
        row, column = divmod(int(wrong.argmax()), shape[1])
        raise ValueError(
            f"{name}: label {int(label_map[row, column])} in row {row}, column {column} "
            f"({count} of {label_map.size} pixels); expected 0..{num_classes - 1}, or {VOID} for "
            "a pixel without a class"
        )


def voc_colour_map(count: int) -> np.ndarray:
    """The first `count` colours of VOC's palette: black, maroon, green, olive, navy ...

    The lowest three bits of a number are the highest bits of red, green and blue; the next three
    are the second highest, and so on.

    Returns:
        (count, 3) uint8.

    Source: VOC development kit, VOClabelcolormap.m.

    >>> voc_colour_map(4).tolist(), voc_colour_map(256)[255].tolist()
    ([[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]], [224, 224, 192])
    """
    numbers = np.arange(count)[:, None]
    channels = np.arange(3)
    colours = np.zeros((count, 3), np.int64)
    for step in range(8):
        colours |= (numbers >> (3 * step + channels) & 1) << (7 - step)
    return colours.astype(np.uint8)


def class_frequencies(label_maps: Iterable[Array], num_classes: int) -> np.ndarray:
    """How large a part of the pixels each class has, on the label maps that contain the class.

    frequency(c) = pixels of class c / labelled pixels of the label maps in which c occurs. Pixels
    that are `VOID` do not count. The label maps are read one by one, so they may come from a
    generator.

    Args:
        label_maps: any number of (H, W); of any sizes.
        num_classes: K.

    Returns:
        (K,) float64 on the host; 0 for a class that occurs nowhere.

    Raises:
        ValueError: a label map is wrong; see `check_label_map`.

    Source: Eigen & Fergus, Predicting depth, surface normals and semantic labels (ICCV 2015),
    section 6.3.2.

    >>> class_frequencies([np.array([[0, 0, 0, 1]]), np.array([[0, 0, VOID, VOID]])], 3).tolist()
    [0.8333..., 0.25, 0.0]
    """
    pixels = np.zeros(num_classes, np.int64)  # of the class
    possible = np.zeros(num_classes, np.int64)  # labelled, on the maps where the class occurs
    for number, label_map in enumerate(label_maps):
        check_label_map(label_map, num_classes, f"class_frequencies: label map {number}")
        labels = to_numpy(label_map)
        counts = np.bincount(labels[labels != VOID].astype(np.int64), minlength=num_classes)
        pixels += counts
        possible[counts > 0] += counts.sum()
    return pixels / np.maximum(possible, 1)


def median_frequency_weights(frequencies: np.ndarray) -> np.ndarray:
    """Class weights for a loss: rare classes weigh more, and the median class weighs 1.

    weight(c) = median of the frequencies / frequency(c). The median is taken over the classes that
    occur; one that never occurs gets the weight 0.

    Args:
        frequencies: (K,), from `class_frequencies`.

    Returns:
        (K,) float32.

    Raises:
        ValueError: not (K,) numbers of 0..1.

    Source: Eigen & Fergus (as above); Badrinarayanan et al., SegNet (TPAMI 2017), section 4.1.

    >>> median_frequency_weights(np.array([0.5, 0.25, 0.05, 0.0])).tolist()
    [0.5, 1.0, 5.0, 0.0]
    """
    frequencies = np.asarray(frequencies, np.float64)
    if frequencies.ndim != 1 or not ((frequencies >= 0) & (frequencies <= 1)).all():
        raise ValueError(
            "median_frequency_weights: frequencies expects shape (K,) with numbers of 0..1 but is "
            f"{frequencies.tolist()}"
        )
    weights = np.zeros(len(frequencies), np.float32)
    occurs = frequencies > 0
    if occurs.any():
        weights[occurs] = np.median(frequencies[occurs]) / frequencies[occurs]
    return weights
