"""The task and its recipe: what is said, written and ranked; what a training sees."""

import dataclasses
import math

import numpy as np
import pytest
from command_line import picture

from minicv.data import Cached
from minicv.data.sources import open_data
from minicv.data.transforms.square import square
from minicv.metrics.classification import ClassificationMetric
from minicv.models.backbones import BACKBONES
from minicv.tasks import SYSTEMS, Prediction, Spec, build
from minicv.tasks.classification import (
    CLASSIFICATION,
    RECIPES,
    SETTINGS,
    STRIDES,
    ClassificationRecipe,
    lead,
    report,
    shorter_side,
)

NAMES = ("cat", "Quokka", "cow", "dog", "duck", "hen")


def prediction():
    scores = np.array([0.1, 0.84, 0.03, 0.02, 0.01, 0.0], np.float32)
    result = {"scores": scores, "labels": np.array([1, 0, 2, 3, 4, 5])}
    image = np.full((3, 20, 30), 0.5, np.float32)
    return Prediction("a.jpg", image, result, NAMES, 0.25, "a_classes.png")


def test_the_five_best_are_said_and_written():
    said = CLASSIFICATION.summary(prediction(), 0.5)
    assert said == "Quokka 0.84, cat 0.10, cow 0.03, dog 0.02, duck 0.01 (0.25 s)"
    (entry,) = CLASSIFICATION.to_json(prediction())
    assert entry["image_id"] == "a.jpg" and entry["picture"] == "a_classes.png"
    assert entry["classes"][:2] == [
        {"name": "Quokka", "score": 0.84}, {"name": "cat", "score": 0.1},
    ]  # fmt: skip
    assert len(entry["classes"]) == 5


def test_pictures_are_drawn_with_truth_and_without():
    drawn = CLASSIFICATION.draw(prediction(), 0.5)
    compared = CLASSIFICATION.compare(prediction(), {"label": 5}, None)
    assert compared.height > drawn.height  # the sixth class, and a title


@pytest.mark.parametrize("scores", [[0.2, 0.5, 0.3], [-3.0, 2.0, 1.0], [0.0, 900.0, 0.0]])
def test_the_lead_orders_images_by_how_right_they_are(scores):
    result = {"scores": np.array(scores, np.float32)}
    right, second, third = (lead(result, {"label": k}) for k in (1, 2, 0))
    assert 0 <= third <= second < 0.5 < right <= 1
    assert math.isnan(lead(result, {"label": -1}))


def test_the_report_of_many_classes_names_the_worst():
    metric = ClassificationMetric([f"class {k}" for k in range(50)])
    metric.confusion[:] = 9 * np.eye(50, dtype=int)
    metric.confusion[7, 8] = 9
    lines = report(metric)
    assert lines[0] == "the worst of 50 classes that occur:" and len(lines) == 2 + 5 + 3 + 1
    assert lines[2].split() == ["class", "7", "18", "0.500"]
    assert lines[-1] == "confused most often: 9 of 18 class 7 taken for class 8"
    assert CLASSIFICATION.pictures_of_all["confusion_matrix"](metric).width > 400


def test_the_report_leaves_out_classes_without_images():
    metric = ClassificationMetric(NAMES)
    metric.add({"labels": [0]}, {"label": 0})
    assert [line.split()[0] for line in report(metric)] == [
        "class",
        "cat",
        "top-1",
        "top-5",
        "mean",
    ]


def test_wordnet_ids_mean_their_names():
    class Ids:
        classes = ("n01440764", "n02123045")

    assert CLASSIFICATION.classes_of(Ids()) == ("tench", "tabby")


@pytest.fixture
def photographs(tmp_path):
    """Two classes, 12 pictures of 40 x 30 each."""
    for name in ("cow", "duck"):
        for number in range(12):
            picture(tmp_path / name / f"{number:02}.png")
    return open_data(f"folder:{tmp_path}", ["label"])


def prepared(splits, settings=None, **changes):
    recipe = dataclasses.replace(RECIPES["small"], **changes)
    return recipe.prepare(splits, settings or SETTINGS["small"])


def test_photographs_are_resized_once_and_cached(photographs):
    for backbone, size, shape in (("small", 30, (3, 30, 30)), ("resnet18", 224, (3, 256, 341))):
        made = prepared(photographs, SETTINGS[backbone])
        assert made.settings.size == size
        assert isinstance(made.train, Cached) and made.train[0][0].shape == shape
        assert made.train[0][0] is made.train[0][0]
        assert made.recipe.jitter == 0.2 and made.recipe.least_area == 0.4
        image, target = made.transform(*made.train[0], np.random.default_rng(0))
        assert image.shape == (3, size, size) and target["label"] == 0


def test_validation_sees_what_a_prediction_sees(photographs):
    made = prepared(photographs)
    expected = square(photographs.validation[0][0], 30, "stretch")
    model = build(
        Spec("classifier", ("cow", "duck"), made.settings, "small"), np.random.default_rng(0)
    )
    seen = model._pixels([made.validation[0][0]])
    np.testing.assert_allclose(seen, model._pixels([expected]), atol=0.02)


def test_drawn_scenes_are_not_changed_in_colour_nor_cut():
    made = prepared(open_data("farmyard:4", ["label"]), shift=0.0, mirror=False)
    assert (made.recipe.jitter, made.recipe.least_area) == (0, 1)
    image, target = made.train[0]
    changed, kept = made.transform(image, target, np.random.default_rng(0))
    np.testing.assert_array_equal(changed, image)
    assert sorted(kept) == ["image_id", "label"] and made.settings.size == 128


def test_augmentation_moves_and_mirrors():
    made = prepared(open_data("farmyard:4", ["label"]), shift=0.1)
    image, target = made.train[0]
    draws = [made.transform(image, target, np.random.default_rng(s))[0] for s in range(20)]
    assert len({draw.tobytes() for draw in draws}) == 20
    unmirrored = prepared(open_data("farmyard:4", ["label"]), shift=0.0, mirror=False)
    assert unmirrored.transform(image, target, np.random.default_rng(0))[0] is image


def test_few_validation_images_are_evenly_spread(photographs):
    made = prepared(photographs, validation_images=1)
    assert len(made.validation) == 1
    assert len(prepared(photographs, validation_images=0).validation) == 2


def test_the_shorter_side_is_of_the_files(photographs):
    assert shorter_side(photographs.train) == 30


@pytest.mark.parametrize(
    "changes",
    [
        {"jitter": 2.0},
        {"least_area": 0.0},
        {"shift": 0.6},
        {"validation_images": -1},
        {"epochs": 0},
    ],
)
def test_recipes_that_cannot_be(changes):
    (name,) = changes
    with pytest.raises(ValueError, match=name):
        ClassificationRecipe(**{"epochs": 1, "batch_size": 1, "lr": 0.1, **changes})


def test_there_is_a_classifier_on_every_backbone():
    system = SYSTEMS["classifier"]
    assert set(system.backbones) == set(BACKBONES) == set(STRIDES) == set(RECIPES)
    for backbone in ("small", "conv_net", "resnet18", "efficientnet_lite0"):
        settings = dataclasses.replace(SETTINGS[backbone], size=32)
        model = build(
            Spec("classifier", NAMES, settings, backbone, frozen=False), np.random.default_rng(0)
        )
        (result,) = model.predict([prediction().image])
        assert result["scores"].sum() == pytest.approx(1, abs=1e-5)
        assert all(parameter.requires_grad for parameter in model.parameters())
