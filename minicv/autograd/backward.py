"""The backward walk: from a result to the leaves, each operation once."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from minicv.backend import Array

if TYPE_CHECKING:
    from minicv.autograd.function import Function
    from minicv.autograd.tensor import Tensor


def run_backward(root: Tensor, grad: Array, retain_graph: bool = False) -> None:
    """Carry ``grad``, which arrives at ``root``, to every leaf that requires a gradient.

    An operation is created after its inputs. So the operations, from the last created to the
    first, are in topological order: when the walk reaches an operation, every gradient that flows
    into its output has arrived. There is no recursion, so the graph may be as deep as memory
    allows.

    Gradients of intermediate results live in a dictionary of this walk and are dropped as soon as
    they are used. Only leaves keep a gradient, and each leaf adds it to ``.grad`` once.
    """
    arrived: dict[Function | Tensor, Array] = {root.creator or root: grad}
    leaves: dict[int, Tensor] = {}
    operations = operations_by_order(root, leaves)
    operations.reverse()
    while operations:
        # Popped from the list: so an operation goes with its turn, and a result, which no list
        # holds, with the last operation that took it.
        operation = operations.pop()
        for tensor, gradient in operation.input_gradients(arrived.pop(operation)):
            source = tensor.creator or tensor
            before = arrived.get(source)
            arrived[source] = gradient if before is None else before + gradient
        if not retain_graph:
            operation.free()
    handed_out: set[int] = {id(grad)}
    for leaf in leaves.values():
        gradient = arrived[leaf]
        if leaf.grad is not None:
            gradient = leaf.grad + gradient
        # A view, or an array that two leaves received, must not be shared with a caller.
        elif gradient.base is not None or id(gradient) in handed_out:
            gradient = gradient.copy()
        if isinstance(gradient, np.generic):  # a sum over all axes is no array in NumPy
            gradient = np.asarray(gradient)
        leaf.grad = gradient
        handed_out.add(id(gradient))


def operations_by_order(root: Tensor, leaves: dict[int, Tensor]) -> list[Function]:
    """The operations that made the `results_by_order`, the last first."""
    return [result.creator for result in results_by_order(root, leaves) if result.creator]


def results_by_order(root: Tensor, leaves: dict[int, Tensor]) -> list[Tensor]:
    """All recorded results behind ``root``, the last made first; each has its ``creator``.

    Args:
        root: a result.
        leaves: gets the leaves that are met on the way, by ``id``.

    Raises:
        RuntimeError: a backward pass has freed the graph.
    """
    found: dict[int, Tensor] = {}
    waiting: list[Any] = [root]
    while waiting:
        tensor = waiting.pop()
        creator = tensor.creator
        if creator is None:
            leaves[id(tensor)] = tensor
        elif creator.order not in found:
            found[creator.order] = tensor
            if creator.freed:
                creator.input_gradients(tensor.data)  # raises, naming the operation
            waiting += compress(creator.inputs, creator.needs_grad)
    return [found[order] for order in sorted(found, reverse=True)]
