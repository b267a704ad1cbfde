"""Does `backward` compute the derivative of `forward`? Ask the numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal

import numpy as np

from minicv.autograd import Tensor, no_grad

Operation = Callable[..., Tensor]


class GradientError(AssertionError):
    """An operation's backward disagrees with its forward; the message shows where."""


class NonDifferentiableError(ValueError):
    """Every point that was tried lies on a kink of the operation, so there is nothing to compare."""


def gradcheck(
    operation: Operation,
    *inputs: np.ndarray,
    mode: Literal["direction", "full"] = "direction",
    method: Literal["auto", "complex", "central"] = "auto",
    eps: float = 1e-6,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    retries: int = 3,
    seed: int = 0,
) -> None:
    r"""Compare the gradients of ``operation(*inputs)`` with numerical derivatives.

    A random cotangent u turns the output into the number L = <u, operation(*inputs)>. (Never
    all ones: a softmax sums to one, so with ones every gradient of it would look right.) Then

    - ``mode="direction"`` compares <dL/dx, v> with the slope of L along two random directions v
      for each input: cheap, and a wrong gradient has no place to hide;
    - ``mode="full"`` compares every element of every gradient.

    The slope is a complex step, Im L(x + ihv) / h with h = 1e-20, which has no rounding error,
    where the forward can compute with complex numbers; else the central difference
    (L(x + eps v) - L(x - eps v)) / 2 eps. A point that turns out to lie on a kink (the slopes from
    left and right differ) is moved a little, at most ``retries`` times.

    It also checks that inputs and cotangent are left unchanged and that a second pass adds the
    same gradient once more.

    Args:
        operation: takes one Tensor for each input and returns a Tensor.
        inputs: float64 arrays. Fix anything else (labels, options) in a closure.
        mode: see above.
        method: "auto" tries the complex step first; the others insist.
        eps: step of the central difference.
        rtol, atol: agreement demanded. The complex step is held to min(rtol, 1e-9).
        retries: how often a point on a kink is moved before giving up.
        seed: of the cotangent and the directions; printed on failure.

    Raises:
        GradientError: with operation, input, place, both values and the seed.
        NonDifferentiableError: no point without a kink was found.
        TypeError: an input is not float64.

    >>> from minicv import functional as F
    >>> gradcheck(F.exp, np.array([0.5, -1.0]))
    """
    for index, array in enumerate(inputs):
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise TypeError(
                f"gradcheck: input {index} must be a float64 array but is "
                f"{getattr(array, 'dtype', type(array).__name__)}; float32 is too coarse to compare"
            )
    rng = np.random.default_rng(seed)
    point = [array.copy(order="K") for array in inputs]
    for _ in range(retries + 1):
        mismatch, kinked = _compare(operation, point, mode, method, eps, rtol, atol, seed)
        if mismatch is None:
            return
        if not kinked:
            raise GradientError(mismatch)
        point = [x + 1e-3 * rng.uniform(-1, 1, x.shape) * (1 + np.abs(x)) for x in point]
    raise NonDifferentiableError(
        f"gradcheck: {retries + 1} points all lie on a kink of the operation; choose inputs "
        f"without ties and zeros, e.g. minicv.testing.strategies.distinct_arrays. Last: {mismatch}"
    )


def analytic_gradients(
    operation: Operation, inputs: list[np.ndarray], seed: int
) -> tuple[str, np.ndarray, list[np.ndarray]]:
    """The operation's name, a random cotangent, and the gradient of <cotangent, output> by backward.

    >>> from minicv import functional as F
    >>> name, cotangent, (gradient,) = analytic_gradients(F.exp, [np.zeros(2)], seed=0)
    >>> name, bool(np.array_equal(gradient, cotangent))
    ('Exp', True)
    """
    tensors = [Tensor(x, requires_grad=True) for x in inputs]
    before = [x.copy() for x in inputs]
    output = operation(*tensors)
    name = output.creator.name if output.creator is not None else "operation"
    rng = np.random.default_rng(seed)
    cotangent = rng.uniform(0.5, 1.5, output.shape) * rng.choice([-1.0, 1.0], output.shape)
    arriving = cotangent.copy()
    output.backward(arriving)
    for index, (x, unchanged) in enumerate(zip(inputs, before, strict=True)):
        if not np.array_equal(x, unchanged, equal_nan=True):
            raise GradientError(f"{name}: input {index} was changed in place")
    if not np.array_equal(arriving, cotangent):
        raise GradientError(f"{name}: backward changed the arriving gradient in place")
    gradients = [
        np.zeros_like(x) if t.grad is None else t.grad.copy()
        for x, t in zip(inputs, tensors, strict=True)
    ]
    operation(*tensors).backward(cotangent)
    for index, (once, tensor) in enumerate(zip(gradients, tensors, strict=True)):
        if tensor.grad is not None and not np.allclose(
            tensor.grad, 2 * once, rtol=1e-9, atol=1e-12
        ):
            raise GradientError(
                f"{name}: a second forward and backward pass did not add the same gradient to "
                f"input {index}; a random operation must draw from a generator with a fixed seed"
            )
    return name, cotangent, gradients


def _compare(
    operation: Operation,
    point: list[np.ndarray],
    mode: str,
    method: str,
    eps: float,
    rtol: float,
    atol: float,
    seed: int,
) -> tuple[str | None, bool]:
    """(description of the first disagreement or None, whether a kink explains it)."""
    name, cotangent, gradients = analytic_gradients(operation, point, seed)
    rng = np.random.default_rng(seed + 1)

    def loss(arrays: list[np.ndarray]) -> complex | float:
        with no_grad():
            return (operation(*[Tensor(a) for a in arrays]).data * cotangent).sum()

    for index, (x, gradient) in enumerate(zip(point, gradients, strict=True)):
        for place, direction in _directions(x, mode, rng):
            analytic = float((gradient * direction).sum())
            numeric, is_complex = _slope(loss, point, index, direction, method, eps)
            relative = min(rtol, 1e-9) if is_complex else rtol
            scale = float((np.abs(gradient * direction)).sum())
            if abs(analytic - numeric) <= atol + relative * max(abs(analytic), abs(numeric), scale):
                continue
            message = (
                f"{name}: gradient of input {index} (shape {x.shape}) is wrong {place}: "
                f"backward says {analytic:.10g}, {'complex step' if is_complex else 'central difference'} "
                f"says {numeric:.10g} (eps={eps:g}, rtol={relative:g}, atol={atol:g}, seed={seed})"
            )
            return message, _on_a_kink(loss, point, index, direction, eps)
    return None, False


def _directions(x: np.ndarray, mode: str, rng: np.random.Generator):
    if mode == "full":
        for position in np.ndindex(x.shape):
            direction = np.zeros_like(x)
            direction[position] = 1.0
            yield f"at {list(position)}", direction
    elif mode == "direction":
        for number in range(2):
            # Bounded away from zero, so that no element is left out.
            direction = rng.uniform(0.3, 1.0, x.shape) * rng.choice([-1.0, 1.0], x.shape)
            yield f"along random direction {number}", direction
    else:
        raise ValueError(f"gradcheck: mode must be 'direction' or 'full' but is {mode!r}")


def _slope(loss, point, index, direction, method, eps) -> tuple[float, bool]:
    """The slope of ``loss`` along ``direction`` of one input, and whether by complex step."""
    if method not in ("auto", "complex", "central"):
        raise ValueError(
            f"gradcheck: method must be 'auto', 'complex' or 'central' but is {method!r}"
        )
    if method != "central":
        step = 1e-20
        shifted = [x.astype(np.complex128) for x in point]
        shifted[index] = point[index] + 1j * step * direction
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                value = loss(shifted)
            # A real result means that the forward dropped the imaginary part on its way.
            if np.iscomplexobj(value):
                return float(value.imag / step), True
        except (TypeError, ValueError, Warning):
            pass
        if method == "complex":
            raise TypeError("gradcheck: this forward cannot compute with complex numbers")
    return float(
        (_moved(loss, point, index, eps * direction) - _moved(loss, point, index, -eps * direction))
        / (2 * eps)
    ), False


def _moved(loss, point, index, step):
    arrays = list(point)
    arrays[index] = point[index] + step
    return loss(arrays)


def _on_a_kink(loss, point, index, direction, eps) -> bool:
    here = loss(point)
    right = (_moved(loss, point, index, eps * direction) - here) / eps
    left = (here - _moved(loss, point, index, -eps * direction)) / eps
    return abs(right - left) > 1e-4 * max(abs(right), abs(left)) + 1e-6
