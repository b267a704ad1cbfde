"""A folder or file that cannot be written to is found before any work."""

import os
import tempfile

import pytest

from minicv.files import write_whole
from minicv.tasks import folders
from minicv.tasks.folders import check_file, check_folder, file_of


def test_a_folder_that_works_is_left_as_it_was(tmp_path):
    check_folder(tmp_path / "new" / "deep")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "last.npz").write_bytes(b"kept")
    check_folder(tmp_path / "old", files=("last.npz",))
    assert [path.name for path in tmp_path.rglob("*")] == ["old", "last.npz"]


def test_a_file_stands_there(tmp_path):
    (tmp_path / "run").write_text("notes")
    with pytest.raises(OSError, match=r"--out .*run: a file stands there; name a folder"):
        check_folder(tmp_path / "run")
    with pytest.raises(OSError, match=r"--out .*run/deep: nothing can be written .*Not a dir"):
        check_folder(tmp_path / "run" / "deep")
    with pytest.raises(OSError, match="--pictures /dev/null: a file stands there"):
        check_folder("/dev/null", "--pictures")


def test_a_folder_stands_where_a_file_shall(tmp_path):
    (tmp_path / "best.npz").mkdir()
    with pytest.raises(OSError, match=r"best\.npz is a folder there"):
        check_folder(tmp_path, files=("last.npz", "best.npz"))


@pytest.mark.parametrize("folder", ["/proc/minicv", "/sys/a/b", "x" * 300])
def test_a_folder_that_cannot_be_made(folder):
    if not os.path.isdir("/proc/self"):
        pytest.skip("no /proc here")
    with pytest.raises(OSError, match="nothing can be written there"):
        check_folder(folder)


def test_a_disk_that_is_full(tmp_path, monkeypatch):
    class Full:
        def __init__(self, dir):
            pass

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *_: None  # noqa: E731

        def write(self, content):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders.tempfile, "TemporaryFile", Full)
    with pytest.raises(OSError, match=r"new: nothing can be written there \(No space left"):
        check_folder(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    assert tempfile is folders.tempfile


def test_a_folder_without_permission(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OSError, match="Permission denied"):
            check_folder(tmp_path / "new")
    finally:
        tmp_path.chmod(0o700)


def test_a_file(tmp_path):
    check_file(tmp_path / "new" / "values.json", "--json")
    (tmp_path / "old.json").write_text("{}")
    check_file(tmp_path / "old.json", "--json")
    check_file("/dev/null", "--json")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]
    with pytest.raises(OSError, match=r"--json .*: a folder stands there; name a file"):
        check_file(tmp_path, "--json")
    with pytest.raises(OSError, match=r"--json .*old\.json: a file stands there"):
        check_file(tmp_path / "old.json" / "x.json", "--json")


def test_remains_of_killed_runs_are_removed(tmp_path):
    (tmp_path / ".a_detections.png.0123456789abcdef.unfinished").write_bytes(b"half")
    (tmp_path / "a_detections.png").write_bytes(b"whole")
    check_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a_detections.png"]


def test_a_link_that_the_user_names_leads_to_its_file(tmp_path):
    """A link of a name that minicv chooses is replaced; this name the user chose."""
    (tmp_path / "results").mkdir()
    link = tmp_path / "values.json"
    link.symlink_to(tmp_path / "results" / "values.json")
    check_file(link, "--json")
    write_whole(file_of(link), b"{}")
    assert link.is_symlink() and (tmp_path / "results" / "values.json").read_bytes() == b"{}"
    assert file_of("/dev/stdout").as_posix() == "/dev/stdout"
