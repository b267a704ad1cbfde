"""How many multiplications, counted while the layers run.

A convolution multiplies, for each of its O · OH · OW results, the C / groups · KH · KW numbers
under the kernel by weights; a fully connected layer, for each of its units, all of its inputs. All
else that a network computes is small beside them, and not counted.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from minicv.autograd import Tensor
from minicv.nn import Conv2d, Linear, Module


@dataclass
class Count:
    """Attributes:
    multiplications: so far.
    """

    multiplications: int = 0


@contextlib.contextmanager
def counting_multiplications(module: Module) -> Iterator[Count]:
    """Measured: what the convolutions and fully connected layers inside ``module`` do in a block.

    Each layer adds, when it has run, (numbers in its result) · (numbers that each is a sum of).
    Layers that usually run together run one by one in the block (see `minicv.nn.run_conv_relu`).

    >>> import numpy as np
    >>> from minicv.nn import Sequential
    >>> net = Sequential(Linear(5, 3, rng=np.random.default_rng(0)))
    >>> with counting_multiplications(net) as count:
    ...     _ = net(Tensor(np.ones((2, 5), "float32")))
    >>> count.multiplications
    30
    """
    count = Count()
    layers = [part for part in module.modules() if isinstance(part, (Conv2d, Linear))]
    for layer in layers:
        layer.forward = _counted(layer, count)  # hides the method of the class for a while
    try:
        yield count
    finally:
        for layer in layers:
            del layer.forward


def _counted(layer: Conv2d | Linear, count: Count) -> Callable[[Tensor], Tensor]:
    run = layer.forward

    def forward(x: Tensor) -> Tensor:
        y = run(x)
        count.multiplications += math.prod(y.shape) * math.prod(layer.weight.shape[1:])
        return y

    return forward
