"""One object an image: its class, its box, both losses; and why there cannot be two."""

import dataclasses

import numpy as np
import pytest
from short_training import learn_by_heart, make_image, precision_of, target

from minicv.autograd import Tensor
from minicv.data import Farmyard
from minicv.models.backbones import SmallBackbone
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.vision import box_iou

CLASSES = ("cow", "duck", "person")
SETTINGS = SingleObjectSettings(size=48, pooled_size=2, units=16)
OF_CLASS = dataclasses.replace(SETTINGS, box_of="class")
OWN_HEAD = dataclasses.replace(SETTINGS, box_head="own")
KINDS = {
    "one box": SETTINGS,
    "one of each class": OF_CLASS,
    "own head": OWN_HEAD,
    "fewer cells of the class": dataclasses.replace(OWN_HEAD, class_pooled_size=1),
    "both": dataclasses.replace(OF_CLASS, box_head="own"),
}
every_kind = pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)


def make_model(settings=SETTINGS, classes=CLASSES):
    rng = np.random.default_rng(0)
    return SingleObjectDetector(SmallBackbone(4, rng=rng), classes, settings, rng=rng)


def one(label, box, **more):
    return {"label": label, "box": np.array(box, np.float32), **more}


def answer_always(model, fractions, logits=None):
    """Whatever the image, the model now says these boxes (B, 4), and maybe these classes."""
    model.box.weight.data = np.zeros_like(model.box.weight.data)
    model.box.bias.data = np.array(fractions, np.float32).reshape(-1)
    if logits is not None:
        model.class_scores.weight.data = np.zeros_like(model.class_scores.weight.data)
        model.class_scores.bias.data = np.array(logits, np.float32)


def test_the_box_is_a_share_of_the_image():
    model = make_model()
    answer_always(model, [0.1, 0.25, 0.5, 1.5])
    for height, width in ((40, 60), (400, 20)):
        found = model.predict([make_image(height, width)])[0]
        expected = [[0.1 * width, 0.25 * height, 0.5 * width, height]]  # cut off at the edge
        np.testing.assert_allclose(found["boxes"], expected * 3, rtol=1e-6)
        assert found["boxes"].dtype == np.float32 and found["labels"].dtype == np.int64
    losses = model.loss([make_image(80, 60)], [one(0, [6, 10, 30, 60])])
    by_hand = SETTINGS.box_weight * ((0.25 - 10 / 80) ** 2 + (1.5 - 60 / 80) ** 2) / 4
    np.testing.assert_allclose(losses["loss_box_reg"].item(), by_hand, rtol=1e-5)


def test_the_five_best_classes_each_with_its_box():
    """Six classes: probabilities by hand, the best first; the third class's box is the third."""
    model = make_model(OF_CLASS, tuple("abcdef"))
    fractions = [[0.1 * k, 0.0, 0.1 * k + 0.2, 0.5] for k in range(6)]
    answer_always(model, fractions, np.log([1.0, 2.0, 8.0, 4.0, 0.5, 0.25]))
    (found,) = model.predict([make_image(20, 100)])
    assert found["labels"].tolist() == [2, 3, 1, 0, 4]
    np.testing.assert_allclose(found["scores"], np.array([8, 4, 2, 1, 0.5]) / 15.75, rtol=1e-5)
    left = [20, 30, 10, 0, 40]
    expected = [[x, 0, x + 20, 10] for x in left]
    np.testing.assert_allclose(found["boxes"], expected, rtol=1e-5, atol=1e-5)


def test_only_the_box_of_the_true_class_is_trained():
    model = make_model(OF_CLASS)
    answer_always(model, [[0, 0, 1, 1], [0, 0, 0.5, 1], [0, 0, 1, 0.5]])
    images = [make_image(40, 40), make_image(40, 80)]
    loss = model.loss(images, [one(1, [0, 0, 40, 40]), one(2, [0, 20, 80, 40])])["loss_box_reg"]
    # One side of the first is off by 0.5; of the second the top and the bottom.
    np.testing.assert_allclose(loss.item(), SETTINGS.box_weight * 3 * 0.25 / 8, rtol=1e-6)
    loss.backward()
    off = model.box.bias.grad.reshape(3, 4) / SETTINGS.box_weight
    expected = np.array([[0, 0, 0, 0], [0, 0, -0.5, 0], [0, -0.5, 0, -0.5]]) * 2 / 8
    np.testing.assert_allclose(off, expected, rtol=1e-5, atol=1e-7)


def test_corners_in_the_wrong_order_and_boxes_outside():
    model = make_model()
    answer_always(model, [0.5, 0.9, 0.4, 0.2])
    found = model.predict([make_image(40, 60)])[0]
    np.testing.assert_allclose(found["boxes"], [[24, 8, 30, 36]] * 3, rtol=1e-6)
    answer_always(model, [1.1, 0.0, 1.4, 1.0])
    found = model.predict([make_image(40, 60)])[0]
    assert found["boxes"].tolist() == [[60, 0, 60, 40]] * 3  # no area, and the class still counts
    assert model.stages(make_image(40, 60))[-1].arrays["labels"].tolist() == [
        *found["labels"].tolist()
    ]


def test_label_and_box_are_one_object_of_many():
    """The form of one object wins where both are there: it is what `OneObject` adds."""
    model = make_model().eval()
    images = [make_image(40, 40), make_image(40, 40, seed=1)]
    boxes = [[1, 2, 30, 35], [0, 0, 20, 20]]
    alone = [one(2, boxes[0]), one(0, boxes[1], boxes=np.zeros((0, 4)), labels=np.zeros(0))]
    several = [target(boxes[0], label=2), target(boxes[1], label=0)]
    for name, loss in model.loss(images, several).items():
        assert model.loss(images, alone)[name].item() == loss.item() > 0


@every_kind
def test_the_parts_of_the_loss_and_whom_they_move(settings):
    model = make_model(dataclasses.replace(settings, dropout=0.0))
    images, targets = [make_image(40, 60), make_image(50, 50)], [one(1, [4, 4, 30, 30])] * 2
    model.eval()
    both = model.loss(images, targets)
    of_class, of_box = model.class_loss(images, targets), model.box_loss(images, targets)
    assert [*of_class, *of_box] == list(both)
    np.testing.assert_allclose(of_class["loss_classifier"].item(), both["loss_classifier"].item())
    np.testing.assert_allclose(of_box["loss_box_reg"].item(), both["loss_box_reg"].item())

    model.train()
    box = {id(p) for part in model.box_parts for p in part.parameters()}
    rest = {id(p) for part in model.class_parts for p in part.parameters()}
    assert not box & rest and len(box | rest) == len(list(model.parameters()))
    for loss, moved in ((model.class_loss, rest), (model.box_loss, box)):
        for parameter in model.parameters():
            parameter.grad = None
        sum(loss(images, targets).values(), start=Tensor(0.0)).backward()
        with_gradient = {id(p) for p in model.parameters() if p.grad is not None}
        assert with_gradient == moved


def test_the_frozen_network_keeps_its_batch_statistics_and_drops_nothing():
    """With half of the shared units dropped, two calls would differ."""
    model = make_model().train()
    before = {name: np.copy(own.data) for name, own in model.named_buffers()}
    images, targets = [make_image(40, 60)], [one(1, [4, 4, 30, 30])]
    first, second = (model.box_loss(images, targets)["loss_box_reg"].item() for _ in range(2))
    assert first == second
    for name, own in model.named_buffers():
        np.testing.assert_array_equal(own.data, before[name])
    assert model.backbone.training and model.hidden.training
    model.class_loss(images, targets)
    assert any((own.data != before[name]).any() for name, own in model.named_buffers())


def test_the_class_is_read_off_fewer_cells_and_the_box_is_not():
    """Of one cell: where the features move by a cell, the class stays and the box does not."""
    model = make_model(KINDS["fewer cells of the class"]).eval()
    assert model.hidden.fc6.in_features == 16 and model.box_hidden.fc6.in_features == 16 * 4
    features = np.random.default_rng(0).normal(size=(1, 16, 6, 6)).astype(np.float32)
    moved = np.roll(features, 3, axis=3)
    (scores, boxes), (other_scores, other_boxes) = map(model.heads, map(Tensor, (features, moved)))
    np.testing.assert_allclose(scores.data, other_scores.data, rtol=1e-6)
    assert np.abs(boxes.data - other_boxes.data).max() > 1e-3
    # Where the box is read off the units of the class, these need to know where things are.
    shared = dataclasses.replace(SETTINGS, class_pooled_size=1)
    assert make_model(shared).hidden.fc6.in_features == 16 * 4


def test_without_objects_there_is_nothing_to_learn():
    losses = make_model().loss([make_image(40, 40)] * 2, [target(), target()])
    assert losses["loss_classifier"].item() == losses["loss_box_reg"].item() == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (one(3, [1, 1, 5, 5]), r"labels\[0\] is 3, expected 0..2"),
        (one(0, [5, 1, 5, 8]), "x2 <= x1"),
        (one(0, [0.1, 0.1, 0.5, 0.5]), "look like fractions"),
        (one(0, [1, 1, 50, 5]), "outside the picture"),
        (one(0, [1, 1, 5]), r"shape \(1, 3\)"),
        ({"box": np.ones(4)}, "a box but no label"),
        ({"label": 1}, "no boxes"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_by_name(wrong, message):
    model = make_model()
    for loss in (model.loss, model.class_loss, model.box_loss):
        with pytest.raises(ValueError, match=f"image 'a.jpg'.*{message}"):
            loss([make_image(40, 40)], [{**wrong, "image_id": "a.jpg"}])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 0}, "size=0"),
        ({"pooled_size": -1}, "pooled_size=-1"),
        ({"class_pooled_size": 0, "box_head": "own"}, "class_pooled_size=0"),
        ({"box_of": "every"}, "box_of='every'; expected 'any' or 'class'"),
        ({"box_head": "none"}, "box_head='none'; expected 'shared' or 'own'"),
    ],
)
def test_settings_that_are_none(changes, message):
    with pytest.raises(ValueError, match=message):
        SingleObjectSettings(**changes)


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
    np.testing.assert_allclose(found, [mean] * 3, rtol=1e-5)
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
