"""The levers add up, and parts of the measurement join in one record."""

import dataclasses
import json

import pytest

from benchmarks import boxes, record
from minicv.data import Farmyard
from minicv.data.sources import Splits
from minicv.tasks import SYSTEMS
from minicv.tasks.detection import DetectionRecipe


def test_a_line_has_its_own_lever_and_all_before_it():
    own = SYSTEMS["faster_rcnn"]
    backbone, settings, recipe = boxes.settings_and_recipe(0, 3)
    assert backbone == "efficientnet_lite0" and settings == own.settings[backbone]
    assert recipe == own.recipes[backbone].changed(epochs=3)
    last = len(boxes.LEVERS) - 1
    backbone, settings, recipe = boxes.settings_and_recipe(last, 3)
    assert backbone == "efficientnet_lite0_fpn"
    together = {name: value for _, changes in boxes.LEVERS for name, value in changes.items()}
    assert {name: {**vars(settings), **vars(recipe)}[name] for name in together} == together


def test_all_levers_together_are_the_systems_own_settings_and_recipe():
    own = SYSTEMS["faster_rcnn"]
    backbone, settings, recipe = boxes.settings_and_recipe(len(boxes.LEVERS) - 1, 3)
    assert settings == own.settings[backbone]
    assert recipe == own.recipes[backbone].changed(epochs=3)


def test_every_fourth_training_image_judges_and_none_is_learnt_from():
    splits = Splits(lambda: Farmyard(9), lambda: Farmyard(2, seed=1), lambda: None)
    learning, (held_out, validation) = boxes.development(splits)
    ids = [[own[i][1]["image_id"] for i in range(len(own))] for own in (learning, held_out)]
    whole = [splits.train[i][1]["image_id"] for i in range(9)]
    assert ids == [[whole[i] for i in (0, 1, 2, 4, 5, 6, 8)], [whole[3], whole[7]]]
    assert validation is splits.validation


def test_parts_join_in_one_record(tmp_path, monkeypatch, capsys):
    own = SYSTEMS["faster_rcnn"]
    quick = DetectionRecipe(epochs=1, batch_size=2, lr=0.01)
    few = {"min_size": 48, "max_size": 64, "head_units": 8, "post_nms_top_n_test": 10}
    names = ("small", "small_fpn")
    small = dataclasses.replace(
        own,
        settings={name: dataclasses.replace(own.settings[name], **few) for name in names},
        recipes=dict.fromkeys(names, quick),
    )
    monkeypatch.setitem(SYSTEMS, "faster_rcnn", small)
    monkeypatch.setattr(boxes, "SYSTEM", small)
    monkeypatch.setattr(boxes, "BODY", "small")
    monkeypatch.setattr(boxes, "PYRAMID", "small_fpn")
    levers = (
        ("one map", {}),
        ("averaged", {"average": 0.5, "anchor_sizes": (8.0, 16.0, 32.0, 64.0)}),
    )
    monkeypatch.setattr(boxes, "LEVERS", levers)
    for module in (boxes, record):
        monkeypatch.setattr(module, "RESULTS", tmp_path)

    splits = Splits(lambda: Farmyard(8), lambda: Farmyard(1, seed=1), lambda: None)
    monkeypatch.setattr(boxes, "open_data", lambda data, needs: splits)

    def trained(system, options, out):
        best = {"AP": 0.5, "AP50": 0.75, "AP75": 0.25, "seconds_per_image": 0.1}
        last = {**best, "AP": 0.625, "APs": -1.0}
        command = " ".join(["minicv train", system, *options])
        return {
            "command": command,
            "seconds_of_the_training_command": 90.0,
            "minutes": 0.75,
            "test": {"best": best, "last": last},
            "recipe": {},
        }

    monkeypatch.setattr(boxes, "train_and_test", trained)
    data = ["--data", "farmyard:8", "--name", "scenes", "--out", str(tmp_path / "out")]
    assert boxes.main([*data, "--levers", "1", "--epochs", "1"]) == 0
    assert boxes.main([*data, "--levers", "0", "--epochs", "1"]) == 0
    assert boxes.main([*data, "--test", "--seed", "3", "--epochs", "2"]) == 0
    kept = json.loads((tmp_path / "boxes_scenes.json").read_text())
    assert set(kept["levers"]) == {"0", "1"} and set(kept["test"]) == {"3"}
    averaged = kept["levers"]["1"]
    assert (averaged["training_images"], averaged["judged_on"]) == (6, 3)
    assert averaged["changes"]["average"] == 0.5 and averaged["seed"] == 0
    tested = kept["test"]["3"]
    assert tested["command"] == (
        "minicv train faster_rcnn --data farmyard:8 --backbone small_fpn --seed 3 --epochs 2"
    )
    assert (tested["seed"], tested["wall_minutes"], tested["minutes"]) == (3, 1.5, 0.75)
    assert tested["last"] == {"AP": 0.625, "AP50": 0.75, "AP75": 0.25, "seconds_per_image": 0.1}
    lines = capsys.readouterr().out.splitlines()[-5:]
    assert [line[:12].strip() for line in lines[:3]] == ["", "one map", "averaged"]
    for line, which, ap in zip(lines[3:], ("best", "last"), (".500", ".625"), strict=True):
        name = ["test", "images,", "seed", "3,", f"{which}.npz"]
        assert line.split() == [*name, ap, ".750", ".250", "0.8"]


def test_a_command_that_fails_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(boxes, "RESULTS", tmp_path)
    assert boxes.main(["--data", "farmyard:0", "--test", "--out", str(tmp_path / "out")]) == 2
    assert not list(tmp_path.glob("*.json"))
    with pytest.raises(SystemExit):
        boxes.main([])
