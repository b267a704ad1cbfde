"""Localisation's benchmark: the mean box by hand, the ways in small, the records."""

import dataclasses
import json

import numpy as np
import pytest

from benchmarks import localization, record
from minicv.data import sources
from minicv.data.one_object import SingleObjectScenes
from minicv.data.sources import Splits
from minicv.tasks import SYSTEMS
from minicv.tasks.localization import LocalizationRecipe

OWN = SYSTEMS["localizer"]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small network, few epochs; what is kept and run goes to folders of the test."""
    few = dataclasses.replace(OWN.settings["small"], size=32, pooled_size=2, units=8)
    recipe = LocalizationRecipe(epochs=2, batch_size=4, lr=1e-3)
    system = dataclasses.replace(OWN, settings={"small": few}, recipes={"small": recipe})
    monkeypatch.setitem(SYSTEMS, "localizer", system)
    for split in ("VALIDATION", "TEST"):
        monkeypatch.setattr(sources, f"FARMYARD_{split}_SCENES", 6)
    monkeypatch.setattr(localization, "SYSTEM", system)
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "results"


class Boxes:
    """Images of one size with these boxes."""

    def __init__(self, height, width, *boxes):
        self.boxes = np.array(boxes, np.float32)
        self.image = np.zeros((3, height, width), np.float32)

    def __len__(self):
        return len(self.boxes)

    def __getitem__(self, index):
        return self.image, {"box": self.boxes[index], "label": 0}


def test_the_mean_box_is_a_mean_of_shares():
    """Of the training pictures 0..0.5 and 0.5..1 of the width: their mean is 0.25..0.75."""
    train = Boxes(10, 40, [0, 0, 20, 10], [20, 0, 40, 10])
    test = Boxes(100, 100, [25, 0, 75, 100], [50, 0, 100, 100])
    found = localization.against_mean_box(np.array([0.5, 0.9]), train, test)
    assert found["mean box as shares"] == [0.25, 0, 0.75, 1]
    assert found["mean box"]["mean IoU"] == pytest.approx((1 + 1 / 3) / 2, abs=1e-4)
    assert found["network"] == {"mean IoU": 0.7, "interval": [0.5, 0.9]}
    # In pairs: -0.5 and 0.9 - 1/3. Drawn apart the interval would reach from 0.5 - 1 to 0.9 - 1/3
    # as well, but the mean is that of the pairs.
    assert found["difference"]["mean IoU"] == pytest.approx((-0.5 + 0.9 - 1 / 3) / 2, abs=1e-4)
    assert found["difference"]["interval"] == pytest.approx([-0.5, 0.9 - 1 / 3], abs=1e-4)


def test_every_way_is_a_change_that_the_system_knows():
    names = [name for name, _ in localization.WAYS]
    assert len({*names}) == len(names)
    assert [dict(c).get("box_weight") for _, c in localization.WAYS[:4]] == [0.1, 1, 10, 100]
    known = {f.name for f in dataclasses.fields(OWN.settings["conv_net"])}
    known |= {f.name for f in dataclasses.fields(OWN.recipes["conv_net"])}
    assert {key for _, changes in localization.WAYS for key in changes} <= known


def test_a_way_changes_what_it_says(small, capsys):
    scenes = SingleObjectScenes(8, (32, 32))
    splits = Splits(lambda: scenes, lambda: scenes, lambda: scenes, drawn=True)
    changes = {"box_weight": 0.0, "class_first": 0.5}
    without, with_box = (
        localization.measure_way(own, splits, 2, 0) for own in (changes, {"box_weight": 5.0})
    )
    assert without["changes"] == changes and without["mean IoU"] != with_box["mean IoU"]
    assert with_box == {
        **localization.measure_way({"box_weight": 5.0}, splits, 2, 0),
        "minutes": with_box["minutes"],
    }


def test_the_ways_and_their_record(small, monkeypatch, capsys):
    monkeypatch.setattr(localization, "EPOCHS", 1)
    monkeypatch.setattr(localization, "WAYS", localization.WAYS[-2:])
    assert localization.main(["ways", "--data", "farmyard:4"]) == 0
    kept = json.loads((small / "localization_ways.json").read_text())
    assert [own["way"] for own in kept["ways"]] == [name for name, _ in localization.WAYS]
    assert kept["epochs"] == 1 and kept["data"] == "farmyard:4"
    assert localization.WAYS[0][0] in capsys.readouterr().out


def test_the_command_and_its_record(small, capsys):
    assert localization.main(["farmyard", "--data", "farmyard:8"]) == 0
    kept = json.loads((small / "localization_farmyard.json").read_text())
    assert kept["command"] == "minicv train localizer --data farmyard:8"
    assert 0 <= kept["test"]["best"]["top-1 localization error"] <= 1
    assert set(kept["test"]) == {"best", "last"} and len(kept["epochs"]) == 2
    capsys.readouterr()


def test_what_cannot_be_measured(small, capsys):
    assert localization.main([]) == localization.main(["pennfudan"]) == 2
    assert "python -m benchmarks localization farmyard" in capsys.readouterr().err
    assert localization.main(["pennfudan", "--data", "pennfudan:absent"]) == 2
