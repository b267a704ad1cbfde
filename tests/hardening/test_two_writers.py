"""Two trainings into one folder: the second is refused and names the first, which goes on."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from command_line import refused, run
from hardening.trainings import detector
from label_map_folders import camvid_folder

from minicv.files import locked
from minicv.weights import load_checkpoint

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")


@pytest.fixture
def command(tmp_path):
    data = camvid_folder(tmp_path / "data")
    return ["train", "segnet", "--data", data, "--batch-size", "2", "--out", str(tmp_path / "run")]


@pytest.mark.parametrize("option", [[], ["--resume"], ["--overwrite"]])
def test_the_second_is_refused_before_the_data_are_read(command, tmp_path, capsys, option):
    command[command.index("--data") + 1] = "camvid:absent"
    with locked(tmp_path / "run"):
        said = refused(capsys, *command, *option)
    assert f"another training writes to this folder (process {os.getpid()} on " in said
    assert not (tmp_path / "run").exists()


def test_a_program_that_calls_train_is_refused_too(tmp_path):
    with locked(tmp_path), pytest.raises(OSError, match="another training writes to this folder"):
        detector("faster_rcnn", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_others_may_write_beside_a_training(command, tmp_path, capsys):
    """The lock is of trainings: what is judged and predicted goes to files of its own."""
    assert run(capsys, *command, "--epochs", 1)[0] == 0
    out = tmp_path / "run"
    with locked(out):
        judge = ["eval", "--weights", out / "best.npz", "--data", command[3]]
        assert run(capsys, *judge, "--json", out / "values.json")[0] == 0
        photos = tmp_path / "data" / "test"
        assert run(capsys, "predict", photos, "--weights", out / "best.npz", "--out", out)[0] == 0
    assert json.loads((out / "values.json").read_text())["images"] == 3


@pytest.mark.slow
def test_two_processes(command, tmp_path, capsys):
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "minicv", *command, "--epochs", "5000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (out / "last.npz").exists():
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.05)
        for option in ([], ["--resume"], ["--overwrite"]):
            assert f"(process {process.pid} on " in refused(capsys, *command, *option)
        assert process.poll() is None  # and the first goes on
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    done = load_checkpoint(out / "last.npz")[1]["training"]["epoch"]
    status, text, _ = run(capsys, *command, "--epochs", done + 1, "--resume")
    assert status == 0 and f"going on from epoch {done + 1}" in text
    files = {path.name for path in out.iterdir()}
    assert files == {"last.npz", "best.npz", "history.json", "history.csv", "history.png"}
