"""``minicv train --device cuda``: the same weights, and only batches cross over to the device."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from command_line import run
from device_of_the_host import install_device
from label_map_folders import camvid_folder
from one_cell_folder import one_cell_folder

from minicv.cli import train
from minicv.weights import load_checkpoint

BATCH = 2


@pytest.fixture(autouse=True)
def device(monkeypatch):
    install_device(monkeypatch, emulated=False)  # so that rounding is the same
    monkeypatch.setattr(train, "chosen_device", lambda options: options.device or "cpu")
    to_device = "minicv.nn.module.to_device"
    move = {"cuda": cupy.asarray, "cpu": np.asarray}
    monkeypatch.setattr(to_device, lambda array, name: move[name](array))


def check_the_same_weights(here, there):
    ours, theirs = (load_checkpoint(out / "last.npz")[0] for out in (here, there))
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        # As a whole: Adam makes a full step of a gradient that is nothing but rounding.
        distance = np.linalg.norm(theirs[name] - array)
        assert distance <= 1e-3 * np.linalg.norm(array) + 1e-6, name


def test_a_segmenter(tmp_path, capsys):
    source = camvid_folder(tmp_path / "CamVid")  # 4 images to train on, 2 to validate on
    command = ("train", "fcn8s", "--data", source, "--batch-size", BATCH, "--balance", 0)
    here = (*command, "--out", tmp_path / "here")
    there = (*command, "--out", tmp_path / "there", "--device", "cuda")
    assert run(capsys, *here, "--epochs", 1)[0] == 0
    with cupy.recorded_places() as (waits, sent):
        status, _, error = run(capsys, *there, "--epochs", 1)
    assert status == 0, error
    assert sent == {
        "nn/module.py": sent["nn/module.py"],  # the weights, at the beginning
        # Of two steps pixels and labels; of the validation pixels and labels of a batch for the
        # loss, and the pixels of each image for the prediction.
        "models/segmentation/segmenter.py": 2 * 2 + 2 + 2,
    }
    assert waits == {
        "training/step.py": 2 + 1,  # in each step, and in the validation
        "optim/clipping.py": 2,
        "models/segmentation/segmenter.py": 2 * 2,  # label maps and probabilities come back
        # The checkpoints that are written after an epoch.
        **{place: waits[place] for place in ("nn/module.py", "optim/optimizer.py")},
    }
    # The state is loaded to where the weights are, and training goes on there.
    for command in (here, there):
        status, _, error = run(capsys, *command, "--epochs", 2, "--resume")
        assert status == 0, error
    check_the_same_weights(tmp_path / "here", tmp_path / "there")


def test_a_detector(tmp_path, capsys):
    source = one_cell_folder(tmp_path / "voc")
    command = ("train", "faster_rcnn", "--data", source, "--min-size", 48, "--epochs", 2)
    assert run(capsys, *command, "--out", tmp_path / "here")[0] == 0
    status, _, error = run(capsys, *command, "--out", tmp_path / "there", "--device", "cuda")
    assert status == 0, error
    check_the_same_weights(tmp_path / "here", tmp_path / "there")
