"""A recipe's numbers become a step, a loader and two generators."""

import dataclasses

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes

from minicv.data import DatasetWarning, Farmyard, Subset
from minicv.data.sources import Splits
from minicv.training import Recipe, flip_for

DATA = Farmyard(5, size=(48, 48), seed=3)
CLASSES = ("dark", "grey", "light")


def test_optimizer_schedule_and_loader_follow_the_recipe():
    model = BrightnessSegmenter(CLASSES)
    recipe = Recipe(epochs=50, batch_size=2, lr=0.5, warmup_steps=20, weight_decay=0.01)
    step, loader, _ = recipe.begin(model, DATA, seed=0, workers=3)
    assert len(loader) == 2 and loader.drop_last and loader.shuffle and loader.workers == 3
    rates = [step.schedule.lr(number) for number in range(101)]
    assert rates[0] < 0.001 and rates[-1] == pytest.approx(0)
    assert 0.4 < max(rates) <= 0.5 and int(np.argmax(rates)) == 20
    assert (np.diff(rates[:21]) > 0).all() and (np.diff(rates[20:]) < 0).all()
    (group,) = step.optimizer.param_groups
    assert (group["lr"], group["weight_decay"], group["momentum"]) == (0.5, 0.01, 0.9)
    assert step.model is model


def test_a_short_training_warms_up_for_a_quarter_of_it():
    recipe = Recipe(epochs=4, batch_size=5, lr=0.5)
    step, _, _ = recipe.begin(BrightnessSegmenter(CLASSES), DATA, seed=0)
    assert int(np.argmax([step.schedule.lr(number) for number in range(5)])) == 1


def test_frozen_weights_are_not_given_to_the_optimizer():
    model = BrightnessSegmenter(CLASSES)
    model.other = BrightnessSegmenter(CLASSES)
    model.other.levels.requires_grad = False
    step, _, _ = Recipe(1, 1, 0.1).begin(model, DATA, seed=0)
    (group,) = step.optimizer.param_groups
    assert [parameter is model.levels for parameter in group["params"]] == [True]


def test_fewer_images_than_a_batch_are_one_small_batch():
    _, loader, _ = Recipe(1, 8, 0.1).begin(BrightnessSegmenter(CLASSES), Stripes(3), seed=0)
    assert [len(images) for images, _ in loader] == [3]


def test_the_seed_gives_the_order_and_the_samples_independently():
    def drawn(seed):
        model = BrightnessSegmenter(CLASSES)
        _, loader, rng = Recipe(1, 2, 0.1).begin(model, Stripes(6), seed=seed)
        return [t["image_id"] for _, targets in loader for t in targets], rng.random(3).tolist()

    assert drawn(4) == drawn(4)
    assert drawn(4)[0] != drawn(5)[0] and drawn(4)[1] != drawn(5)[1]


def test_data_are_taken_as_they_are():
    splits = Splits(lambda: DATA, lambda: [1], lambda: [2])
    prepared = Recipe(1, 1, 0.1).prepare(splits, "settings")
    assert prepared == (Recipe(1, 1, 0.1), "settings", DATA, [1], None)
    model = BrightnessSegmenter(CLASSES)
    assert Recipe(1, 1, 0.1).validated(model) is model


def test_changes_that_are_not_given_leave_the_recipe():
    recipe = Recipe(epochs=2, batch_size=3, lr=0.1)
    assert recipe.changed(epochs=None, lr=0.2) == dataclasses.replace(recipe, lr=0.2)
    with pytest.raises(ValueError, match="epochs=0"):
        recipe.changed(epochs=0)


def test_flip_exchanges_left_and_right_where_there_are_joints():
    permutation = flip_for(DATA).keypoint_permutation
    assert permutation is not None
    names = DATA.joint_names
    for name, partner in zip(names, permutation, strict=True):
        swapped = name.replace("left", "*").replace("right", "left").replace("*", "right")
        assert names[partner] == swapped
    assert flip_for(Stripes(1)).keypoint_permutation is None


def test_joints_without_a_mirror_image_are_not_mirrored_and_it_is_said():
    """The fault before: such a set could not be trained on at all, not even for its boxes."""
    data = Subset(DATA, [0])
    data.joint_names = ("left hip", "neck")
    with pytest.warns(DatasetWarning, match="not mirrored: joint 'left hip' has no partner 'rig"):
        flip = flip_for(data)
    image, target = DATA[0]
    for seed in range(20):
        same, _ = flip(image, target, np.random.default_rng(seed))
        np.testing.assert_array_equal(same, image)
