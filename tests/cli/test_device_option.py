"""The device option: what it chooses, and what it says when it cannot."""

import pytest
from command_line import refused, run

from minicv.backend import gpu_status

pytestmark = pytest.mark.skipif(gpu_status()[0], reason="a CUDA device works here")

# None of the files exists: the device comes first, before anything is read or written.
COMMANDS = [
    "demo",
    "train faster_rcnn --data farmyard",
    "train rcnn --data farmyard",
    "train fcn8s --data farmyard",
    "eval --weights absent.npz --data farmyard",
    "detect --weights absent.npz absent.jpg",
    "segment --weights absent.npz absent.jpg",
    "explain --weights absent.npz absent.jpg",
]


def arguments(command, out):
    """The command with a folder for its results, which eval does not have."""
    return [*command.split(), *([] if command.startswith("eval") else ["--out", out])]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_cuda_without_a_device_ends_in_one_sentence(capsys, tmp_path, command, device):
    sentence = refused(capsys, *arguments(command, tmp_path / "out"), "--device", device)
    assert sentence.startswith(f"minicv {command.split()[0]}: device: {device!r} cannot be used: ")
    assert gpu_status()[1] in sentence
    assert "pip install 'cupy-cuda12x[ctk]' or 'cupy-cuda13x[ctk]'" in sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_environment_asks_for_cuda_likewise(capsys, tmp_path, monkeypatch, command):
    monkeypatch.setenv("MINICV_DEVICE", "cuda")
    sentence = refused(capsys, *arguments(command, tmp_path / "out"))
    assert "MINICV_DEVICE: 'cuda' cannot be used: " in sentence


def test_a_device_that_is_none_is_refused(capsys, tmp_path):
    sentence = refused(capsys, "demo", "--device", "gpu", "--out", tmp_path)
    assert "device: expected 'cpu', 'cuda', 'cuda:N' or 'auto' but got 'gpu'" in sentence


@pytest.mark.parametrize("environment", [False, True])
def test_auto_says_what_it_chose_and_why(capsys, monkeypatch, environment):
    if environment:
        monkeypatch.setenv("MINICV_DEVICE", "auto")
    option = [] if environment else ["--device", "auto"]
    # The weights are missing, so the command ends after it has chosen the device.
    _, said, _ = run(capsys, "eval", "--weights", "absent.npz", "--data", "farmyard", *option)
    assert f"device: cpu ({gpu_status()[1]})" in said


def test_the_cpu_needs_no_word(capsys, monkeypatch):
    monkeypatch.delenv("MINICV_DEVICE", raising=False)
    _, said, _ = run(capsys, "eval", "--weights", "absent.npz", "--data", "farmyard")
    assert said == ""
