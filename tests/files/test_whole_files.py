"""Files are written whole or not at all, several together, and to nothing but their own names."""

import errno
import io
import os
import stat
from pathlib import Path

import pytest

from minicv.files import WholeFiles, write_whole
from minicv.files.whole_files import is_device


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def full(file):
    """What fills the disk half-way."""
    file.write(b"x" * 100_000)
    raise OSError(errno.ENOSPC, "No space left on device")


def test_content_or_a_function_that_writes_it(tmp_path):
    write_whole(tmp_path / "new" / "a", b"abc")
    write_whole(tmp_path / "new" / "b", lambda file: file.write(b"def"), durable=True)
    assert (tmp_path / "new" / "a").read_bytes() == b"abc"
    assert (tmp_path / "new" / "b").read_bytes() == b"def"
    assert names(tmp_path / "new") == ["a", "b"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    """Files of proposals were private to the user, although several may share a cache."""
    (tmp_path / "by hand").write_bytes(b"")
    write_whole(tmp_path / "a", b"")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("by hand", "a")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError])
def test_what_fails_half_way_replaces_nothing(tmp_path, error):
    write_whole(tmp_path / "a", b"old")

    def fail(file):
        file.write(b"new" * 10_000)
        raise error

    with pytest.raises(error):
        write_whole(tmp_path / "a", fail)
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_no_file_takes_its_name_before_all_are_complete(tmp_path):
    for name in "ab":
        write_whole(tmp_path / name, b"old")
    with pytest.raises(OSError, match="No space"), WholeFiles() as files:
        files.write(tmp_path / "a", b"new")
        files.write(tmp_path / "b", full)
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"old", b"old"]
    assert names(tmp_path) == ["a", "b"]
    with WholeFiles(durable=True) as files:
        files.write(tmp_path / "a", b"new")
        files.write(tmp_path / "b", b"new")
        assert (tmp_path / "a").read_bytes() == b"old"
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"new", b"new"]


def test_a_planted_link_is_replaced_and_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"of somebody")
    (tmp_path / "a").symlink_to(secret)
    write_whole(tmp_path / "a", b"new")
    assert secret.read_bytes() == b"of somebody" and not (tmp_path / "a").is_symlink()


def test_names_on_the_way_cannot_be_guessed(tmp_path, monkeypatch):
    """A link of the name that was to be taken is not followed: another name is taken."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"of somebody")
    tokens = iter(["0" * 16, "1" * 16])
    monkeypatch.setattr("secrets.token_hex", lambda count: next(tokens))
    (tmp_path / f".a.{'0' * 16}.unfinished").symlink_to(secret)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", b"new")
    assert secret.read_bytes() == b"of somebody"
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_the_longest_name_that_a_disk_takes(tmp_path):
    for name in ("x" * 255, "ü" * 127):
        write_whole(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new"


def test_an_error_that_comes_when_the_file_is_closed(tmp_path, monkeypatch):
    """As from a disk of a network, which takes the bytes first and then finds no room for them."""
    write_whole(tmp_path / "a", b"old")

    class Late(io.FileIO):
        def close(self):
            if not self.closed:
                super().close()
                raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fdopen", lambda descriptor, mode: Late(descriptor, mode))
    with pytest.raises(OSError, match="quota"):
        write_whole(tmp_path / "a", b"new")
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_what_is_no_file_is_written_as_it_is(tmp_path):
    write_whole(os.devnull, b"nothing")
    assert is_device(Path(os.devnull)) and not Path(os.devnull).is_file()
    reading, writing = os.pipe()
    write_whole(f"/dev/fd/{writing}", b"through the pipe")
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"through the pipe"
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "folder", b"new")
    assert names(tmp_path) == ["folder"]


def test_no_descriptor_stays_open(tmp_path):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc here")
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        write_whole(tmp_path / f"{number}", b"new")
        with pytest.raises(OSError, match="No space"):
            write_whole(tmp_path / "full", full)
    assert len(os.listdir("/proc/self/fd")) == before
