"""The Tensor: an immutable array that remembers which operation made it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicv.autograd.backward import run_backward
from minicv.backend import Array, to_numpy, xp_of

if TYPE_CHECKING:
    from minicv.autograd.function import Function


Operand = Any  # what stands beside a tensor in x + y: a Tensor, an array or a number
Dims = int | Sequence[int] | None
DType = np.dtype[Any]
DEFAULT = np.dtype(np.float32)

_NO_NUMPY_FUNCTIONS = (
    "Tensor: a NumPy function was called on a Tensor, which would lose its gradient; use the "
    "function of that name in minicv.functional, or take .data for the raw array"
)


class Size(int):
    """The number of elements of an array of some shape; called, the shape itself.

    NumPy's ``x.size`` is a number, PyTorch's ``x.size()`` and ``x.size(dim)`` are calls. Both work.

    >>> size = Size((2, 3))
    >>> size, size + 1, size(), size(-1)
    (6, 7, (2, 3), 3)
    """

    shape: tuple[int, ...]

    def __new__(cls, shape: tuple[int, ...]) -> Size:
        size = super().__new__(cls, math.prod(shape))
        size.shape = shape
        return size

    def __call__(self, dim: int | None = None) -> Any:
        """The shape, or its length along ``dim``.

        Raises:
            IndexError: there is no such axis.
        """
        if dim is None:
            return self.shape
        try:
            return self.shape[operator.index(dim)]
        except IndexError:
            raise IndexError(f"size: dim {dim} does not exist; the shape is {self.shape}") from None


class Tensor:
    """An array with a gradient.

    Args:
        data: an array, which is shared and not copied, or nested Python numbers. Python floats
            become float32, the engine's default; an array keeps its dtype. (Operations compute in
            float32 or wider: `minicv.autograd.door`.)
        requires_grad: whether `backward` leaves a gradient in ``.grad``. Only floating point data
            can have a gradient.

    Attributes:
        data: the raw NumPy or CuPy array. Treat it as constant: operations keep references to it
            for their gradients. Only an optimizer changes it, after a backward pass.
        grad: a raw array of the same shape and dtype (float32 for float16 data), or None.
            Gradients add up over calls of `backward` until it is set to None.
        creator: the operation that made this tensor; None for a leaf.

    The operators ``+ - * / ** @ [] -`` and methods such as ``sum`` are bound to this class by
    `minicv.functional.operators`, one floor above. The comparisons ``== != < <= > >=`` give plain
    boolean arrays, element by element, as NumPy does: what `where` and an index take. A tensor is
    hashed by identity, so it may still be a key.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0, 6.0]
    """

    __slots__ = ("creator", "data", "grad", "requires_grad")
    __array_priority__ = 1000  # for `array + tensor` NumPy leaves the sum to the tensor

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if type(data) is not np.ndarray or data.dtype is not DEFAULT:
            data = _as_array(data)
        self.data: Array = data
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(
                f"Tensor: only floating point data can require a gradient, got {self.data.dtype}; "
                "convert the array first, with .astype('float32'), or write 1.0 for 1"
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
    def size(self) -> Size:
        """The number of elements, as in NumPy; called, the shape or one length, as in PyTorch.

        >>> x = Tensor([[1.0, 2.0, 3.0]])
        >>> x.size, x.size(), x.size(1)
        (3, (1, 3), 3)
        """
        return Size(self.data.shape)

    def numel(self) -> int:
        """The number of elements.

        >>> Tensor([[1.0, 2.0, 3.0]]).numel()
        3
        """
        return int(self.data.size)

    def dim(self) -> int:
        """The number of axes, also called ``ndim``.

        >>> Tensor([[1.0, 2.0, 3.0]]).dim()
        2
        """
        return self.data.ndim

    @property
    def T(self) -> Tensor:
        """The transpose of a matrix; a vector or a number is its own.

        >>> Tensor([[1.0, 2.0, 3.0]]).T.shape
        (3, 1)
        """
        if self.ndim > 2:
            raise ValueError(
                f"T: x has {self.ndim} axes, {self.shape}; x.mT exchanges the last two, and "
                f"x.permute{tuple(reversed(range(self.ndim)))} reverses all"
            )
        return self.transpose(0, 1) if self.ndim == 2 else self

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged: the transposes of a stack of matrices.

        >>> Tensor(np.zeros((5, 2, 3))).mT.shape
        (5, 3, 2)
        """
        if self.ndim < 2:
            raise ValueError(f"mT: expected at least two axes but the shape is {self.shape}")
        return self.transpose(-2, -1)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len: a tensor without axes has no length; its value is .item()")
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        """The rows, or the numbers of a tensor with one axis, each with its gradient.

        >>> [row.sum().item() for row in Tensor([[1.0, 2.0], [3.0, 4.0]])]
        [3.0, 7.0]
        """
        if self.ndim == 0:
            raise TypeError(
                "iteration over a tensor without axes: it holds one number, .item(); "
                "to add up tensors give sum() a list of them"
            )
        return (self[row] for row in range(len(self)))

    def __repr__(self) -> str:
        values = np.array2string(to_numpy(self.data), precision=4, separator=", ", prefix="Tensor(")
        return f"Tensor({values}{', requires_grad=True' if self.requires_grad else ''})"

    def __format__(self, specification: str) -> str:
        return format(self.item(), specification) if specification else str(self)

    def item(self) -> float:
        """The value of a tensor with one element, as a Python number.

        >>> Tensor([[2.5]]).item()
        2.5
        """
        return self._only_number("item")

    def tolist(self) -> Any:
        """The data as nested lists of Python numbers; one number if there is no axis.

        >>> Tensor([[1.0, 2.0]]).tolist()
        [[1.0, 2.0]]
        """
        return to_numpy(self.data).tolist()

    def _only_number(self, wanted: str, advice: str = "") -> Any:
        if self.data.size != 1:
            raise ValueError(
                f"{wanted}: expected a tensor with one element but its shape is {self.shape}"
                f"{advice}"
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
            grad: the gradient that arrives at this tensor, of its shape: an array, a Tensor, or
                nested numbers. May be left out for a single number, where it is 1.
            retain_graph: keep what the operations saved, so that a second call is possible.

        Raises:
            RuntimeError: no leaf behind this tensor requires a gradient, the graph was freed by an
                earlier call, or ``grad`` is missing for more than one number.
            ValueError: ``grad`` has another shape.
            TypeError: ``grad`` holds no real numbers, or is on another device.

        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> (3 * x).backward(np.array([1.0, 10.0], dtype="float32"))
        >>> x.grad.tolist()
        [3.0, 30.0]
        """
        run_backward(self, self.starting_gradient(grad), retain_graph)

    def starting_gradient(self, grad: Any = None) -> Array:
        """What a walk back from this tensor begins with: ``grad``, checked; see `backward`."""
        if not self.requires_grad:
            raise RuntimeError(
                "backward: this tensor does not require a gradient; make a leaf behind it with "
                "requires_grad=True, outside of no_grad()"
            )
        if grad is None:
            if self.data.size != 1:
                raise RuntimeError(
                    f"backward: a tensor of shape {self.shape} needs the gradient that arrives at "
                    "it, backward(grad); only a single number can do without. Did you forget "
                    ".sum() or .mean()?"
                )
            grad = xp_of(self.data).ones_like(self.data)
        array = self._as_gradient(grad)
        if array.shape != self.shape:
            raise ValueError(
                f"backward: grad has shape {array.shape} but the tensor has shape {self.shape}; "
                "they must agree"
            )
        return array

    def _as_gradient(self, grad: Any) -> Array:
        """``grad`` as an array of this tensor's device and of the dtype of its gradient."""
        if isinstance(grad, Tensor):
            grad = grad.data
        try:
            plain = not hasattr(grad, "dtype") or isinstance(grad, np.generic)
            array = numeric_array(grad)
            xp = xp_of(self.data) if plain else xp_of(self.data, array)
        except TypeError as error:
            raise TypeError(f"backward: grad is no gradient: {error}") from None
        if array.dtype.kind == "c" and self.dtype.kind != "c":
            raise TypeError("backward: grad is complex but the tensor is real")
        return xp.asarray(array, dtype=gradient_dtype(self.dtype))

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
        return bool(self._only_number("bool", "; ask e.g. (x > 0).any() or (x > 0).all()"))

    def __float__(self) -> float:
        return float(self._only_number("float"))

    def __int__(self) -> int:
        return int(self._only_number("int"))

    def __index__(self) -> int:
        if self.ndim != 0 or self.dtype.kind not in "iu":
            raise TypeError(
                "only a tensor without axes that holds a whole number can count or be an index; "
                f"this one has shape {self.shape} and dtype {self.dtype}"
            )
        return int(self.data.item())

    def __eq__(self, other: object) -> Any:
        return self._compared("==", operator.eq, other)

    def __ne__(self, other: object) -> Any:
        return self._compared("!=", operator.ne, other)

    def __lt__(self, other: object) -> Any:
        return self._compared("<", operator.lt, other)

    def __le__(self, other: object) -> Any:
        return self._compared("<=", operator.le, other)

    def __gt__(self, other: object) -> Any:
        return self._compared(">", operator.gt, other)

    def __ge__(self, other: object) -> Any:
        return self._compared(">=", operator.ge, other)

    __hash__ = object.__hash__

    def __contains__(self, value: object) -> bool:
        return bool(np.any(to_numpy(self == value)))

    def _compared(self, sign: str, compare: Callable[[Any, Any], Any], other: Any) -> Any:
        """A plain boolean array; NotImplemented beside what holds no numbers, such as None."""
        if isinstance(other, Tensor):
            other = other.data
        elif isinstance(other, np.generic):
            other = other.item()  # like a Python number, it follows the dtype of the array
        elif not hasattr(other, "dtype") and not isinstance(other, (bool, int, float, complex)):
            if not isinstance(other, (list, tuple)):
                return NotImplemented
            other = numeric_array(other)
            if other.dtype.kind == "f" and self.dtype.kind == "f":
                other = other.astype(self.dtype)
            other = xp_of(self.data).asarray(other)
        try:
            xp_of(self.data, other)
            return compare(self.data, other)
        except TypeError as error:
            raise TypeError(f"Tensor {sign}: {error}") from None
        except ValueError:
            raise ValueError(
                f"Tensor {sign}: the shapes {self.shape} and {np.shape(other)} do not broadcast"
            ) from None

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
        def sum(self, dim: Dims = None, keepdim: bool = False) -> Tensor: ...
        def mean(self, dim: Dims = None, keepdim: bool = False) -> Tensor: ...
        def max(self, dim: Dims = None, keepdim: bool = False) -> Tensor: ...
        def min(self, dim: Dims = None, keepdim: bool = False) -> Tensor: ...
        def max_with_indices(self, dim: int, keepdim: bool = False) -> Any: ...
        def min_with_indices(self, dim: int, keepdim: bool = False) -> Any: ...
        def argmax(self, dim: int | None = None, keepdim: bool = False) -> Array: ...
        def argmin(self, dim: int | None = None, keepdim: bool = False) -> Array: ...
        def var(
            self, dim: Dims = None, *, correction: float = 1, keepdim: bool = False
        ) -> Tensor: ...
        def std(
            self, dim: Dims = None, *, correction: float = 1, keepdim: bool = False
        ) -> Tensor: ...
        def norm(self, p: float = 2.0, dim: Dims = None, keepdim: bool = False) -> Tensor: ...
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
        def squeeze(self, dim: Dims = None) -> Tensor: ...
        def unsqueeze(self, dim: int) -> Tensor: ...
        def transpose(self, dim0: int, dim1: int) -> Tensor: ...
        def reshape(self, *shape: Any) -> Tensor: ...
        def view(self, *shape: Any) -> Tensor: ...
        def permute(self, *dims: Any) -> Tensor: ...


def is_narrow(dtype: DType) -> bool:
    """Whether operations widen this dtype: whole numbers, truth values and float16.

    >>> [is_narrow(np.dtype(name)) for name in ("uint8", "bool", "float16", "float32")]
    [True, True, True, False]
    """
    return dtype.kind in "biu" or (dtype.kind == "f" and dtype.itemsize < DEFAULT.itemsize)


def gradient_dtype(dtype: DType) -> DType:
    """Of the gradient of a tensor: the tensor's own, and float32 for float16.

    >>> gradient_dtype(np.dtype("float16")).name
    'float32'
    """
    return DEFAULT if is_narrow(dtype) else dtype


def numeric_array(data: Any) -> Array:
    """``data`` as an array of numbers; an array is returned as it is, in the machine's byte order.

    Raises:
        TypeError: there are no numbers in it, or it is an array of another library.
        ValueError: it is a list whose rows differ in length.

    >>> numeric_array([1, 2]).tolist()
    [1, 2]
    """
    if type(data) is not np.ndarray:
        data = _own_array(data)
    if data.dtype.kind not in "biufc":
        raise TypeError(f"Tensor: cannot make a tensor from an array of dtype {data.dtype}")
    return data if data.dtype.isnative else data.astype(data.dtype.newbyteorder("="))


def _own_array(data: Any) -> Array:
    """Anything but a plain NumPy array as an array of NumPy or CuPy."""
    if isinstance(data, np.ndarray):
        if hasattr(data, "mask"):
            raise TypeError("Tensor: data is a masked array; fill it first, with .filled(value)")
        return np.asarray(data)  # a numpy.matrix would multiply in its own way
    if hasattr(data, "shape") and hasattr(data, "dtype") and not isinstance(data, np.generic):
        xp_of(data)  # raises where it is no array that the engine can compute with
        return data
    try:
        array = np.asarray(data)
    except TypeError:
        if isinstance(data, (list, tuple)) and any(isinstance(each, Tensor) for each in data):
            raise TypeError(
                f"Tensor: the {type(data).__name__} holds Tensors; join them with stack or "
                "concatenate, which keep their gradients"
            ) from None
        raise
    except ValueError:
        raise ValueError("Tensor: the rows of the list differ in length or depth") from None
    if array.dtype.kind not in "biufc":
        raise TypeError(f"Tensor: cannot make an array of numbers from {type(data).__name__}")
    return array


def _as_array(data: Any) -> Array:
    if isinstance(data, Tensor):
        raise TypeError("Tensor: data is a Tensor already; use detach() for a constant copy")
    array = numeric_array(data)
    made_of_numbers = array is not data and not isinstance(data, (np.generic, np.ndarray))
    return array.astype(DEFAULT) if made_of_numbers and array.dtype == np.float64 else array
