"""What a detector or a segmenter asks of a backbone."""

from __future__ import annotations

from minicv.autograd import Tensor
from minicv.nn import Module


class Backbone(Module):
    """A network from pixels to one feature map, with the normalisation that it was made for.

    Attributes:
        out_channels: C of the feature map.
        stride: pixels of the image per cell of the feature map.
        mean, std: per colour, in the units of an image (0..1); the input is (image - mean) / std.

    ``forward(x)`` takes (N, 3, H, W), normalised, and gives
    (N, out_channels, ceil(H / stride), ceil(W / stride)).
    """

    out_channels: int
    stride: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__}: forward is not written")
