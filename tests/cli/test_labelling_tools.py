"""Forty pictures as each labelling tool writes them: looked through, learnt, judged, detected."""

import json
import subprocess
import sys

import pytest
from command_line import run
from labelling_tools import CLASSES, COUNT, EMPTY, SIZE, WRITERS, labelled_by, scenes
from PIL import Image


def contents(folder):
    """Every file below a folder, with its bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("tool", WRITERS)
def test_from_the_tools_files_to_detections(tool, tmp_path, capsys):
    folder = tmp_path / "labelled by hand"
    data = labelled_by(tool, folder)
    before = contents(folder)

    status, out, error = run(capsys, "doctor", data)
    assert status == 0, out + error
    assert "cow" in out and "duck" in out

    weights = tmp_path / "run" / "best.npz"
    training = ["--epochs", "2", "--batch-size", "4"]
    status, out, error = run(
        capsys, "train", "faster_rcnn", "--data", data, "--out", weights.parent, *training
    )
    assert status == 0, error
    assert f"{COUNT - 4} training and 4 validation images" in out or tool == "yolo_yaml"
    assert "classes cow, duck" in out

    values = tmp_path / "values.json"
    status, out, error = run(capsys, "eval", "--weights", weights, "--data", data, "--json", values)
    assert status == 0, error
    assert "validation" in out  # which judges, since there are no test pictures
    assert 0 <= json.loads(values.read_text())["values"]["AP50"] <= 1

    picture = tmp_path / "found" / "holiday 1.jpg"
    picture.parent.mkdir()
    Image.fromarray(scenes()[0].pixels).save(picture)
    status, out, error = run(
        capsys, "detect", picture, "--weights", weights, "--out", tmp_path / "found", "--json"
    )
    assert status == 0, error
    with Image.open(tmp_path / "found" / "holiday 1_detections.png") as drawn:
        assert drawn.size >= SIZE[::-1]

    assert contents(folder) == before  # nothing was written among a user's own files


@pytest.mark.parametrize("tool", WRITERS)
def test_the_doctor_counts_the_same_objects_whoever_wrote_them(tool, tmp_path, capsys):
    data = labelled_by(tool, tmp_path / "data")
    status, _, _ = run(capsys, "doctor", data, "--out", tmp_path / "report")
    assert status == 0
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    counts = [split["objects"] for split in report["splits"].values()]
    labels = [label for scene in scenes() for label in scene.labels]
    for name in CLASSES:
        assert sum(count[name] for count in counts) == labels.count(name)
    assert sum(split["pictures"] for split in report["splits"].values()) == COUNT
    (without,) = (f for f in report["findings"] if f["kind"] == "picture without objects")
    (place,) = without["places"]
    assert scenes()[EMPTY].name in place["where"]


def test_in_a_shell(tmp_path):
    data = labelled_by("labelimg", tmp_path / "data")
    ended = subprocess.run(
        [sys.executable, "-m", "minicv", "doctor", data], capture_output=True, text=True
    )
    assert ended.returncode == 0 and "Traceback" not in ended.stderr, ended.stderr
