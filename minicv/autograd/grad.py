"""Gradients of a result with respect to chosen tensors, given back and stored nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicv.autograd.backward import operations_by_order
from minicv.autograd.tensor import Tensor
from minicv.backend import Array


def grad(
    output: Tensor,
    inputs: Tensor | Sequence[Tensor],
    grad_output: Any = None,
    retain_graph: bool = False,
) -> tuple[Array, ...]:
    """d(output)/d(input) for each of the inputs, which may be leaves or results on the way.

    No ``.grad`` is touched, neither of the inputs nor of any parameter. Only operations between the
    inputs and the output run backward, and only for the gradients that lead there: asking for the
    gradient of a feature map costs nothing for the weights.

    Args:
        output: a result.
        inputs: tensors that it depends on.
        grad_output: the gradient that arrives at the output, as for `Tensor.backward`.
        retain_graph: keep what the operations saved, so that another call is possible.

    Returns:
        a raw array for each input, of its shape.

    Raises:
        RuntimeError: an input is not behind the output, or needs no gradient; or see
            `Tensor.backward`.

    Source: the name follows ``torch.autograd.grad``, which gives Tensors.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> squares = x * x
    >>> loss = (3 * squares).sum()
    >>> of_x, of_squares = grad(loss, [x, squares])
    >>> of_x.tolist(), of_squares.tolist(), x.grad
    ([6.0, 12.0], [3.0, 3.0], None)
    """
    wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    arriving = output.starting_gradient(grad_output)
    leaves: dict[int, Tensor] = {}
    operations = operations_by_order(output, leaves)
    _check_that_all_are_behind(wanted, {*map(id, operations), *leaves})
    # Sources from which a wanted one is reached: going from the first made to the last.
    leads = {_source(tensor) for tensor in wanted}
    needs: list[tuple[bool, ...]] = []
    for operation in reversed(operations):
        needed = tuple(
            [
                wants and tensor is not None and _source(tensor) in leads
                for tensor, wants in zip(operation.inputs, operation.needs_grad, strict=True)
            ]
        )
        needs.append(needed)
        if any(needed):
            leads.add(id(operation))
    arrived: dict[int, Array] = {_source(output): arriving}
    kept = {_source(tensor): arriving for tensor in wanted if tensor is output}
    of_interest = {_source(tensor) for tensor in wanted}
    for operation, needed in zip(operations, reversed(needs), strict=True):
        if id(operation) not in leads:
            continue
        own = arrived.pop(id(operation))
        if id(operation) in of_interest:
            kept[id(operation)] = own
        if not any(needed):
            continue
        before, operation.needs_grad = operation.needs_grad, needed
        try:
            gradients = operation.input_gradients(own)
        finally:
            operation.needs_grad = before
        for tensor, gradient in gradients:
            source = _source(tensor)
            sum_before = arrived.get(source)
            arrived[source] = gradient if sum_before is None else sum_before + gradient
        if not retain_graph:
            operation.free()
    # Copies: a gradient may be a view, or the array that another input received.
    return tuple([(kept | arrived)[_source(tensor)].copy() for tensor in wanted])


def _source(tensor: Tensor) -> int:
    """Where the gradients of a tensor gather: at the operation that made it, or at the leaf."""
    return id(tensor.creator or tensor)


def _check_that_all_are_behind(wanted: Sequence[Tensor], behind: set[int]) -> None:
    for index, tensor in enumerate(wanted):
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"grad: input {index} is a {type(tensor).__name__}; expected a Tensor that the "
                "output was computed from"
            )
        if _source(tensor) not in behind:
            why = (
                "the output does not depend on it"
                if tensor.requires_grad
                else "it needs no gradient: make it with requires_grad=True, outside of no_grad()"
            )
            raise RuntimeError(
                f"grad: input {index}, of shape {tensor.shape}, is not on the way to the output; "
                f"{why}"
            )
