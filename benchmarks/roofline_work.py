"""What a step asks of a machine: matrix products, bytes moved, calls of operations.

The numbers are those of the definition: a convolution is one product of matrices, whatever
algorithm computes it; every operation reads its inputs and writes its result once. An algorithm
that multiplies less, or a kernel that keeps a map in the cache, may do better than these bounds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks import networks
from minicv.autograd.watching import Watcher, watched_by

BYTES = 4  # of a float32
Shape = tuple[int, ...]


class Product(NamedTuple):
    """(m, k) times (k, n)."""

    m: int
    k: int
    n: int

    @property
    def flop(self) -> int:
        """Multiplications and additions."""
        return 2 * self.m * self.k * self.n


@dataclass
class Work:
    """Attributes:
    products: how often each matrix product is needed.
    moved: for each operation, forward or backward, the bytes that it reads and writes.
    forward, backward: calls of operations.
    multiplied: multiplications and additions of depthwise convolutions, which are no products.
    """

    products: Counter[Product] = field(default_factory=Counter)
    moved: list[int] = field(default_factory=list)
    forward: int = 0
    backward: int = 0
    multiplied: int = 0

    @property
    def flop(self) -> int:
        """Of the products and the depthwise convolutions."""
        return self.multiplied + sum(p.flop * count for p, count in self.products.items())

    def convolution(self, x: Shape, weight: Shape, out: Shape, times: int = 1) -> None:
        """(N, C, H, W) by (O, C / groups, KH, KW) to (N, O, OH, OW), ``times`` times.

        >>> work = Work()
        >>> work.convolution((2, 3, 8, 8), (4, 3, 3, 3), (2, 4, 8, 8))
        >>> work.products
        Counter({Product(m=4, k=27, n=128): 1})
        """
        k, places = math.prod(weight[1:]), out[0] * math.prod(out[2:])
        groups = x[1] // weight[1]
        if weight[1] == 1 and groups > 1:
            self.multiplied += 2 * times * weight[0] * k * places
        else:
            self.products[Product(weight[0] // groups, k, places)] += groups * times


def work_of_step(step: Callable[[], Any]) -> Work:
    """Of one call of a step, as its operations run."""
    counting = _Counting()
    with watched_by(counting):
        step()
    return counting.work


class _Counting(Watcher):
    def __init__(self) -> None:
        self.work = Work()

    def forward(self, function: Any, arrays: Sequence[Any]) -> Any:
        result = super().forward(function, arrays)
        main = result[0] if isinstance(result, tuple) else result
        shapes = [None if array is None else tuple(array.shape) for array in arrays]
        function._roofline = (shapes, tuple(main.shape))
        self.work.forward += 1
        self.work.moved.append(_bytes([*arrays, main]))
        self._add(function, shapes, tuple(main.shape), 1)
        return result

    def backward(self, function: Any, grad: Any) -> Any:
        shapes, out = function._roofline
        gradients = super().backward(function, grad)
        made = gradients if isinstance(gradients, tuple) else (gradients,)
        self.work.backward += 1
        self.work.moved.append(_bytes([grad, *made]))
        # Each of the two gradients of a product is as many multiplications as the product.
        self._add(function, shapes, out, sum(function.needs_grad[:2]))
        return gradients

    def _add(self, function: Any, shapes: Sequence[Any], out: Shape, times: int) -> None:
        if times == 0:
            return
        work, name = self.work, function.name
        if name in ("Conv2d", "ConvNormRelu"):
            work.convolution(shapes[0], shapes[1], out, times)
        elif name == "ConvTranspose2d":  # the gradient of a convolution
            (n, channels, *size), weight = shapes[0], shapes[1]
            places = n * math.prod(size)
            work.products[Product(math.prod(weight[1:]), channels, places)] += times
        elif name == "Linear":
            x, weight = shapes[0], shapes[1]
            work.products[Product(weight[0], weight[1], math.prod(x[:-1]))] += times
        elif name == "Matmul" and len(shapes[0]) >= 2 and len(shapes[1]) >= 2:
            rows, inner = shapes[0][-2:]
            batch = math.prod(out[:-2])
            work.products[Product(rows, inner, out[-1])] += batch * times


def _bytes(arrays: Sequence[Any]) -> int:
    """Of arrays that are not views of an earlier one in the list."""
    bases: set[int] = set()
    total = 0
    for array in arrays:
        if not hasattr(array, "nbytes"):
            continue
        base = array
        while getattr(base, "base", None) is not None:
            base = base.base
        if id(base) not in bases:
            bases.add(id(base))
            total += array.nbytes
    return total


def work_of_network(name: str, x: Sequence[int]) -> Work:
    """Of one of `benchmarks.networks` at inference: each convolution with its normalisation and
    activation is one operation, and so is the sum at the end of a block.

    >>> work = work_of_network("vgg16_convolutions", (1, 3, 32, 32))
    >>> work.forward, len(work.products)
    (17, 9)
    """
    work = Work()
    getattr(networks, name)(_Layers(work), lambda key, shape: shape, _Map(tuple(x), work))
    return work


class _Map(NamedTuple):
    """The shape of a map, in the place of its numbers."""

    shape: Shape
    work: Work

    def __add__(self, other: Any) -> _Map:  # type: ignore[override]
        self.work.forward += 1
        self.work.moved.append(3 * BYTES * math.prod(self.shape))
        return self


class _Layers:
    """What the networks are written in, on shapes alone."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def relu(self, x: _Map) -> _Map:
        return x  # with the convolution

    relu6 = relu

    def batch_norm(self, x: _Map, *_: Any) -> _Map:
        return x  # with the convolution

    def pad(self, x: _Map, before: int, after: int) -> _Map:
        n, c, h, w = x.shape
        return _Map((n, c, h + before + after, w + before + after), self.work)

    def conv(self, x: _Map, weight: Shape, bias: Any, stride: int, padding: int, groups: int):
        n, _, *size = x.shape
        rows, columns = ((s + 2 * padding - weight[2]) // stride + 1 for s in size)
        out = (n, weight[0], rows, columns)
        self.work.convolution(x.shape, weight, out)
        return self._done(x.shape, weight, out)

    def linear(self, x: _Map, weight: Shape, bias: Any) -> _Map:
        out = (x.shape[0], weight[0])
        self.work.products[Product(weight[0], weight[1], x.shape[0])] += 1
        return self._done(x.shape, weight, out)

    def max_pool(self, x: _Map, kernel: int, stride: int, padding: int) -> _Map:
        rows, columns = ((s + 2 * padding - kernel) // stride + 1 for s in x.shape[2:])
        return self._done(x.shape, (), (*x.shape[:2], rows, columns))

    def global_mean(self, x: _Map) -> _Map:
        return self._done(x.shape, (), x.shape[:2])

    def flatten(self, x: _Map) -> _Map:
        return _Map((x.shape[0], math.prod(x.shape[1:])), self.work)

    def _done(self, x: Shape, weight: Shape, out: Shape) -> _Map:
        numbers = math.prod(x) + (math.prod(weight) if weight else 0) + math.prod(out)
        self.work.forward += 1
        self.work.moved.append(BYTES * numbers)
        return _Map(out, self.work)
