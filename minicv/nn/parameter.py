"""What a module holds: parameters, which are trained, and buffers, which are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array


class Parameter(Tensor):
    """A tensor that a module owns and an optimizer changes.

    ``data`` is copied, because the optimizer changes it in place.

    >>> Parameter([1.0, 2.0]).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data: Array, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad)
        self.data = self.data.copy()  # in C order

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer:
    """An array that belongs to a module's state but is not trained, such as running statistics.

    It is saved, loaded and moved between devices with the module. Operations take the raw array,
    ``buffer.data``; a module replaces it to change it.

    >>> Buffer(np.zeros(3)).shape
    (3,)
    """

    __slots__ = ("data",)

    def __init__(self, data: Array) -> None:
        self.data = data if type(data) is np.ndarray or _is_device_array(data) else _numbers(data)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    def __repr__(self) -> str:
        return f"Buffer({self.data!r})"


def _is_device_array(data: Any) -> bool:
    return not isinstance(data, (Tensor, np.generic)) and hasattr(data, "dtype")


def _numbers(data: Any) -> np.ndarray:
    array = None if isinstance(data, Tensor) else np.asarray(data)
    if array is None or array.dtype.kind not in "fiubc":
        hint = "; take its .data" if array is None else ""
        raise TypeError(f"Buffer: data must be an array but is a {type(data).__name__}{hint}")
    return array
