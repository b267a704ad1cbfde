"""A training that is interrupted says with which command it goes on; that command works."""

import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
from command_line import run
from label_map_folders import camvid_folder

from minicv.cli.main import main
from minicv.cli.train import command_to_go_on
from minicv.tasks import training
from minicv.weights import load_checkpoint


@pytest.mark.parametrize(
    ("words", "overwrite", "command"),
    [
        (["--out", "a"], False, "minicv train segnet --out a --resume"),
        (["--out", "my runs"], True, "minicv train segnet --out 'my runs' --resume"),
        (["--resume", "--out", "a"], False, "minicv train segnet --resume --out a"),
        (["--res", "--out", "a"], True, "minicv train segnet --res --out a"),
        (["--overwrite", "--out", "a"], False, "minicv train segnet --out a --resume"),
        (["--overw", "--out", "a"], True, "minicv train segnet --overw --out a"),
    ],
)
def test_the_command_that_goes_on(words, overwrite, command):
    assert command_to_go_on(["train", "segnet", *words], overwrite) == command


@pytest.fixture
def command(tmp_path):
    data = camvid_folder(tmp_path / "Cam Vid")
    options = ["--epochs", "3", "--batch-size", "2", "--out", str(tmp_path / "my run")]
    return ["train", "segnet", "--data", data, *options]


def interrupt_after(monkeypatch, epochs):
    real = training.write_history

    def write_history(folder, about, history):
        real(folder, about, history)
        if len(history) == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "write_history", write_history)


def test_the_sentence_names_a_command_that_works(command, tmp_path, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)
        status, _, error = run(capsys, *command)
    assert status == 130 and len(error.splitlines()) == 1
    said, _, shown = error.strip().partition("; go on with: ")
    assert said == "minicv train: interrupted"
    words = shlex.split(shown)
    assert words == ["minicv", *command, "--resume"]
    status, text, _ = run(capsys, *words[1:])
    assert status == 0 and "going on from epoch 2 of 3 (1 done)" in text
    assert load_checkpoint(tmp_path / "my run" / "last.npz")[1]["training"]["epoch"] == 3
    status, text, _ = run(capsys, *words[1:])
    assert status == 0 and "nothing left to do: 3 of 3 epochs are done" in text


def test_before_the_first_epoch_an_earlier_training_stays(command, tmp_path, capsys, monkeypatch):
    assert run(capsys, *command)[0] == 0
    before = (tmp_path / "my run" / "last.npz").read_bytes()

    def interrupted(*arguments, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", interrupted)
        status, _, error = run(capsys, *command, "--overwrite")
    assert status == 130 and "interrupted before an epoch was saved" in error
    # Not --resume, which would go on with the training that shall be replaced.
    assert error.strip().endswith(" --overwrite") and "--resume" not in error
    assert (tmp_path / "my run" / "last.npz").read_bytes() == before
    with monkeypatch.context() as patch:
        interrupt_after(patch, 1)
        status, _, error = run(capsys, *command, "--overwrite")
    assert error.strip().endswith(" --resume") and "--overwrite" not in error


def wait_for(process, path):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_training_with_one_sentence(command, tmp_path, number, status):
    command[command.index("--epochs") + 1] = "5000"
    process = subprocess.Popen(
        [sys.executable, "-m", "minicv", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    wait_for(process, tmp_path / "my run" / "history.png")
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status
    assert len(error.splitlines()) == 1 and error.rstrip().endswith("--resume"), error
    assert "\r" not in error  # no bar where no terminal is
    files = {path.name for path in (tmp_path / "my run").iterdir()}
    assert files == {"last.npz", "best.npz", "history.json", "history.csv", "history.png"}


def test_a_program_with_an_answer_to_sigterm_keeps_it(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    own = lambda number, frame: None  # noqa: E731
    try:
        signal.signal(signal.SIGTERM, own)
        main(["eval", "--weights", "absent.npz", "--data", "farmyard"])
        assert signal.getsignal(signal.SIGTERM) is own
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        main(["eval", "--weights", "absent.npz", "--data", "farmyard"])
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.skipif(os.name != "posix", reason="a pipe of POSIX")
def test_nobody_reads_on():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "minicv", "eval", "--weights", "absent.npz", "--data", "farmyard",
         "--device", "auto"],
        stdout=writing, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode in (2, 141) and "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
