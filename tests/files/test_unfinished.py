"""Remains of killed runs go away; what is being written, or belongs to others, stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minicv.files import new_folder, remove_unfinished, write_whole
from minicv.files.unfinished import new_file

TOKEN = "0123456789abcdef"
KILLED = """
import os, sys
from pathlib import Path
from minicv.files import new_folder, write_whole
place = Path(sys.argv[1])
with new_folder(place / "features") as folder:
    (folder / "000000.units.npy").write_bytes(b"x" * 5000)
    write_whole(place / "last.npz", lambda file: (file.write(b"x" * 50_000), os._exit(137)))
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_killed_run_leaves_what_the_next_one_removes(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == 137
    left = names(tmp_path)
    assert [name.split(".")[1:2] for name in left] == [["features"], ["last"]]
    assert sorted(remove_unfinished(tmp_path)) == left
    assert names(tmp_path) == []


def test_what_lives_stays(tmp_path):
    descriptor, path = new_file(tmp_path / "a.npz")
    with new_folder(tmp_path / "features") as folder:
        (folder / "b").write_bytes(b"mine")
        assert remove_unfinished(tmp_path) == []
        assert (folder / "b").exists() and path.exists()
    os.close(descriptor)  # its owner ends without having removed it
    assert remove_unfinished(tmp_path) == [path.name]


def test_older_versions_left_other_names(tmp_path):
    for name in (".last.npz.4711.tmp", ".history.json.7.tmp", "tmpab_12x9z.unfinished"):
        (tmp_path / name).write_bytes(b"")
    assert len(remove_unfinished(tmp_path)) == 3


@pytest.mark.parametrize(
    "name",
    [
        "last.npz",
        ".last.npz.tmp",
        ".notes.4711.tmp",
        f"a.{TOKEN}.unfinished",
        f".a.{TOKEN}.unfinished.txt",
        f".a.{TOKEN.upper()}.unfinished",
        ".a.unfinished",
        "tmp.unfinished",
    ],
)
def test_other_names_are_never_touched(tmp_path, name):
    (tmp_path / name).write_bytes(b"of somebody")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / f".a.{TOKEN}.unfinished").write_bytes(b"of another folder")
    assert remove_unfinished(tmp_path) == []
    assert names(tmp_path) == sorted([name, "sub"])


def test_links_are_neither_followed_nor_removed(tmp_path):
    (tmp_path / "secret").write_bytes(b"of somebody")
    (tmp_path / "sub").mkdir()
    (tmp_path / f".a.{TOKEN}.unfinished").symlink_to(tmp_path / "secret")
    (tmp_path / f".b.{TOKEN}.unfinished").symlink_to(tmp_path / "sub")
    os.mkfifo(tmp_path / f".c.{TOKEN}.unfinished")
    assert remove_unfinished(tmp_path) == [] and len(names(tmp_path)) == 5


def test_a_link_in_a_folder_that_is_removed_is_not_followed(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "kept").write_bytes(b"of somebody")
    with new_folder(tmp_path / "features") as folder:
        (folder / "link").symlink_to(tmp_path / "sub")
    assert names(tmp_path) == ["sub"] and (tmp_path / "sub" / "kept").exists()


def test_a_folder_that_is_not_there(tmp_path):
    assert remove_unfinished(tmp_path / "absent") == []


def test_a_file_that_was_taken_for_remains_is_made_again(tmp_path, monkeypatch):
    """Between its making and its lock another run may remove it."""
    real, opened = os.open, []

    def opening(path, *options):
        descriptor = real(path, *options)
        if not opened:
            os.unlink(path)
        opened.append(path)
        return descriptor

    monkeypatch.setattr(os, "open", opening)
    write_whole(tmp_path / "a", b"new")
    assert len(opened) == 2 and Path(opened[0]) != Path(opened[1])
    assert (tmp_path / "a").read_bytes() == b"new" and names(tmp_path) == ["a"]
