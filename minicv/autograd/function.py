"""Function: one differentiable operation. A subclass holds its mathematics and nothing else."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from minicv.autograd.door import admit, plain
from minicv.autograd.grad_mode import mode
from minicv.autograd.tensor import Tensor, gradient_dtype
from minicv.autograd.watching import watch
from minicv.backend import Array
from minicv.backend.storage import current_storage

if TYPE_CHECKING:
    from minicv.autograd.anomaly import CodeLine

_order = itertools.count()


class Function:
    """One application of an operation; the instance carries what backward needs from forward.

    A subclass gives

    - ``__init__(self, ...)``: the hyper-parameters, if any;
    - ``forward(self, *arrays) -> array``: raw arrays in, one raw array out. It stores on
      ``self`` what `backward` will need;
    - ``backward(self, grad) -> array | tuple[array | None, ...]``: given dL/d(output), dL/d(input)
      for each input in order. ``self.needs_grad[i]`` says whether input ``i`` needs one; return
      None for an input that does not, and save that computation.

    This class does the rest, in one place: it widens whole numbers and float16 to the floating
    dtype beside them or to float32 (`minicv.autograd.door`; an operation that declares
    ``keeps_whole_numbers = True`` only moves numbers and may see whole ones; one that declares
    ``keeps_float16 = True`` sees float16 within `minicv.backend.use_storage`), refuses inputs of
    mixed devices or floating dtypes, records the operation, and after ``backward`` sums broadcast
    axes back (for operations that declare ``broadcasts = True``) and checks the shape and dtype of
    every gradient.

    An instance is called once, with tensors, arrays, Python numbers, or None for an optional input:

    >>> class Square(Function):
    ...     def forward(self, x):
    ...         self.x = x
    ...         return x * x
    ...
    ...     def backward(self, grad):
    ...         return 2 * self.x * grad
    >>> x = Tensor([3.0], requires_grad=True)
    >>> Square()(x).backward()
    >>> x.grad.tolist()
    [6.0]
    """

    broadcasts = False
    keeps_whole_numbers = False
    keeps_float16 = False
    inputs: tuple[Tensor | None, ...] = ()
    needs_grad: tuple[bool, ...] = ()
    order = -1
    freed = False
    # Noted by watchers: `minicv.autograd.detect_anomaly` and `minicv.autograd.profile`.
    created_at: CodeLine | None = None
    forward_seconds: float | None = None
    backward_seconds: float | None = None

    # mypy lets an operation name its arrays, as in ``forward(self, x, weight)``, only where the
    # base class accepts any arguments.
    def forward(self, *arrays: Any, **_: Any) -> Array:
        raise NotImplementedError(f"{self.name}: forward is not written")

    def backward(self, grad: Array) -> Any:
        raise NotImplementedError(f"{self.name}: backward is not written")

    @property
    def name(self) -> str:
        return type(self).__name__

    def __call__(self, *inputs: Any) -> Tensor:
        tensors, arrays, needs = plain(inputs) or admit(
            self.name, inputs, self.keeps_whole_numbers, self.keeps_float16
        )
        if not mode.enabled:
            needs = (False,) * len(needs)
        self.needs_grad = needs
        watcher = watch.watcher
        try:
            data = self.forward(*arrays) if watcher is None else watcher.forward(self, arrays)
            output = Tensor(data if type(data) is np.ndarray else self._raw(data))
        except (AttributeError, TypeError) as error:
            missing = [index for index, value in enumerate(inputs) if value is None]
            if not missing:
                raise
            raise TypeError(
                f"{self.name}: input {missing[0]} is None; give a tensor, an array or a number"
            ) from error
        except ValueError as error:
            if not str(error).startswith("operands could not be broadcast"):
                raise
            shapes = ", ".join([str(array.shape) for array in arrays if array is not None])
            raise ValueError(f"{self.name}: the shapes {shapes} do not broadcast") from None
        if True in needs:
            if current_storage() != "float32":
                raise RuntimeError(
                    f"{self.name}: use_storage is for prediction, and this result would need a "
                    "gradient; compute it within minicv.no_grad()"
                )
            self.inputs = tensors
            self.order = next(_order)
            output.requires_grad = True
            output.creator = self
        return output

    def input_gradients(self, grad: Array) -> list[tuple[Tensor, Array]]:
        """Each input that needs a gradient, and its gradient.

        They are those of `backward`, with broadcasting undone and every one checked.
        """
        if self.freed:
            raise RuntimeError(
                f"{self.name}: backward was called before and freed what this operation saved; "
                "call backward(retain_graph=True) the first time, or compute the forward pass again"
            )
        watcher = watch.watcher
        gradients = self.backward(grad) if watcher is None else watcher.backward(self, grad)
        if not isinstance(gradients, tuple):
            if isinstance(gradients, list):
                raise RuntimeError(
                    f"{self.name}: backward returned a list; return an array, or a tuple with one "
                    "array for each input"
                )
            gradients = (gradients,)
        if len(gradients) != len(self.inputs):
            raise RuntimeError(
                f"{self.name}: backward returned {len(gradients)} gradients for "
                f"{len(self.inputs)} inputs; return one for each, None where none is needed"
            )
        pairs: list[tuple[Tensor, Array]] = []
        for index, needed in enumerate(self.needs_grad):
            tensor = self.inputs[index]
            if needed and tensor is not None:
                gradient, data = gradients[index], tensor.data
                if (  # most gradients are right at a glance
                    type(gradient) is not np.ndarray
                    or gradient.dtype is not data.dtype
                    or gradient.shape != data.shape
                ):
                    gradient = self._checked(index, tensor, gradient)
                pairs.append((tensor, gradient))
        return pairs

    def free(self) -> None:
        """Let go of everything saved for `backward`."""
        self.__dict__.clear()
        self.freed = True

    def _checked(self, index: int, tensor: Tensor, gradient: Array | None) -> Array:
        """``gradient`` with its broadcasting undone, where it fits the input ``tensor``."""
        if gradient is None:
            raise RuntimeError(
                f"{self.name}: backward returned None for input {index}, which needs a gradient"
            )
        if isinstance(gradient, Tensor) or not hasattr(gradient, "dtype"):
            raise RuntimeError(
                f"{self.name}: backward returned a {type(gradient).__name__} for input {index}; "
                "return a raw array"
            )
        if gradient.shape != tensor.shape and self.broadcasts:
            gradient = unbroadcast(gradient, tensor.shape)
        if gradient.shape != tensor.shape:
            raise RuntimeError(
                f"{self.name}: backward returned a gradient of shape {gradient.shape} for input "
                f"{index} of shape {tensor.shape}; the shapes must agree"
            )
        if gradient.dtype != tensor.dtype and gradient.dtype != gradient_dtype(tensor.dtype):
            raise RuntimeError(
                f"{self.name}: backward returned a gradient of dtype {gradient.dtype} for input "
                f"{index} of dtype {tensor.dtype}; use Python scalars so that dtypes do not widen"
            )
        return gradient

    def _raw(self, data: Any) -> Array:
        """``data``, where it is an array."""
        if isinstance(data, Tensor) or not hasattr(data, "dtype"):
            raise TypeError(
                f"{self.name}: forward returned a {type(data).__name__}; return a raw array"
            )
        return data


def unbroadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Sum ``grad`` over the axes that broadcasting added or stretched, back to ``shape``.

    Broadcasting copies a value along an axis, so its gradient is the sum over the copies.

    >>> import numpy as np
    >>> unbroadcast(np.ones((2, 3)), (3,)).tolist()
    [2.0, 2.0, 2.0]
    >>> unbroadcast(np.ones((2, 3)), (2, 1)).tolist()
    [[3.0], [3.0]]
    """
    added = grad.ndim - len(shape)
    if added > 0:
        grad = grad.sum(axis=tuple(range(added)))
    stretched = tuple(
        axis for axis, length in enumerate(shape) if length == 1 and grad.shape[axis] != 1
    )
    return grad.sum(axis=stretched, keepdims=True) if stretched else grad
