"""Activations in ONNX that need more than one node, or a number beside them."""

from __future__ import annotations

import math

from minicv.export.graph import GraphBuilder
from minicv.export.operands import Operands, Writers
from minicv.functional.clip import Clip
from minicv.functional.elu import Elu
from minicv.functional.gelu import CUBIC, LINEAR, Gelu, GeluTanh
from minicv.functional.leaky_relu import LeakyRelu
from minicv.functional.prelu import PRelu
from minicv.functional.relu6 import Relu6
from minicv.functional.silu import Silu


def clip(operation: Clip, x: Operands, graph: GraphBuilder) -> str:
    """Clip, with one limit or two."""
    return graph.add("Clip", x[0], *_limits(graph, operation.min, operation.max))


def relu6(operation: Relu6, x: Operands, graph: GraphBuilder) -> str:
    """Clip to 0..6."""
    return graph.add("Clip", x[0], *_limits(graph, 0, 6))


def leaky_relu(operation: LeakyRelu, x: Operands, graph: GraphBuilder) -> str:
    """LeakyRelu."""
    return graph.add("LeakyRelu", x[0], alpha=float(operation.negative_slope))


def elu(operation: Elu, x: Operands, graph: GraphBuilder) -> str:
    """Elu."""
    return graph.add("Elu", x[0], alpha=float(operation.alpha))


def prelu(operation: PRelu, x: Operands, graph: GraphBuilder) -> str:
    """PRelu; its slopes (C, 1, 1) broadcast against x."""
    slopes = x.constant(1)
    axes = len(x.shape(0)) - 2
    if slopes.size == 1 or axes < 1:
        return graph.add("PRelu", x[0], x[1])
    name = x.name_of_constant(1)
    return graph.add("PRelu", x[0], graph.constant(slopes.reshape(-1, *[1] * axes), name))


def silu(operation: Silu, x: Operands, graph: GraphBuilder) -> str:
    """x times its Sigmoid."""
    return graph.add("Mul", x[0], graph.add("Sigmoid", x[0]))


def gelu(operation: Gelu, x: Operands, graph: GraphBuilder) -> str:
    """x (1 + Erf(x / √2)) / 2; ONNX has an operator Gelu from opset 20 on alone."""
    inner = graph.add("Erf", graph.add("Mul", x[0], graph.number(math.sqrt(0.5))))
    twice = graph.add("Mul", x[0], graph.add("Add", inner, graph.number(1)))
    return graph.add("Mul", twice, graph.number(0.5))


def gelu_tanh(operation: GeluTanh, x: Operands, graph: GraphBuilder) -> str:
    """x times the Sigmoid of x (LINEAR + CUBIC x²)."""
    square = graph.add("Mul", x[0], x[0])
    factor = graph.add("Mul", square, graph.number(CUBIC))
    factor = graph.add("Add", factor, graph.number(LINEAR))
    return graph.add("Mul", x[0], graph.add("Sigmoid", graph.add("Mul", x[0], factor)))


ACTIVATIONS: Writers = {
    Clip: clip,
    Elu: elu,
    Gelu: gelu,
    GeluTanh: gelu_tanh,
    LeakyRelu: leaky_relu,
    PRelu: prelu,
    Relu6: relu6,
    Silu: silu,
}


def _limits(graph: GraphBuilder, low: float | None, high: float | None) -> list[str]:
    limits = ["" if limit is None else graph.number(limit) for limit in (low, high)]
    return limits if limits[1] else limits[:1]
