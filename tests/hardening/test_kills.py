"""A training that is killed or interrupted anywhere goes on to the same bits, and keeps its best.

The stops are placed at the calls to the file system; all of them, and kills at random moments:
``python -m benchmarks kills``.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import run
from hardening.stopping import FULL, INTERRUPT, KILL, Killed, count_calls, places, stopped
from hardening.trainings import best_is_the_best, detector, gan, left, toy, unfinished, whole
from label_map_folders import camvid_folder

from minicv.weights import WeightsError, load_description

PARTS = 4  # for the workers of the tests to share
EXPECTED = {KILL: Killed, INTERRUPT: KeyboardInterrupt, FULL: (OSError, WeightsError)}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """What an uninterrupted training leaves, and its calls."""
    out = tmp_path_factory.mktemp("whole") / "run"
    calls = count_calls(out, lambda: toy(out))
    return left(out), calls


def chosen(calls, how):
    """Every rename and removal, and a share of the rest, so that the tests take no minute."""
    numbers = places(calls)
    if how == FULL:
        numbers = [n for n in numbers if calls[n][0] in ("open", "write", "fsync", "mkdir")]
    kept = {KILL: ("replace", "unlink", "rmdir"), INTERRUPT: ("replace",), FULL: ()}[how]
    often = {KILL: 4, INTERRUPT: 9, FULL: 5}[how]
    return [n for i, n in enumerate(numbers) if calls[n][0] in kept or i % often == 0]


def resumed(out, how, error, start):
    """Check what stands there after a stop, and go on."""
    assert isinstance(error, EXPECTED[how]), repr(error)
    if out.exists():
        whole(out)
        assert how == KILL or not unfinished(out)
    start(resume=True)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("how", [KILL, INTERRUPT, FULL])
def test_a_stop_at_each_call_changes_no_bit_in_the_end(tmp_path, reference, how, part):
    wanted, calls = reference
    numbers = chosen(calls, how)[part::PARTS]
    assert len(numbers) >= 3
    for number in numbers:
        out = tmp_path / str(number)
        error = stopped(out, number, how, lambda: toy(out))  # noqa: B023
        resumed(out, how, error, lambda resume: toy(out, resume))  # noqa: B023
        assert left(out) == wanted, (number, calls[number])
        assert best_is_the_best(out, "mIoU")


def test_two_stops_in_one_training(tmp_path, reference):
    wanted, calls = reference
    renames = [number for number, (name, _) in enumerate(calls) if name == "replace"]
    for first in renames[:6:2]:
        out = tmp_path / str(first)
        assert isinstance(stopped(out, first, KILL, lambda: toy(out)), Killed)  # noqa: B023
        again = lambda: toy(out, resume=True)  # noqa: B023, E731
        assert isinstance(stopped(out, 12, KILL, again), Killed)
        again()
        assert left(out) == wanted


@pytest.mark.skipif(os.name != "posix", reason="a process that ends by itself, with locks of POSIX")
def test_processes_that_are_really_gone(tmp_path, reference):
    wanted, calls = reference
    renames = [number for number, (name, _) in enumerate(calls) if name == "replace"]
    for number in (renames[1], renames[5] - 3):
        out = tmp_path / str(number)
        command = [sys.executable, "-m", "hardening.trainings", str(out), str(number)]
        done = subprocess.run(command, cwd=Path(__file__).parents[1], check=False)
        assert done.returncode == 137 and unfinished(out)  # the lock at least
        toy(out, resume=True)
        assert left(out) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("system", ["rcnn", "spp_net"])
def test_a_stop_while_the_svms_are_fitted(tmp_path, system, capsys):
    """Both failed at every --resume where the best weights had been lost."""
    whole_run = tmp_path / "whole"
    calls = count_calls(whole_run, lambda: detector(system, whole_run))
    wanted = left(whole_run)
    after = max(number for number, call in enumerate(calls) if call == ("replace", "history.png"))
    renames = [number for number, call in enumerate(calls) if call[0] == "replace"]
    features = [number for number, call in enumerate(calls) if call[1].endswith(".npy")]
    best = [number for number in renames if number > after and calls[number][1] == "best.npz"]
    assert len(best) == 1 and features[0] > after
    for how, number in [
        (KILL, after + 1), (KILL, features[1]), (INTERRUPT, features[3]), (FULL, features[2]),
        (KILL, best[0] - 2), (KILL, best[0]), (INTERRUPT, best[0]),
    ]:  # fmt: skip
        out = tmp_path / f"{how} {number}"
        error = stopped(out, number, how, lambda: detector(system, out))  # noqa: B023
        resumed(out, how, error, lambda resume: detector(system, out, resume))  # noqa: B023
        assert left(out) == wanted, (how, number, calls[number])
        assert best_is_the_best(out, "AP50") and not unfinished(out)
        detector(system, out, resume=True)  # there is nothing left to do
        assert left(out) == wanted


@pytest.mark.slow
def test_best_weights_of_a_training_that_is_overwritten_do_not_stay(tmp_path, capsys):
    """R-CNN's are weights alone: they were taken for the finished ones of the new training."""
    out, other = tmp_path / "run", tmp_path / "other"
    detector("rcnn", other, seed=1)
    wanted = left(other)
    start = lambda: detector("rcnn", out, seed=1, overwrite=True)  # noqa: E731
    start()
    detector("rcnn", out, seed=0, overwrite=True)  # now all proposals are in the cache
    calls = count_calls(tmp_path / "run", start)
    detector("rcnn", out, seed=0, overwrite=True)
    first_best = next(n for n, call in enumerate(calls) if call == ("replace", "best.npz"))
    assert isinstance(stopped(out, first_best, KILL, start), Killed)
    assert load_description(out / "last.npz")["training"]["epoch"] == 1
    assert "training" not in load_description(out / "best.npz")  # of the old training
    detector("rcnn", out, resume=True)
    assert left(out) == wanted


@pytest.mark.slow
def test_the_command_goes_on_after_a_kill(tmp_path, capsys):
    data = camvid_folder(tmp_path / "data")
    command = ["train", "encoder_decoder", "--data", data, "--epochs", 2, "--batch-size", 2]
    out = tmp_path / "whole"
    calls = count_calls(out, lambda: run(capsys, *command, "--out", out))
    wanted = left(out)
    renames = [number for number, (name, _) in enumerate(calls) if name == "replace"]
    for number in (renames[0], renames[1], renames[4], renames[6]):
        out = tmp_path / str(number)
        start = lambda: run(capsys, *command, "--out", out)  # noqa: B023, E731
        assert isinstance(stopped(out, number, KILL, start), Killed)
        status, _, _ = run(capsys, *command, "--out", out, "--resume")
        assert status == 0 and left(out) == wanted


def test_a_gan_goes_on_to_the_same_bits(tmp_path, capsys):
    """Both optimizers, the latent vectors to come and the batch statistics are all in the file."""
    calls = count_calls(tmp_path / "whole", lambda: gan(tmp_path / "whole"))
    wanted = left(tmp_path / "whole")
    lasts = [n for n, call in enumerate(calls) if call == ("replace", "last.npz")]
    assert len(lasts) == 3
    for number in (lasts[0] + 1, lasts[1]):
        out = tmp_path / str(number)
        assert isinstance(stopped(out, number, KILL, lambda: gan(out)), Killed)  # noqa: B023
        gan(out, resume=True)
        assert left(out) == wanted, (number, calls[number])
        assert best_is_the_best(out, "Fréchet distance of thumbnails") and not unfinished(out)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a signal that no process can catch")
def test_a_gan_goes_on_after_a_signal_9(tmp_path, capsys):
    options = ["--data", "farmyard:12", "--epochs", 5, "--batch-size", 4]
    options += ["--size", 16, "--filters", 4]
    command = ["train", "dcgan", *map(str, options)]
    assert run(capsys, *command, "--out", tmp_path / "whole")[0] == 0
    out = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-m", "minicv", *command, "--out", str(out)], stdout=subprocess.DEVNULL
    )
    while process.poll() is None and not (out / "best.npz").exists():
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert len(load_description(out / "last.npz")["training"]["history"]) < 5
    assert run(capsys, *command, "--out", out, "--resume")[0] == 0
    assert left(out) == left(tmp_path / "whole")
