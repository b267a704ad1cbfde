"""Does `backward` compute the derivative of `forward`? Compare it with numerical slopes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np

from minicv.autograd import Tensor, no_grad
from minicv.testing.slopes import Loss, Ray, central_difference, complex_step, on_a_kink

Operation = Callable[..., Tensor]
Mode = Literal["direction", "full"]
Method = Literal["auto", "complex", "central"]
COMPLEX_RTOL = 1e-9  # what a complex step must agree to


class GradientError(AssertionError):
    """An operation's backward disagrees with its forward; the message shows where."""


class NonDifferentiableError(ValueError):
    """Every point that was tried lies on a kink of the operation: there is nothing to compare."""


def gradcheck(
    operation: Operation,
    *inputs: np.ndarray,
    mode: Mode = "direction",
    method: Method = "auto",
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
      for each input: cheap, and a wrong gradient changes these products;
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
        method: "auto" tries the complex step first, and believes the central difference where the
            two disagree, since a forward with ``abs`` or ``conj`` in it misleads the complex step;
            "complex" and "central" use that method alone.
        eps: step of the central difference.
        rtol, atol: agreement demanded. The complex step is held to min(rtol, 1e-9).
        retries: how often a point on a kink is moved before giving up.
        seed: of the cotangent and the directions; printed on failure.

    Raises:
        GradientError: with operation, input, place, both values and the seed.
        NonDifferentiableError: no point without a kink was found.
        TypeError: an input is not float64, or ``method="complex"`` and the forward cannot.
        ValueError: ``mode`` or ``method`` is unknown.

    >>> from minicv import functional as F
    >>> gradcheck(F.exp, np.array([0.5, -1.0]))
    """
    check_float64("gradcheck", inputs)
    if mode not in ("direction", "full"):
        raise ValueError(f"gradcheck: mode must be 'direction' or 'full' but is {mode!r}")
    if method not in ("auto", "complex", "central"):
        raise ValueError(
            f"gradcheck: method must be 'auto', 'complex' or 'central' but is {method!r}"
        )
    rng = np.random.default_rng(seed)
    point = [array.copy(order="K") for array in inputs]
    for _ in range(retries + 1):
        mismatch, kinked = _first_mismatch(operation, point, mode, method, eps, rtol, atol, seed)
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
    operation: Operation, inputs: Sequence[np.ndarray], seed: int
) -> tuple[str, np.ndarray, list[np.ndarray]]:
    """The operation's name, a random cotangent u, and the gradients of <u, output> by backward.

    Raises:
        GradientError: the operation changes an input or the cotangent in place, or gives another
            gradient when it is run again.

    >>> from minicv import functional as F
    >>> name, cotangent, (gradient,) = analytic_gradients(F.exp, [np.zeros(2)], seed=0)
    >>> name, bool(np.array_equal(gradient, cotangent))
    ('Exp', True)
    """
    tensors = [Tensor(x, requires_grad=True) for x in inputs]
    before = [x.copy() for x in inputs]
    output = operation(*tensors)
    name = output.creator.name if output.creator is not None else "operation"
    cotangent = random_direction(output.shape, np.random.default_rng(seed))
    arriving = cotangent.copy()
    output.backward(arriving)
    for index, (x, unchanged) in enumerate(zip(inputs, before, strict=True)):
        if not np.array_equal(x, unchanged, equal_nan=True):
            raise GradientError(f"{name}: input {index} was changed in place")
    if not np.array_equal(arriving, cotangent):
        raise GradientError(f"{name}: backward changed the arriving gradient in place")
    gradients = [
        np.zeros_like(x) if tensor.grad is None else tensor.grad.copy()
        for x, tensor in zip(inputs, tensors, strict=True)
    ]
    operation(*tensors).backward(cotangent)
    for index, (once, tensor) in enumerate(zip(gradients, tensors, strict=True)):
        twice = np.zeros_like(once) if tensor.grad is None else tensor.grad
        if not np.allclose(twice, 2 * once, rtol=1e-9, atol=1e-12, equal_nan=True):
            raise GradientError(
                f"{name}: a second forward and backward pass did not add the same gradient to "
                f"input {index}; a random operation must draw from a generator with a fixed seed"
            )
    return name, cotangent, gradients


def check_float64(check: str, inputs: Sequence[np.ndarray]) -> None:
    """Refuse inputs that are not float64: their rounding would hide an error.

    >>> check_float64("gradcheck", [np.zeros(2, dtype="float32")])
    Traceback (most recent call last):
    TypeError: gradcheck: input 0 must be a float64 array but is float32; ...
    """
    for index, array in enumerate(inputs):
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise TypeError(
                f"{check}: input {index} must be a float64 array but is "
                f"{getattr(array, 'dtype', type(array).__name__)}; float32 is too coarse to "
                "compare, and what is no number to differentiate by belongs into a closure"
            )


def random_direction(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Values of both signs between 0.3 and 1 in size: no element is left out by being near zero.

    >>> bool((np.abs(random_direction((5,), np.random.default_rng(0))) >= 0.3).all())
    True
    """
    return rng.uniform(0.3, 1.0, shape) * rng.choice([-1.0, 1.0], shape)


def _first_mismatch(
    operation: Operation,
    point: list[np.ndarray],
    mode: Mode,
    method: Method,
    eps: float,
    rtol: float,
    atol: float,
    seed: int,
) -> tuple[str | None, bool]:
    """(description of the first disagreement or None, whether a kink explains it)."""
    name, cotangent, gradients = analytic_gradients(operation, point, seed)
    rng = np.random.default_rng(seed + 1)

    def loss(arrays: list[np.ndarray]) -> complex:
        with no_grad():
            return (operation(*[Tensor(a) for a in arrays]).data * cotangent).sum()

    for index, (x, gradient) in enumerate(zip(point, gradients, strict=True)):
        for place, direction in _directions(x.shape, mode, rng):
            ray = Ray(point, index, direction)
            products = gradient * direction
            found = _disagreement(loss, ray, products, method, eps, rtol, atol)
            if found is None:
                continue
            by, numeric, demanded = found
            message = (
                f"{name}: gradient of input {index} (shape {x.shape}) is wrong {place}: "
                f"backward says {products.sum():.10g}, {by} says {numeric:.10g} "
                f"(eps={eps:g}, rtol={demanded:g}, atol={atol:g}, seed={seed})"
            )
            return message, on_a_kink(loss, ray, eps)
    return None, False


def _disagreement(
    loss: Loss,
    ray: Ray,
    products: np.ndarray,
    method: Method,
    eps: float,
    rtol: float,
    atol: float,
) -> tuple[str, float, float] | None:
    """(method, its slope, agreement demanded) where the slope is not ``products.sum()``."""
    analytic = float(products.sum())
    # The rounding error of a sum grows with the size of its terms, even where they cancel.
    magnitude = float(np.abs(products).sum())

    def agree(a: float, b: float, rtol: float) -> bool:
        return abs(a - b) <= atol + rtol * max(abs(a), abs(b), magnitude)

    by_complex_step = None if method == "central" else complex_step(loss, ray)
    if by_complex_step is None and method == "complex":
        raise TypeError("gradcheck: this forward cannot compute with complex numbers")
    if by_complex_step is not None:
        demanded = min(rtol, COMPLEX_RTOL)
        if agree(by_complex_step, analytic, demanded):
            return None
        if method == "complex":
            return "complex step", by_complex_step, demanded
    central = central_difference(loss, ray, eps)
    if by_complex_step is not None and agree(by_complex_step, central, rtol):
        return "complex step", by_complex_step, demanded
    return None if agree(central, analytic, rtol) else ("central difference", central, rtol)


def _directions(
    shape: tuple[int, ...], mode: Mode, rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """The directions to compare along, and how to name each in a message."""
    if mode == "full":
        for position in np.ndindex(shape):
            direction = np.zeros(shape)
            direction[position] = 1.0
            yield f"at {list(position)}", direction
    else:
        for number in range(2):
            yield f"along random direction {number}", random_direction(shape, rng)
