"""A 2x2 pooling that remembers the places of its maxima, and the lecture's four upsamplings.

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

from typing import Literal, NamedTuple, get_args

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array
from minicv.nn import ConvTranspose2d, Module

Upsampling = Literal["nearest", "bed_of_nails", "max_unpool", "transposed"]


class Switches(NamedTuple):
    """What a pooling leaves for the unpooling that mirrors it.

    Attributes:
        indices: (N, C, ceil(H / 2), ceil(W / 2)), the flat position h·W + w of each maximum.
        size: (H, W) before the pooling. An even and an odd size pool to the same one.
    """

    indices: Array
    size: tuple[int, int]


def pool(x: Tensor) -> tuple[Tensor, Switches]:
    """The maximum of each 2x2 window, and where it was.

    (N, C, H, W) -> (N, C, ceil(H / 2), ceil(W / 2)), for any H and W from 1 on: the last window of
    an odd side reaches beyond the edge and takes the maximum of the pixels inside.

    >>> x, switches = pool(Tensor([[[[1.0, 4.0, 2.0]]]]))
    >>> x.data.tolist(), switches.indices.tolist(), switches.size
    ([[[[4.0, 2.0]]]], [[[[1, 2]]]], (1, 3))
    """
    pooled, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    return pooled, Switches(indices, (x.shape[2], x.shape[3]))


def unpool(x: Tensor, switches: Switches) -> Tensor:
    """Each value where the maximum of its window had been, among zeros.

    (N, C, ceil(H / 2), ceil(W / 2)) -> (N, C, H, W).

    Source: Noh et al., Learning deconvolution network for semantic segmentation (ICCV 2015),
    section 3.2.1.

    >>> _, switches = pool(Tensor([[[[1.0, 4.0, 2.0]]]]))
    >>> unpool(Tensor([[[[7.0, 8.0]]]]), switches).data.tolist()
    [[[[0.0, 7.0, 8.0]]]]
    """
    return F.max_unpool2d(x, switches.indices, output_size=switches.size)


def cut(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """The first rows and columns of each map: (N, C, H', W') -> (N, C, H, W).

    Args:
        x: at least of that size.
        size: (H, W).

    >>> cut(Tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), (1, 2)).data.tolist()
    [[[[1.0, 2.0]]]]
    """
    height, width = size
    return x[:, :, :height, :width]  # also where nothing is cut: then every size has one network


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

    An even H or W needs one row or column of ``output_padding``; an odd one needs none.

    Args:
        channels: of x and of the result.
        rng: draws the initial weights.

    Source: Long et al. 2015, "Fully convolutional networks for semantic segmentation", section 3.3.
    """

    def __init__(self, channels: int, *, rng: np.random.Generator) -> None:
        self.conv = ConvTranspose2d(channels, channels, 3, stride=2, padding=1, rng=rng)

    def forward(self, x: Tensor, switches: Switches) -> Tensor:
        height, width = switches.size
        even = (1 - height % 2, 1 - width % 2)
        conv = self.conv
        return F.conv_transpose2d(
            x, conv.weight, conv.bias, conv.stride, conv.padding, output_padding=even
        )


def make_upsampling(name: Upsampling, channels: int, *, rng: np.random.Generator) -> Module:
    """The upsampling of that name.

    Args:
        name: "nearest", "bed_of_nails", "max_unpool" or "transposed".
        channels: of the map before and after.
        rng: draws the weights, where there are any.

    Raises:
        ValueError: another name.

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
