"""The file: opsets, what onnx refuses, and what is said where onnx is not installed."""

import importlib

import numpy as np
import pytest

from minicv.export import OPSET, OPSETS, ExportError, Graph, Node, export_onnx
from minicv.export.onnx_file import _for_opset, check_opset, onnx_bytes, onnx_package
from minicv.models.backbones import SmallBackbone

MEAN = Node("ReduceMean", ("image",), ("y",), {"axes": (2, 3), "keepdims": 0})
SHAPES = {"image": ("N", 3, 4, 5), "y": ("N", 3)}


@pytest.mark.parametrize(
    ("operator", "first"), [("ReduceMean", 18), ("ReduceMax", 18), ("ReduceSum", 13)]
)
def test_axes_become_an_input_where_the_opset_has_them_there(operator, first):
    node = Node(operator, ("image",), ("y",), {"axes": (2, 3), "keepdims": 0})
    for opset in OPSETS:
        constants = {}
        own = _for_opset(node, opset, constants)
        if opset < first:
            assert own is node and not constants
        else:
            assert own.inputs == ("image", "axes_2_3") and own.attributes == {"keepdims": 0}
            assert constants["axes_2_3"].tolist() == [2, 3]
    assert dict(node.attributes) == {"axes": (2, 3), "keepdims": 0}


@pytest.mark.parametrize("opset", [0, -3, 12, 22, 99])
def test_an_opset_that_is_not_tried_is_refused(opset):
    with pytest.raises(ExportError, match=f"opset {opset}: expected one of 13 to 21; 17 suits"):
        check_opset(opset)


def test_every_opset_between_is_accepted():
    assert OPSET in OPSETS
    for opset in OPSETS:
        check_opset(opset)


def without(*names):
    """`importlib.import_module` where these packages are not installed."""
    own = importlib.import_module

    def import_module(name, package=None):
        if name.partition(".")[0] in names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return own(name, package)

    return import_module


def test_without_onnx_a_sentence_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib, "import_module", without("onnx"))
    model = SmallBackbone(2, rng=np.random.default_rng(0))
    with pytest.raises(
        ExportError, match=r"the package onnx, .* is not installed; .*pip install onnx"
    ):
        export_onnx(model, tmp_path / "m.onnx", (8, 8))
    assert list(tmp_path.iterdir()) == []


def test_an_onnx_that_does_not_load_is_not_called_missing(monkeypatch):
    def import_module(name, package=None):
        raise ImportError("libprotobuf.so: cannot open", name="google")

    monkeypatch.setattr(importlib, "import_module", import_module)
    with pytest.raises(ExportError, match=r"does not load \(libprotobuf\.so: cannot open\)"):
        onnx_package()


def test_weights_beyond_two_gigabytes_are_refused():
    large = np.broadcast_to(np.float32(0), (1 << 29,))  # which takes four bytes
    with pytest.raises(ExportError, match="its weights take 2,147,483,648 bytes"):
        onnx_bytes(Graph((MEAN,), {"w": large}, SHAPES), OPSET, {})


def onnx():
    return pytest.importorskip("onnx", reason="the package onnx is not installed")


def test_what_the_checker_refuses_is_an_error():
    onnx()
    unknown = Node("Reduze", ("image",), ("y",))
    with pytest.raises(ExportError, match=r"refuses the model: .*Reduze"):
        onnx_bytes(Graph((unknown,), {}, SHAPES), OPSET, {})


def test_an_opset_that_an_older_onnx_does_not_know(monkeypatch):
    monkeypatch.setattr(onnx().defs, "onnx_opset_version", lambda: 18)
    with pytest.raises(ExportError, match=r"opset 21: onnx .* knows those up to 18"):
        onnx_bytes(Graph((MEAN,), {}, SHAPES), 21, {})


def test_the_file_needs_no_newer_reader_than_its_opset():
    model = onnx().load_from_string(onnx_bytes(Graph((MEAN,), {}, SHAPES), 17, {"a": "b"}))
    assert model.opset_import[0].version == 17 and model.ir_version == 8
    assert model.producer_name == "minicv"
    assert {own.key: own.value for own in model.metadata_props} == {"a": "b"}
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert [own.dim_param or own.dim_value for own in dims] == ["N", 3, 4, 5]


def test_without_onnxruntime_nothing_is_compared(monkeypatch, tmp_path):
    onnx()
    monkeypatch.setattr(importlib, "import_module", without("onnxruntime"))
    model = SmallBackbone(2, rng=np.random.default_rng(0))
    assert export_onnx(model, tmp_path / "m.onnx", (8, 8)).difference is None
    assert (tmp_path / "m.onnx").stat().st_size > 1000


def test_a_file_that_computes_something_else_is_not_written(monkeypatch, tmp_path):
    onnx()
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from minicv.export import operators
    from minicv.functional.arithmetic import Subtract

    monkeypatch.setattr(operators, "SAME", {**operators.SAME, Subtract: "Add"})
    model = SmallBackbone(2, rng=np.random.default_rng(0))
    with pytest.raises(ExportError, match=r"gives other numbers than the model: .* % of 'map_8'"):
        export_onnx(model, tmp_path / "m.onnx", (8, 8))
    assert list(tmp_path.iterdir()) == []
