"""A training's history: JSON, table and curves, written whole."""

import csv
import io
import json
import math
import os

import numpy as np
import pytest
from PIL import Image

from minicv.inspection.palette import LINE_COLOURS
from minicv.tasks.history import FILES, history_curves, history_table, write_history

NAN = float("nan")
HISTORY = [
    {"epoch": 1, "step": 8, "loss_a": 1.5, "loss_b": 0.5, "seconds": 2.0, "val_loss": 3.0,
     "val loss_a": 2.0, "val loss_b": 1.0, "AP50": NAN, "AP": 0.0},
    {"epoch": 2, "step": 16, "loss_a": 1.0, "loss_b": 0.25, "seconds": 2.5, "val_loss": 2.0,
     "val loss_a": 1.5, "val loss_b": 0.5, "AP50": 0.5, "AP": 0.25},
]  # fmt: skip


def test_all_three_files_hold_every_epoch(tmp_path):
    write_history(tmp_path / "new", {"seed": 3}, HISTORY)
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(FILES)
    record = json.loads((tmp_path / "new" / "history.json").read_text())
    assert record["seed"] == 3 and record["epochs"][1] == HISTORY[1]
    assert record["epochs"][0]["AP50"] is None
    rows = list(csv.DictReader(io.StringIO((tmp_path / "new" / "history.csv").read_text())))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert rows[0]["AP50"] == "" and float(rows[1]["AP50"]) == 0.5
    assert [float(row["val loss_a"]) for row in rows] == [2.0, 1.5]
    with Image.open(tmp_path / "new" / "history.png") as picture:
        assert picture.size == (900, 3 * 420)


def test_the_table_has_all_names_and_every_digit():
    table = history_table([{"epoch": 1, "loss": 0.1 + 0.2}, {"epoch": 2, "mIoU": math.inf}])
    rows = list(csv.reader(io.StringIO(table)))
    assert rows == [["epoch", "loss", "mIoU"], ["1", "0.30000000000000004", ""], ["2", "", ""]]
    assert history_table([]).strip() == ""


def colours_in(picture, top, bottom):
    pixels = np.asarray(picture)[top:bottom].reshape(-1, 3)
    found = {tuple(colour) for colour in np.unique(pixels, axis=0).tolist()}
    return [colour in found for colour in LINE_COLOURS[:3]]


def test_the_curves_are_the_whole_loss_its_parts_and_the_metric():
    picture = history_curves(HISTORY)
    for panel in range(3):  # two curves each
        assert colours_in(picture, panel * 420 + 90, panel * 420 + 400) == [True, True, False]
    one = history_curves([{"epoch": 1, "loss_pixels": 0.5, "val_loss": 0.4, "mIoU": 0.2}])
    assert one.size == (900, 840)  # one part needs no plot of its own
    assert colours_in(one, 510, 820) == [True, False, False]
    assert history_curves([{"epoch": 1, "loss_a": 0.5}]).size == (900, 420)


def test_a_write_that_fails_keeps_what_there_was(tmp_path, monkeypatch):
    write_history(tmp_path, {}, HISTORY[:1])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_history(tmp_path, {}, HISTORY)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
