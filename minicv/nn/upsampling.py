"""Enlarging feature maps without weights."""

from __future__ import annotations

import math
from typing import Literal, TypeVar

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.nn.module import Module

Number = TypeVar("Number", int, float)


class Upsample(Module):
    """Enlarges (N, C, H, W) to a size, or by a factor; nearest neighbour or bilinear.

    Give either ``size`` or ``scale_factor``. "nearest" repeats whole pixels, so it enlarges by
    whole factors only; "bilinear" gives any size, floor(H · factor) for a factor.

    Args:
        size: (OH, OW), or one number for both.
        scale_factor: (vertical, horizontal), or one number for both.
        mode: "nearest" or "bilinear".
        align_corners: with "bilinear", whether the centres of the corner pixels stay at the
            corners (else the edges do).

    Raises:
        ValueError: not exactly one of size and scale_factor, an unknown mode, or a nearest
            enlargement by a factor that is not whole.

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
        self.size = size
        self.scale_factor = scale_factor
        self.mode = mode
        self.align_corners = align_corners

    def forward(self, x: Tensor) -> Tensor:
        if len(x.shape) != 4:
            raise ValueError(f"Upsample: x must be (N, C, H, W); x={x.shape}")
        height, width = x.shape[2:]
        if self.size is not None:
            out_height, out_width = _pair(self.size)
        else:
            assert self.scale_factor is not None  # the constructor has seen to it
            vertical, horizontal = _pair(self.scale_factor)
            out_height, out_width = math.floor(height * vertical), math.floor(width * horizontal)
        if self.mode == "bilinear":
            return F.resize_bilinear(x, (out_height, out_width), self.align_corners)
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


def _pair(value: Number | tuple[Number, Number]) -> tuple[Number, Number]:
    return value if isinstance(value, tuple) else (value, value)
