"""The first number that is none: which operation made it, and which line of code asked for it."""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minicv.autograd.watching import Watcher, watched_by
from minicv.backend import Array, to_numpy, xp_of

if TYPE_CHECKING:
    from minicv.autograd.function import Function

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Code that makes operations for somebody else; the line above it is the one that asked.
_ENGINE = tuple(os.path.join(_PACKAGE, room) + os.sep for room in ("autograd", "functional", "nn"))


class CodeLine(NamedTuple):
    """A line of code.

    Attributes:
        file: its path.
        line: its number, from 1.
        function: whose line it is; "<module>" outside of all.
    """

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.line).strip()
        return f"{self.file}, line {self.line}, in {self.function}" + (f": {text}" if text else "")


@contextlib.contextmanager
def detect_anomaly() -> Iterator[None]:
    """Within this block, stop at the first operation that makes a NaN or an infinite number.

    Forward it looks at each result, backward at each gradient. The error names the operation, the
    line of code that created it (the innermost one outside of `minicv.autograd`,
    `minicv.functional` and `minicv.nn`), and the shape and range of each of its inputs. For an
    error in the backward pass the forward pass must be in the block too, else the line is not
    known. Only the operations of this thread are watched.

    Every array is read once more: a network of convolutions is slower by about a twentieth, one of
    small operations by more. On a GPU the host waits for each operation. Take the block away when
    the fault is found.

    PyTorch's block of this name looks at gradients only, and only for NaN.

    Raises:
        RuntimeError: when an operation makes a number that is not finite.

    >>> import minicv
    >>> x = minicv.Tensor([4.0, 0.0], requires_grad=True)
    >>> with detect_anomaly():
    ...     x.sqrt().sum().backward()
    Traceback (most recent call last):
    ...
    RuntimeError: detect_anomaly: the backward of Sqrt made 1 of 2 numbers infinite, the first at
    [1], in the gradient of input 0
      created   <doctest ...>, line 2, in <module>: x.sqrt().sum().backward()
      input 0   (2,) float32, from 0 to 4
      arriving  (2,) float32, from 1 to 1
    """
    with watched_by(_Detector()):
        yield


class _Detector(Watcher):
    def forward(self, function: Function, arrays: Sequence[Array | None]) -> Any:
        function.created_at = line_that_asked()
        with np.errstate(all="ignore"):  # the error says more than NumPy's warning
            result = super().forward(function, arrays)
        if _is_anomalous(result):
            raise RuntimeError(
                f"detect_anomaly: {_came_from_outside(function, arrays)}{function.name} made "
                f"{_what_is_wrong(result)} of its result\n"
                + _context(function, arrays, result=result)
            )
        return result

    def backward(self, function: Function, grad: Array) -> Any:
        with np.errstate(all="ignore"):  # the error says more than NumPy's warning
            gradients = super().backward(function, grad)
        made = gradients if isinstance(gradients, tuple) else (gradients,)
        for index, gradient in enumerate(made):
            if not _is_anomalous(gradient):
                continue
            inputs = [None if tensor is None else tensor.data for tensor in function.inputs]
            outside = ""
            if _is_anomalous(grad):
                outside = "the gradient that arrives is not finite already; "
            raise RuntimeError(
                f"detect_anomaly: {outside}the backward of {function.name} made "
                f"{_what_is_wrong(gradient)} in the gradient of input {index}\n"
                + _context(function, inputs, arriving=grad)
            )
        return gradients


def line_that_asked() -> CodeLine:
    """The innermost line of this thread that is not in the engine.

    >>> line_that_asked().function
    '<module>'
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_ENGINE):
        frame = frame.f_back
    return CodeLine(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def _is_anomalous(array: Any) -> bool:
    if getattr(getattr(array, "dtype", None), "kind", "") not in "fc" or array is None:
        return False
    return not bool(xp_of(array).isfinite(array).all())


def _what_is_wrong(array: Array) -> str:
    numbers = to_numpy(array)
    is_nan = np.isnan(numbers)
    wrong = is_nan if is_nan.any() else np.isinf(numbers)
    first = [int(axis[0]) for axis in wrong.nonzero()]
    kind = "NaN" if is_nan.any() else "infinite"
    return f"{int(wrong.sum())} of {numbers.size} numbers {kind}, the first at {first},"


def _came_from_outside(function: Function, arrays: Sequence[Array | None]) -> str:
    for index, array in enumerate(arrays):
        if _is_anomalous(array):
            return f"input {index} of {function.name} is not finite already; "
    return ""


def _context(function: Function, inputs: Sequence[Array | None], **others: Array) -> str:
    """Lines that say where the operation comes from and what it saw."""
    where = function.created_at
    rows = [
        (
            "created",
            "outside of detect_anomaly; put the forward pass into the block to see the line"
            if where is None
            else str(where),
        )
    ]
    rows += [
        (f"input {index}", _described(array))
        for index, array in enumerate(inputs)
        if array is not None
    ]
    rows += [(name, _described(array)) for name, array in others.items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in rows)


def _described(array: Array) -> str:
    numbers = to_numpy(array)
    text = f"{numbers.shape} {numbers.dtype}"
    if numbers.dtype.kind not in "biuf":
        return text
    finite = numbers[np.isfinite(numbers)]
    if finite.size == 0:
        return f"{text}, " + ("no finite number" if numbers.size else "empty")
    return f"{text}, from {finite.min():.4g} to {finite.max():.4g}"
