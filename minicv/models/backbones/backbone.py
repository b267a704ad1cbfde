"""`Backbone`: the feature maps of an image, at the strides that a detector or a segmenter needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.autograd import Tensor
from minicv.nn import Module

STRIDES = (4, 8, 16, 32)  # those that every backbone has


class Backbone(Module):
    """A network from pixels to one or more feature maps, with its own normalisation.

    A deep map says what is in the image but not exactly where; a shallow map says where. A
    detector takes one map, a fully convolutional network three (Long et al. 2015, section 4).

    ``forward(x)`` takes (N, 3, H, W), normalised, H and W from 1 on. It gives for each stride s a
    map (N, C, ceil(H / s), ceil(W / s)), whose cell (i, j) stands for the s x s pixels from
    (i s, j s) on. The last row and column of cells may reach beyond the image.

    Only the layers up to the deepest stride are built. A layer has the same name whichever strides
    are asked for, so a state_dict of the strides (16,) is a part of that of (4, 8, 16, 32).

    A subclass calls ``super().__init__(strides, rng=rng)``, sets ``out_channels``, ``mean`` and
    ``std``, and writes `to_stride`.

    Attributes:
        strides: pixels of the image per cell, of each map; increasing.
        out_channels: C of each map.
        mean, std: per colour, in the units of an image (0..1); the input is (image - mean) / std.

    Args:
        strides: one or more of 4, 8, 16 and 32, in this order.
        rng: draws the initial weights.

    Raises:
        ValueError: no strides, another stride, or not in increasing order.
    """

    strides: tuple[int, ...]
    out_channels: tuple[int, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __init__(self, strides: Sequence[int], *, rng: np.random.Generator) -> None:
        strides = tuple(strides)
        if not strides or strides != tuple(stride for stride in STRIDES if stride in strides):
            raise ValueError(
                f"{type(self).__name__}: strides is {strides}; expected one or more of "
                f"{', '.join(map(str, STRIDES))}, in increasing order"
            )
        self.strides = strides

    @property
    def region_strides(self) -> tuple[int, ...]:
        """Strides of the maps that a detector pools regions from, the first ones: here of all."""
        return self.strides

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        maps = []
        for stride in STRIDES[: STRIDES.index(self.strides[-1]) + 1]:
            x = self.to_stride(x, stride)
            if stride in self.strides:
                maps.append(x)
        return tuple(maps)

    def to_stride(self, x: Tensor, stride: int) -> Tensor:
        """From the map of half the stride (for stride 4 from the pixels) to the map of ``stride``.

        (N, C, 2h, 2w) -> (N, C', h, w); odd sides round up.
        """
        raise NotImplementedError(f"{type(self).__name__}: to_stride is not written")

    def channels_of(self, at4: int, at8: int, at16: int, at32: int) -> tuple[int, ...]:
        """``out_channels``, from the channels of all maps that the network has."""
        channels = dict(zip(STRIDES, (at4, at8, at16, at32), strict=True))
        return tuple(channels[stride] for stride in self.strides)
