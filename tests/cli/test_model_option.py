"""``--model NAME`` and ``--weights FILE``: which model they give, and what they refuse."""

import argparse
import hashlib
import json

import numpy as np
import pytest
from coco_scenes import coco_scenes
from command_line import picture, refused, run
from tiny_detector import SETTINGS

from minicv.cli.model_option import add_model_options, chosen_model
from minicv.cli.weights_candidates import CANDIDATES, wanted_entries
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.detection import MaskRCNN, MaskRCNNSettings
from minicv.models.published import PUBLISHED, Published, torchvision_name
from minicv.tasks import Spec, build, save
from minicv.tasks.detection import DETECTION
from minicv.tasks.instances import INSTANCES
from minicv.weights import known_files, write_safetensors

TINY = MaskRCNNSettings(
    min_size=48, max_size=48, anchor_sizes=(8.0, 16.0, 32.0, 64.0), rpn_channels=8, head_units=8,
    mask_channels=(8,), mask_predictor_channels=8, score_threshold=0.0,
    post_nms_top_n_test=6,
)  # fmt: skip


def tiny(classes, rng):
    return MaskRCNN(FPN(SmallBackbone(8, (4, 8, 16), rng=rng), 8, rng=rng), classes, TINY, rng=rng)


@pytest.fixture
def small_model(monkeypatch, tmp_path):
    """``maskrcnn_resnet50_fpn`` as a tiny network of two classes; its weights' file."""
    published = Published(
        tiny, ("cow", "person"), "box_predictor.cls_score", background=True, eps=0.0
    )
    monkeypatch.setitem(PUBLISHED, "maskrcnn_resnet50_fpn", published)
    model = tiny(("cow", "person"), np.random.default_rng(0))
    file = tmp_path / "tiny.safetensors"
    write_safetensors(file, {torchvision_name(n): a for n, a in model.state_dict().items()})
    return file


@pytest.fixture
def own(tmp_path):
    """A checkpoint of minicv train."""
    spec = Spec("faster_rcnn", ("cow", "cat"), SETTINGS, "small")
    save(tmp_path / "best.npz", build(spec, np.random.default_rng(0)), spec)
    return tmp_path / "best.npz"


def options(*words):
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    return parser.parse_args([str(word) for word in words])


def test_a_checkpoint_says_itself_what_it_is(own):
    model, task = chosen_model(options("--weights", own))
    assert task is DETECTION and model.classes == ("cow", "cat") and not model.training


def test_a_name_and_a_file(small_model):
    model, task = chosen_model(
        options("--model", "maskrcnn_resnet50_fpn", "--weights", small_model)
    )
    assert task is INSTANCES and model.classes == ("cow", "person") and not model.training


def test_a_name_alone_takes_the_file_from_the_folder_of_weights(small_model, tmp_path, monkeypatch):
    content = small_model.read_bytes()
    file = f"tiny-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    known = known_files.KnownFile("maskrcnn_resnet50_fpn", file, "nothing")
    monkeypatch.setattr(known_files, "KNOWN_FILES", (known,))
    monkeypatch.setenv("MINICV_WEIGHTS", str(tmp_path / "kept"))
    monkeypatch.setenv("MINICV_OFFLINE", "1")
    with pytest.raises(OSError, match=f"{file}: not in .*kept"):
        chosen_model(options("--model", "maskrcnn_resnet50_fpn"))
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / file).write_bytes(content)
    model, _ = chosen_model(options("--model", "maskrcnn_resnet50_fpn"))
    assert model.classes == ("cow", "person")


def test_predict_and_eval_of_a_published_model(small_model, tmp_path, capsys):
    named = ("--model", "maskrcnn_resnet50_fpn", "--weights", small_model)
    path = picture(tmp_path / "a.png")
    out = tmp_path / "out"
    status, text, error = run(capsys, "predict", *named, path, "--out", out, "--json")
    assert status == 0, error
    assert " s) -> " in text  # how long it took
    entries = json.loads((out / "instances.json").read_text())
    assert entries and {entry["category"] for entry in entries} <= {"cow", "person"}
    assert all("segmentation" in entry for entry in entries)
    source = coco_scenes(tmp_path / "set", 3)
    file = tmp_path / "values.json"
    judge = ("eval", *named, "--data", source, "--split", "train", "--json", file)
    status, text, error = run(capsys, *judge)
    assert status == 0, error
    record = json.loads(file.read_text())
    assert record["classes"] == ["cow", "person"] and record["left_out"] == ["cat", "dog", "duck"]
    assert "mask AP" in record["values"]


def test_what_is_refused(own, small_model, tmp_path, capsys):
    path = picture(tmp_path / "a.png")
    command = ("predict", path, "--out", tmp_path / "out")
    sentence = refused(capsys, *command)
    assert sentence.endswith("--weights is missing: a checkpoint of minicv train, or --model NAME")
    sentence = refused(capsys, *command, "--model", "maskrcnn_resnet50_fpn", "--weights", own)
    assert sentence == (
        f"minicv predict: {own}: a checkpoint of minicv train, which says itself what its model "
        "is; leave --model maskrcnn_resnet50_fpn away"
    )
    sentence = refused(capsys, *command, "--model", "fcn_resnet50", "--weights", small_model)
    assert (
        "tiny.safetensors: weights of another model (no entry 'backbone.conv1.weight'" in sentence
    )
    write_safetensors(tmp_path / "foreign", {"w": np.zeros(2, "f4")})
    sentence = refused(capsys, *command, "--weights", tmp_path / "foreign")
    assert sentence.endswith(
        f"foreign: safetensors, no checkpoint of minicv train; minicv weights "
        f"{tmp_path / 'foreign'} says what is in it"
    )
    (tmp_path / "text.pth").write_text("weights")
    assert "text.pth" in refused(capsys, *command, "--weights", tmp_path / "text.pth")
    assert "none.npz: no such file" in refused(capsys, *command, "--weights", "none.npz")
    assert "but a folder" in refused(capsys, *command, "--weights", tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["keypointrcnn_resnet50_fpn", "fcn_resnet50"])
def test_a_published_file_without_its_name_is_recognised(name, capsys, tmp_path, monkeypatch):
    from minicv.weights.published.reading import SAFETENSORS, WeightsFile

    shapes = wanted_entries(CANDIDATES[name])
    entries = {
        torchvision_name(entry) if "rcnn" in name else entry: np.broadcast_to(np.float32(0), shape)
        for entry, shape in shapes.items()
    }
    write_safetensors(tmp_path / "a", {"w": np.zeros(1, "f4")})
    monkeypatch.setattr(
        "minicv.cli.model_option.read_weights_file",
        lambda path: WeightsFile(SAFETENSORS, entries, {}),
    )
    command = ("eval", "--data", "farmyard:2", "--weights", tmp_path / "a")
    assert f"add --model {name}, which it fits" in refused(capsys, *command)
