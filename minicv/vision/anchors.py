"""Anchors: boxes of fixed sizes and shapes around every cell of a feature map.

Three choices differ between implementations, and weights trained with one do not fit another. Here:

* an aspect ratio is height over width, so 0.5 is a wide box and 2 a tall one;
* an anchor's centre is the centre of the image patch that its cell stands for, ``(column + 0.5) *
  stride``, not the patch's corner;
* sides are not rounded: ``width = size / sqrt(ratio)``, ``height = size * sqrt(ratio)``, so that
  the area is ``size ** 2`` for every ratio.

The order is (H, W, A): rows of the feature map, then columns, then the anchors of a cell, ratio by
ratio and within a ratio size by size. It is what (N, A, H, W) scores become after
``transpose(0, 2, 3, 1).reshape(N, -1)``.

Anchors that cross the border of the image are part of the result. Ren et al. leave them out of the
training, but on small images that would leave large objects without any anchor. So they stay here.

Source: Ren et al., "Faster R-CNN" (2015), section 3.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv.backend import Array, xp_of


def generate_anchors(
    feature_height: int,
    feature_width: int,
    stride: float | tuple[float, float],
    sizes: Sequence[float],
    aspect_ratios: Sequence[float],
    *,
    like: Array | None = None,
) -> Array:
    """All anchors of a feature map, as boxes in the pixels of the image.

    Args:
        feature_height, feature_width: H and W of the feature map; 0 gives no anchors.
        stride: image pixels per cell, one number or ``(stride_y, stride_x)``.
        sizes: square roots of the anchors' areas, pixels.
        aspect_ratios: height over width.
        like: an array whose device the result takes, and its floating-point type if that is wider
            than float32. (float16 holds no odd number above 2048.) Without it the result is a
            NumPy array of float32.

    Returns:
        (H * W * A, 4) with ``A = len(aspect_ratios) * len(sizes)``.

    Raises:
        ValueError: a size, a ratio or a stride is not positive, or one of them is missing.

    >>> generate_anchors(1, 2, 16, sizes=[8], aspect_ratios=[1]).tolist()
    [[4.0, 4.0, 12.0, 12.0], [20.0, 4.0, 28.0, 12.0]]
    >>> generate_anchors(1, 1, 16, sizes=[8], aspect_ratios=[0.25]).tolist()  # wide
    [[0.0, 6.0, 16.0, 10.0]]
    """
    stride_y, stride_x = stride if isinstance(stride, (tuple, list)) else (stride, stride)
    for name, values in (
        ("stride", (stride_y, stride_x)),
        ("sizes", sizes),
        ("aspect_ratios", aspect_ratios),
    ):
        if len(values) == 0 or min(values) <= 0:
            raise ValueError(
                f"generate_anchors: {name} expects at least one number and all of them positive "
                f"but is {list(values)}"
            )
    # Computed on the host in float64 and rounded once, whatever the device.
    root = np.sqrt(np.asarray(aspect_ratios, dtype=np.float64))[:, None]
    scale = np.asarray(sizes, dtype=np.float64)[None, :]
    half_w = (0.5 * scale / root).reshape(-1)  # (ratios, sizes) -> (A,)
    half_h = (0.5 * scale * root).reshape(-1)
    around_zero = np.stack([-half_w, -half_h, half_w, half_h], axis=1)  # (A, 4)
    cy = (np.arange(feature_height) + 0.5) * stride_y
    cx = (np.arange(feature_width) + 0.5) * stride_x
    cy, cx = np.meshgrid(cy, cx, indexing="ij")  # (H, W) each
    centres = np.stack([cx, cy, cx, cy], axis=-1)  # (H, W, 4)
    anchors = centres[:, :, None, :] + around_zero  # (H, W, 1, 4) + (A, 4) -> (H, W, A, 4)
    anchors = anchors.reshape(-1, 4)
    dtype = np.dtype(np.float32)
    if like is not None and like.dtype.kind == "f" and like.dtype.itemsize > dtype.itemsize:
        dtype = like.dtype
    return xp_of(like).asarray(anchors, dtype=dtype)


@dataclass(frozen=True)
class AnchorGrid:
    """The settings of `generate_anchors` that belong to a model.

    Attributes:
        stride: image pixels per cell of the feature map, one number or ``(stride_y, stride_x)``.
        sizes: square roots of the anchors' areas, pixels.
        aspect_ratios: height over width.

    >>> grid = AnchorGrid(stride=16, sizes=(32, 64), aspect_ratios=(0.5, 1, 2))
    >>> grid.anchors_per_cell
    6
    >>> grid.generate(10, 20).shape
    (1200, 4)
    """

    stride: float | tuple[float, float]
    sizes: tuple[float, ...]
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)

    @property
    def anchors_per_cell(self) -> int:
        """A, the number of anchors at each cell."""
        return len(self.sizes) * len(self.aspect_ratios)

    def generate(
        self, feature_height: int, feature_width: int, *, like: Array | None = None
    ) -> Array:
        """(H * W * A, 4) anchors of a feature map of this size; see `generate_anchors`.

        >>> AnchorGrid(stride=8, sizes=(8,), aspect_ratios=(1.0,)).generate(1, 1).tolist()
        [[0.0, 0.0, 8.0, 8.0]]
        """
        return generate_anchors(
            feature_height, feature_width, self.stride, self.sizes, self.aspect_ratios, like=like
        )
