"""In how many bits a network keeps its activations while it predicts: 32, or 16.

Memory, not arithmetic, bounds most layers of a network on a GPU. In float16 each number takes two
bytes in place of four. What float16 cannot do is to add up: it has 11 binary digits, and ends at
65,504. So numbers are *stored* in float16 and *computed* in float32: a convolution multiplies
numbers of 16 bits, adds the products up in 32, and rounds the finished sum to 16 once. A product of
two float16 numbers has 22 digits and is exact in float32.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from minicv.backend.device import Array

Storage = Literal["float32", "float16"]
FLOAT16 = np.dtype(np.float16)
Kernel = TypeVar("Kernel", bound=Callable[..., Any])
_current: ContextVar[Storage] = ContextVar("storage", default="float32")


@contextlib.contextmanager
def use_storage(name: Storage) -> Iterator[None]:
    """Within this block, networks keep what passes between their layers in this many bits.

    With "float16", convolutions and linear layers round their input and their weight to float16 and
    give float16; ReLU, sums, pooling by maxima, joining and reshaping leave it as it is. All sums
    are float32's. Every other operation, such as a softmax, takes float16 and gives float32, as
    always. Activations take half the memory, and on a GPU its tensor cores multiply. On the CPU the
    results are the same, but slower than in float32: NumPy has no fast float16. It is there to see
    beforehand what the rounding changes.

    Weights in float16 as well take half the memory: `minicv.nn.store_weights`.

    A layer's result is exact to about 5e-4 of each number. A number beyond 65,504 becomes infinite:
    networks with normalisation stay far below, but one that was trained on pixels of 0..255 may
    not. bfloat16, which reaches as far as float32, is not here, since NumPy has no such dtype.

    This is for prediction: an operation that would record itself for a gradient is refused. The
    block concerns the current thread alone. float64 stays float64.

    Args:
        name: "float16", or "float32", which is the usual one.

    Raises:
        ValueError: there is no storage of this name.

    Source: Micikevicius et al. 2018, Mixed Precision Training, section 3.3.

    >>> from minicv import Tensor, functional as F
    >>> from minicv.autograd import no_grad
    >>> x, weight = Tensor([[1.0, 0.25]]), Tensor([[2048.0, 4.0]])
    >>> with use_storage("float16"), no_grad():
    ...     y = F.linear(x, weight)  # 2049.0, but float16 has only every second number there
    >>> y.dtype.name, y.data.tolist()
    ('float16', [[2048.0]])
    """
    if name not in get_args(Storage):
        reason = {"bfloat16": "NumPy has no such dtype"}.get(name, "there is none of that name")
        raise ValueError(
            f"use_storage: no storage {name!r}, {reason}; choose one of "
            f"{', '.join(get_args(Storage))}"
        )
    token = _current.set(name)
    try:
        yield
    finally:
        _current.reset(token)


def current_storage() -> Storage:
    """The storage of the innermost `use_storage`.

    >>> current_storage()
    'float32'
    """
    return _current.get()


def as_stored(array: Array) -> Array:
    """A float32 array in the current storage; one of another dtype as it is.

    >>> with use_storage("float16"):
    ...     as_stored(np.float32([0.1])).dtype.name
    'float16'
    """
    if _current.get() == "float16" and array.dtype == np.float32:
        return array.astype(FLOAT16)
    return array


def widened(value: Any) -> Any:
    """An array of float16 in float32; whatever else as it is.

    For raw mathematics on what a network gives, such as ``exp`` of its scores.

    >>> widened(np.float16([0.5])).dtype.name
    'float32'
    """
    return value.astype(np.float32) if getattr(value, "dtype", None) == FLOAT16 else value


def computed_in_float32(kernel: Kernel) -> Kernel:
    """``kernel``, for a first array of float16 too: it gets float32, and its result is rounded.

    >>> double = computed_in_float32(lambda x: (x + x, x.dtype.name))
    >>> result, inside = double(np.float16([0.5]))
    >>> result.dtype.name, inside
    ('float16', 'float32')
    """

    @functools.wraps(kernel)
    def run(first: Array, *others: Any) -> Any:
        if first.dtype != FLOAT16:
            return kernel(first, *others)
        result = kernel(widened(first), *map(widened, others))
        if isinstance(result, tuple):
            return tuple(map(_rounded, result))
        return _rounded(result)

    return run  # type: ignore[return-value]


def _rounded(value: Any) -> Any:
    if getattr(value, "dtype", None) != np.float32:
        return value
    with np.errstate(over="ignore"):  # beyond 65,504 is infinite
        return value.astype(FLOAT16)
