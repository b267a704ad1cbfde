"""JSON files: folders are made, and a number that JSON lacks becomes null, however deep it lies."""

import json

import pytest

from minicv.tasks.json_files import write_json


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "new" / "folder" / "a.json"
    inf, nan = float("inf"), float("nan")
    write_json(path, {"AP": nan, "epochs": [{"loss": (0.5, inf)}, 2], "name": "Kuh, ü"})
    text = path.read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text and text.endswith("\n")
    assert json.loads(text) == {"AP": None, "epochs": [{"loss": [0.5, None]}, 2], "name": "Kuh, ü"}


def test_a_record_that_is_no_json_replaces_nothing(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"AP": 0.5})
    with pytest.raises(TypeError):
        write_json(path, {"AP": object()})
    assert json.loads(path.read_text()) == {"AP": 0.5}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
