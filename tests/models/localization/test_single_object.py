"""Detection as regression: what it can do with one object, and cannot with two."""

import numpy as np
import pytest
from short_training import learn_by_heart, make_image, precision_of, target

from minicv.data import Farmyard
from minicv.models.backbones import SmallBackbone
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.vision import box_iou

SETTINGS = SingleObjectSettings(size=48, pooled_size=2, units=16)


def make_model(settings=SETTINGS):
    rng = np.random.default_rng(0)
    classes = ("cow", "duck", "person")
    return SingleObjectDetector(SmallBackbone(4, rng=rng), classes, settings, rng=rng)


def answer_always(model, fractions):
    """Whatever the image, the model now says this box."""
    model.box.weight.data = np.zeros_like(model.box.weight.data)
    model.box.bias.data = np.array(fractions, np.float32)


def test_the_box_is_a_share_of_the_image():
    model = make_model()
    answer_always(model, [0.1, 0.25, 0.5, 1.5])
    for height, width in ((40, 60), (400, 20)):
        found = model.predict([make_image(height, width)])[0]
        expected = [[0.1 * width, 0.25 * height, 0.5 * width, height]]  # cut off at the edge
        np.testing.assert_allclose(found["boxes"], expected, rtol=1e-6)
        assert found["boxes"].dtype == np.float32 and found["labels"].dtype == np.int64
    truth = {"boxes": np.array([[6, 10, 30, 60]], np.float32), "labels": np.array([0])}
    losses = model.loss([make_image(80, 60)], [truth])
    by_hand = SETTINGS.box_weight * ((0.25 - 10 / 80) ** 2 + (1.5 - 60 / 80) ** 2) / 4
    np.testing.assert_allclose(losses["loss_box_reg"].item(), by_hand, rtol=1e-5)


def test_four_numbers_that_are_no_box_are_no_detection():
    model = make_model()
    for fractions in ([0.5, 0.2, 0.4, 0.9], [1.1, 0.0, 1.4, 1.0], [0.2, 0.2, 0.2, 0.8]):
        answer_always(model, fractions)
        found = model.predict([make_image(40, 60)])[0]
        assert [len(found[name]) for name in ("boxes", "labels", "scores")] == [0, 0, 0]


def test_without_objects_there_is_nothing_to_learn():
    losses = make_model().loss([make_image(40, 40)] * 2, [target(), target()])
    assert losses["loss_classifier"].item() == losses["loss_box_reg"].item() == 0


def test_two_objects_are_answered_by_a_box_between_them():
    """The loss is least at the mean of their boxes, and that is a detection of neither."""
    boxes = [[5, 10, 25, 50], [75, 10, 95, 50]]
    image, truth = make_image(60, 100), target(*boxes)
    mean = np.mean(boxes, axis=0)
    model = make_model()
    answer_always(model, mean / [100, 60, 100, 60])
    least = model.loss([image], [truth])["loss_box_reg"]
    least.backward()
    np.testing.assert_allclose(model.box.bias.grad, 0, atol=1e-4)
    found = model.predict([image])[0]["boxes"]
    np.testing.assert_allclose(found, [mean], rtol=1e-5)
    assert box_iou(found, np.array(boxes, np.float32)).max() < 0.5
    for box in boxes:  # either of them as the answer costs more
        answer_always(model, np.array(box) / [100, 60, 100, 60])
        assert model.loss([image], [truth])["loss_box_reg"].item() > least.item() + 0.05


@pytest.mark.slow
def test_overfits_ten_scenes_with_one_object_each():
    data = Farmyard(40, size=(96, 96), seed=5, objects=(1, 1))
    samples = [sample for sample in data if len(sample[1]["boxes"]) == 1][:10]
    assert len(samples) == 10
    images, targets = zip(*samples, strict=True)
    rng = np.random.default_rng(0)
    settings = SingleObjectSettings(size=96, pooled_size=6, units=128, dropout=0.0)
    model = SingleObjectDetector(SmallBackbone(16, rng=rng), data.classes, settings, rng=rng)
    learn_by_heart(model, images, targets, steps=60, lr=0.002, rng=rng, batch_size=10)
    assert precision_of(model, images, targets) > 0.95
