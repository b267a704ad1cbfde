"""Maps that came out too large lose what hangs over at the bottom and the right."""

from __future__ import annotations

from minicv.autograd import Tensor


def cut(x: Tensor, size: tuple[int, int]) -> Tensor:
    """The first rows and columns of each map: (N, C, H', W') -> (N, C, H, W).

    Args:
        x: at least of that size.
        size: (H, W).

    >>> cut(Tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), (1, 2)).data.tolist()
    [[[[1.0, 2.0]]]]
    """
    height, width = size
    return x if x.shape[2:] == size else x[:, :, :height, :width]
