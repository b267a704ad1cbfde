"""The lecture's table: run in small, from the first proposal to the record; and its protocol."""

import dataclasses
import json

import pytest

from benchmarks import lineage, record
from benchmarks.lineage import NAMES, PUBLISHED, charts, recipe_of, search_for, table
from minicv.tasks import SYSTEMS
from minicv.tasks.detection import DetectionRecipe

MEASURED = {"train_seconds": 90.0, "with": 0.5, "without": 0.4, "mAP": 0.6, "bytes_on_disk": 0}


def test_table_and_charts_hold_every_system():
    systems = {name: MEASURED for name in PUBLISHED}
    lines = table(systems).splitlines()
    assert [line.split("  ")[0] for line in lines[2:]] == list(PUBLISHED)
    assert charts(systems).width > 1000


@pytest.mark.parametrize(
    ("name", "backbone"),
    [("lineage_farmyard", "small"), ("lineage_pennfudan", "efficientnet_lite0")],
)
def test_the_protocol_is_that_of_the_record(name, backbone):
    """What is measured anew can be held against what was measured before."""
    kept = json.loads((record.RESULTS / f"{name}.json").read_text())
    drawn = backbone == "small"
    assert kept["backbone"] == backbone and kept["proposals"] == repr(search_for(drawn))
    assert kept["published"] == PUBLISHED
    if drawn:
        assert kept["test_images"] == lineage.FARMYARD_TEST
    for system, title in NAMES.items():
        recipe = dataclasses.asdict(recipe_of(SYSTEMS[system], backbone))
        then = dict(kept["systems"][title]["recipe"])
        assert then.pop("momentum", 0.9) == 0.9  # which every recipe by SGD has
        assert {field: recipe[field] for field in then} == then
        assert recipe["jitter"] == 0


def test_run_in_small(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lineage, "FARMYARD_TEST", 2)
    monkeypatch.setattr(lineage, "ONE_OBJECT_SCENES", 4)
    quick = DetectionRecipe(epochs=1, batch_size=2, lr=0.01)
    monkeypatch.setattr(lineage, "PRETRAINING", quick)
    few = {"max_proposals": 20, "head_units": 16}
    for name in NAMES:
        own = SYSTEMS[name]
        settings = own.settings["small"]
        if own.on_proposals:
            settings = dataclasses.replace(settings, **few)
        small = dataclasses.replace(own, settings={"small": settings}, recipes={"small": quick})
        monkeypatch.setitem(SYSTEMS, name, small)
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")

    assert lineage.main(["--data", "farmyard:3", "--out", str(tmp_path / "out")]) == 0
    kept = json.loads((tmp_path / "results" / "lineage_farmyard.json").read_text())
    assert list(kept["systems"]) == list(NAMES.values())
    assert (kept["training_images"], kept["test_images"]) == (3, 2)
    for name, measured in kept["systems"].items():
        keeps_features = name in ("R-CNN", "SPP-net")
        assert (measured["bytes_on_disk"] > 0) == keeps_features == ("variants" in measured)
        parts = ["network", "features", "svm", "regression"][: 4 if keeps_features else 1]
        assert sorted(measured["train_seconds_of"]) == sorted(parts)
        assert measured["train_seconds"] == pytest.approx(
            sum(measured["train_seconds_of"].values())
        )
        proposing = 0 if name == "Faster R-CNN" else kept["proposal_seconds_per_image"]
        assert measured["with"] == pytest.approx(measured["without"] + proposing)
        if keeps_features:
            assert list(measured["variants"]) == list(lineage.VARIANTS)
            assert measured["mAP"] == measured["variants"]["svm, regressed"]["mAP"]
    assert (tmp_path / "out" / "lineage.png").is_file()
    assert not (tmp_path / "out" / "features").exists()
    assert "Faster R-CNN" in capsys.readouterr().out
