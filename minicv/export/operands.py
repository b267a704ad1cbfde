"""The inputs of an operation that is being written: values of the graph, or constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import to_numpy
from minicv.export.graph import ExportError, GraphBuilder


class Operands:
    """What stands behind each input of a recorded operation.

    Args:
        operation: as it was recorded.
        values: names of the values that were computed from the image, by the ``id`` of the tensor.
            Every other tensor is a constant.
        graph: takes the constants that are asked for.
    """

    def __init__(self, operation: Function, values: Mapping[int, str], graph: GraphBuilder) -> None:
        self.operation = operation
        self._values = values
        self._graph = graph

    def __getitem__(self, index: int) -> str:
        """The name of input ``index``, "" where it is left out."""
        tensor = self.operation.inputs[index]
        if tensor is None:
            return ""
        return self._values.get(id(tensor)) or self._graph.constant(tensor.data)

    def __len__(self) -> int:
        return len(self.operation.inputs)

    def given(self, index: int) -> bool:
        """Whether input ``index`` is there."""
        return self.operation.inputs[index] is not None

    def shape(self, index: int) -> tuple[int, ...]:
        """Of input ``index``."""
        return self._tensor(index).shape

    def constant(self, index: int) -> np.ndarray:
        """The numbers of an input that no pixel changes.

        Raises:
            ExportError: they depend on the image.
        """
        tensor = self._tensor(index)
        if id(tensor) in self._values:
            raise ExportError(
                f"{self.operation.name}: its input {index} depends on the image; only fixed "
                "weights can be exported there"
            )
        return np.asarray(to_numpy(tensor.data))

    def name_of_constant(self, index: int) -> str | None:
        """The name that the model gives to input ``index``, such as "conv1.weight"."""
        return self._graph.names.get(id(self._tensor(index).data))

    def _tensor(self, index: int) -> Tensor:
        tensor = self.operation.inputs[index]
        assert tensor is not None, f"{self.operation.name}: input {index} is left out"
        return tensor


# What writes an operation of one kind: (operation, its inputs, graph) -> the name of its result.
Writer = Callable[[Any, Operands, GraphBuilder], str]
Writers = Mapping[type[Function], Writer]
