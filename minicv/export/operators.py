"""How each operation of `minicv.functional` is written in ONNX.

Most operations are one operator of the same meaning, and `SAME` names it. The others have a
function, here or in one of the four files beside, which adds one node or a few to the graph and
returns the name of the result. `WITHOUT` says why some operations cannot be written.

Source: the operator reference of ONNX, opset 13 and later.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from minicv.autograd import Function
from minicv.backend import to_numpy
from minicv.export.activation_operators import ACTIVATIONS
from minicv.export.graph import ExportError, GraphBuilder
from minicv.export.layer_operators import LAYERS
from minicv.export.operands import Operands, Writers
from minicv.export.pooling_operators import POOLINGS
from minicv.export.shape_operators import SHAPES
from minicv.functional.abs import Abs
from minicv.functional.arithmetic import Add, Divide, Multiply, Negative, Subtract
from minicv.functional.batch_norm import BatchNorm
from minicv.functional.dropout import Dropout
from minicv.functional.exp import Exp
from minicv.functional.log import Log
from minicv.functional.log_softmax import LogSoftmax
from minicv.functional.matmul import Matmul
from minicv.functional.max import Max, Min
from minicv.functional.max_with_indices import MaxWithIndices, MinWithIndices
from minicv.functional.maximum import Maximum, Minimum
from minicv.functional.mean import Mean
from minicv.functional.norm import Norm
from minicv.functional.power import Power, PowerOfNumber
from minicv.functional.relu import Relu
from minicv.functional.roi_align import RoIAlign
from minicv.functional.roi_pool import RoIPool
from minicv.functional.sigmoid import Sigmoid
from minicv.functional.softmax import Softmax
from minicv.functional.sqrt import Sqrt
from minicv.functional.sum import Sum
from minicv.functional.tanh import Tanh
from minicv.functional.var import Std, Var
from minicv.functional.where import Where

SAME: Mapping[type[Function], str] = {
    Abs: "Abs",
    Add: "Add",
    Divide: "Div",
    Exp: "Exp",
    Log: "Log",
    Matmul: "MatMul",
    Maximum: "Max",
    Minimum: "Min",
    Multiply: "Mul",
    Negative: "Neg",
    Power: "Pow",
    Relu: "Relu",
    Sigmoid: "Sigmoid",
    Sqrt: "Sqrt",
    Subtract: "Sub",
    Tanh: "Tanh",
}
REDUCED: Mapping[type[Function], str] = {
    Max: "ReduceMax",
    MaxWithIndices: "ReduceMax",
    Mean: "ReduceMean",
    Min: "ReduceMin",
    MinWithIndices: "ReduceMin",
    Sum: "ReduceSum",
}
_REGIONS = (
    "which regions it reads, and how many, is decided from the pixels by sorting and suppression, "
    "which run in Python; a detector is exported up to the maps and scores before them"
)
WITHOUT: Mapping[type[Function], str] = {
    BatchNorm: "in training it normalises by statistics of the batch; call eval() first",
    Dropout: "in training it drops at random; call eval() first",
    RoIAlign: _REGIONS,
    RoIPool: _REGIONS,
}


def write(operation: Function, x: Operands, graph: GraphBuilder) -> str:
    """Add the nodes of an operation to the graph; returns the name of its result.

    Raises:
        ExportError: ONNX cannot express it; says why.
    """
    kind = type(operation)
    if kind in SAME:
        return graph.add(SAME[kind], *(x[index] for index in range(len(x))))
    if kind in WRITERS:
        return WRITERS[kind](operation, x, graph)
    reason = WITHOUT.get(kind, "minicv.export names no ONNX operator for it")
    raise ExportError(f"{operation.name} cannot be exported: {reason}")


def power_of_number(operation: PowerOfNumber, x: Operands, graph: GraphBuilder) -> str:
    """Pow by a constant."""
    return graph.add("Pow", x[0], graph.number(operation.exponent))


def softmax(operation: Softmax | LogSoftmax, x: Operands, graph: GraphBuilder) -> str:
    """Softmax or LogSoftmax."""
    return graph.add(operation.name, x[0], axis=int(operation.axis))


def reduction(
    operation: Max | MaxWithIndices | Mean | Sum, x: Operands, graph: GraphBuilder
) -> str:
    """An operator of `REDUCED`."""
    return _reduced(REDUCED[type(operation)], x[0], operation.dims, operation.keepdim, graph)


def variance(operation: Var, x: Operands, graph: GraphBuilder) -> str:
    """The squares of Sub with ReduceMean, then ReduceSum, Div, and Sqrt for the deviation."""
    dims, keepdim = operation.dims, operation.keepdim
    centered = graph.add("Sub", x[0], _reduced("ReduceMean", x[0], dims, True, graph))
    squares = _reduced("ReduceSum", graph.add("Mul", centered, centered), dims, keepdim, graph)
    y = graph.add("Div", squares, graph.number(operation.divisor))
    return graph.add("Sqrt", y) if isinstance(operation, Std) else y


def norm(operation: Norm, x: Operands, graph: GraphBuilder) -> str:
    """Abs, then ReduceMax, or Pow, ReduceSum and Pow."""
    size, dims, keepdim = graph.add("Abs", x[0]), operation.dims, operation.keepdim
    if math.isinf(operation.p):
        return _reduced("ReduceMax", size, dims, keepdim, graph)
    powers = graph.add("Pow", size, graph.number(operation.p))
    total = _reduced("ReduceSum", powers, dims, keepdim, graph)
    return graph.add("Pow", total, graph.number(1 / operation.p))


def where(operation: Where, x: Operands, graph: GraphBuilder) -> str:
    """Where, by a condition that no pixel changes."""
    condition = np.asarray(to_numpy(operation.condition)).astype(bool)
    return graph.add("Where", graph.constant(condition), x[0], x[1])


WRITERS: Writers = {
    **ACTIVATIONS,
    **LAYERS,
    **POOLINGS,
    **SHAPES,
    LogSoftmax: softmax,
    Norm: norm,
    PowerOfNumber: power_of_number,
    Softmax: softmax,
    Std: variance,
    Var: variance,
    Where: where,
    **dict.fromkeys(REDUCED, reduction),
}


def _reduced(
    operator: str, value: str, dims: tuple[int, ...], keepdim: bool, graph: GraphBuilder
) -> str:
    """The reduction of a value; its axes are an attribute here, in every opset."""
    if not dims:  # over no axis
        return value
    return graph.add(operator, value, axes=tuple(dims), keepdims=int(keepdim))
