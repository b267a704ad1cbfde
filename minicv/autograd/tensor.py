"""The Tensor: an immutable array that remembers which operation made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicv.autograd.backward import run_backward
from minicv.backend import Array, to_numpy, xp_of

if TYPE_CHECKING:
    from minicv.autograd.function import Function


Operand = Any  # what stands beside a tensor in x + y: a Tensor, an array or a number

_NO_NUMPY_FUNCTIONS = (
    "Tensor: a NumPy function was called on a Tensor, which would lose its gradient; use the "
    "function of that name in minicv.functional, or take .data for the raw array"
)


class Tensor:
    """An array with a gradient.

    Args:
        data: an array, which is shared and not copied, or nested Python numbers. Python floats
            become float32, the engine's default; an array keeps its dtype.
        requires_grad: whether `backward` leaves a gradient in ``.grad``. Only floating point data
            can have a gradient.

    Attributes:
        data: the raw NumPy or CuPy array. Treat it as constant: operations keep references to it
            for their gradients. Only an optimizer changes it, after a backward pass.
        grad: a raw array of the same shape, or None. Gradients add up over calls of `backward`
            until it is set to None.
        creator: the operation that made this tensor; None for a leaf.

    The operators ``+ - * / ** @ [] -`` and methods such as ``sum`` are bound to this class by
    `minicv.functional.operators`, one floor above.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0, 6.0]
    """

    __slots__ = ("creator", "data", "grad", "requires_grad")
    __array_priority__ = 1000  # for `array + tensor` NumPy leaves the sum to the tensor

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if isinstance(data, Tensor):
            raise TypeError("Tensor: data is a Tensor already; use detach() for a constant copy")
        self.data: Array = _as_array(data)
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(
                f"Tensor: only floating point data can require a gradient, got {self.data.dtype}; "
                "convert it first, e.g. with .astype('float32')"
            )
        self.requires_grad = requires_grad
        self.grad: Array | None = None
        self.creator: Function | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        values = np.array2string(to_numpy(self.data), precision=4, separator=", ", prefix="Tensor(")
        return f"Tensor({values}{', requires_grad=True' if self.requires_grad else ''})"

    def item(self) -> float:
        """The value of a tensor with one element, as a Python number.

        >>> Tensor([[2.5]]).item()
        2.5
        """
        if self.size != 1:
            raise ValueError(
                f"item: expected a tensor with one element but its shape is {self.shape}"
            )
        return self.data.item()

    def numpy(self) -> np.ndarray[Any, Any]:
        """The data as a NumPy array in host memory.

        >>> Tensor([1.0, 2.0]).numpy().tolist()
        [1.0, 2.0]
        """
        return to_numpy(self.data)

    def detach(self) -> Tensor:
        """The same data as a constant: gradients stop here.

        >>> Tensor([1.0], requires_grad=True).detach().requires_grad
        False
        """
        return Tensor(self.data)

    def backward(self, grad: Array | None = None, retain_graph: bool = False) -> None:
        """Add d(self)/d(leaf) · grad to the ``.grad`` of every leaf that requires it.

        Args:
            grad: the gradient that arrives at this tensor, of its shape. May be left out for a
                single number, where it is 1.
            retain_graph: keep what the operations saved, so that a second call is possible.

        Raises:
            RuntimeError: no leaf behind this tensor requires a gradient, the graph was freed by an
                earlier call, or ``grad`` is missing for more than one number.
            ValueError: ``grad`` has another shape.

        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> (3 * x).backward(np.array([1.0, 10.0], dtype="float32"))
        >>> x.grad.tolist()
        [3.0, 30.0]
        """
        if not self.requires_grad:
            raise RuntimeError(
                "backward: this tensor does not require a gradient; make a leaf behind it with "
                "requires_grad=True, outside of no_grad()"
            )
        if grad is None:
            if self.size != 1:
                raise RuntimeError(
                    f"backward: a tensor of shape {self.shape} needs the gradient that arrives at "
                    "it, backward(grad); only a single number can do without. Did you forget "
                    ".sum() or .mean()?"
                )
            grad = xp_of(self.data).ones_like(self.data)
        elif isinstance(grad, Tensor):
            grad = grad.data
        if grad.shape != self.shape:
            raise ValueError(
                f"backward: grad has shape {grad.shape} but the tensor has shape {self.shape}; "
                "they must agree"
            )
        run_backward(self, grad.astype(self.dtype, copy=False), retain_graph)

    def __setitem__(self, index: object, value: object) -> None:
        raise TypeError(
            "Tensor: tensors are immutable, so t[index] = value is not possible; build the result "
            "with where(condition, a, b) or concatenate, or change the array before wrapping it"
        )

    def __array__(self, *args: object, **kwargs: object) -> np.ndarray[Any, Any]:
        raise TypeError(_NO_NUMPY_FUNCTIONS)

    def __array_function__(self, *args: object) -> None:
        raise TypeError(_NO_NUMPY_FUNCTIONS)

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    if TYPE_CHECKING:  # for mypy and editors; `minicv.functional.operators` binds the operations

        def __add__(self, other: Operand) -> Tensor: ...
        def __radd__(self, other: Operand) -> Tensor: ...
        def __sub__(self, other: Operand) -> Tensor: ...
        def __rsub__(self, other: Operand) -> Tensor: ...
        def __mul__(self, other: Operand) -> Tensor: ...
        def __rmul__(self, other: Operand) -> Tensor: ...
        def __truediv__(self, other: Operand) -> Tensor: ...
        def __rtruediv__(self, other: Operand) -> Tensor: ...
        def __matmul__(self, other: Operand) -> Tensor: ...
        def __rmatmul__(self, other: Operand) -> Tensor: ...
        def __pow__(self, exponent: Operand) -> Tensor: ...
        def __rpow__(self, other: Operand) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def sum(self, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor: ...
        def mean(self, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor: ...
        def max(self, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor: ...
        def exp(self) -> Tensor: ...
        def log(self) -> Tensor: ...
        def sqrt(self) -> Tensor: ...
        def abs(self) -> Tensor: ...
        def clip(self, min: float | None = None, max: float | None = None) -> Tensor: ...
        def relu(self) -> Tensor: ...
        def relu6(self) -> Tensor: ...
        def leaky_relu(self, negative_slope: float = 0.01) -> Tensor: ...
        def sigmoid(self) -> Tensor: ...
        def tanh(self) -> Tensor: ...
        def softmax(self, dim: int) -> Tensor: ...
        def log_softmax(self, dim: int) -> Tensor: ...
        def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor: ...
        def transpose(self, dim0: int, dim1: int) -> Tensor: ...
        def reshape(self, *shape: Any) -> Tensor: ...
        def permute(self, *dims: Any) -> Tensor: ...


def _as_array(data: Any) -> Array:
    if type(data) is np.ndarray and data.dtype.kind != "O":
        return data
    if hasattr(data, "shape") and hasattr(data, "dtype") and hasattr(data, "reshape"):
        return np.asarray(data) if isinstance(data, np.generic) else data
    array = np.asarray(data)
    if array.dtype.kind == "O":
        raise TypeError(f"Tensor: cannot make an array of numbers from {type(data).__name__}")
    return array.astype(np.float32) if array.dtype == np.float64 else array
