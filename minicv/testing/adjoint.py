"""For a linear operation the backward pass is the transposed matrix: no derivative needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minicv.autograd import Tensor, no_grad
from minicv.testing.directions import groups, random_direction, worst_element
from minicv.testing.passes import (
    GradientError,
    Operation,
    analytic_gradients,
    check_float64,
    float_outputs,
)
from minicv.testing.slopes import ROUNDING

PAIRS = 2  # of random u and v


def adjoint_check(
    operation: Operation, *inputs: np.ndarray, wrt: int = 0, rtol: float = 1e-10, seed: int = 0
) -> None:
    r"""Check <A v, u> = <v, Aᵀ u> for an operation that is linear in input ``wrt``.

    Convolution (in its input and in its weight), transposed convolution, average pooling,
    unpooling and resizing are all linear: y = A x. Their backward pass must be u -> Aᵀ u, which
    this identity tests to rounding error, without a step size and without kinks. Both u and v are
    random; the values of input ``wrt`` serve to test that the operation is linear at all.

    The elements of v take part in groups, at most a hundred times apart in the size of Aᵀ u and, up
    to 16,384 of them, at most 1,024 together. So one wrong element of a large operation is seen,
    and so is one that is much smaller than the others.

    Args:
        operation: takes one Tensor for each input and returns a Tensor, or several; linear (no
            bias, no constant) in ``wrt``.
        inputs: float64 arrays.
        wrt: which input.
        rtol: agreement demanded, relative to the root of the sum of the squares of the terms.
        seed: of the random u and v; printed on failure.

    Raises:
        GradientError: the identity fails, or the operation is not linear in that input.
        TypeError: an input is not float64, or the operation returns no floating Tensor.
        ValueError: there is no input ``wrt``; an input or the result is not finite.

    >>> from minicv import functional as F
    >>> adjoint_check(lambda x, w: F.linear(x, w), np.ones((2, 3)), np.ones((4, 3)), wrt=1)
    """
    check_float64("adjoint_check", inputs)
    if not 0 <= wrt < len(inputs):
        raise ValueError(
            f"adjoint_check: wrt={wrt} but there are {len(inputs)} inputs, counted from 0"
        )
    inputs = tuple(array.copy(order="K") for array in inputs)
    x = inputs[wrt]

    def output_for(values: np.ndarray) -> np.ndarray:
        """All outputs for other values of the input, in one flat array."""
        arrays = list(inputs)
        arrays[wrt] = values
        with no_grad():
            outputs = float_outputs("adjoint_check", operation(*[Tensor(a) for a in arrays]))
        return np.concatenate([output.data.reshape(-1) for output in outputs])

    for pair in range(PAIRS):
        passes = analytic_gradients("adjoint_check", operation, inputs, seed + pair)
        name, gradient = passes.name, passes.gradients[wrt].reshape(-1)
        u = np.concatenate([cotangent.reshape(-1) for cotangent in passes.cotangents])
        v = random_direction(x.shape, np.random.default_rng(seed + pair + 1))
        if pair == 0:
            _check_linear(name, wrt, output_for(x), output_for(v), output_for(x - 2 * v))

        def both(
            members: np.ndarray, u: np.ndarray = u, v: np.ndarray = v, g: np.ndarray = gradient
        ) -> tuple[float, float, float]:
            """<A v, u>, <v, Aᵀ u> and how far they may be apart, when v is 0 elsewhere."""
            only = np.zeros(x.size)
            only[members] = v.reshape(-1)[members]
            forward = output_for(only.reshape(x.shape)) * u
            backward = only[members] * g[members]
            size = max(float(np.linalg.norm(forward)), float(np.linalg.norm(backward)))
            return float(forward.sum()), float(backward.sum()), max(rtol, ROUNDING) * size

        for members in groups(np.abs(gradient)):
            forward, backward, allowed = both(members)
            if abs(forward - backward) <= allowed:
                continue

            def fault(some: np.ndarray, both: Callable = both) -> float:
                forward, backward, _ = both(some)
                off = abs(forward - backward)
                return off if np.isfinite(off) else float("inf")

            element = worst_element(members, fault)
            place = [int(i) for i in np.unravel_index(element, x.shape)]
            must, (weight, found, _) = v.reshape(-1)[element], both(np.array([element]))
            raise GradientError(
                f"{name}: backward is not the transpose of forward for input {wrt} "
                f"(shape {x.shape}): <A v, u> = {forward:.12g} but <v, A^T u> = {backward:.12g} "
                f"(rtol={rtol:g}, seed={seed}); the worst of {x.size} elements is {place}, where "
                f"A^T u must be {weight / must:.10g} but backward says {found / must:.10g}"
            )


def _check_linear(
    name: str, wrt: int, of_x: np.ndarray, of_v: np.ndarray, of_both: np.ndarray
) -> None:
    """Compare f(x - 2v) with f(x) - 2 f(v), element by element."""
    scale = np.abs(of_x) + np.abs(of_v)
    slack = 1e-10 * scale + ROUNDING * float(scale.max(initial=0))
    if not (np.abs(of_both - (of_x - 2 * of_v)) <= slack).all():
        raise GradientError(
            f"{name}: not linear in input {wrt} (f(x - 2v) differs from f(x) - 2 f(v)), so it has "
            "no adjoint; use gradcheck, or leave out the bias"
        )
