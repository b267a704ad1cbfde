"""A convolution as every device sees it: its shapes, its epilogue, and the algorithm asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal, NamedTuple, get_args

import numpy as np

from minicv.backend.device import Array
from minicv.backend.windows import Windows

Pair = tuple[int, int]
Shape4 = tuple[int, int, int, int]
Direction = Literal["forward", "grad_input", "grad_weight"]
AlgorithmName = Literal[
    "im2col",
    "shifted",
    "interleaved",
    "pointwise",
    "depthwise",
    "winograd_2x2",
    "winograd_4x4",
    "winograd_strided",
    "space_to_depth",
    "implicit_gemm",
    "implicit_gemm_tf32",
]
_wanted: ContextVar[AlgorithmName | None] = ContextVar("convolution algorithm", default=None)


class Layer(NamedTuple):
    """A convolution, described by its shapes.

    Attributes:
        dtype: in which it is computed.
        x_shape: (N, C, H, W).
        weight_shape: (O, C / groups, KH, KW).
        y_shape: (N, O, OH, OW). In a transposed convolution with output padding, x has a few rows
            and columns more than its windows reach.
        stride, padding, dilation: (vertical, horizontal).
        groups: output channels see only the input channels of their own group.
    """

    dtype: np.dtype
    x_shape: Shape4
    weight_shape: Shape4
    y_shape: Shape4
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    @classmethod
    def of(
        cls,
        dtype: np.dtype,
        x_shape: Shape4,
        weight_shape: Shape4,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Layer:
        """The layer, with the shape of its result worked out.

        >>> layer = Layer.of(np.dtype("float32"), (1, 3, 8, 9), (5, 3, 3, 3),
        ...                  stride=(2, 2), padding=(1, 1), dilation=(1, 1), groups=1)
        >>> layer.y_shape
        (1, 5, 4, 5)
        """
        axes = zip(x_shape[2:], weight_shape[2:], stride, padding, dilation, strict=True)
        oh, ow = (output_size(*axis) for axis in axes)
        y_shape = (x_shape[0], weight_shape[0], oh, ow)
        return cls(dtype, x_shape, weight_shape, y_shape, stride, padding, dilation, groups)

    @property
    def kernel(self) -> Pair:
        """(KH, KW)."""
        return self.weight_shape[2:]

    @property
    def reach(self) -> Pair:
        """Rows and columns from the first tap of a kernel to the last: d (k - 1)."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return dh * (kh - 1), dw * (kw - 1)

    @property
    def windows(self) -> Windows:
        """The grid of its windows."""
        return Windows(self.kernel, self.stride, self.padding, self.dilation, self.y_shape[2:])

    def turned(self) -> Layer:
        """The convolution that gives dL/dx from dL/dy, where the stride is 1.

        It takes the weight of `turn_weight`. The padding p becomes d (k - 1) - p.

        >>> layer = Layer.of(np.dtype("float32"), (1, 3, 8, 9), (5, 3, 3, 3),
        ...                  stride=(1, 1), padding=(0, 1), dilation=(1, 1), groups=1)
        >>> turned = layer.turned()
        >>> turned.x_shape, turned.weight_shape, turned.padding, turned.y_shape
        ((1, 5, 6, 9), (3, 5, 3, 3), (2, 1), (1, 3, 8, 9))
        """
        o, cg, kh, kw = self.weight_shape
        return self._replace(
            x_shape=self.y_shape,
            weight_shape=(self.groups * cg, o // self.groups, kh, kw),
            y_shape=self.x_shape,
            padding=(self.reach[0] - self.padding[0], self.reach[1] - self.padding[1]),
        )


def turn_weight(weight: Array, groups: int) -> Array:
    """Each kernel turned by 180°, and the input and output channels of each group exchanged.

    (O, C / groups, KH, KW) -> (C, O / groups, KH, KW).

    >>> turn_weight(np.arange(6.0).reshape(1, 2, 1, 3), groups=1).tolist()
    [[[[2.0, 1.0, 0.0]]], [[[5.0, 4.0, 3.0]]]]
    """
    o, cg, kh, kw = weight.shape
    by_group = weight.reshape(groups, o // groups, cg, kh, kw)[..., ::-1, ::-1]
    return by_group.swapaxes(1, 2).reshape(groups * cg, o // groups, kh, kw)


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows fit along one axis: floor((size + 2p - d(k - 1) - 1) / s) + 1.

    Less than 1 when the kernel is larger than the padded input.

    >>> output_size(7, kernel=3, stride=2, padding=1, dilation=1)
    4
    """
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


class Epilogue(NamedTuple):
    """The steps after a convolution: y ← min(max(scale · y + shift + shortcut, 0), ceiling).

    A step that is None is left out. Each step alone would read and write a whole activation; all of
    them together, done to a part of the result while it lies in the cache or in registers, cost
    little.

    Attributes:
        scale, shift: (O,), one number for each output channel. A bias is a shift.
        shortcut: (N, O, OH, OW).
        ceiling: of the ReLU: infinity for the usual one, None for no ReLU at all.
    """

    scale: Array | None = None
    shift: Array | None = None
    shortcut: Array | None = None
    ceiling: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all steps are left out."""
        return all(step is None for step in self)


NO_EPILOGUE = Epilogue()


@contextlib.contextmanager
def use_conv_algorithm(name: AlgorithmName) -> Iterator[None]:
    """Within this block, convolutions use this algorithm, each where it is possible.

    This is for comparing algorithms; their results differ by rounding only. A layer that the
    algorithm cannot compute (Winograd a 5x5 kernel, say) uses its usual algorithm. So does, on the
    CPU, every layer that is not float32. The block concerns the current thread alone.

    Args:
        name: "im2col", "pointwise", "depthwise" or "winograd_2x2" on any device; on the CPU also
            "shifted", "interleaved", "winograd_4x4", "winograd_strided" and "space_to_depth", and
            on a GPU "implicit_gemm" and, within ``matmul_precision("tf32")``, "implicit_gemm_tf32".
            On a device that lacks the algorithm, every layer uses its usual one.

    Raises:
        ValueError: no algorithm has this name.

    >>> from minicv.backend.cpu.convolution import choose_algorithm
    >>> layer = Layer.of(np.dtype("float32"), (1, 64, 32, 32), (64, 64, 3, 3),
    ...                  stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1)
    >>> choose_algorithm(layer, "forward")
    'winograd_4x4'
    >>> with use_conv_algorithm("im2col"):
    ...     choose_algorithm(layer, "forward")
    'im2col'
    """
    if name not in get_args(AlgorithmName):
        raise ValueError(
            f"use_conv_algorithm: there is no algorithm {name!r}; choose one of "
            f"{', '.join(get_args(AlgorithmName))}"
        )
    token = _wanted.set(name)
    try:
        yield
    finally:
        _wanted.reset(token)


def wanted_algorithm() -> AlgorithmName | None:
    """The algorithm of the innermost `use_conv_algorithm`, or None outside of any.

    >>> with use_conv_algorithm("implicit_gemm"):
    ...     wanted_algorithm()
    'implicit_gemm'
    """
    return _wanted.get()
