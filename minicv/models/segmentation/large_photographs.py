"""Large photographs in bounded memory: tiles for the network, blocks for the scores.

Two steps of a segmenter grow with the photograph.

**The network** keeps maps of many channels. Above `Segmenter.most_at_once` pixels it runs tile by
tile. A convolution of kernel K sees K // 2 cells beyond a place on each side, so the scores of a
place depend on the pixels within

    reach = Σ over the layers of (K // 2) · (product of the strides before)

and on nothing else. Each tile is cut out with at least that many pixels around it, and only the
scores of the tile itself are kept. Tiles begin at multiples of the total stride, where poolings
begin a window too. So the scores are those of the whole photograph, up to the order of sums, and
there are no seams.

**The scores** are enlarged from the network's size to that of the photograph, and the softmax makes
copies of them. That happens block by block, from the few cells that lie under a block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, to_numpy, xp_of

TILE = 1024  # side of a tile with its border, pixels; larger where the border leaves too little
LEAST_CORE = 512  # side of a tile without its border, at least
BLOCK = 512  # side of a block of scores


class Tile(NamedTuple):
    """A part of an image, and the larger part that the network sees for it.

    Attributes:
        core: rows and columns of the image whose scores are kept.
        window: rows and columns that are cut out.
        inside: rows and columns of the core, counted in the window.
    """

    core: tuple[slice, slice]
    window: tuple[slice, slice]
    inside: tuple[slice, slice]


def tiles(size: tuple[int, int], reach: int, step: int) -> Iterator[Tile]:
    """Tiles that together are an image of ``size`` (H, W), row by row.

    Args:
        size: of the image.
        reach: pixels around a tile on which its scores depend.
        step: tiles and windows begin at multiples of this.

    >>> [(t.core[1], t.window[1]) for t in tiles((10, 1500), reach=10, step=8)]
    [(slice(0, 992, None), slice(0, 1012, None)), (slice(992, 1500, None), slice(976, 1500, None))]
    """
    border = -(-reach // step) * step
    side = max(TILE - 2 * border, LEAST_CORE) // step * step
    for top in range(0, size[0], max(side, step)):
        for left in range(0, size[1], max(side, step)):
            parts = []
            for start, length in ((top, size[0]), (left, size[1])):
                end = min(start + max(side, step), length)
                first, last = max(0, start - border), end + border
                # As odd as the image: "same" padding at stride 2 shifts maps of odd sides only.
                last = min(length, last + (length - last) % step)
                inside = slice(start - first, end - first)
                parts.append((slice(start, end), slice(first, last), inside))
            yield Tile(*zip(*parts, strict=True))


def label_in_blocks(
    logits: Array, size: tuple[int, int], keep_probabilities: bool
) -> dict[str, np.ndarray]:
    """The class of every pixel from a map of scores, enlarged block by block.

    Args:
        logits: (K, h, w).
        size: (H, W) of the photograph.
        keep_probabilities: whether the result has them too; they are 4 K H W bytes.

    Returns:
        ``"segmentation"`` (H, W) int64 and, if kept, ``"probabilities"`` (K, H, W), as
        `minicv.functional.resize_bilinear` and a softmax give them, up to the order of sums.

    >>> logits = np.array([[[0.0, 4.0]], [[4.0, 0.0]]], "float32")
    >>> label_in_blocks(logits, (1, 4), keep_probabilities=False)["segmentation"].tolist()
    [[1, 1, 0, 0]]
    """
    blocks = (
        (rows, columns, _enlarged_block(logits, size, rows, columns))
        for rows in _blocks(size[0])
        for columns in _blocks(size[1])
    )
    return _labelled(blocks, len(logits), size, keep_probabilities)


def label_tiles(
    scored: Iterable[tuple[Tile, Array]],
    classes: int,
    working_size: tuple[int, ...],
    size: tuple[int, int],
    keep_probabilities: bool,
) -> dict[str, np.ndarray]:
    """The class of every pixel from the scores of tiles.

    Args:
        scored: tiles of an image of the working size, each with its scores (K, its height, width).
        classes: K.
        working_size: (h, w), at which the network ran.
        size: (H, W) of the photograph.
        keep_probabilities: see `label_in_blocks`.
    """
    if tuple(working_size) == size:  # no scores are needed beside each other
        parts = ((*tile.core, scores) for tile, scores in scored)
        return _labelled(parts, classes, size, keep_probabilities)
    logits = np.empty((classes, *working_size), np.float32)
    for tile, scores in scored:
        logits[(slice(None), *tile.core)] = to_numpy(scores)
    return label_in_blocks(logits, size, keep_probabilities)


def _labelled(
    parts: Iterable[tuple[slice, slice, Array]],
    classes: int,
    size: tuple[int, int],
    keep_probabilities: bool,
) -> dict[str, np.ndarray]:
    """Rows, columns and scores (K, rows, columns) of all parts of a photograph -> the result."""
    segmentation = np.empty(size, np.int64)
    probabilities = np.empty((classes, *size), np.float32) if keep_probabilities else None
    for rows, columns, scores in parts:
        some = F.softmax(Tensor(scores[None]), dim=1).data[0]
        segmentation[rows, columns] = to_numpy(some.argmax(axis=0))
        if probabilities is not None:
            probabilities[:, rows, columns] = to_numpy(some)
    result = {"segmentation": segmentation}
    return result if probabilities is None else {**result, "probabilities": probabilities}


def _blocks(length: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, length)) for start in range(0, length, BLOCK)]


def _enlarged_block(logits: Array, size: tuple[int, int], rows: slice, columns: slice) -> Array:
    """These rows and columns of the map (K, h, w), resized to (K, H, W)."""
    if logits.shape[1:] == size:
        return logits[:, rows, columns]
    down, of_rows = _weights(logits, rows, logits.shape[1], size[0])
    across, of_columns = _weights(logits, columns, logits.shape[2], size[1])
    under = logits[:, down, across]  # (K, few, few)
    return of_rows @ (under @ of_columns.T)  # -> (K, rows, columns)


def _weights(like: Array, part: slice, length: int, new_length: int) -> tuple[slice, Array]:
    """Which old positions lie under a part of the new ones, and the weight of each in each.

    As `minicv.functional.resize_bilinear`: pixels are squares whose centres are matched, and an old
    position at a distance d < 1 weighs 1 - d.
    """
    xp = xp_of(like)
    place = (np.arange(part.start, part.stop) + 0.5) * (length / new_length) - 0.5
    place = np.clip(place, 0, length - 1)
    under = slice(int(place[0]), min(int(place[-1]) + 2, length))
    distance = np.abs(place[:, None] - np.arange(under.start, under.stop))
    return under, xp.asarray(np.maximum(1 - distance, 0).astype(like.dtype))
