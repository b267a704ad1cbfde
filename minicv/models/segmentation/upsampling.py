"""The lecture's four ways to undo a 2x2 pooling, behind one interface.

What each makes of the map 1 2 / 3 4:

| nearest neighbour | bed of nails | max unpooling        | transposed convolution     |
|-------------------|--------------|----------------------|----------------------------|
| 1 1 2 2           | 1 0 2 0      | 0 0 2 0              | each value times a learned |
| 1 1 2 2           | 0 0 0 0      | 0 1 0 0              | 3x3 stamp, two pixels      |
| 3 3 4 4           | 3 0 4 0      | 0 0 0 0              | apart; where stamps        |
| 3 3 4 4           | 0 0 0 0      | 3 0 0 4              | overlap they add up        |
| blurs edges       | shifts them  | puts them where they | learns how                 |
|                   |              | were in the encoder  |                            |

Each is ``upsample(x, switches)``: (N, C, ceil(H / 2), ceil(W / 2)) -> (N, C, H, W), where
`Switches` are those of the pooling that it mirrors; all but max unpooling look only at its size.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.segmentation.cut import cut
from minicv.models.segmentation.switches import Switches, unpool
from minicv.nn import ConvTranspose2d, Module

Upsampling = Literal["nearest", "bed_of_nails", "max_unpool", "transposed"]


class Nearest(Module):
    """Every value fills its 2x2 block.

    Source: Dosovitskiy et al. 2015, "Learning to generate chairs with convolutional networks".
    """

    def forward(self, x: Tensor, switches: Switches) -> Tensor:
        return cut(F.unpool_nearest(x, 2), switches.size)


class BedOfNails(Module):
    """Every value stands in the top left corner of its 2x2 block, among zeros.

    Source: Dosovitskiy et al. 2015 (as above), section 3.2.
    """

    def forward(self, x: Tensor, switches: Switches) -> Tensor:
        return cut(F.unpool_bed_of_nails(x, 2), switches.size)


class MaxUnpool(Module):
    """Every value goes back to where the maximum of its 2x2 block had been, among zeros.

    Source: Noh et al. 2015, "Learning deconvolution network for semantic segmentation".
    """

    def forward(self, x: Tensor, switches: Switches) -> Tensor:
        return unpool(x, switches)


class Transposed(Module):
    """A transposed convolution, 3x3 with stride 2: the only one of the four with weights.

    One row or column of ``output_padding`` tells an even size from the odd one below it.

    Args:
        channels: of x and of the result.
        rng: draws the initial weights.

    Source: Long et al. 2015, "Fully convolutional networks for semantic segmentation", section 3.3.
    """

    def __init__(self, channels: int, *, rng: np.random.Generator) -> None:
        self.conv = ConvTranspose2d(channels, channels, 3, stride=2, padding=1, rng=rng)

    def forward(self, x: Tensor, switches: Switches) -> Tensor:
        even = tuple(1 - side % 2 for side in switches.size)
        conv = self.conv
        return F.conv_transpose2d(
            x, conv.weight, conv.bias, conv.stride, conv.padding, output_padding=even
        )


def make_upsampling(name: Upsampling, channels: int, *, rng: np.random.Generator) -> Module:
    """The upsampling of that name.

    Args:
        name: "nearest", "bed_of_nails", "max_unpool" or "transposed".
        channels: of the map that is enlarged; it keeps them.
        rng: draws the weights, where there are any.

    Raises:
        ValueError: another name.

    >>> from minicv.models.segmentation.switches import pool
    >>> _, switches = pool(Tensor([[[[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]]]))
    >>> upsample = make_upsampling("nearest", 1, rng=np.random.default_rng(0))
    >>> upsample(Tensor([[[[5.0, 6.0]]]]), switches).data.tolist()
    [[[[5.0, 5.0, 6.0], [5.0, 5.0, 6.0]]]]
    """
    if name == "transposed":
        return Transposed(channels, rng=rng)
    without_weights = {"nearest": Nearest, "bed_of_nails": BedOfNails, "max_unpool": MaxUnpool}
    if name not in without_weights:
        raise ValueError(
            f"make_upsampling: name is {name!r}, expected one of {', '.join(get_args(Upsampling))}"
        )
    return without_weights[name]()
