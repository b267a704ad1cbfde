"""A network for inputs of one shape, recorded as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, kernels_of, xp_of
from minicv.nn.evaluating import evaluating
from minicv.nn.module import Module


class Graphed:
    """A network that was recorded; a call gives what the network gives. See `graphed`."""

    def __init__(self, network: Callable[..., Any], *examples: Tensor | Array) -> None:
        if not examples:
            raise ValueError("graphed: no example is given; give an input of the shape to record")
        self.network = network
        parts: list[tuple[str, Any]] = []
        if isinstance(network, Module):
            parts = [*network.named_parameters(), *network.named_buffers()]
        self._read = [(name, part, part.data) for name, part in parts]
        inputs = [_array(x) for x in examples]
        self._xp = xp_of(*inputs)
        self._expected = [(x.shape, x.dtype) for x in inputs]
        self._form: Any = None  # of the output: None in place of each tensor
        self._replay = kernels_of(*inputs).record(self._run, *inputs)

    def __call__(self, *inputs: Tensor | Array) -> Any:
        arrays = [_array(x) for x in inputs]
        self._check(arrays)
        results = iter(self._replay(*arrays))
        return _with_each(self._form, lambda _: Tensor(next(results)))

    def _run(self, *arrays: Array) -> tuple[Array, ...]:
        """The arrays of the output, one after the other; `_form` is left behind."""
        mode = evaluating(self.network) if isinstance(self.network, Module) else nullcontext()
        with no_grad(), mode:
            output = self.network(*map(Tensor, arrays))
        results: list[Array] = []
        self._form = _with_each(output, lambda tensor: results.append(tensor.data))
        return tuple(results)

    def _check(self, arrays: list[Array]) -> None:
        found = [(x.shape, x.dtype) for x in arrays]
        if found != self._expected:
            raise ValueError(
                f"graphed: recorded for {_said(self._expected)} but got {_said(found)}; make "
                "another graphed with an example of that shape"
            )
        if xp_of(*arrays) is not self._xp:
            raise TypeError(
                f"graphed: recorded for arrays of {self._xp.__name__} but got one of "
                f"{xp_of(*arrays).__name__}; move it with minicv.backend.to_device"
            )
        for name, part, array in self._read:
            if part.data is not array:
                raise RuntimeError(
                    f"graphed: {name} is another array than at the recording, after a "
                    "load_state_dict, to or astype, perhaps; a graph reads the old one: make "
                    "another graphed"
                )


def graphed(network: Callable[..., Any], *examples: Tensor | Array) -> Graphed:
    """``network``, recorded for inputs of this shape: on a GPU it is then launched as a whole.

    A small network spends most of its time on a GPU in waiting for the host, which launches one
    kernel after the other. As a CUDA graph all of them are one launch; see
    `minicv.backend.cuda.graph`. It computes what the network computes in evaluation mode and
    without gradients, up to rounding: convolutions and linear layers run on kernels of minicv's
    own, since CuPy does not let cuBLAS be recorded. So it pays for small inputs. On the CPU a call
    is a call of the network.

    The graph has memory of its own, for the input, for all that lies in between and for the
    results, as long as it lives. A call gives new arrays.

    *Weights* are read where they lay at the recording: numbers that were changed in place since are
    seen. Where an array was replaced, a call says so.

    Args:
        network: a module, or a function of tensors. It gives a tensor, or tensors in lists, tuples
            and dictionaries. It may not look at a number on its way, such as
            ``if x.data.max() > 1``, nor fetch an array from the host.
        examples: its inputs, tensors or arrays. Later inputs have their shapes and dtypes.

    Returns:
        a function like ``network``.

    Raises:
        RuntimeError: something in the network cannot be recorded; the message names the line. At a
            call: a weight was replaced.
        ValueError: at a call: another shape or dtype.

    >>> import numpy as np
    >>> from minicv.nn import Conv2d
    >>> conv = Conv2d(3, 8, 3, rng=np.random.default_rng(0))
    >>> x = np.ones((1, 3, 5, 5), np.float32)
    >>> run = graphed(conv, x)
    >>> bool((run(x).data == conv(Tensor(x)).data).all())
    True
    >>> run(x[:, :, :4])
    Traceback (most recent call last):
    ...
    ValueError: graphed: recorded for (1, 3, 5, 5) float32 but got (1, 3, 4, 5) float32; make...
    """
    return Graphed(network, *examples)


def _array(x: Tensor | Array) -> Array:
    return x.data if isinstance(x, Tensor) else x


def _said(inputs: list[tuple[Any, Any]]) -> str:
    return " and ".join(f"{shape} {dtype}" for shape, dtype in inputs) or "nothing"


def _with_each(form: Any, change: Callable[[Any], Any]) -> Any:
    """An output with every tensor (or None, the place of one) changed."""
    if form is None or isinstance(form, Tensor):
        return change(form)
    if isinstance(form, dict):
        return {name: _with_each(part, change) for name, part in form.items()}
    if isinstance(form, (list, tuple)):
        return type(form)([_with_each(part, change) for part in form])
    raise TypeError(
        f"graphed: the network gives a {type(form).__name__}; expected tensors, or lists, tuples "
        "and dictionaries of them"
    )
