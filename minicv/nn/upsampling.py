"""Enlarging feature maps without weights."""

from __future__ import annotations

import math
from typing import Any, Literal

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.functional.arguments import as_number, check_tensor
from minicv.functional.conv2d import as_pair
from minicv.nn.module import Module


class Upsample(Module):
    """Enlarges (N, C, H, W) to a size, or by a factor; nearest neighbour or bilinear.

    Give either ``size`` or ``scale_factor``. "nearest" repeats whole pixels, so it enlarges by
    whole factors only; "bilinear" gives any size, floor(H · factor) for a factor. There, as in
    PyTorch, the pixels have the size that the factor says, not that of the rounded result; see
    `minicv.functional.resize_bilinear`.

    Args:
        size: (OH, OW), or one number for both.
        scale_factor: (vertical, horizontal), or one number for both.
        mode: "nearest" or "bilinear".
        align_corners: with "bilinear", whether the centres of the corner pixels stay at the
            corners (else the edges do).

    Raises:
        ValueError: not exactly one of size and scale_factor, an unknown mode, numbers that are not
            above 0, or a nearest enlargement by a factor that is not whole.
        TypeError: size or scale_factor is no number and no pair of them.

    >>> Upsample(scale_factor=2)(Tensor([[[[1.0, 2.0]]]])).data.tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        scale_factor: float | tuple[float, float] | None = None,
        mode: Literal["nearest", "bilinear"] = "nearest",
        align_corners: bool = False,
    ) -> None:
        if (size is None) == (scale_factor is None):
            raise ValueError("Upsample: give either size or scale_factor")
        if mode not in ("nearest", "bilinear"):
            raise ValueError(f"Upsample: mode must be 'nearest' or 'bilinear' but is {mode!r}")
        if size is not None:
            as_pair("Upsample", "size", size, least=1)
        if scale_factor is not None:
            _factors(scale_factor)
        self.size = size
        self.scale_factor = scale_factor
        self.mode = mode
        self.align_corners = align_corners

    def forward(self, x: Tensor) -> Tensor:
        check_tensor("Upsample", x)
        if len(x.shape) != 4:
            raise ValueError(f"Upsample: x must be (N, C, H, W); x={x.shape}")
        height, width = x.shape[2:]
        factors = None
        if self.size is not None:
            out_height, out_width = as_pair("Upsample", "size", self.size, least=1)
        else:
            factors = vertical, horizontal = _factors(self.scale_factor)
            out_height, out_width = math.floor(height * vertical), math.floor(width * horizontal)
        if min(out_height, out_width) < 1:
            raise ValueError(
                f"Upsample: {height}x{width} times {self.scale_factor} leaves no pixel; x={x.shape}"
            )
        if self.mode == "bilinear":
            return F.resize_bilinear(x, (out_height, out_width), self.align_corners, factors)
        if min(height, width) < 1 or out_height % height or out_width % width:
            raise ValueError(
                "Upsample: nearest neighbour enlarges pixels by whole factors only, but "
                f"{height}x{width} would become {out_height}x{out_width}; use mode='bilinear'"
            )
        return F.unpool_nearest(x, (out_height // height, out_width // width))

    def extra_repr(self) -> str:
        if self.size is not None:
            return f"size={self.size}, mode={self.mode!r}"
        return f"scale_factor={self.scale_factor}, mode={self.mode!r}"


def _factors(scale_factor: Any) -> tuple[float, float]:
    pair = scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor] * 2
    vertical, *others = (as_number("Upsample", "scale_factor", factor) for factor in pair)
    if len(others) != 1 or not all(0 < factor < math.inf for factor in (vertical, *others)):
        raise ValueError(
            "Upsample: scale_factor must be a number above 0, or a pair of them (vertical, "
            f"horizontal), but is {scale_factor!r}"
        )
    return vertical, others[0]
