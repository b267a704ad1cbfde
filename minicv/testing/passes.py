"""An operation as the checks see it: a number L = <u, output>, and its gradients by backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minicv.autograd import Tensor, no_grad
from minicv.testing.directions import random_direction

Operation = Callable[..., Any]  # a Tensor for each input -> a Tensor, or several


class GradientError(AssertionError):
    """An operation's backward disagrees with its forward; the message shows where."""


class Passes(NamedTuple):
    """What one forward and backward pass gives.

    Attributes:
        name: of the operation.
        cotangents: u, one array for each floating output.
        gradients: dL/dx for each input.
    """

    name: str
    cotangents: list[np.ndarray]
    gradients: list[np.ndarray]


def analytic_gradients(
    check: str, operation: Operation, inputs: Sequence[np.ndarray], seed: int
) -> Passes:
    """Run the operation forward and backward, twice, for random cotangents u.

    Raises:
        GradientError: the operation changes an input or the cotangent in place, or gives another
            result or gradient when it is run again.
        TypeError: it returns no Tensor, or none of float64.
        ValueError: its result is not finite.

    >>> from minicv import functional as F
    >>> name, (u,), (gradient,) = analytic_gradients("gradcheck", F.exp, [np.zeros(2)], seed=0)
    >>> name, bool(np.array_equal(gradient, u))
    ('Exp', True)
    """
    tensors = [Tensor(x, requires_grad=True) for x in inputs]
    before = [x.copy() for x in inputs]
    outputs = float_outputs(check, operation(*tensors))
    creators = [output.creator for output in outputs if output.creator is not None]
    name = creators[0].name if creators else "operation"
    rng = np.random.default_rng(seed)
    cotangents = [random_direction(output.shape, rng) for output in outputs]
    results = [output.data.copy() for output in outputs]
    for number, result in enumerate(results):
        if not np.isfinite(result).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(result))[0])
            raise ValueError(
                f"{check}: {name} gives {result[place]} at {list(place)} of output {number}, where "
                "there is no slope to compare with; choose inputs at which it is finite"
            )
    _run_backward(name, outputs, cotangents)
    with no_grad():
        bare = float_outputs(check, operation(*[Tensor(x) for x in inputs]))
    for index, (x, unchanged) in enumerate(zip(inputs, before, strict=True)):
        if not np.array_equal(x, unchanged):
            raise GradientError(f"{name}: input {index} was changed in place")
    gradients = [
        np.zeros_like(x) if tensor.grad is None else tensor.grad.copy()
        for x, tensor in zip(inputs, tensors, strict=True)
    ]
    again = float_outputs(check, operation(*tensors))
    if not (_alike(bare, results) and _alike(again, results)):
        raise GradientError(
            f"{name}: a second forward pass gave another result for the same inputs; a random "
            "operation must draw from a generator with a fixed seed, made anew in each call"
        )
    _run_backward(name, again, cotangents)
    for index, (once, tensor) in enumerate(zip(gradients, tensors, strict=True)):
        twice = np.zeros_like(once) if tensor.grad is None else tensor.grad
        slack = 1e-12 * float(np.abs(once).max(initial=0, where=np.isfinite(once)))
        if not np.allclose(twice, 2 * once, rtol=1e-9, atol=slack, equal_nan=True):
            raise GradientError(
                f"{name}: a second forward and backward pass did not add the same gradient to "
                f"input {index}; a random operation must draw from a generator with a fixed seed"
            )
    return Passes(name, cotangents, gradients)


def loss_terms(
    check: str, operation: Operation, cotangents: Sequence[np.ndarray]
) -> Callable[[list[np.ndarray]], np.ndarray]:
    """The function that gives the terms u_j y_j of L, for all outputs in one flat array."""

    def terms(arrays: list[np.ndarray]) -> np.ndarray:
        with no_grad():
            outputs = float_outputs(check, operation(*[Tensor(array) for array in arrays]))
        parts = [(y.data * u).reshape(-1) for y, u in zip(outputs, cotangents, strict=True)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    return terms


def float_outputs(check: str, returned: Any) -> list[Tensor]:
    """What the operation returned, as a list of those Tensors that can have a gradient.

    >>> [output.shape for output in float_outputs("gradcheck", Tensor(np.zeros((2, 3))))]
    [(2, 3)]
    >>> float_outputs("gradcheck", (Tensor(np.zeros(2)), np.zeros(2)))
    Traceback (most recent call last):
    TypeError: gradcheck: the operation must return a Tensor, or several, but output 1 is ndarray;
    take the Tensors alone, e.g. lambda x: operation(x)[0]
    """
    several = list(returned) if isinstance(returned, (tuple, list)) else [returned]
    for number, output in enumerate(several):
        if not isinstance(output, Tensor):
            raise TypeError(
                f"{check}: the operation must return a Tensor, or several, but output {number} is "
                f"{type(output).__name__}; take the Tensors alone, e.g. lambda x: operation(x)[0]"
            )
        if output.dtype.kind in "fc" and output.dtype.itemsize < np.dtype(np.float64).itemsize:
            raise TypeError(
                f"{check}: output {number} is {output.dtype} although the inputs are float64; too "
                "coarse to compare. Keep the dtype of the inputs"
            )
    floating = [output for output in several if output.dtype.kind in "fc"]
    if not floating:
        found = ", ".join(str(output.dtype) for output in several) or "nothing"
        raise TypeError(
            f"{check}: the operation returns {found}, which has no gradient; it must return "
            "floating point numbers"
        )
    return floating


def check_float64(check: str, inputs: Sequence[np.ndarray]) -> None:
    """Refuse inputs that are not float64, whose rounding would hide an error, or not finite.

    >>> check_float64("gradcheck", [np.zeros(2, dtype="float32")])
    Traceback (most recent call last):
    TypeError: gradcheck: input 0 must be a float64 array but is float32; ...
    """
    if not inputs:
        raise TypeError(f"{check}: there is no input; pass float64 arrays after the operation")
    for index, array in enumerate(inputs):
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise TypeError(
                f"{check}: input {index} must be a float64 array but is "
                f"{getattr(array, 'dtype', type(array).__name__)}; float32 is too coarse to "
                "compare, and what is no number to differentiate by belongs into a closure"
            )
        if not np.isfinite(array).all():
            raise ValueError(
                f"{check}: input {index} holds NaN or infinity, where there is no slope to compare "
                "with; choose finite numbers"
            )


def _alike(outputs: list[Tensor], results: list[np.ndarray]) -> bool:
    """Whether outputs are the same as before, but for the rounding of another algorithm."""
    return len(outputs) == len(results) and all(
        output.shape == result.shape
        and np.allclose(
            output.data, result, rtol=1e-10, atol=1e-12 * float(np.abs(result).max(initial=0))
        )
        for output, result in zip(outputs, results, strict=True)
    )


def _run_backward(name: str, outputs: list[Tensor], cotangents: list[np.ndarray]) -> None:
    """Carry each cotangent back. A result that is cut off from all inputs gives no gradient."""
    connected = [k for k, output in enumerate(outputs) if output.requires_grad]
    for k in connected:
        arriving = cotangents[k].copy()
        outputs[k].backward(arriving, retain_graph=k != connected[-1])
        if not np.array_equal(arriving, cotangents[k]):
            raise GradientError(f"{name}: backward changed the arriving gradient in place")
