"""Patches: the squares of pixels around positions, at several scales; which ones to learn from.

`mirror_border` and `cut_patches` make the patches of one image, `laplacian_pyramid` and
`bordered_pyramid` those of several scales, and `draw_pixels` chooses the centres for a loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv import functional as F
from minicv.backend import Array, xp_of
from minicv.vision.label_maps import VOID


def mirror_border(pixels: Array, patch_size: int) -> Array:
    """An image with a border, so that every pixel of the image is the centre of a whole patch.

    The centre of a patch of P pixels is its pixel P // 2. The border mirrors the image, the
    outermost pixels included: beyond grass at the edge a patch sees more grass.

    Args:
        pixels: (..., H, W), H and W from 1 on.
        patch_size: P.

    Returns:
        (..., H + P - 1, W + P - 1).

    >>> mirror_border(np.array([[1, 2, 3]]), 3).tolist()
    [[1, 1, 2, 3, 3], [1, 1, 2, 3, 3], [1, 1, 2, 3, 3]]
    """
    before = patch_size // 2
    sides = (before, patch_size - 1 - before)
    return xp_of(pixels).pad(pixels, [(0, 0)] * (pixels.ndim - 2) + [sides] * 2, mode="symmetric")


def cut_patches(bordered: Array, rows: Array, columns: Array, patch_size: int) -> Array:
    """The patches whose centres are at the given pixels of the image.

    Args:
        bordered: (C, H + P - 1, W + P - 1), from `mirror_border`.
        rows, columns: (R,) of pixels of the image without its border.
        patch_size: P.

    Returns:
        (R, C, P, P).

    >>> image = np.arange(12).reshape(1, 3, 4)
    >>> rows, columns = np.array([1]), np.array([2])
    >>> cut_patches(mirror_border(image, 3), rows, columns, 3).tolist()
    [[[[1, 2, 3], [5, 6, 7], [9, 10, 11]]]]
    """
    xp = xp_of(bordered)
    size = (patch_size, patch_size)
    windows = xp.lib.stride_tricks.sliding_window_view(bordered, size, axis=(1, 2))
    return windows[:, rows, columns].swapaxes(0, 1)  # (C, H, W, P, P) -> (R, C, P, P)


def laplacian_pyramid(pixels: Array, levels: int) -> list[Array]:
    """What each halving of an image loses, and the last halved image.

    With G₀ the image and G_{l+1} = reduce(G_l), level l is L_l = G_l - expand(G_{l+1}), edges and
    texture of about 2ˡ pixels; the last level is G itself, colours and large shapes. The sum from
    the last level on, G_l = L_l + expand(G_{l+1}), gives the image back.

    Reducing weighs four neighbours along each axis by (1, 3, 3, 1) / 8, with the border mirrored;
    expanding interpolates bilinearly, with the same weights. So cell (i, j) of level l lies over
    the 2ˡ x 2ˡ pixels from (2ˡ i, 2ˡ j) on, without a shift.

    Args:
        pixels: (C, H, W), H and W from 1 on.
        levels: at least 1; with 1 the only level is the image.

    Returns:
        ``levels`` arrays (C, ceil(H / 2ˡ), ceil(W / 2ˡ)).

    Raises:
        ValueError: less than one level.

    Source: Burt & Adelson, The Laplacian pyramid as a compact image code (1983), with a kernel of
    four taps for their five; Farabet et al. (TPAMI 2013), section 3.1.

    >>> image = np.full((3, 5, 8), 0.5, "float32")
    >>> [(level.shape, level.max().tolist()) for level in laplacian_pyramid(image, 3)]
    [((3, 5, 8), 0.0), ((3, 3, 4), 0.0), ((3, 2, 2), 0.5)]
    """
    if levels < 1:
        raise ValueError(f"laplacian_pyramid: levels is {levels}, expected at least 1")
    pyramid = []
    for _ in range(levels - 1):
        smaller = _halve(_halve(pixels, axis=1), axis=2)  # (C, H, W) -> (C, H/2, W/2)
        pyramid.append(pixels - expand(smaller, pixels.shape[1:]))
        pixels = smaller
    return [*pyramid, pixels]


def expand(pixels: Array, size: tuple[int, int]) -> Array:
    """Twice as large, cut to ``size``: (C, ceil(H/2), ceil(W/2)) -> (C, H, W).

    >>> expand(np.array([[[0.0, 8.0]]]), (1, 3)).tolist()
    [[[0.0, 2.0, 6.0]]]
    """
    height, width = pixels.shape[1:]
    doubled = F.resize_bilinear(pixels[None], (2 * height, 2 * width)).data[0]
    return doubled[:, : size[0], : size[1]]


def _halve(pixels: Array, axis: int) -> Array:
    """(1, 3, 3, 1) / 8 at every second place of an axis."""
    half = -(-pixels.shape[axis] // 2)
    sides = [(0, 0)] * pixels.ndim
    sides[axis] = (1, 1 + pixels.shape[axis] % 2)
    padded = xp_of(pixels).moveaxis(xp_of(pixels).pad(pixels, sides, mode="symmetric"), axis, 0)
    far, near, near_too, far_too = (padded[tap : tap + 2 * half - 1 : 2] for tap in range(4))
    halved = (far + far_too + 3 * (near + near_too)) / 8
    return xp_of(pixels).moveaxis(halved, 0, axis)


def bordered_pyramid(pixels: Array, levels: int, patch_size: int) -> list[Array]:
    """The levels of the Laplacian pyramid, each with a border; patches are cut from them.

    (C, H, W) -> for each level l (C, h + P - 1, w + P - 1), h = ceil(H / 2ˡ). With one level it is
    the image. See `laplacian_pyramid`.

    >>> [level.shape for level in bordered_pyramid(np.zeros((3, 5, 8)), 2, patch_size=4)]
    [(3, 8, 11), (3, 6, 7)]
    """
    return [mirror_border(level, patch_size) for level in laplacian_pyramid(pixels, levels)]


def draw_pixels(
    label_maps: Sequence[np.ndarray],
    count: int,
    rng: np.random.Generator,
    class_weights: np.ndarray | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random pixels with a class, from several images, and as many of rare classes as of others.

    Every class that the label maps contain is drawn equally often on average, or with
    ``class_weights`` in proportion to its weight times its number of pixels; within a class all
    pixels are alike. So the plain mean of a loss over the drawn pixels estimates its mean over all
    pixels with those weights.

    Args:
        label_maps: each (H, W), classes or `VOID`.
        count: how many pixels in total; with replacement.
        rng: draws them.
        class_weights: (K,).

    Returns:
        for each label map rows and columns, (R,) each. None are drawn where no pixel counts.

    Source: Farabet et al., Learning hierarchical features for scene labeling (TPAMI 2013), section
    5, balanced class frequencies.

    >>> labels = np.array([[0] * 99 + [1]])
    >>> ((rows, columns),) = draw_pixels([labels], 1000, np.random.default_rng(0))
    >>> bool(450 < (labels[rows, columns] == 1).sum() < 550)
    True
    """
    flat = np.concatenate([label_map.ravel() for label_map in label_maps])
    labels, pixels = np.unique(flat[flat != VOID], return_counts=True)  # both (K',)
    share = np.ones(len(labels)) if class_weights is None else class_weights[labels] * pixels
    drawn = np.zeros(0, np.int64)
    if share.sum() > 0:
        counts = rng.multinomial(count, share / share.sum())  # (K',)
        places = (np.flatnonzero(flat == label) for label in labels)
        draws = [rng.choice(where, n) for where, n in zip(places, counts, strict=True)]
        drawn = np.concatenate(draws)  # (count,)
    positions, start = [], 0
    for label_map in label_maps:
        own = drawn[(drawn >= start) & (drawn < start + label_map.size)] - start
        positions.append(np.divmod(own, label_map.shape[1]))  # rows, columns
        start += label_map.size
    return positions
