"""Figures, predictions and validation losses of a detector on a data set."""

import math

import numpy as np
import pytest
from tiny_detector import LOSSES, tiny_detector

from minicv.data import Farmyard, Subset
from minicv.training import (
    detection_figures,
    predict_all,
    validation_losses,
    validator,
)

CLASSES = ("cow", "cat", "dog")
TARGETS = [
    {"boxes": np.array([[0.0, 0, 20, 20], [50, 0, 100, 50]]), "labels": np.array([0, 1])},
    {"boxes": np.array([[10.0, 10, 140, 120]]), "labels": np.array([0])},
    {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, np.int64)},
]
NOTHING = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, np.int64), "scores": np.zeros(0)}


def predictions(move=0.0, relabel=0):
    return [
        {
            "boxes": target["boxes"] + move,
            "labels": (target["labels"] + relabel) % 3,
            "scores": np.full(len(target["labels"]), 0.7),
        }
        for target in TARGETS
    ]


def test_perfect_predictions():
    figures = detection_figures(predictions(), TARGETS, CLASSES)
    for name in ("AP50", "AP50_11", "AP", "AP75", "APs", "APm", "APl", "AP50 cow", "AP50 cat"):
        assert figures[name] == pytest.approx(1.0), name
    assert math.isnan(figures["AP50 dog"])  # no dog is there: no figure, and no part in the mean
    assert all(type(value) is float for value in figures.values())


def test_no_predictions_wrong_places_and_wrong_labels():
    for wrong in ([NOTHING] * 3, predictions(move=500), predictions(relabel=2)):
        figures = detection_figures(wrong, TARGETS, CLASSES)
        assert figures["AP50"] == figures["AP50_11"] == figures["AP"] == figures["AP75"] == 0


def test_half_found():
    found = [predictions()[0], NOTHING, NOTHING]
    figures = detection_figures(found, TARGETS, CLASSES)
    assert figures["AP50 cow"] == pytest.approx(0.5) and figures["AP50 cat"] == pytest.approx(1)
    assert figures["AP50"] == pytest.approx(0.75)
    assert figures["AP50_11"] == pytest.approx((6 / 11 + 1) / 2)
    assert figures["APs"] == pytest.approx(1) and figures["APl"] == 0


def test_loose_boxes_count_at_one_half_only():
    target = [{"boxes": np.array([[0.0, 0, 10, 10]]), "labels": np.array([0])}]
    found = [{"boxes": np.array([[0.0, 0, 10, 6]]), "labels": np.array([0]), "scores": np.ones(1)}]
    figures = detection_figures(found, target, ("cow",))
    assert figures["AP50"] == 1 and figures["AP75"] == 0
    assert figures["AP"] == pytest.approx(0.3)  # at 0.5, 0.55 and 0.6 of ten thresholds


def test_nothing_to_find():
    for found, targets in (([], []), ([NOTHING], TARGETS[2:])):
        figures = detection_figures(found, targets, CLASSES)
        assert math.isnan(figures["AP50"]) and figures["AP"] == -1


DATA = Farmyard(5, size=(48, 64), seed=4)
NAMES = {f"val {name}" for name in LOSSES}


@pytest.fixture(scope="module")
def model():
    return tiny_detector(DATA.classes, score_threshold=0.0)


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 0), (2, 1), (8, 2)])
def test_all_predictions_in_order(model, batch_size, workers):
    found, targets = predict_all(model, DATA, batch_size=batch_size, workers=workers)
    assert [target["image_id"] for target in targets] == [DATA[i][1]["image_id"] for i in range(5)]
    for index, prediction in enumerate(found):
        alone = model.predict([DATA[index][0]])[0]
        np.testing.assert_allclose(prediction["boxes"], alone["boxes"], atol=1e-3)
        np.testing.assert_array_equal(prediction["labels"], alone["labels"])


def test_no_images(model):
    nothing = Subset(DATA, [])
    assert predict_all(model, nothing) == ([], [])


def test_the_validator_holds_what_the_functions_say(model):
    figures = validator(DATA, batch_size=2)(model)
    assert set(figures) == {"val_loss", "AP50", "AP", *NAMES}
    losses = validation_losses(model, DATA, batch_size=2)
    assert figures["val_loss"] == pytest.approx(sum(losses.values()))
    predicted = predict_all(model, DATA, batch_size=2)
    assert figures["AP50"] == detection_figures(*predicted, DATA.classes)["AP50"]
