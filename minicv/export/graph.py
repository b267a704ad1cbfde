"""The list between a network and its ONNX file: nodes, each with the name of an ONNX operator.

A `Graph` is plain data, so that it can be made, compared and tested without the package onnx.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from minicv.autograd import Function
from minicv.backend import Array, to_numpy

Attribute = int | float | str | tuple[int, ...] | tuple[float, ...]
IMAGE = "image"  # the name of the one input


class ExportError(ValueError):
    """A model cannot be exported; the message names the operation and the reason."""


@dataclass(frozen=True)
class Node:
    """One ONNX operator at work.

    Attributes:
        operator: its name in ONNX, such as "Conv".
        inputs: names of values; "" for an optional one that is left out.
        outputs: names of values, each made by this node alone.
        attributes: by name.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A network as nodes, from the value called `IMAGE` to named outputs.

    Attributes:
        nodes: in an order in which every input of a node is there before the node.
        constants: weights and other fixed arrays, by the name of their value.
        shapes: of the image and of each output. A length is a number, or the name of one that may
            differ from call to call, such as "N".
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    shapes: Mapping[str, tuple[int | str, ...]]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(name for name in self.shapes if name != IMAGE)


class GraphBuilder:
    """Collects nodes and constants, and names them.

    Args:
        names: of arrays, by ``id``; a constant that is one of them keeps its name.
        unpoolings: for each max unpooling the pooling whose places it takes.
        follows: whether sizes are taken from other maps where they can be, so that they follow the
            size of the image; else they are numbers.

    Attributes:
        places: for each of these poolings that is written, the names of what it pools and of the
            places of the maxima.

    >>> builder = GraphBuilder()
    >>> doubled = builder.add("Mul", "image", builder.constant(np.float32(2)))
    >>> builder.nodes
    [Node(operator='Mul', inputs=('image', 'constant_1'), outputs=('mul_1',), attributes={})]
    """

    def __init__(
        self,
        names: Mapping[int, str] | None = None,
        unpoolings: Mapping[Function, Function] | None = None,
        follows: bool = False,
    ) -> None:
        self.names = names or {}
        self.unpoolings = unpoolings or {}
        self.places: dict[Function, tuple[str, str]] = {}
        self.follows = follows
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray] = {}
        self._given: dict[int, tuple[Array, str]] = {}  # keeps each array, so that ids stay unique
        self._counts: dict[str, int] = {}
        self._maps: dict[tuple[int, ...], str] = {}  # by size, the first value that has it
        self._sizes: dict[str, str] = {}  # of these values, that of their height and width

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """A node with one output; returns the output's name."""
        return self.add_with_outputs(1, operator, *inputs, **attributes)[0]

    def add_with_outputs(
        self, outputs: int, operator: str, *inputs: str, **attributes: Attribute
    ) -> tuple[str, ...]:
        """A node with several outputs; returns their names."""
        made = tuple(self._new_name(operator.lower()) for _ in range(outputs))
        self.nodes.append(Node(operator, inputs, made, attributes))
        return made

    def constant(self, array: Array, name: str | None = None) -> str:
        """The name of an array, which is kept once; floats of any width become float32.

        Args:
            array: of numbers.
            name: that it would like to have; by default that of the builder's ``names``.
        """
        if id(array) in self._given:
            return self._given[id(array)][1]
        host = np.asarray(to_numpy(array))
        if host.dtype.kind == "f":
            host = host.astype(np.float32, copy=False)
        name = name or self.names.get(id(array))
        taken = None if name is None else self.constants.get(name)
        if taken is not None and (taken.shape != host.shape or not np.array_equal(taken, host)):
            name = self._new_name(f"{name}_")  # one weight, folded with two normalisations
        name = name or self._new_name("constant")
        self.constants[name] = host
        self._given[id(array)] = array, name
        return name

    def made(self, name: str, shape: tuple[int, ...]) -> None:
        """Note a value that later ones may take their size from."""
        if len(shape) == 4:
            self._maps.setdefault(shape[2:], name)

    def size(self, height: int, width: int) -> str:
        """A value of two lengths: those of maps of that size, or the numbers themselves.

        >>> builder = GraphBuilder(follows=True)
        >>> builder.made("image", (1, 3, 32, 48))
        >>> builder.size(32, 48), builder.nodes[-1].operator
        ('slice_1', 'Slice')
        """
        maps = self._maps.get((height, width)) if self.follows else None
        if maps is None:
            return self.lengths(height, width)
        if maps not in self._sizes:
            shape = self.add("Shape", maps)
            self._sizes[maps] = self.add("Slice", shape, self.lengths(2), self.lengths(4))
        return self._sizes[maps]

    def number(self, value: float) -> str:
        """A number as a constant."""
        return self.constant(np.array(value, np.float32), f"number_{value:g}")

    def lengths(self, *numbers: int) -> str:
        """Whole numbers as a constant, as shapes, starts and ends are."""
        for name, array in self.constants.items():
            if array.dtype == np.int64 and array.ndim == 1 and array.tolist() == [*numbers]:
                return name
        return self.constant(np.array(numbers, np.int64))

    def _new_name(self, stem: str) -> str:
        self._counts[stem] = self._counts.get(stem, 0) + 1
        return f"{stem}_{self._counts[stem]}"


def is_same(one: Graph, other: Graph) -> bool:
    """Whether two graphs have the same nodes and constants; the shapes may differ.

    >>> graph = Graph((Node("Relu", ("image",), ("y",)),), {}, {"image": (1, 3), "y": (1, 3)})
    >>> is_same(graph, Graph(graph.nodes, {}, {"image": (2, 3), "y": (2, 3)}))
    True
    """
    return (
        one.nodes == other.nodes
        and one.constants.keys() == other.constants.keys()
        and all(
            array is other.constants[name] or np.array_equal(array, other.constants[name])
            for name, array in one.constants.items()
        )
    )
