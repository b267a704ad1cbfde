"""The sliding-window detector: its windows, its cost, and that it can learn."""

from dataclasses import replace

import numpy as np
import pytest
from short_training import learn_by_heart, make_image, precision_of, target, ten_scenes

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.data import Farmyard
from minicv.models.backbones import SmallBackbone
from minicv.models.counting_multiplications import counting_multiplications
from minicv.models.detection import SlidingWindowDetector, SlidingWindowSettings
from minicv.models.photographs import normalised_batch
from minicv.proposals import SlidingWindow
from minicv.vision import box_iou
from minicv.vision.warp import warp_boxes

SETTINGS = SlidingWindowSettings(
    warp_size=16, pooled_size=2, units=8, samples=16, score_threshold=0.0
)
WINDOWS = SlidingWindow(sizes=(12.0, 24.0), step=0.5)


def make_model(windows=WINDOWS, settings=SETTINGS):
    rng = np.random.default_rng(0)
    classes = ("cow", "duck", "person")
    return SlidingWindowDetector(SmallBackbone(4, rng=rng), classes, windows, settings, rng=rng)


def test_an_image_smaller_than_its_object_is_learnt_from_by_the_object():
    """No window fits in; the true box alone is drawn."""
    model = make_model(SlidingWindow((100.0,)))
    _, bias = model.scores.parameters()
    loss = model.loss([make_image(30, 30)], [target([2, 3, 20, 30])])["loss_classifier"]
    loss.backward()
    assert np.sign(bias.grad).tolist() == [1, 1, -1, 1]  # of the background and three labels
    assert model.loss([make_image(30, 30)], [target()])["loss_classifier"].item() == 0


def arrays_of(model, image):
    """The arrays of each stage, by its name."""
    return {stage.name: stage.arrays for stage in model.stages(image)}


def test_every_detection_is_a_window_with_its_own_score():
    model, image = make_model(), make_image(40, 50)
    stages = arrays_of(model, image)
    windows = stages["proposals"]["boxes"]
    assert len(windows) == WINDOWS.count(40, 50)
    assert stages["warped_regions"]["crops"].shape == (len(windows), 3, 16, 16)
    scores = stages["class_scores"]["class_scores"]
    of_window = {tuple(window): row for window, row in zip(windows.tolist(), scores, strict=True)}
    found = stages["detections"]
    assert len(found["boxes"]) > 0
    for box, label, score in zip(found["boxes"], found["labels"], found["scores"], strict=True):
        assert score == of_window[tuple(box.tolist())][label]
    same_class = found["boxes"][found["labels"] == found["labels"][0]]
    overlaps = box_iou(same_class, same_class) - np.eye(len(same_class))
    assert overlaps.max(initial=0) <= SETTINGS.nms_threshold + 1e-6


def test_a_window_is_scored_by_what_is_in_it():
    model, image = make_model(), make_image(40, 50)
    stages = arrays_of(model, image)
    x1, y1, x2, y2 = stages["proposals"]["boxes"][5]
    pixels = normalised_batch([image], SmallBackbone.mean, SmallBackbone.std)[0]
    warped = warp_boxes(pixels, np.array([[x1, y1, x2, y2]]), 16, context=0)
    crop = np.clip(0.25 * warped[0] + 0.5, 0, 1)
    np.testing.assert_allclose(stages["warped_regions"]["crops"][5], crop, atol=1e-6)
    (features,) = model.eval().backbone(Tensor(warped))
    logits = model.scores(model.hidden(F.adaptive_max_pool2d(features, 2)))
    expected = F.softmax(logits, dim=1).data[0, 1:]  # the background comes first
    scores = stages["class_scores"]["class_scores"]
    np.testing.assert_allclose(scores[5], expected, rtol=1e-4)


def test_a_few_windows_at_a_time_give_what_all_at_once_do():
    at_once, few = (
        arrays_of(make_model(settings=replace(SETTINGS, **change)), make_image(40, 50))
        for change in ({}, {"windows_at_a_time": 7})
    )
    scores = [stages["class_scores"]["class_scores"] for stages in (few, at_once)]
    np.testing.assert_allclose(*scores, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(40, 50), (24, 24), (5, 5)])
def test_the_cost_is_what_a_prediction_takes(height, width):
    model = make_model()
    with no_grad(), counting_multiplications(model) as count:
        model.predict([make_image(height, width)])
    windows, multiplications = model.cost(height, width)
    assert multiplications == count.multiplications
    assert windows == WINDOWS.count(height, width)


@pytest.mark.slow
def test_overfits_ten_farmyard_images():
    images, targets = ten_scenes()
    rng = np.random.default_rng(0)
    windows = SlidingWindow(sizes=(15.0, 24.0, 38.0, 60.0), step=0.33)
    for image, truth in zip(images, targets, strict=True):
        boxes, _ = windows.propose(image, rng)
        assert box_iou(truth["boxes"], boxes).max(axis=1).min() > 0.6  # they can be found at all
    settings = SlidingWindowSettings(
        warp_size=24, pooled_size=3, units=128, dropout=0.0,
        samples=20, positive_fraction=0.4, positive_iou=0.6, negative_iou=0.5,
    )  # fmt: skip
    backbone = SmallBackbone(12, rng=rng)
    model = SlidingWindowDetector(backbone, Farmyard.classes, windows, settings, rng=rng)
    learn_by_heart(model, images, targets, steps=140, lr=0.002, rng=rng)
    assert precision_of(model, images, targets) > 0.95
