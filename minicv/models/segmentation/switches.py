"""Max pooling that remembers where its maxima were, and the unpooling that puts them back there."""

from __future__ import annotations

from typing import NamedTuple

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array


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
    an odd side hangs over the edge and sees what is there.

    >>> x, switches = pool(Tensor([[[[1.0, 4.0, 2.0]]]]))
    >>> x.data.tolist(), switches.indices.tolist(), switches.size
    ([[[[4.0, 2.0]]]], [[[[1, 2]]]], (1, 3))
    """
    pooled, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    return pooled, Switches(indices, x.shape[2:])


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
