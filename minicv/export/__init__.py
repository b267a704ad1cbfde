"""Floor 4.5: networks as ONNX files, which run without minicv."""

from minicv.export.export import Exported, export_onnx, exported
from minicv.export.graph import ExportError, Graph, Node
from minicv.export.onnx_file import INSTALL, OPSET, OPSETS

__all__ = [
    "INSTALL",
    "OPSET",
    "OPSETS",
    "ExportError",
    "Exported",
    "Graph",
    "Node",
    "export_onnx",
    "exported",
]
