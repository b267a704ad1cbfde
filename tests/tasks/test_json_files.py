"""JSON files: folders are made, and a number that JSON lacks becomes null, however deep it lies."""

import json
import os
from pathlib import Path

import pytest

from minicv.tasks.json_files import write_json, write_whole


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "new" / "folder" / "a.json"
    inf, nan = float("inf"), float("nan")
    write_json(path, {"AP": nan, "epochs": [{"loss": (0.5, inf)}, 2], "name": "Kuh, ü"})
    text = path.read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text and text.endswith("\n")
    assert json.loads(text) == {"AP": None, "epochs": [{"loss": [0.5, None]}, 2], "name": "Kuh, ü"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, {"AP": 0.5})
    with pytest.raises(TypeError):
        write_json(path, {"AP": object()})

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"AP": 0.75})
    assert json.loads(path.read_text()) == {"AP": 0.5}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_link_stays_and_what_is_no_file_is_written_as_it_is(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_whole(link, b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    write_whole(Path(os.devnull), b"nothing")
    assert not Path(os.devnull).is_file()
