"""``minicv export``: the file, what is said of it, and the sentences of refusal."""

import importlib

import numpy as np
import pytest
from command_line import refused, run

from minicv.models.backbones.resnet import ResNet18
from minicv.models.detection import FasterRCNNSettings
from minicv.models.segmentation import EncoderDecoderSettings, SegNetSettings
from minicv.tasks import Spec, build, save
from minicv.weights import read_safetensors

CLASSES = ("sky", "tree", "grass")


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    """A tiny segmenter that has learnt nothing; it works at 24 pixels."""
    settings = SegNetSettings(widths=(4, 6), depths=(1, 1), min_size=24, max_size=72)
    spec = Spec("segnet", CLASSES, settings)
    path = tmp_path_factory.mktemp("training") / "best.npz"
    save(path, build(spec, np.random.default_rng(0)), spec)
    return path


@pytest.fixture
def written(monkeypatch):
    """Without onnx: the file is eight bytes, and everything before it is real."""

    def onnx_bytes(graph, opset, metadata):
        written.update(graph=graph, opset=opset, metadata=metadata)
        return b"a model\n"

    written = {}
    export = importlib.import_module("minicv.export.export")
    command = importlib.import_module("minicv.cli.export")
    monkeypatch.setattr(export, "onnx_bytes", onnx_bytes)
    monkeypatch.setattr(export, "largest_difference", lambda *_: 2.5e-6)
    for module in (export, command):
        monkeypatch.setattr(module, "onnx_package", lambda: None)
    return written


def test_what_is_written_and_said(capsys, tmp_path, segmenter, written):
    out = tmp_path / "new" / "road.onnx"
    status, said, error = run(capsys, "export", "--weights", segmenter, "--out", out)
    assert (status, error) == (0, "") and out.read_bytes() == b"a model\n"
    first, image, logits, before, after, compared = said.splitlines()
    nodes = len(written["graph"].nodes)
    assert first == (f"{segmenter}: SegNet, 3 classes -> {out} (0.0 MB, opset 17, {nodes} nodes)")
    assert image == "  input  image   N 3 H W" and logits == "  output logits  N 3 H W"
    assert before.startswith("before: read the picture as RGB, 0 to 1; any size will do; 24 x 36")
    assert after.startswith("after: logits: of each class at each pixel")
    assert compared.endswith("in onnxruntime: largest difference 2.5e-06")
    assert written["metadata"]["system"] == "segnet" and written["opset"] == 17
    assert written["metadata"]["classes"] == '["sky", "tree", "grass"]'
    assert [path.name for path in out.parent.iterdir()] == ["road.onnx"]


def test_weights_for_pytorch_have_torchvisions_names(capsys, tmp_path):
    """A Faster R-CNN on a pyramid; its numbers come back, under the names of torchvision."""
    settings = FasterRCNNSettings(
        min_size=64, max_size=64, anchor_sizes=(8.0, 16.0, 32.0, 64.0), rpn_channels=8, head_units=8
    )
    spec = Spec("faster_rcnn", CLASSES, settings, "small_fpn")
    model = build(spec, np.random.default_rng(0))
    save(tmp_path / "best.npz", model, spec)
    out = tmp_path / "new" / "things.safetensors"
    arguments = ("export", "--weights", tmp_path / "best.npz", "--out", out)
    status, said, error = run(capsys, *arguments)
    assert (status, error) == (0, "")
    state = read_safetensors(out)
    assert len(state) == len(model.state_dict())
    assert f"Faster R-CNN -> {out} (" in said and f" {len(state)} entries, " in said
    for theirs, ours in (
        ("rpn.head.conv.weight", "rpn.conv.weight"),
        ("roi_heads.box_head.fc6.bias", "box_head.fc6.bias"),
        ("roi_heads.box_predictor.cls_score.weight", "box_predictor.cls_score.weight"),
        ("backbone.fpn.inner_blocks.0.weight", "backbone.fpn.inner_blocks.0.weight"),
    ):
        np.testing.assert_array_equal(state[theirs], model.state_dict()[ours])
    assert "a file stands there" in refused(capsys, *arguments)


def test_a_model_with_published_weights(capsys, tmp_path, written):
    weights = ResNet18(1000, rng=np.random.default_rng(0)).state_dict()
    file = tmp_path / "resnet18.npz"
    np.savez(file, **weights)
    out = tmp_path / "a.onnx"
    status, said, error = run(
        capsys, "export", "--model", "resnet18", "--weights", file, "--out", out, "--size", 33, 33
    )
    assert (status, error) == (0, "")
    assert said.startswith(f"{file}: resnet18 -> {out} (0.0 MB, opset 17, 50 nodes)")
    assert "  output logits  N 1000" in said and written["metadata"]["system"] == "resnet18"


def test_without_weights_and_without_a_model(capsys, tmp_path, written):
    sentence = refused(capsys, "export", "--out", tmp_path / "a.onnx")
    assert "--weights: expected a checkpoint of minicv train, or --model" in sentence
    with pytest.raises(SystemExit):
        run(capsys, "export", "--model", "resnet81", "--out", tmp_path / "a.onnx")
    assert "there is no 'resnet81'; did you mean resnet18?" in capsys.readouterr().err


def test_size_and_opset(capsys, tmp_path, written):
    settings = EncoderDecoderSettings(upsampling="transposed", widths=(4,))
    spec = Spec("encoder_decoder", CLASSES, settings)
    weights, out = tmp_path / "best.npz", tmp_path / "a.onnx"
    save(weights, build(spec, np.random.default_rng(0)), spec)
    arguments = ("export", "--weights", weights, "--out", out)
    assert "works at one size of image only; name it as size" in refused(capsys, *arguments)
    status, said, _ = run(capsys, *arguments, "--size", 30, 50, "--opset", 13)
    assert status == 0 and "resize it to 30 x 50 pixels" in said and "opset 13" in said
    assert "  input  image   N 3 30 50" in said and written["opset"] == 13


def test_a_file_that_stands_there_is_kept_unless_it_may_be_replaced(
    capsys, tmp_path, segmenter, written
):
    out = tmp_path / "road.onnx"
    out.write_bytes(b"mine")
    arguments = ("export", "--weights", segmenter, "--out", out)
    assert refused(capsys, *arguments).endswith(
        f"--out {out}: a file stands there; name another one, or say --overwrite"
    )
    assert out.read_bytes() == b"mine"
    assert run(capsys, *arguments, "--overwrite")[0] == 0
    assert out.read_bytes() == b"a model\n"


def test_where_onnxruntime_is_missing_that_is_said(
    capsys, tmp_path, segmenter, written, monkeypatch
):
    export = importlib.import_module("minicv.export.export")
    monkeypatch.setattr(export, "largest_difference", lambda *_: None)
    _, said, _ = run(capsys, "export", "--weights", segmenter, "--out", tmp_path / "a.onnx")
    assert said.splitlines()[-1] == "not compared with the model: onnxruntime is not installed"


def test_refusals(capsys, tmp_path, segmenter, written):
    out = ("--out", tmp_path / "a.onnx")
    weights = ("--weights", segmenter)

    def sentence(*arguments):
        return refused(capsys, "export", *arguments)

    assert "--opset 12: expected one of 13 to 21" in sentence(*weights, *out, "--opset", 12)
    folder = sentence("--weights", segmenter.parent, *out)
    assert f"no such file, but a folder; did you mean {segmenter}?" in folder
    assert "no such file" in sentence("--weights", tmp_path / "absent.npz", *out)
    (tmp_path / "text.npz").write_text("no weights")
    assert "text.npz: not a readable .npz" in sentence("--weights", tmp_path / "text.npz", *out)
    assert "a folder stands there; name a file" in sentence(*weights, "--out", tmp_path)
    size = sentence(*weights, *out, "--size", 0, 5)
    assert size.endswith(f"{segmenter}: size 0 x 5: expected at least one pixel")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.npz"]


def test_without_onnx_nothing_is_read_or_written(capsys, tmp_path, monkeypatch):
    own = importlib.import_module

    def import_module(name, package=None):
        if name.partition(".")[0] == "onnx":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return own(name, package)

    monkeypatch.setattr(importlib, "import_module", import_module)
    sentence = refused(
        capsys, "export", "--weights", tmp_path / "absent.npz", "--out", tmp_path / "a.onnx"
    )
    assert sentence == (
        "minicv export: the package onnx, which writes the file, is not installed; install it with "
        "pip install onnx"
    )


def test_help_says_what_the_file_takes(capsys):
    with pytest.raises(SystemExit):
        run(capsys, "export", "--help")
    said = capsys.readouterr().out
    assert (
        "(N, 3, H, W), RGB in 0..1" in said
        and "--opset N" in said
        and "--size HEIGHT WIDTH" in said
    )
