"""One training a folder: the second names the first; the death of the first opens the lock."""

import os
import subprocess
import sys

import pytest

from minicv.files import check_unlocked, locked
from minicv.files.folder_lock import LOCK

HOLDS = """
import sys
from minicv.files import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_names_the_process_that_holds_it(tmp_path):
    with holder(tmp_path) as process:
        for refuse in (check_unlocked, lambda folder: locked(folder).__enter__()):
            with pytest.raises(OSError, match="another training writes to this") as refused:
                refuse(tmp_path)
            assert f"(process {process.pid} on {os.uname().nodename}, since 20" in str(
                refused.value
            )
        process.communicate("\n")
    assert list(tmp_path.iterdir()) == []
    check_unlocked(tmp_path)
    with locked(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_a_killed_owner_holds_nobody_up(tmp_path):
    with holder(tmp_path) as process:
        process.kill()
    assert (tmp_path / LOCK).exists()
    check_unlocked(tmp_path)
    with locked(tmp_path):
        assert f"process {os.getpid()} " in (tmp_path / LOCK).read_text()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_made_goes_away_if_nothing_was_written(tmp_path):
    with locked(tmp_path / "new" / "run"):
        assert (tmp_path / "new" / "run").is_dir()
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "new" / "run"):
        (tmp_path / "new" / "run" / "best.npz").write_bytes(b"")
    assert [path.name for path in (tmp_path / "new" / "run").iterdir()] == ["best.npz"]


def test_an_error_opens_the_lock(tmp_path):
    with pytest.raises(KeyboardInterrupt), locked(tmp_path):
        raise KeyboardInterrupt
    with locked(tmp_path):
        pass


def test_a_planted_link_is_not_followed(tmp_path):
    (tmp_path / "secret").write_bytes(b"of somebody")
    (tmp_path / LOCK).symlink_to(tmp_path / "secret")
    check_unlocked(tmp_path)
    with pytest.raises(OSError, match="nothing can be written there"), locked(tmp_path):
        pass
    assert (tmp_path / "secret").read_bytes() == b"of somebody"


def test_a_lock_whose_owner_left_between_opening_and_locking(tmp_path, monkeypatch):
    """The file that was opened is not there any more: another one is made."""
    real, opened = os.open, []

    def opening(path, *options):
        descriptor = real(path, *options)
        opened.append(path)
        if len(opened) == 1:
            os.unlink(path)
        return descriptor

    monkeypatch.setattr(os, "open", opening)
    with locked(tmp_path):
        assert (tmp_path / LOCK).exists() and len(opened) == 2


def test_a_full_disk_still_locks(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with locked(tmp_path), pytest.raises(OSError, match="which has not said its number yet"):
        check_unlocked(tmp_path)
