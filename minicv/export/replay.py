"""From the operations that one forward pass recorded to a `Graph`.

The pixels require a gradient, so every operation that depends on them is recorded
(`minicv.autograd`). Replaying the record in the order in which it was made writes each operation
once. What does not depend on the pixels is not written but kept as its result: so weights are
constants, and a scale that was computed from weights is computed once and for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import to_numpy
from minicv.export.graph import IMAGE, ExportError, Graph, GraphBuilder, Node
from minicv.export.operands import Operands
from minicv.export.operators import write
from minicv.functional.max_pool2d import MaxPool2d
from minicv.functional.max_unpool2d import MaxUnpool2d
from minicv.nn import Module


def replay(
    image: Tensor,
    outputs: Mapping[str, Tensor],
    module: Module | None = None,
    follows: bool = False,
) -> Graph:
    """The graph that computes ``outputs`` from ``image``.

    Args:
        image: what the forward pass began with; it requires a gradient.
        outputs: its results by name.
        module: names its weights in the graph as in its ``state_dict``.
        follows: whether sizes follow that of the image, see `GraphBuilder`.

    Raises:
        ExportError: an operation that cannot be written, or an output that does not depend on the
            image by recorded operations.

    >>> image = Tensor(np.zeros((1, 3, 2, 2), "float32"), requires_grad=True)
    >>> graph = replay(image, {"doubled": image + image})
    >>> graph.nodes, graph.shapes["doubled"]
    ((Node(operator='Add', inputs=('image', 'image'), outputs=('doubled',), attributes={}),),
     (1, 3, 2, 2))
    """
    operations = recorded(outputs.values())
    names = {} if module is None else _names(module)
    unpoolings = _unpoolings([operation for _, operation in operations])
    builder = GraphBuilder(names, unpoolings, follows)
    values = {id(image): IMAGE}
    builder.made(IMAGE, image.shape)
    for result, operation in operations:
        if any(id(tensor) in values for tensor in operation.inputs):
            name = write(operation, Operands(operation, values, builder), builder)
            values[id(result)] = name
            builder.made(name, result.shape)
    for name, output in outputs.items():
        if id(output) not in values:
            raise ExportError(
                f"the output {name!r} does not depend on the image by operations of "
                "minicv.functional; what is computed from .data, in NumPy, cannot be exported"
            )
    wanted = {name: values[id(output)] for name, output in outputs.items()}
    shapes = {IMAGE: image.shape, **{name: output.shape for name, output in outputs.items()}}
    return Graph(_with_outputs(builder.nodes, wanted), builder.constants, shapes)


def recorded(outputs: Iterable[Tensor]) -> list[tuple[Tensor, Function]]:
    """All recorded operations behind ``outputs`` with their results, in the order of their making.

    >>> x = Tensor([1.0], requires_grad=True)
    >>> [operation.name for _, operation in recorded([(x * 2) + 1])]
    ['Multiply', 'Add']
    """
    found: dict[int, tuple[Tensor, Function]] = {}
    waiting: list[Tensor | None] = list(outputs)
    while waiting:
        tensor = waiting.pop()
        if tensor is None or tensor.creator is None or id(tensor) in found:
            continue
        found[id(tensor)] = (tensor, tensor.creator)
        waiting += tensor.creator.inputs
    return sorted(found.values(), key=lambda result: result[1].order)


def _names(module: Module) -> dict[int, str]:
    """The names of all weights and statistics, by the ``id`` of their array."""
    return {
        **{id(parameter.data): name for name, parameter in module.named_parameters()},
        **{id(buffer.data): name for name, buffer in module.named_buffers()},
    }


def _unpoolings(operations: list[Function]) -> dict[Function, Function]:
    """For each max unpooling the pooling whose places it takes.

    An unpooling holds a copy of the places. Its pooling is the one that found the same places in
    maps of the size that the unpooling makes.

    Raises:
        ExportError: there is none, or there are several.
    """
    poolings = [operation for operation in operations if isinstance(operation, MaxPool2d)]
    pairs: dict[Function, Function] = {}
    for operation in operations:
        if not isinstance(operation, MaxUnpool2d):
            continue
        places, size = to_numpy(operation.indices), tuple(operation.output_size)
        found = [
            pooling
            for pooling in poolings
            if pooling.x_shape[2:] == size
            and (*pooling.x_shape[:2], *pooling.windows.output) == places.shape
            and np.array_equal(to_numpy(pooling.indices()), places)
        ]
        # All poolings of maps of one pixel find the same place, whatever the image.
        if not found or (len(found) > 1 and size != (1, 1)):
            raise ExportError(
                f"MaxUnpool2d: {len(found)} poolings of the network have found the places that it "
                "takes, in maps of the size that it makes; expected one"
            )
        pairs[operation] = found[0]
    return pairs


def _with_outputs(nodes: list[Node], wanted: Mapping[str, str]) -> tuple[Node, ...]:
    """The nodes, in which the values that are wanted bear the names of the outputs."""
    made = {value for node in nodes for value in node.outputs}
    names: dict[str, str] = {}
    again: list[Node] = []
    for name, value in wanted.items():
        if value in made and value not in names:
            names[value] = name
        else:  # the image itself, or one result under two names
            again.append(Node("Identity", (names.get(value, value),), (name,)))
    renamed = (
        Node(
            node.operator,
            tuple(names.get(value, value) for value in node.inputs),
            tuple(names.get(value, value) for value in node.outputs),
            node.attributes,
        )
        for node in nodes
    )
    return (*renamed, *again)
