"""How a detector is trained: the numbers, the loader, the schedule and the files."""

import json

import numpy as np
import pytest
from tiny_detector import tiny_detector

from minicv.cli import recipe as recipe_module
from minicv.cli.detection_recipe import RECIPES, DetectionRecipe, flip_for, train_detector
from minicv.data import Farmyard, Subset
from minicv.training import describe_detector, load_detector
from minicv.training.detector_files import BACKBONES, DETECTORS
from minicv.training.detector_settings import SETTINGS

DATA = Farmyard(5, size=(48, 48), seed=3)


def detector():
    return tiny_detector(DATA.classes, min_size=32, max_size=32)


def train(out, recipe, data=DATA, validation=None, seed=0, **options):
    validation = Subset(DATA, [0]) if validation is None else validation
    model = detector()
    description = describe_detector("small", model)
    return train_detector(
        model, data, validation, recipe, description=description, out=out, seed=seed, **options
    )


def without_seconds(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def test_every_system_has_a_recipe_and_settings_for_every_backbone():
    assert set(RECIPES) == set(SETTINGS) == set(DETECTORS)
    for system in DETECTORS:
        assert set(RECIPES[system]) == set(SETTINGS[system]) == set(BACKBONES)


@pytest.mark.parametrize("changes", [{"epochs": 0}, {"batch_size": 0}, {"lr": 0.0}, {"lr": -1.0}])
def test_recipes_that_cannot_be_cooked(changes):
    numbers = {"epochs": 1, "batch_size": 1, "lr": 0.1, **changes}
    with pytest.raises(ValueError, match="expected at least one epoch, at least one image"):
        DetectionRecipe(**numbers)


def test_flip_exchanges_left_and_right_where_there_are_joints():
    permutation = flip_for(DATA).keypoint_permutation
    assert permutation is not None
    names = DATA.joint_names
    for name, partner in zip(names, permutation, strict=True):
        swapped = name.replace("left", "*").replace("right", "left").replace("*", "right")
        assert names[partner] == swapped
    assert flip_for(object()).keypoint_permutation is None


def test_optimizer_schedule_and_loader_follow_the_recipe(tmp_path, monkeypatch):
    seen = {}

    def fit(model, loader, optimizer, schedule, **options):
        seen.update(loader=loader, optimizer=optimizer, schedule=schedule, **options)
        return []

    monkeypatch.setattr(recipe_module, "fit", fit)
    recipe = DetectionRecipe(epochs=50, batch_size=2, lr=0.5, warmup_steps=20, weight_decay=0.01)
    train(tmp_path, recipe, workers=3, resume=True)
    loader, schedule = seen["loader"], seen["schedule"]
    assert len(loader) == 2 and loader.drop_last and loader.shuffle and loader.workers == 3
    rates = [schedule.lr(step) for step in range(101)]
    assert rates[0] < 0.001 and rates[-1] == pytest.approx(0)
    assert 0.4 < max(rates) <= 0.5 and int(np.argmax(rates)) == 20
    assert (np.diff(rates[:21]) > 0).all() and (np.diff(rates[20:]) < 0).all()
    (group,) = seen["optimizer"].param_groups
    assert (group["weight_decay"], group["momentum"]) == (0.01, 0.9)
    assert seen["epochs"] == 50 and seen["resume"] and seen["out"] == tmp_path
    assert seen["description"]["backbone"] == "small"


def test_frozen_weights_are_not_given_to_the_optimizer(tmp_path, monkeypatch):
    model = detector()
    frozen = model.backbone.layers[0].weight
    frozen.requires_grad = False
    seen = {}
    monkeypatch.setattr(
        recipe_module, "fit", lambda m, loader, optimizer, *a, **k: seen.update(o=optimizer) or []
    )
    data = Subset(DATA, [0])
    recipe = DetectionRecipe(1, 1, 0.1)
    train_detector(model, data, data, recipe, description={}, out=tmp_path, seed=0)
    (group,) = seen["o"].param_groups
    assert len(group["params"]) == len(list(model.parameters())) - 1
    assert all(parameter is not frozen for parameter in group["params"])


def test_history_is_written_and_the_seed_decides(tmp_path):
    recipe = DetectionRecipe(epochs=2, batch_size=2, lr=0.01)
    first = train(tmp_path / "a", recipe, transform=flip_for(DATA))
    record = json.loads((tmp_path / "a" / "history.json").read_text())
    assert record["epochs"] == first and record["seed"] == 0
    assert record["recipe"]["batch_size"] == 2
    again = train(tmp_path / "b", recipe, transform=flip_for(DATA), workers=2)
    other = train(tmp_path / "c", recipe, transform=flip_for(DATA), seed=1)
    assert without_seconds(first) == without_seconds(again)
    assert without_seconds(first) != without_seconds(other)


def test_fewer_images_than_a_batch_are_one_small_batch(tmp_path):
    history = train(tmp_path, DetectionRecipe(epochs=1, batch_size=8, lr=0.01))
    assert history[0]["step"] == 1


def test_no_images_at_all(tmp_path):
    with pytest.raises(ValueError, match="the loader has no batch to train on; it has 0 images"):
        train(tmp_path, DetectionRecipe(epochs=1, batch_size=8, lr=0.01), data=Subset(DATA, []))


def test_validation_without_objects_still_leaves_weights_to_use(tmp_path):
    meadows = Farmyard(2, size=(48, 48), objects=(0, 0))
    history = train(tmp_path, DetectionRecipe(epochs=2, batch_size=4, lr=0.01), validation=meadows)
    assert np.isnan(history[-1]["AP50"])
    best, last = load_detector(tmp_path / "best.npz"), load_detector(tmp_path / "last.npz")
    for name, array in last.state_dict().items():
        np.testing.assert_array_equal(best.state_dict()[name], array)
    text = (tmp_path / "history.json").read_text()
    assert "NaN" not in text and json.loads(text)["epochs"][0]["AP50"] is None
