"""Resizing maps with bilinear interpolation."""

from __future__ import annotations

from types import ModuleType

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of, xp_of
from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, check_maps


class ResizeBilinear(Function):
    def __init__(self, size: Pair, align_corners: bool) -> None:
        self.size = size
        self.align_corners = align_corners

    def forward(self, x: Array) -> Array:
        xp = xp_of(x)
        self.rows, self.columns = (
            interpolation_matrix(length, new_length, self.align_corners, xp).astype(
                xp.finfo(x.dtype).dtype
            )
            for length, new_length in zip(x.shape[2:], self.size, strict=True)
        )
        # (OH, H) ((N, C, H, W) (W, OW)) -> (N, C, OH, OW)
        matmul = kernels_of(x).matmul
        return matmul(self.rows, matmul(x, self.columns.T))

    def backward(self, grad: Array) -> Array:
        # (H, OH) ((N, C, OH, OW) (OW, W)) -> (N, C, H, W)
        matmul = kernels_of(grad).matmul
        return matmul(self.rows.T, matmul(grad, self.columns))


def interpolation_matrix(
    length: int, new_length: int, align_corners: bool, xp: ModuleType
) -> Array:
    """(new_length, length): the weight of each old position in each new one, along one axis.

    New position i looks at a place between two old ones, and each old position at distance d < 1
    from it weighs 1 - d. Each row sums to 1.

    >>> import numpy as np
    >>> interpolation_matrix(2, 4, False, np).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    new = xp.arange(new_length, dtype=xp.float64)
    if align_corners:
        place = new * ((length - 1) / max(new_length - 1, 1))
    else:
        place = (new + 0.5) * (length / new_length) - 0.5
    place = xp.clip(place, 0, length - 1)  # beyond the outermost centres the edge is repeated
    return xp.maximum(1 - xp.abs(place[:, None] - xp.arange(length)), 0)


def resize_bilinear(x: Tensor | Array, size: int | Pair, align_corners: bool = False) -> Tensor:
    """Each map in a new size, interpolated linearly between the four nearest positions.

    Forward: y[n, c] = A x[n, c] Bᵀ, where A (OH, H) interpolates along columns and B (OW, W) along
    rows. Row i of A holds max(0, 1 - |place(i) - h|) for each old row h, with::

        place(i) = (i + 1/2)·H / OH - 1/2      pixels are squares; their centres are matched
        place(i) = i·(H - 1) / (OH - 1)        align_corners: the outermost centres are matched

    and place(i) clipped to 0..H-1. Gradient: dL/dx[n, c] = Aᵀ dL/dy[n, c] B.

    =======  ====================================
    x        (N, C, H, W)
    size     one number, or (OH, OW)
    result   (N, C, OH, OW)
    =======  ====================================

    Shrinking to less than half the size skips some positions, because the map is not smoothed
    first. A batch of 0 images gives an empty result. A NaN or infinity in x turns its row and
    column of the map to NaN, because both steps are matrix products.

    Cost: N·C·(H·W·OW + H·OH·OW) multiply-adds, in matrix products.

    Raises:
        ValueError: x has not four axes or has maps without a pixel, or ``size`` is out of range.

    Source: Long et al. 2015, "Fully convolutional networks for semantic segmentation", section
    3.3; Jaderberg et al. 2015, "Spatial transformer networks", equation 5.

    >>> resize_bilinear(Tensor([[[[1.0, 2.0]]]]), (1, 4)).data.tolist()
    [[[[1.0, 1.25, 1.75, 2.0]]]]
    >>> resize_bilinear(Tensor([[[[1.0, 4.0]]]]), (1, 4), align_corners=True).data.tolist()
    [[[[1.0, 2.0, 3.0, 4.0]]]]
    """
    check_maps("resize_bilinear", x)
    size = as_pair("resize_bilinear", "size", size, least=1)
    return ResizeBilinear(size, align_corners)(x)
