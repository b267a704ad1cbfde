"""For a linear operation the backward pass is the transposed matrix: no derivative needed."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Tensor, no_grad
from minicv.testing.gradcheck import GradientError, Operation, analytic_gradients


def adjoint_check(
    operation: Operation, *inputs: np.ndarray, wrt: int = 0, rtol: float = 1e-10, seed: int = 0
) -> None:
    r"""Check <A x, u> = <x, Aᵀ u> for an operation that is linear in input ``wrt``.

    Convolution (in its input and in its weight), transposed convolution, average pooling,
    unpooling and resizing are all linear: y = A x. Their backward pass must be u -> Aᵀ u, which
    this identity tests to rounding error, without a step size and without kinks.

    Args:
        operation: takes one Tensor for each input; linear (no bias, no constant) in ``wrt``.
        inputs: float64 arrays.
        wrt: which input.
        rtol: agreement demanded, relative to |A x| |u|.
        seed: of the random u.

    Raises:
        GradientError: the identity fails, or the operation is not linear in that input.

    >>> from minicv import functional as F
    >>> adjoint_check(lambda x, w: F.linear(x, w), np.ones((2, 3)), np.ones((4, 3)), wrt=1)
    """
    name, cotangent, gradients = analytic_gradients(operation, list(inputs), seed)
    with no_grad():
        output = operation(*[Tensor(x) for x in inputs]).data
        scaled = list(inputs)
        scaled[wrt] = -2.0 * inputs[wrt]
        output_of_scaled = operation(*[Tensor(x) for x in scaled]).data
    scale = float(np.abs(output).sum()) + 1e-300
    if float(np.abs(output_of_scaled + 2.0 * output).sum()) > rtol * scale + 1e-12:
        raise GradientError(
            f"{name}: not linear in input {wrt} (f(-2x) differs from -2 f(x)), so it has no "
            "adjoint; use gradcheck, or leave out the bias"
        )
    left = float((output * cotangent).sum())
    right = float((inputs[wrt] * gradients[wrt]).sum())
    magnitude = float(np.abs(output * cotangent).sum())
    if abs(left - right) > rtol * magnitude + 1e-12:
        raise GradientError(
            f"{name}: backward is not the transpose of forward for input {wrt} "
            f"(shape {inputs[wrt].shape}): <A x, u> = {left:.12g} but <x, A^T u> = {right:.12g} "
            f"(rtol={rtol:g}, seed={seed})"
        )
