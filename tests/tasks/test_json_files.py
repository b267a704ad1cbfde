"""JSON files: folders are made, and a number that JSON lacks becomes null, however deep it lies."""

import json

from minicv.tasks.json_files import write_json


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "new" / "folder" / "a.json"
    inf, nan = float("inf"), float("nan")
    write_json(path, {"AP": nan, "epochs": [{"loss": (0.5, inf)}, 2], "name": "Kuh, ü"})
    text = path.read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text and text.endswith("\n")
    assert json.loads(text) == {"AP": None, "epochs": [{"loss": [0.5, None]}, 2], "name": "Kuh, ü"}
