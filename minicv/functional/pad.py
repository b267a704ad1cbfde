"""A margin of a constant value around a tensor."""

from __future__ import annotations

from collections.abc import Sequence

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
from minicv.functional.arguments import as_number, as_whole_numbers


class Pad(Function):
    keeps_float16 = True

    def __init__(self, margins: tuple[int, ...], value: float) -> None:
        self.margins, self.value = margins, value

    def forward(self, x: Array) -> Array:
        before, after = self._before_and_after(x.shape)
        shape = tuple(b + side + a for b, side, a in zip(before, x.shape, after, strict=True))
        self.inside = tuple(slice(b, b + side) for b, side in zip(before, x.shape, strict=True))
        y = xp_of(x).empty(shape, dtype=x.dtype)
        for axis, part in enumerate(self.inside):  # write the margins alone: they are small
            if before[axis]:
                y[(slice(None),) * axis + (slice(part.start),)] = self.value
            if after[axis]:
                y[(slice(None),) * axis + (slice(part.stop, None),)] = self.value
        y[self.inside] = x
        return y

    def backward(self, grad: Array) -> Array:
        return grad[self.inside]

    def _before_and_after(self, shape: tuple[int, ...]) -> tuple[list[int], list[int]]:
        """Margins before and after x on each axis, in the order of the axes."""
        margins = self.margins
        if len(margins) % 2 or len(margins) > 2 * len(shape):
            raise ValueError(
                f"pad: pad must be pairs (before, after), at most one for each of the {len(shape)} "
                f"axes of x, the last axis first, but is {margins}"
            )
        if any(margin < 0 for margin in margins):
            raise ValueError(f"pad: margins must not be negative but are {margins}; slice instead")
        before, after = [0] * len(shape), [0] * len(shape)
        for pair in range(len(margins) // 2):
            before[-1 - pair], after[-1 - pair] = margins[2 * pair], margins[2 * pair + 1]
        return before, after


def pad(x: Tensor | Array, pad: Sequence[int], *, value: float = 0.0) -> Tensor:
    """x with a margin of a constant ``value``.

    Forward: y = x inside, ``value`` in the margin. Gradient: dL/dx is the inside of dL/dy.

    ``pad`` counts from the last axis, as in PyTorch: (left, right) widens the last axis, and
    (left, right, top, bottom) the last two.

    | x            | pad                        | y                                          |
    |--------------|----------------------------|--------------------------------------------|
    | (N, C, H, W) | (left, right, top, bottom) | (N, C, top + H + bottom, left + W + right) |

    An empty x gives the margin alone. Cost: one pass over y; the gradient is a view.

    Raises:
        ValueError: the number of margins is odd or too great, or a margin is negative.
        TypeError: ``pad`` is no tuple of whole numbers, or ``value`` no number.

    >>> pad(Tensor([[1.0, 2.0]]), (0, 1, 1, 0), value=9).data.tolist()
    [[9.0, 9.0, 9.0], [1.0, 2.0, 9.0]]
    """
    try:
        margins = as_whole_numbers("pad", "pad", pad)
    except TypeError as error:
        raise TypeError(
            f"{error}; write (left, right) for the last axis, or (left, right, top, bottom) for "
            "the last two"
        ) from None
    return Pad(margins, as_number("pad", "value", value))(x)
