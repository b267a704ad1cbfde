"""For a linear operation the backward pass is the transposed matrix: no derivative needed."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Tensor, no_grad
from minicv.testing.gradcheck import (
    GradientError,
    Operation,
    analytic_gradients,
    check_float64,
    random_direction,
)

SMALLEST = 1e-12  # rounding error of numbers that should be zero


def adjoint_check(
    operation: Operation, *inputs: np.ndarray, wrt: int = 0, rtol: float = 1e-10, seed: int = 0
) -> None:
    r"""Check <A v, u> = <v, Aᵀ u> for an operation that is linear in input ``wrt``.

    Convolution (in its input and in its weight), transposed convolution, average pooling,
    unpooling and resizing are all linear: y = A x. Their backward pass must be u -> Aᵀ u, which
    this identity tests to rounding error, without a step size and without kinks. Both u and v are
    random; the values of input ``wrt`` serve to test that the operation is linear at all.

    Args:
        operation: takes one Tensor for each input; linear (no bias, no constant) in ``wrt``.
        inputs: float64 arrays.
        wrt: which input.
        rtol: agreement demanded, relative to |A v| |u|.
        seed: of the random u and v; printed on failure.

    Raises:
        GradientError: the identity fails, or the operation is not linear in that input.
        TypeError: an input is not float64.

    >>> from minicv import functional as F
    >>> adjoint_check(lambda x, w: F.linear(x, w), np.ones((2, 3)), np.ones((4, 3)), wrt=1)
    """
    check_float64("adjoint_check", inputs)
    name, u, gradients = analytic_gradients(operation, inputs, seed)
    x = inputs[wrt]
    v = random_direction(x.shape, np.random.default_rng(seed + 1))

    def output_for(values: np.ndarray) -> np.ndarray:
        arrays = list(inputs)
        arrays[wrt] = values
        with no_grad():
            return operation(*[Tensor(array) for array in arrays]).data

    of_x, of_v, of_both = output_for(x), output_for(v), output_for(x - 2 * v)
    scale = float(np.abs(of_x).sum() + np.abs(of_v).sum())
    if not float(np.abs(of_both - (of_x - 2 * of_v)).sum()) <= rtol * scale + SMALLEST:
        raise GradientError(
            f"{name}: not linear in input {wrt} (f(x - 2v) differs from f(x) - 2 f(v)), so it has "
            "no adjoint; use gradcheck, or leave out the bias"
        )
    forward = float((of_v * u).sum())
    backward = float((v * gradients[wrt]).sum())
    magnitude = float(np.abs(of_v * u).sum())
    if not abs(forward - backward) <= rtol * magnitude + SMALLEST:
        raise GradientError(
            f"{name}: backward is not the transpose of forward for input {wrt} "
            f"(shape {x.shape}): <A v, u> = {forward:.12g} but <v, A^T u> = {backward:.12g} "
            f"(rtol={rtol:g}, seed={seed})"
        )
