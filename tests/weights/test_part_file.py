"""A file on its way keeps what has come, and belongs to one process at a time."""

import errno
import hashlib
import json
import os
import threading

import pytest

from minicv.weights import part_file
from minicv.weights.part_file import open_part, part_and_note

URL = "https://example.org/a.pth"


def silent(text):
    raise AssertionError(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_has_come_stays_with_its_source(tmp_path):
    path = tmp_path / "new" / "a.pth"
    with pytest.raises(KeyboardInterrupt), open_part(path, silent) as part:
        assert part.size == 0 and part.came_from(URL) is None
        part.note_source(URL, '"1"', 6)
        part.write(b"abc")
        raise KeyboardInterrupt
    assert names(path.parent) == ["a.pth.part", "a.pth.part.json"]
    with open_part(path, silent) as part:
        assert part.size == 3 and part.came_from(URL) == ('"1"', 6)
        assert part.came_from("https://example.org/other/a.pth") is None
        part.write(b"def")
        assert part.sha256().hexdigest() == hashlib.sha256(b"abcdef").hexdigest()
        part.write(b"g")  # behind the rest, though all was read
        part.finish()
    assert names(path.parent) == ["a.pth"] and path.read_bytes() == b"abcdefg"


def test_a_part_without_a_byte_goes_away(tmp_path):
    with open_part(tmp_path / "a.pth", silent) as part:
        part.note_source(URL, '"1"', 6)
    assert names(tmp_path) == []
    with open_part(tmp_path / "a.pth", silent) as part:
        part.write(b"abc")
        part.empty()
        assert part.size == 0
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"no json",
        b"[]",
        b"[" * 9000,
        b"\xff",
        json.dumps({"url": URL}).encode(),
        json.dumps({"url": URL, "validator": 1, "size": 2}).encode(),
        json.dumps({"url": URL, "validator": "a\r\nHost: b", "size": 2}).encode(),
        json.dumps({"url": URL, "validator": "größe", "size": 2}).encode(),
        json.dumps({"url": URL, "validator": '"1"', "size": "2"}).encode(),
        json.dumps({"url": URL, "validator": '"1"', "size": True}).encode(),
        json.dumps({"url": URL, "validator": "1" * 20_000, "size": 2}).encode(),
    ],
)
def test_a_damaged_note_is_none(tmp_path, note):
    part, beside = part_and_note(tmp_path / "a.pth")
    part.write_bytes(b"abc")
    beside.write_bytes(note)
    with open_part(tmp_path / "a.pth", silent) as opened:
        assert opened.came_from(URL) is None


def test_another_process_waits_and_finds_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(part_file, "SECONDS_BETWEEN_LOOKS", 0.01)
    path, waiting, found = tmp_path / "a.pth", threading.Event(), []

    def wait(text):
        assert text == "a.pth: another process fetches it; waiting until that has ended"
        waiting.set()

    def other():
        with open_part(path, wait) as part:
            found.append(part)

    with open_part(path, silent) as part:
        thread = threading.Thread(target=other)
        thread.start()
        assert waiting.wait(5)
        part.write(b"abc")
        part.finish()
    thread.join(5)
    assert found == [None]
    assert names(tmp_path) == ["a.pth"] and path.read_bytes() == b"abc"


def test_another_process_takes_over_what_the_first_left(tmp_path, monkeypatch):
    monkeypatch.setattr(part_file, "SECONDS_BETWEEN_LOOKS", 0.01)
    path, waiting, found = tmp_path / "a.pth", threading.Event(), []

    def other():
        with open_part(path, lambda _: waiting.set()) as part:
            found.append(part.size)

    with open_part(path, silent) as part:
        thread = threading.Thread(target=other)
        thread.start()
        assert waiting.wait(5)
        part.write(b"abc")
    thread.join(5)
    assert found == [3]


def test_a_full_disk_says_what_stays(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_part(tmp_path / "a.pth", silent) as part:
        part.write(b"a" * 2_500_000)
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match=r"the disk is full; 2.5 MB of a.pth stay in a.pth.part"):
            part.write(b"abc")
    assert (tmp_path / "a.pth.part").stat().st_size == 2_500_000


def test_a_write_may_take_several_turns(tmp_path, monkeypatch):
    whole = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole(descriptor, data[:2]))
    with open_part(tmp_path / "a.pth", silent) as part:
        part.write(b"abcde")
        part.finish()
    assert (tmp_path / "a.pth").read_bytes() == b"abcde"


def test_where_nothing_can_be_written_the_folder_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(OSError, match=r"file: nothing can be written there \(.*; name another fol"),
        open_part(tmp_path / "file" / "a.pth", silent),
    ):
        pass
    (tmp_path / "a.pth.part").symlink_to(tmp_path / "file")  # a link is not followed
    with (
        pytest.raises(OSError, match="nothing can be written there"),
        open_part(tmp_path / "a.pth", silent),
    ):
        pass
    with open_part(tmp_path / "b.pth", silent) as part:
        part.write(b"abc")
        monkeypatch.setattr(os, "replace", lambda *_: os.mkdir(tmp_path))
        with pytest.raises(OSError, match=r"b.pth: cannot be written \(File exists\); name anot"):
            part.finish()
