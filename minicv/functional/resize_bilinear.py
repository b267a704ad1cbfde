"""Resizing maps with bilinear interpolation."""

from __future__ import annotations

import math
from types import ModuleType

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of, xp_of
from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, check_maps


class ResizeBilinear(Function):
    def __init__(
        self, size: Pair, align_corners: bool, scale_factor: tuple[float, float] | None = None
    ) -> None:
        self.size = size
        self.align_corners = align_corners
        self.scale_factor: tuple[float | None, float | None] = scale_factor or (None, None)

    def forward(self, x: Array) -> Array:
        xp = xp_of(x)
        self.rows, self.columns = (
            interpolation_matrix(length, new_length, self.align_corners, xp, scale).astype(
                xp.finfo(x.dtype).dtype
            )
            for length, new_length, scale in zip(
                x.shape[2:], self.size, self.scale_factor, strict=True
            )
        )
        # (OH, H) ((N, C, H, W) (W, OW)) -> (N, C, OH, OW)
        return kernels_of(x).resize_maps(x, self.rows, self.columns)

    def backward(self, grad: Array) -> Array:
        # (H, OH) ((N, C, OH, OW) (OW, W)) -> (N, C, H, W)
        return kernels_of(grad).resize_maps(grad, self.rows.T, self.columns.T)


def interpolation_matrix(
    length: int,
    new_length: int,
    align_corners: bool,
    xp: ModuleType,
    scale_factor: float | None = None,
) -> Array:
    """(new_length, length): the weight of each old position in each new one, along one axis.

    New position i looks at a place between two old ones, and each old position at distance d < 1
    from it weighs 1 - d. Each row sums to 1. As in PyTorch, ``scale_factor`` counts where the two
    lengths differ.

    >>> import numpy as np
    >>> interpolation_matrix(2, 4, False, np).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    new = xp.arange(new_length, dtype=xp.float64)
    if align_corners:
        place = new * ((length - 1) / max(new_length - 1, 1))
    else:
        step = length / new_length
        if scale_factor is not None and new_length != length:
            step = 1 / scale_factor
        place = (new + 0.5) * step - 0.5
    place = xp.clip(place, 0, length - 1)  # beyond the outermost centres the edge is repeated
    return xp.maximum(1 - xp.abs(place[:, None] - xp.arange(length)), 0)


def resize_bilinear(
    x: Tensor | Array,
    size: int | Pair,
    align_corners: bool = False,
    scale_factor: tuple[float, float] | None = None,
) -> Tensor:
    """Each map in a new size, interpolated linearly between the four nearest positions.

    Forward: y[n, c] = A x[n, c] Bᵀ, where A (OH, H) interpolates along columns and B (OW, W) along
    rows. Row i of A holds max(0, 1 - |place(i) - h|) for each old row h, with::

        place(i) = (i + 1/2)·H / OH - 1/2      pixels are squares; their centres are matched
        place(i) = (i + 1/2) / s - 1/2         the same for a ``scale_factor`` s, where OH is ⌊s·H⌋
        place(i) = i·(H - 1) / (OH - 1)        align_corners: the outermost centres are matched

    and place(i) clipped to 0..H-1. Gradient: dL/dx[n, c] = Aᵀ dL/dy[n, c] B.

    ============  ====================================
    x             (N, C, H, W)
    size          one number, or (OH, OW)
    scale_factor  (vertical, horizontal), or None
    result        (N, C, OH, OW)
    ============  ====================================

    A size that is a rounding of H times a factor leaves a part of the last pixel over. With
    ``scale_factor`` pixels keep the size that the factor gives them, and that part is cut off;
    without it they are stretched over it.

    Shrinking to less than half the size skips some positions, because the map is not smoothed
    first. A batch of 0 images gives an empty result. A NaN or infinity in x reaches those results
    that give it a weight above 0, and no others; likewise one in dL/dy.

    Cost: N·C·(H·W·OW + H·OH·OW) multiply-adds, in matrix products.

    Raises:
        ValueError: x has not four axes or has maps without a pixel, ``size`` is out of range, or
            ``scale_factor`` is not positive.

    Source: Long et al. 2015, "Fully convolutional networks for semantic segmentation", section
    3.3; Jaderberg et al. 2015, "Spatial transformer networks", equation 5.

    >>> resize_bilinear(Tensor([[[[1.0, 2.0]]]]), (1, 4)).data.tolist()
    [[[[1.0, 1.25, 1.75, 2.0]]]]
    >>> resize_bilinear(Tensor([[[[1.0, 4.0]]]]), (1, 4), align_corners=True).data.tolist()
    [[[[1.0, 2.0, 3.0, 4.0]]]]
    """
    check_maps("resize_bilinear", x)
    size = as_pair("resize_bilinear", "size", size, least=1)
    if scale_factor is not None and not all(0 < scale < math.inf for scale in scale_factor):
        raise ValueError(
            f"resize_bilinear: scale_factor must be two numbers above 0 but is {scale_factor!r}"
        )
    return ResizeBilinear(size, align_corners, scale_factor)(x)
