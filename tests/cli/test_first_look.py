"""What ``minicv train`` sees of a data set before its first epoch."""

import json

import pytest
from command_line import run
from meadow_voc import COW, DUCK, VOCSet

TINY = ("--epochs", 1, "--batch-size", 2, "--min-size", 32, "--max-size", 48)


@pytest.fixture
def data(tmp_path):
    return VOCSet(tmp_path / "meadow")


def train(capsys, data, out, *options):
    return run(capsys, "train", "faster_rcnn", "--data", data.source, "--out", out, *TINY, *options)


def test_what_was_checked_is_said_before_the_first_epoch(tmp_path, capsys, data):
    status, text, error = train(capsys, data, tmp_path / "run")
    assert status == 0, error
    assert "checked 12 pictures and 24 objects in " in text
    assert text.index("checked 12") < text.index("parameters")


def test_all_truncated_pictures_are_named_before_the_first_epoch_or_skipped(tmp_path, capsys, data):
    names = ("train3", "train7", "val0")
    for name in names:
        path = data.picture(name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    status, text, error = train(capsys, data, tmp_path / "run")
    assert status == 2 and "parameters" not in text and not (tmp_path / "run").exists()
    assert all(f"{name}.jpg" in error for name in names) and "--skip-unreadable" in error
    status, text, error = train(capsys, data, tmp_path / "run", "--skip-unreadable")
    assert status == 0, error
    assert "8 training and 1 validation images" in text
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert history["epochs"][0]["step"] == 4  # of two images each


def test_classes_and_splits_that_lack_objects(tmp_path, capsys, data):
    for number in range(10):
        data.label(f"train{number}", COW)
    for number in range(2):
        data.label(f"val{number}")
    status, text, error = train(capsys, data, tmp_path / "run")
    assert status == 0, error
    assert "no object of duck in training: it cannot be learnt" in text
    assert "no object in the validation pictures: there is no AP to choose best.npz by" in text
    for number in range(10):
        data.label(f"train{number}")
    data.label("test0", COW, DUCK)
    status, _, error = train(capsys, data, tmp_path / "other")
    assert status == 2 and "no usable object in 10 pictures" in error and "minicv doctor" in error


def test_fewer_images_than_a_batch(tmp_path, capsys, data):
    _, text, _ = train(capsys, data, tmp_path / "run", "--batch-size", 16)
    assert "10 training pictures, fewer than the 16 of a batch" in text
