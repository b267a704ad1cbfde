"""The task detection: what is drawn, written and said, and how images are prepared."""

import json

import numpy as np
import pytest
from tiny_detector import tiny_detector

from minicv.data import Farmyard
from minicv.data.sources import Splits
from minicv.nn import Parameter
from minicv.optim import SGD, Adam
from minicv.tasks import SYSTEMS, Prediction
from minicv.tasks.detection import DETECTION, DetectionRecipe, coco_results, compare, sure
from minicv.training import AveragingStep, GradientStep

CLASSES = ("cow", "duck")
FOUND = {
    "boxes": np.array([[1.0, 2, 4, 8], [0.123456, 0, 10, 10]], np.float32),
    "labels": np.array([1, 0]),
    "scores": np.array([0.75, 0.123456789], np.float32),
}
IMAGE = np.zeros((3, 40, 60), np.float32)
NOTHING = {name: values[:0] for name, values in FOUND.items()}


def prediction(found=FOUND):
    return Prediction("a.jpg", IMAGE, found, CLASSES)


def test_coco_results():
    records = coco_results(prediction())
    assert json.loads(json.dumps(records)) == [
        {"image_id": "a.jpg", "category_id": 2, "category": "duck", "bbox": [1, 2, 3, 6],
         "score": 0.75},
        {"image_id": "a.jpg", "category_id": 1, "category": "cow", "bbox": [0.12, 0, 9.88, 10],
         "score": 0.12346},
    ]  # fmt: skip
    assert coco_results(prediction(NOTHING)) == []


def test_only_the_sure_ones_are_drawn_and_counted():
    assert sure(FOUND, 0.75)["labels"].tolist() == [1]
    assert DETECTION.summary(prediction(), 0.5) == "1 duck (0.00 s)"
    assert DETECTION.summary(prediction(), 0.0) == "1 cow, 1 duck (0.00 s)"
    assert DETECTION.summary(prediction(), 0.9) == "nothing (surest: duck, 0.75; 0.00 s)"
    assert DETECTION.summary(prediction(NOTHING), 0.0) == "nothing (0.00 s)"
    drawn = {t: np.asarray(DETECTION.draw(prediction(), t)) for t in (0.0, 0.5, 0.9)}
    blank = np.asarray(DETECTION.draw(prediction(NOTHING), 0.0))
    assert np.array_equal(drawn[0.9], blank)
    assert not np.array_equal(drawn[0.5], blank) and not np.array_equal(drawn[0.0], drawn[0.5])


def test_the_truth_stands_beside_the_result():
    target = {"boxes": FOUND["boxes"], "labels": FOUND["labels"]}
    wide = np.asarray(compare(prediction(NOTHING), target, []))
    other = np.asarray(compare(prediction(), target, []))
    half = wide.shape[1] // 2
    np.testing.assert_array_equal(wide[:, :half], other[:, :half])  # the same truth
    assert not np.array_equal(wide[:, half:], other[:, half:])


def test_pictures_are_mirrored_and_changed_in_colour_but_not_for_a_proposer():
    data = Farmyard(2, size=(48, 48), seed=3)
    splits = Splits(lambda: data, lambda: data, lambda: data)
    image, target = data[0]
    for jitter, colours in ((0.0, False), (0.2, True)):
        prepared = DetectionRecipe(1, 1, 0.1, jitter=jitter).prepare(splits, "settings")
        assert prepared.settings == "settings" and prepared.train is data
        seen = [prepared.transform(image, target, np.random.default_rng(i)) for i in range(8)]
        flipped = [not np.allclose(labels["boxes"], target["boxes"]) for _, labels in seen]
        assert 0 < sum(flipped) < 8
        same = [
            np.array_equal(changed, image[:, :, ::-1] if mirrored else image)
            for (changed, _), mirrored in zip(seen, flipped, strict=True)
        ]
        assert any(same) != colours and all(same) != colours
        # Joints and masks come along, with left and right exchanged.
        assert all(labels["masks"].shape == target["masks"].shape for _, labels in seen)
    for system in SYSTEMS.values():
        if system.task is DETECTION:
            assert {recipe.jitter > 0 for recipe in system.recipes.values()} == {
                not system.on_proposals
            }


def test_pictures_are_zoomed_where_the_recipe_says_so():
    data = Farmyard(1, size=(48, 48), seed=3)
    splits = Splits(lambda: data, lambda: data, lambda: data)
    image, target = data[0]
    recipe = DetectionRecipe(1, 1, 0.1, jitter=0.0, scale=(0.5, 0.5))
    prepared = recipe.prepare(splits, "settings")
    zoomed, labels = prepared.transform(image, target, np.random.default_rng(0))
    assert zoomed.shape == image.shape
    sides = labels["boxes"][:, 2:] - labels["boxes"][:, :2]
    expected = (target["boxes"][:, 2:] - target["boxes"][:, :2]) / 2
    np.testing.assert_allclose(sides, expected, atol=1)
    for system in SYSTEMS.values():
        if system.on_proposals and system.task is DETECTION:
            assert {recipe.scale for recipe in system.recipes.values()} == {(1.0, 1.0)}


def test_weights_are_averaged_where_the_recipe_says_so():
    model = tiny_detector(("cow",))
    plain = DetectionRecipe(1, 1, 0.1).step(model, 4)
    assert isinstance(plain, GradientStep) and plain.model is model
    averaging = DetectionRecipe(1, 1, 0.1, average=0.75).step(model, 4)
    assert isinstance(averaging, AveragingStep) and averaging.decay == 0.75
    assert averaging.model is not model and averaging.learner.model is model


def test_adam_moves_the_weights_where_the_recipe_says_so():
    weight = Parameter(np.array([1.0, -2.0], np.float32))
    for adam, kind in ((False, SGD), (True, Adam)):
        recipe = DetectionRecipe(epochs=1, batch_size=1, lr=0.5, weight_decay=0.25, adam=adam)
        optimizer = recipe.optimizer([weight])
        assert type(optimizer) is kind
        (group,) = optimizer.param_groups
        assert (group["lr"], group["weight_decay"]) == (0.5, 0.25)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"scale": (1.5, 0.5)}, r"scale=\(1.5, 0.5\); expected the least and the greatest"),
        ({"scale": [0.0, 1.0]}, r"scale=\(0.0, 1.0\)"),
        ({"scale": (0.5, float("nan"))}, r"scale=\(0.5, nan\)"),
        ({"average": 1.0}, "average=1.0; expected a share from 0 to less than 1"),
        ({"average": -0.1}, "average=-0.1"),
    ],
)
def test_zooms_and_averages_that_are_none(numbers, message):
    with pytest.raises(ValueError, match=message):
        DetectionRecipe(1, 1, 0.1, **numbers)


@pytest.mark.parametrize(
    "numbers", [{"epochs": 0}, {"batch_size": 0}, {"lr": 0.0}, {"lr": float("inf")}]
)
def test_recipes_that_cannot_be_followed(numbers):
    with pytest.raises(ValueError, match="at least one epoch, at least one image"):
        DetectionRecipe(**{"epochs": 1, "batch_size": 1, "lr": 0.1, **numbers})
