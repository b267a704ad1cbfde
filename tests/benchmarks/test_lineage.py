"""The lecture's table: run in small, from the first proposal to the record."""

import dataclasses
import json

import pytest

from benchmarks import lineage, record
from benchmarks.lineage import NAMES, PUBLISHED, charts, table
from minicv.cli.detection_recipe import DetectionRecipe
from minicv.training import detector_files

MEASURED = {"train_seconds": 90.0, "with": 0.5, "without": 0.4, "mAP": 0.6, "bytes_on_disk": 0}


def test_table_and_charts_hold_every_system():
    systems = {name: MEASURED for name in PUBLISHED}
    lines = table(systems).splitlines()
    assert [line.split("  ")[0] for line in lines[2:]] == list(PUBLISHED)
    assert charts(systems).width > 1000


def test_run_in_small(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lineage, "FARMYARD_TEST", 2)
    monkeypatch.setattr(lineage, "ONE_OBJECT_SCENES", 4)
    quick = DetectionRecipe(epochs=1, batch_size=2, lr=0.01)
    monkeypatch.setattr(lineage, "PRETRAINING", quick)
    monkeypatch.setattr(lineage, "RECIPES", {system: {"small": quick} for system in NAMES})
    few = {"max_proposals": 20, "head_units": 16}
    for system in ("rcnn", "spp_net", "fast_rcnn"):
        settings = dataclasses.replace(detector_files.SETTINGS[system]["small"], **few)
        monkeypatch.setitem(detector_files.SETTINGS[system], "small", settings)
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")

    assert lineage.main(["--data", "farmyard:3", "--out", str(tmp_path / "out")]) == 0
    kept = json.loads((tmp_path / "results" / "lineage_farmyard.json").read_text())
    assert list(kept["systems"]) == list(NAMES.values())
    for name, measured in kept["systems"].items():
        keeps_features = name in ("R-CNN", "SPP-net")
        assert (measured["bytes_on_disk"] > 0) == keeps_features == ("variants" in measured)
        assert measured["train_seconds"] > 0 and 0 <= measured["mAP"] <= 1
        proposing = 0 if name == "Faster R-CNN" else kept["proposal_seconds_per_image"]
        assert measured["with"] == pytest.approx(measured["without"] + proposing)
    assert (tmp_path / "out" / "lineage.png").is_file()
    assert not (tmp_path / "out" / "features").exists()
    assert "Faster R-CNN" in capsys.readouterr().out
