"""How many multiplications, derived from the layers' formulas.

A convolution multiplies, for each of its O · OH · OW results, the C / groups · KH · KW numbers
under the kernel by weights; a fully connected layer, for each of its units, all of its inputs.
Nothing else in a patch net multiplies. `minicv.models.counting_multiplications` counts them while
the layers run.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from minicv.models.segmentation.convolutionalize import convolutionalize, size_after, total_stride
from minicv.models.segmentation.every_window import a_trous
from minicv.nn import Conv2d, Flatten, Linear, MaxPool2d, Sequential


def count_multiplications(net: Sequential, shape: tuple[int, ...]) -> int:
    """Derived: of one image of this shape (C, H, W), by the formulas above.

    Convolutions give OH = floor((H + 2p - d (KH - 1) - 1) / s) + 1 rows, poolings likewise; all
    other layers leave the sizes alone.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Conv2d(3, 4, 5, rng=rng), MaxPool2d(2), Flatten(), Linear(64, 7, rng=rng))
    >>> count_multiplications(net, (3, 12, 12))  # 4 · 8 · 8 · 3 · 5 · 5 + 7 · 64
    19648
    """
    total = 0
    for layer in net:
        if isinstance(layer, (Conv2d, MaxPool2d)):
            shape = (shape[0], *size_after(layer, shape[1:]))
        if isinstance(layer, Conv2d):
            shape = (layer.out_channels, *shape[1:])
            total += math.prod(shape) * math.prod(layer.weight.shape[1:])
        elif isinstance(layer, Flatten):
            shape = (math.prod(shape),)
        elif isinstance(layer, Linear):
            shape = (layer.out_features,)
            total += layer.in_features * layer.out_features
    return total


class WindowCosts(NamedTuple):
    """Multiplications to have a patch net's result for every pixel of an image, in four ways.

    Attributes:
        sliding_window: H · W times those of a patch.
        shift_and_stitch: s² times those of the dense net on a shifted image.
        a_trous: those of the dense net with holes.
        every_stride: those of the dense net as it is, which answers for every s-th pixel only.
    """

    sliding_window: int
    shift_and_stitch: int
    a_trous: int
    every_stride: int


def count_of_every_window(
    patch_net: Sequential, patch_size: int, size: tuple[int, int]
) -> WindowCosts:
    """Derived, for an image of ``size`` (H, W) and the border that `mirror_border` gives it.

    >>> import numpy as np
    >>> net = Sequential(Conv2d(3, 4, 5, rng=np.random.default_rng(0)), MaxPool2d(2), Flatten(),
    ...                  Linear(16, 7, rng=np.random.default_rng(1)))
    >>> count_of_every_window(net, 8, (10, 10))
    WindowCosts(sliding_window=491200, shift_and_stitch=..., a_trous=..., every_stride=...)
    """
    shape = (3, patch_size, patch_size)
    dense = convolutionalize(patch_net, shape)
    stride = total_stride(dense)
    bordered = tuple(length + patch_size - 1 for length in size)
    shifted = tuple((-(-length // stride) - 1) * stride + patch_size for length in size)
    return WindowCosts(
        sliding_window=math.prod(size) * count_multiplications(patch_net, shape),
        shift_and_stitch=stride**2 * count_multiplications(dense, (3, *shifted)),
        a_trous=count_multiplications(a_trous(dense), (3, *bordered)),
        every_stride=count_multiplications(dense, (3, *bordered)),
    )
