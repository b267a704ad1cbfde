"""What a fully convolutional network asks of its trunk: what and where, at three strides."""

from __future__ import annotations

from minicv.autograd import Tensor
from minicv.nn import Module


class FeatureHierarchy(Module):
    """A network from pixels to three feature maps, with the normalisation that it was made for.

    The deep map knows what is there but not exactly where; the shallow ones know where. A system
    that needs both takes all three (Long et al. 2015, section 4).

    Attributes:
        out_channels: C of the map at each of the ``strides``.
        strides: pixels of the image per cell of each map.
        mean, std: per colour, in the units of an image (0..1); the input is (image - mean) / std.

    ``forward(x)`` takes (N, 3, H, W), normalised, H and W from 1 on, and gives for each stride s a
    map (N, C, ceil(H / s), ceil(W / s)), whose cell (i, j) stands for the s x s pixels from
    (i s, j s) on. At the bottom and the right the last cells may hang over the image.
    """

    strides = (8, 16, 32)
    out_channels: tuple[int, int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        raise NotImplementedError(f"{type(self).__name__}: forward is not written")
