"""How many multiplications: derived from the layers' formulas, or counted while they run.

A convolution multiplies, for each of its O · OH · OW results, the C / groups · KH · KW numbers
under the kernel by weights; a transposed convolution each number of its input by the O / groups ·
KH · KW weights that spread it; a fully connected layer, for each of its units, all of its inputs.
The other layers need few multiplications, which are not counted.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from minicv.autograd import Tensor
from minicv.functional.conv2d import Pair, as_pair
from minicv.functional.pooling_windows import output_length
from minicv.nn import Conv2d, ConvTranspose2d, Flatten, Linear, MaxPool2d, Module, Sequential

COUNTED = (Conv2d, ConvTranspose2d, Linear)


@dataclass
class Count:
    """Attributes:
    multiplications: so far.
    """

    multiplications: int = 0


@contextlib.contextmanager
def counting_multiplications(module: Module) -> Iterator[Count]:
    """Measured: what the convolutions and fully connected layers inside ``module`` do in a block.

    Each layer adds, when it has run, (numbers in its result) · (numbers that each is a sum of); a
    transposed convolution (numbers in its input) · (numbers that each is spread over).
    Layers that usually run as one operation run one by one here (see `minicv.nn.run_conv_relu`).

    >>> import numpy as np
    >>> from minicv.nn import Sequential
    >>> net = Sequential(Linear(5, 3, rng=np.random.default_rng(0)))
    >>> with counting_multiplications(net) as count:
    ...     _ = net(Tensor(np.ones((2, 5), "float32")))
    >>> count.multiplications
    30
    """
    count = Count()
    layers = [part for part in module.modules() if isinstance(part, COUNTED)]
    for layer in layers:
        vars(layer)["forward"] = _counted(layer, count)  # hides the method of the class
    try:
        yield count
    finally:
        for layer in layers:
            del vars(layer)["forward"]


def _counted(layer: Conv2d | ConvTranspose2d | Linear, count: Count) -> Callable[[Tensor], Tensor]:
    run = layer.forward

    def forward(x: Tensor) -> Tensor:
        y = run(x)
        each = x if isinstance(layer, ConvTranspose2d) else y
        count.multiplications += math.prod(each.shape) * math.prod(layer.weight.shape[1:])
        return y

    return forward


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
            shape = (shape[0], *size_after(layer, (shape[1], shape[2])))
        if isinstance(layer, Conv2d):
            shape = (layer.out_channels, *shape[1:])
            total += math.prod(shape) * math.prod(layer.weight.shape[1:])
        elif isinstance(layer, Flatten):
            shape = (math.prod(shape),)
        elif isinstance(layer, Linear):
            shape = (layer.out_features,)
            total += layer.in_features * layer.out_features
    return total


def size_after(layer: Conv2d | MaxPool2d, size: Pair) -> Pair:
    """(OH, OW), what the layer leaves of a map of ``size`` (H, W).

    >>> size_after(MaxPool2d(2, ceil_mode=True), (5, 8))
    (3, 4)
    """
    kernel, stride, padding, dilation = (
        as_pair("size_after", name, getattr(layer, name), least=0)
        for name in ("kernel_size", "stride", "padding", "dilation")
    )
    ceil_mode = getattr(layer, "ceil_mode", False)
    trailing = getattr(layer, "trailing", (0, 0))
    rows, columns = (
        output_length(
            size[i] + trailing[i], kernel[i], stride[i], padding[i], dilation[i], ceil_mode
        )
        for i in (0, 1)
    )
    return rows, columns
