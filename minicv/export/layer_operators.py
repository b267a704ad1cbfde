"""Layers with weights in ONNX: convolutions, normalisations, fully connected layers."""

from __future__ import annotations

import math

import numpy as np

from minicv.export.graph import Attribute, ExportError, GraphBuilder
from minicv.export.operands import Operands, Writers
from minicv.functional.batch_norm import FrozenBatchNorm
from minicv.functional.conv2d import Conv2d
from minicv.functional.conv_norm_relu import ConvNormRelu
from minicv.functional.conv_transpose2d import ConvTranspose2d
from minicv.functional.group_norm import GroupNorm
from minicv.functional.layer_norm import LayerNorm
from minicv.functional.linear import Linear
from minicv.functional.local_response_norm import LocalResponseNorm

Pair = tuple[int, int]
Options = tuple[Pair, Pair, Pair, int]  # stride, padding, dilation, groups


def convolution(operation: Conv2d, x: Operands, graph: GraphBuilder) -> str:
    """Conv."""
    return graph.add("Conv", *_weighted(x), **_attributes(operation.options))


def conv_norm_relu(operation: ConvNormRelu, x: Operands, graph: GraphBuilder) -> str:
    """Conv, with the scale of each channel folded into its weight; then Add, and Relu or Clip."""
    inputs = [x[0], _folded_weight(x, graph)]
    if x.given(3):
        x.constant(3)  # refuses a shift that depends on the image
        inputs.append(x[3])
    y = graph.add("Conv", *inputs, **_attributes(operation.options))
    if x.given(4):
        y = graph.add("Add", y, x[4])
    if operation.ceiling is None:
        return y
    if math.isinf(operation.ceiling):
        return graph.add("Relu", y)
    return graph.add("Clip", y, graph.number(0), graph.number(operation.ceiling))


def conv_transpose(operation: ConvTranspose2d, x: Operands, graph: GraphBuilder) -> str:
    """ConvTranspose."""
    attributes = _attributes(operation.options)
    attributes["output_padding"] = tuple(operation.output_padding)
    return graph.add("ConvTranspose", *_weighted(x), **attributes)


def frozen_batch_norm(operation: FrozenBatchNorm, x: Operands, graph: GraphBuilder) -> str:
    """BatchNormalization, which in ONNX always has a scale and a shift."""
    channels = x.shape(0)[1]
    scale = x[1] or graph.constant(np.ones(channels, np.float32), f"ones_{channels}")
    shift = x[2] or graph.constant(np.zeros(channels, np.float32), f"zeros_{channels}")
    mean = graph.constant(operation.running_mean)
    variance = graph.constant(operation.running_var)
    return graph.add(
        "BatchNormalization", x[0], scale, shift, mean, variance, epsilon=float(operation.eps)
    )


def layer_norm(operation: LayerNorm, x: Operands, graph: GraphBuilder) -> str:
    """Written out, for ONNX has an operator LayerNormalization from opset 17 on alone."""
    ndim = len(x.shape(0))
    axes = tuple(range(ndim - len(operation.shape), ndim))
    centered = graph.add("Sub", x[0], graph.add("ReduceMean", x[0], axes=axes, keepdims=1))
    square = graph.add("Mul", centered, centered)
    variance = graph.add("ReduceMean", square, axes=axes, keepdims=1)
    deviation = graph.add("Sqrt", graph.add("Add", variance, graph.number(operation.eps)))
    y = graph.add("Div", centered, deviation)
    y = graph.add("Mul", y, x[1]) if x.given(1) else y
    return graph.add("Add", y, x[2]) if x.given(2) else y


def group_norm(operation: GroupNorm, x: Operands, graph: GraphBuilder) -> str:
    """InstanceNormalization of the groups as channels, (N, G, values); then Mul and Add.

    ONNX has an operator GroupNormalization from opset 18 on alone, and another one from 21.
    """
    groups = operation.num_groups
    ones = graph.constant(np.ones(groups, np.float32), f"ones_{groups}")
    zeros = graph.constant(np.zeros(groups, np.float32), f"zeros_{groups}")
    rows = graph.add("Reshape", x[0], graph.lengths(0, groups, -1))
    y = graph.add("InstanceNormalization", rows, ones, zeros, epsilon=float(operation.eps))
    y = graph.add("Reshape", y, graph.add("Shape", x[0]))
    per_channel = (-1, *[1] * (len(x.shape(0)) - 2))  # (C,) -> (C, 1, 1)
    for operator, index in (("Mul", 1), ("Add", 2)):
        if x.given(index):
            values = x.constant(index).reshape(per_channel)
            y = graph.add(operator, y, graph.constant(values, x.name_of_constant(index)))
    return y


def local_response_norm(operation: LocalResponseNorm, x: Operands, graph: GraphBuilder) -> str:
    """LRN.

    Raises:
        ExportError: an even size, whose window ONNX shifts by one channel.
    """
    if operation.size % 2 == 0:
        raise ExportError(
            f"LocalResponseNorm: its size is {operation.size}; of an even window ONNX takes one "
            "channel more on the other side. Only odd sizes can be exported"
        )
    return graph.add(
        "LRN",
        x[0],
        size=int(operation.size),
        alpha=float(operation.alpha),
        beta=float(operation.beta),
        bias=float(operation.k),
    )


def linear(operation: Linear, x: Operands, graph: GraphBuilder) -> str:
    """Gemm for vectors (N, I); MatMul and Add where there are more axes."""
    if len(x.shape(0)) == 2:
        return graph.add("Gemm", *_weighted(x), transB=1)
    y = graph.add("MatMul", x[0], graph.add("Transpose", x[1], perm=(1, 0)))
    return graph.add("Add", y, x[2]) if x.given(2) else y


LAYERS: Writers = {
    Conv2d: convolution,
    ConvNormRelu: conv_norm_relu,
    ConvTranspose2d: conv_transpose,
    FrozenBatchNorm: frozen_batch_norm,
    GroupNorm: group_norm,
    LayerNorm: layer_norm,
    Linear: linear,
    LocalResponseNorm: local_response_norm,
}


def _weighted(x: Operands) -> list[str]:
    """x, weight and, where there is one, bias."""
    return [x[index] for index in range(3) if x.given(index)]


def _attributes(options: Options) -> dict[str, Attribute]:
    stride, padding, dilation, groups = options
    return {
        "strides": tuple(stride),
        "pads": (*padding, *padding),  # top, left, bottom, right
        "dilations": tuple(dilation),
        "group": groups,
    }


def _folded_weight(x: Operands, graph: GraphBuilder) -> str:
    if not x.given(2):
        return x[1]
    scale = x.constant(2)
    folded = x.constant(1) * scale[:, None, None, None]  # (O, C / groups, KH, KW)
    return graph.constant(folded, x.name_of_constant(1))
