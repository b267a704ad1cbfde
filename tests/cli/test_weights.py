"""``minicv weights``: what it prints of each form of file, which networks fit, and its status."""

import hashlib
import io
import pickle

import numpy as np
import pytest
from command_line import refused, run
from tiny_detector import SETTINGS

from minicv.cli.main import main
from minicv.cli.weights_candidates import CANDIDATES, wanted_entries
from minicv.models.published import torchvision_name
from minicv.tasks import Spec, build, save
from minicv.weights import known_files, write_safetensors


def blank(name, classes=0):
    """Entries of the names and shapes that a network needs, which take no memory."""
    shapes = wanted_entries(CANDIDATES[name], classes=classes)
    return {entry: np.broadcast_to(np.float32(0), shape) for entry, shape in shapes.items()}


def line(text, start):
    return next(line.strip() for line in text.splitlines() if line.strip().startswith(start))


@pytest.fixture
def resnet(tmp_path):
    """A ResNet-18 for 3 classes, as a training with DataParallel writes it."""
    arrays = {f"module.{name}": array for name, array in blank("resnet18", 3).items()}
    write_safetensors(tmp_path / "net", arrays)
    return tmp_path / "net"


def test_a_classifier(capsys, resnet):
    status, text, error = run(capsys, "weights", resnet)
    assert status == 0 and not error
    lines = text.splitlines()
    # 11,689,512 with 1,000 classes of 513 numbers each; 9,600 means and variances, 20 counters
    assert lines[0] == f"{resnet}: safetensors, 44.8 MB"
    assert lines[1] == (
        "  122 entries: 11,178,051 parameters and 9,620 statistics of batch normalisation; 44.8 MB "
        "of float32 (122)"
    )
    rows = [line.split() for line in lines]
    assert ["module.layer1.0", "12", "74,242"] in rows
    assert ["module.conv1", "1", "9,408", "weight", "64x3x7x7"] in rows
    assert lines[-1] == (
        "  fits: resnet18, backbone resnet18 (the file puts 'module.' before the names)"
    )


def test_all_entries(capsys, resnet):
    _, text, _ = run(capsys, "weights", "--all", resnet)
    rows = [line.split() for line in text.splitlines()]
    assert ["module.layer4.1.conv2.weight", "float32", "512x512x3x3"] in rows
    assert ["module.bn1.num_batches_tracked", "float32", "one", "number"] in rows
    assert len(rows) == 2 + 1 + 122 + 1


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("resnet50", "resnet50, backbone resnet50"),
        ("fcn_resnet50", "fcn_resnet50, backbone resnet50"),
        ("efficientnet_lite0", "efficientnet_lite0, backbone efficientnet_lite0"),
        (
            "maskrcnn_resnet50_fpn",
            "maskrcnn_resnet50_fpn, fasterrcnn_resnet50_fpn, backbone resnet50",
        ),
        (
            "keypointrcnn_resnet50_fpn",
            "keypointrcnn_resnet50_fpn, fasterrcnn_resnet50_fpn, backbone resnet50",
        ),
    ],
)
def test_published_networks(capsys, tmp_path, monkeypatch, name, fitting):
    from minicv.weights.published.reading import WeightsFile

    arrays = {torchvision_name(entry): array for entry, array in blank(name).items()}
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.setattr(
        "minicv.cli.weights.read_weights_file", lambda path: WeightsFile("form", arrays, {})
    )
    _, text, _ = run(capsys, "weights", tmp_path / "a")
    assert line(text, "fits").partition(" (")[0] == f"fits: {fitting}"
    assert len(text.splitlines()) < 32  # legible, whatever is in it


def test_alexnet_is_torchvisions():
    """The fault before: the paper's AlexNet was expected, of 96 and 256 channels in groups."""
    assert wanted_entries(CANDIDATES["alexnet"])["features.0.weight"] == (64, 3, 11, 11)


def test_the_nearest_and_what_it_lacks(capsys, tmp_path):
    arrays = blank("resnet18")
    for number in range(1, 6):
        del arrays[f"layer{min(number, 4)}.{number // 5}.conv1.weight"]
    arrays["conv1.weight"] = np.zeros((64, 1, 7, 7), "f4")
    arrays["bn1.bias"] = np.zeros(3, "f4")
    write_safetensors(tmp_path / "net", arrays)
    status, text, _ = run(capsys, "weights", tmp_path / "net")
    assert status == 0
    assert line(text, "fits") == (
        "fits: no network that minicv has; the nearest is resnet18: 95 of 102 entries are there"
    )
    assert line(text, "missing") == (
        "missing: layer1.0.conv1.weight 64x64x3x3, layer2.0.conv1.weight 128x64x3x3, "
        "layer3.0.conv1.weight 256x128x3x3, layer4.0.conv1.weight 512x256x3x3 and 1 more"
    )
    assert line(text, "of another shape") == (
        "of another shape: conv1.weight is 64x1x7x7, not 64x3x7x7, bn1.bias is 3, not 64"
    )


def test_names_of_detectron2(capsys, tmp_path):
    names = {
        "backbone.bottom_up.stem.conv1.weight": (64, 3, 7, 7),
        "backbone.bottom_up.stem.conv1.norm.weight": (64,),
        "backbone.fpn_lateral2.weight": (256, 256, 1, 1),
        "roi_heads.box_predictor.cls_score.weight": (81, 1024),
        "pixel_mean": (3, 1, 1),
    }
    arrays = {name: np.zeros(shape, "f4") for name, shape in names.items()}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"model": arrays, "__author__": "x"}, 4))
    _, text, _ = run(capsys, "weights", tmp_path / "a.pkl")
    assert f"{tmp_path / 'a.pkl'}: pickle of NumPy arrays" in text
    # The mean and the variance of the batch normalisation are added.
    assert "names of detectron2; of 5 entries 6 are known" not in text
    assert line(text, "names").startswith("names of detectron2; 4 of 5 entries are known")


def test_a_checkpoint(capsys, tmp_path):
    spec = Spec("faster_rcnn", ("cow", "cat"), SETTINGS, "small")
    save(tmp_path / "a.npz", build(spec, np.random.default_rng(0)), spec)
    status, text, _ = run(capsys, "weights", tmp_path / "a.npz")
    lines = text.splitlines()
    assert status == 0 and lines[0].startswith(f"{tmp_path / 'a.npz'}: checkpoint of minicv train")
    assert lines[1] == "  faster_rcnn on small, of cow, cat"
    assert line(text, "fits") == (
        "fits: minicv predict and minicv eval (--weights), minicv train (--backbone-weights)"
    )
    rows = [line.split()[:2] for line in lines]
    assert ["rpn.conv", "2"] in rows and ["box_predictor.bbox_pred", "2"] in rows


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ({"system": "fcn8s", "classes": ["a"], "training": {"epoch": 3}}, "fcn8s, of a; 3 epochs"),
        ({"system": "x", "classes": ["a"], "chosen_from": [{}]}, "x, of a; 1 epoch"),
        ({}, "unknown system, of unknown classes"),
        ({"system": [1], "classes": 3, "training": {"epoch": "x"}}, "[1], of unknown classes"),
        ({"system": "\x1b[2J", "classes": ["\n"]}, r"\x1b[2J, of \n"),
    ],
)
def test_what_a_checkpoint_says_of_itself(description, said):
    from minicv.cli.weights import _training

    assert _training(description).startswith(said)


def test_several_files_of_which_one_is_none(capsys, tmp_path, resnet):
    (tmp_path / "page.pth").write_bytes(b"<html>404</html>")
    status, text, error = run(capsys, "weights", tmp_path / "page.pth", resnet, tmp_path / "none")
    assert status == 2 and "fits: resnet18" in text
    assert [line.partition(" ")[0] for line in error.splitlines()] == ["minicv", "minicv"]
    assert "page.pth: it is a web page (HTML)" in error and "none: no such file" in error


def test_bad_calls(capsys, tmp_path):
    assert "a folder, expected a file of weights" in refused(capsys, "weights", tmp_path)
    sentence = refused(capsys, "weights")
    assert sentence == (
        "minicv weights: FILE is missing: files of weights to describe, or --fetch NAME"
    )
    sentence = refused(capsys, "weights", tmp_path / "a", "--folder", tmp_path)
    assert "--folder says where --fetch NAME keeps a file" in sentence
    with pytest.raises(SystemExit):
        main(["weights", "--fetch"])
    assert "expected one argument" in capsys.readouterr().err


def test_files_are_fetched_by_name_and_kept(capsys, tmp_path, monkeypatch, resnet):
    content = resnet.read_bytes()
    digits = hashlib.sha256(content).hexdigest()[:8]
    server, kept, usual = tmp_path / "server", tmp_path / "kept", tmp_path / "usual"
    server.mkdir()
    (server / f"net-{digits}.pth").write_bytes(content)
    monkeypatch.setattr(
        known_files, "KNOWN_FILES", (known_files.KnownFile("tiny", f"net-{digits}.pth", "nothing"),)
    )
    monkeypatch.setattr(known_files, "BASE", f"{server.as_uri()}/")
    monkeypatch.setenv("MINICV_WEIGHTS", str(usual))
    command = ("weights", "--fetch", "tiny")
    assert run(capsys, *command, "--folder", kept) == (0, f"{kept / f'net-{digits}.pth'}\n", "")
    assert (kept / f"net-{digits}.pth").read_bytes() == content
    # Where none is named, the folder of all commands; and a file that is described beside.
    status, text, error = run(capsys, *command, resnet)
    assert status == 0 and not error
    assert text.splitlines()[:3] == [
        str(usual / f"net-{digits}.pth"), "", f"{resnet}: safetensors, 44.8 MB",
    ]  # fmt: skip
    # A file that is there is not fetched again.
    (server / f"net-{digits}.pth").unlink()
    assert run(capsys, *command)[:2] == (0, f"{usual / f'net-{digits}.pth'}\n")
    # What cannot be had is a sentence each; the others go on.
    url = (server / f"net-{digits}.pth").as_uri()
    again = ("--fetch", "huge", "--fetch", url, "--fetch", "tiny", "--folder", usual)
    status, text, error = run(capsys, "weights", *again)
    assert status == 2 and text == f"{usual / f'net-{digits}.pth'}\n" * 2
    assert (
        "minicv weights: 'huge': no published file is known by this name; known are tiny" in error
    )
    assert run(capsys, "weights", "--fetch", url, "--folder", tmp_path / "none")[0] == 2
    assert not list((tmp_path / "none").glob("net*.pth"))


def test_names_that_would_steer_a_terminal(capsys, tmp_path):
    stream = io.BytesIO()
    np.savez(stream, **{"\x1b[2Jw": np.zeros(2), "a" * 300: np.zeros(2)})
    (tmp_path / "a.npz").write_bytes(stream.getvalue())
    for option in ([], ["--all"]):
        _, text, _ = run(capsys, "weights", tmp_path / "a.npz", *option)
        assert "\x1b" not in text and r"\x1b[2Jw" in text
        assert max(map(len, text.splitlines())) < 200
    write_safetensors(tmp_path / "none", {})
    status, text, _ = run(capsys, "weights", tmp_path / "none")
    assert status == 0 and "0 entries: 0 parameters; 0 bytes of nothing" in text


def test_very_many_entries_stay_legible(capsys, tmp_path):
    write_safetensors(tmp_path / "a", {f"{n}.w": np.zeros(1, "f4") for n in range(500)})
    _, text, _ = run(capsys, "weights", tmp_path / "a")
    assert "and 476 entries more: --all prints them" in text
    assert line(text, "fits") == "fits: no network that minicv has, nor is one near"
