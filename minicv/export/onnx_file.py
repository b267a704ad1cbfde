"""From a `Graph` to the bytes of an ONNX file, and the optional packages that this needs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from minicv.export.graph import IMAGE, ExportError, Graph, Node

INSTALL = "install it with pip install onnx"
OPSETS = range(13, 22)  # of ONNX's operators, each tested
OPSET = 17  # which runtimes know since 2022
AXES_ARE_INPUTS = {  # from which opset on
    "ReduceSum": 13,
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceMin"), 18),
}
SINCE = {("ScatterElements", "reduction"): 16}  # attributes that came later than the operator
_LARGEST = 2**31 - 2**20  # bytes; a file of Protocol Buffers ends at 2 GB


def onnx_package() -> Any:
    """The package onnx.

    Raises:
        ExportError: it is not installed, or does not load; says how to install it.
    """
    try:
        importlib.import_module("onnx.checker")
        importlib.import_module("onnx.helper")
        return importlib.import_module("onnx")
    except ImportError as error:
        found = error.name is not None and error.name.partition(".")[0] == "onnx"
        reason = "is not installed" if found else f"does not load ({error})"
        raise ExportError(f"the package onnx, which writes the file, {reason}; {INSTALL}") from None


def check_opset(opset: int) -> None:
    """Refuse an opset that is not one of `OPSETS`, or that the package onnx does not know yet.

    Raises:
        ExportError: says which there are.
    """
    if opset not in OPSETS:
        raise ExportError(
            f"opset {opset}: expected one of {OPSETS[0]} to {OPSETS[-1]}; {OPSET} suits most "
            "runtimes"
        )


def onnx_bytes(graph: Graph, opset: int, metadata: Mapping[str, str]) -> bytes:
    """The file, checked by onnx's own checker.

    Args:
        graph: the network.
        opset: version of ONNX's operators, one of `OPSETS`.
        metadata: texts by name that the file carries.

    Raises:
        ExportError: onnx is not installed, does not know the opset or refuses the model; or the
            weights do not fit into one file.
    """
    check_opset(opset)
    size = sum(array.nbytes for array in graph.constants.values())
    if size > _LARGEST:
        raise ExportError(
            f"its weights take {size:,} bytes, and one ONNX file holds at most 2 GB; export a "
            "smaller model"
        )
    onnx = onnx_package()
    if opset > onnx.defs.onnx_opset_version():
        raise ExportError(
            f"opset {opset}: onnx {onnx.__version__} knows those up to "
            f"{onnx.defs.onnx_opset_version()}; take a lower one, or a newer onnx"
        )
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    constants = dict(graph.constants)
    nodes = [
        helper.make_node(own.operator, own.inputs, own.outputs, **own.attributes)
        for own in (_for_opset(node, opset, constants) for node in graph.nodes)
    ]
    used = {value for node in nodes for value in node.input}
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "minicv",
            [helper.make_tensor_value_info(IMAGE, kind, graph.shapes[IMAGE])],
            [helper.make_tensor_value_info(o, kind, graph.shapes[o]) for o in graph.outputs],
            [onnx.numpy_helper.from_array(a, n) for n, a in constants.items() if n in used],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        producer_name="minicv",
    )
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    helper.set_model_props(model, dict(metadata))
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = " ".join(str(error).split())
        raise ExportError(f"onnx {onnx.__version__} refuses the model: {reason:.300}") from None
    return model.SerializeToString()


def _for_opset(node: Node, opset: int, constants: dict[str, np.ndarray]) -> Node:
    """The node as that opset writes it."""
    for name in node.attributes:
        since = SINCE.get((node.operator, name), 0)
        if opset < since:
            raise ExportError(
                f"opset {opset}: {node.operator} has no {name!r} before opset {since}; take "
                f"opset {since} or a later one"
            )
    if opset < AXES_ARE_INPUTS.get(node.operator, opset + 1):
        return node
    attributes = dict(node.attributes)
    axes = attributes.pop("axes")
    assert isinstance(axes, tuple)
    name = "axes_" + "_".join(map(str, axes))
    constants[name] = np.array(axes, np.int64)
    return Node(node.operator, (*node.inputs, name), node.outputs, attributes)
