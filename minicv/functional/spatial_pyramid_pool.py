"""Spatial pyramid pooling: a vector of one length from maps of any size."""

from __future__ import annotations

from collections.abc import Sequence

from minicv.autograd import Tensor
from minicv.backend import Array
from minicv.functional.adaptive_max_pool2d import adaptive_max_pool2d
from minicv.functional.arguments import as_number
from minicv.functional.concatenate import concatenate
from minicv.functional.pooling_windows import check_maps
from minicv.functional.reshape import flatten


def spatial_pyramid_pool(x: Tensor | Array, levels: Sequence[int] = (6, 3, 2, 1)) -> Tensor:
    """Max pooling over grids of several resolutions, joined to one vector.

    Forward: for each level l, the map is cut into l x l bins (those of `adaptive_max_pool2d`) and
    the maximum of each bin is taken; the results of all levels are flattened, in the order given,
    each channel by channel. Gradient: each maximum passes its gradient to the position that held
    it, and a position that is the maximum on several levels adds up what it gets.

    =======  ================================
    x        (N, C, H, W)
    levels   whole numbers of at least 1
    result   (N, C·Σ l²)
    =======  ================================

    The default has 50 bins, the pyramid of the paper's detection experiments. Ties and NaN as in
    `adaptive_max_pool2d`. Where a level is finer than the map, positions are repeated. A batch of 0
    images gives an empty result.

    Cost: a pass over x for each level.

    Raises:
        ValueError: x has not four axes or has maps without a pixel, or ``levels`` is empty or holds
            a number below 1.

    Source: He et al. 2014, "Spatial pyramid pooling in deep convolutional networks for visual
    recognition", sections 2.2 and 4.1; Lazebnik et al. 2006, "Beyond bags of features".

    >>> x = Tensor([[[[1.0, 2.0], [4.0, 3.0]]]])
    >>> spatial_pyramid_pool(x, levels=(2, 1)).data.tolist()
    [[1.0, 2.0, 4.0, 3.0, 4.0]]
    """
    check_maps("spatial_pyramid_pool", x)
    if isinstance(levels, str) or not isinstance(levels, Sequence):
        raise TypeError(
            f"spatial_pyramid_pool: levels must be a tuple of whole numbers but is {levels!r}"
        )
    for level in levels:
        as_number("spatial_pyramid_pool", "a level", level)
    if len(levels) == 0 or any(level != int(level) or level < 1 for level in levels):
        raise ValueError(
            "spatial_pyramid_pool: levels must hold at least one whole number, each of at least 1, "
            f"but is {levels!r}"
        )
    # each level: (N, C, H, W) -> (N, C, l, l) -> (N, C·l·l)
    pooled = [flatten(adaptive_max_pool2d(x, int(level)), 1) for level in levels]
    return concatenate(pooled, 1)
