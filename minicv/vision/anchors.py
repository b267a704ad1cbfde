"""Anchors: boxes of fixed sizes and shapes around every cell of a feature map.

Three choices differ between implementations, and weights trained with one do not fit another. Here
(torchvision's are those of `CornerAnchorGrid`):

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
    _check_positive(
        "generate_anchors", stride=(stride_y, stride_x), sizes=sizes, aspect_ratios=aspect_ratios
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
    return xp_of(like).asarray(anchors, dtype=_dtype_for(like))


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


@dataclass(frozen=True)
class CornerAnchorGrid:
    """Anchors of the lattice that torchvision's published detectors were trained with.

    They differ from those of `AnchorGrid` in three points: an anchor's centre is the upper left
    corner of its cell; its distances to the four sides are rounded to whole pixels, half to even;
    and a cell is as large as the image divided by the map, rounded down.

    Attributes:
        sizes: square roots of the anchors' areas, pixels.
        aspect_ratios: height over width.

    >>> grid = CornerAnchorGrid(sizes=(32.0,), aspect_ratios=(0.5,))
    >>> grid.generate(1, 2, image_size=(8, 16)).tolist()
    [[-23.0, -11.0, 23.0, 11.0], [-15.0, -11.0, 31.0, 11.0]]
    """

    sizes: tuple[float, ...]
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)

    @property
    def anchors_per_cell(self) -> int:
        """A, the number of anchors at each cell."""
        return len(self.sizes) * len(self.aspect_ratios)

    def generate(
        self,
        feature_height: int,
        feature_width: int,
        *,
        image_size: tuple[int, int],
        like: Array | None = None,
    ) -> Array:
        """(H * W * A, 4) anchors of a feature map, in the order of `generate_anchors`.

        Args:
            feature_height, feature_width: H and W of the feature map; 0 gives no anchors.
            image_size: height and width of the batch that the map was made of, with its padding.
            like: as in `generate_anchors`.

        Raises:
            ValueError: a size or a ratio is not positive, or one of them is missing.
        """
        _check_positive("CornerAnchorGrid", sizes=self.sizes, aspect_ratios=self.aspect_ratios)
        # In float32, as there: what lies between two whole pixels must round to the same one.
        root = np.sqrt(np.asarray(self.aspect_ratios, dtype=np.float32))[:, None]
        scale = np.asarray(self.sizes, dtype=np.float32)[None, :]
        half_w = ((1 / root) * scale / 2).reshape(-1)  # (ratios, sizes) -> (A,)
        half_h = (root * scale / 2).reshape(-1)
        around_zero = np.rint(np.stack([-half_w, -half_h, half_w, half_h], axis=1))  # (A, 4)
        stride_y = image_size[0] // max(feature_height, 1)
        stride_x = image_size[1] // max(feature_width, 1)
        y, x = np.meshgrid(
            np.arange(feature_height) * stride_y, np.arange(feature_width) * stride_x, indexing="ij"
        )  # (H, W) each
        corners = np.stack([x, y, x, y], axis=-1)[:, :, None, :]  # (H, W, 1, 4)
        anchors = (corners + around_zero).reshape(-1, 4)  # (H, W, A, 4) -> (H W A, 4)
        return xp_of(like).asarray(anchors, dtype=_dtype_for(like))


def _check_positive(operation: str, **settings: Sequence[float]) -> None:
    for name, values in settings.items():
        if len(values) == 0 or min(values) <= 0:
            raise ValueError(
                f"{operation}: {name} expects at least one number and all of them positive "
                f"but is {list(values)}"
            )


def _dtype_for(like: Array | None) -> np.dtype:
    """float32, or the floating-point type of ``like`` where that is wider."""
    if like is not None and like.dtype.kind == "f" and like.dtype.itemsize > 4:
        return like.dtype
    return np.dtype(np.float32)
