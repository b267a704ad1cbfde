"""Mask R-CNN: the stages after the boxes, the two losses, and that it can learn."""

import dataclasses

import numpy as np
import pytest
from short_training import FASTER_RCNN_FOR_TEN_SCENES, learn_by_heart, make_image, ten_scenes

from minicv import Tensor
from minicv.data import Farmyard
from minicv.inspection.stage import StageRecorder
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.detection import FasterRCNN, FasterRCNNSettings, MaskRCNN, MaskRCNNSettings
from minicv.models.detection.keypoint_head import keypoint_loss
from minicv.models.detection.mask_head import mask_loss
from minicv.vision.heatmaps import heatmaps_to_keypoints, joint_positions
from minicv.vision.mask_pasting import paste_masks, paste_masks_expanded
from minicv.vision.mask_targets import mask_targets, resize_masks

CLASSES = ("cow", "duck", "person")
SETTINGS = MaskRCNNSettings(
    min_size=64,
    max_size=96,
    anchor_sizes=(12.0, 24.0, 48.0),
    rpn_channels=16,
    head_units=16,
    pre_nms_top_n_train=100,
    post_nms_top_n_train=40,
    pre_nms_top_n_test=40,
    post_nms_top_n_test=30,
    rpn_samples=32,
    head_samples=16,
    score_threshold=0.0,
    detections_per_image=7,
    canonical_size=40.0,
    mask_channels=(8, 9),
    mask_predictor_channels=7,
    joint_names=("left hand", "right hand", "neck"),
    keypoint_channels=(6, 5),
)
MASKS = dataclasses.replace(SETTINGS, joint_names=())
JOINTS = dataclasses.replace(SETTINGS, masks=False)
BOTH = pytest.mark.parametrize(
    "settings", [SETTINGS, MASKS, JOINTS], ids=["both", "masks", "joints"]
)


def make_model(settings=SETTINGS, seed=0):
    rng = np.random.default_rng(seed)
    return MaskRCNN(
        FPN(SmallBackbone(4, (8, 16), rng=rng), 12, rng=rng), CLASSES, settings, rng=rng
    )


def objects(height, width, *boxes, joints=3, label=2):
    """A target whose masks are the left halves of the boxes and whose joints are on a diagonal."""
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    masks = np.zeros((len(boxes), height, width), bool)
    keypoints = np.ones((len(boxes), joints, 3), np.float32)
    for index, (x1, y1, x2, y2) in enumerate(boxes):
        masks[index, int(y1) : int(y2), int(x1) : int((x1 + x2) / 2)] = True
        steps = np.linspace(0.21, 0.83, joints)
        keypoints[index, :, 0], keypoints[index, :, 1] = (
            x1 + steps * (x2 - x1),
            y1 + steps * (y2 - y1),
        )
    return {
        "boxes": boxes,
        "labels": np.full(len(boxes), label),
        "masks": masks,
        "keypoints": keypoints,
    }


def stages_of(model, image):
    return {stage.name: stage.arrays for stage in model.stages(image)}


@BOTH
def test_what_the_result_has(settings):
    image = make_image(50, 80)
    found = make_model(settings).predict([image, make_image(33, 40)])[0]
    count = len(found["boxes"])
    assert count == 7
    assert ("masks" in found) == settings.masks
    assert ("keypoints" in found) == bool(settings.joint_names)
    if settings.masks:
        assert found["masks"].shape == (7, 50, 80) and found["masks"].dtype == bool
    if settings.joint_names:
        assert found["keypoints"].shape == (7, 3, 3) and found["keypoint_scores"].shape == (7, 3)
        boxes = found["boxes"][:, None]
        assert (found["keypoints"][..., :2] >= boxes[..., :2] - 1e-3).all()
        # A box of less than a pixel still has a pixel of the resized image, of which a joint is
        # the middle.
        assert (found["keypoints"][..., :2] <= boxes[..., 2:] + 1).all()


@BOTH
def test_boxes_are_those_of_faster_rcnn(settings):
    model = make_model(settings)
    plain = FasterRCNN(model.backbone, CLASSES, settings, rng=np.random.default_rng(1))
    plain.load_state_dict({name: model.state_dict()[name] for name in plain.state_dict()})
    image = make_image(50, 80)
    ours, theirs = model.predict([image])[0], plain.predict([image])[0]
    for name in ("boxes", "labels", "scores"):
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_masks_are_the_pasted_probabilities_of_the_detected_class():
    model, image = make_model(), make_image(50, 80)
    stages = stages_of(model, image)
    found = stages["instances"]
    probabilities = stages["mask_probabilities"]["mask_probabilities"]
    np.testing.assert_array_equal(
        found["masks"], paste_masks(probabilities, found["boxes"], 50, 80)
    )
    # By hand, from the final boxes in the pixels of the batch.
    _, features, detected = model.eval().detect_in_batch([image], StageRecorder(keep=False))
    pooled = model.pool(features, [detected[0].boxes], 14)
    logits = model.mask_predictor(model.mask_head(pooled)).data
    assert logits.shape == (7, 4, 28, 28)
    for index, label in enumerate(detected[0].labels):
        right = 1 / (1 + np.exp(-logits[index, label + 1]))
        np.testing.assert_allclose(probabilities[index], right, rtol=1e-5)


def test_the_other_rule_of_pasting():
    model = make_model(dataclasses.replace(MASKS, expanded_pasting=True))
    stages = stages_of(model, make_image(50, 80))
    found = stages["instances"]
    right = paste_masks_expanded(
        stages["mask_probabilities"]["mask_probabilities"], found["boxes"], 50, 80
    )
    np.testing.assert_array_equal(found["masks"], right)


def test_joints_are_the_peaks_of_their_heat_maps():
    model, image = make_model(), make_image(32, 80)  # is enlarged by 1.2 and not by 2
    batch, features, detected = model.eval().detect_in_batch([image], StageRecorder(keep=False))
    pooled = model.pool(features, [detected[0].boxes], 14)
    logits = model.keypoint_predictor(model.keypoint_head(pooled)).data
    assert logits.shape == (7, 3, 56, 56)
    keypoints, scores = heatmaps_to_keypoints(logits, detected[0].boxes)
    stages = stages_of(model, image)
    scale_y, scale_x = batch.scale(0)
    assert (scale_y, scale_x) == (38 / 32, 96 / 80)
    found = stages["instances"]
    np.testing.assert_allclose(found["keypoints"][..., 0], keypoints[..., 0] / scale_x, rtol=1e-5)
    np.testing.assert_allclose(found["keypoints"][..., 1], keypoints[..., 1] / scale_y, rtol=1e-5)
    np.testing.assert_allclose(found["keypoint_scores"], scores, rtol=1e-4, atol=1e-5)
    maps = stages["heatmaps"]["heatmaps"]
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), 1, rtol=1e-4)
    np.testing.assert_array_equal(
        maps.reshape(7, 3, -1).argmax(axis=2), logits.reshape(7, 3, -1).argmax(axis=2)
    )


def test_a_class_without_joints_has_none():
    model = make_model(JOINTS)
    model.box_predictor.bbox_pred.weight.data *= 0  # each class finds each region
    model.box_predictor.cls_score.weight.data *= 0
    some = make_model(dataclasses.replace(JOINTS, joint_classes=("duck",)))
    some.load_state_dict(model.state_dict())
    image = make_image(50, 80)
    everything, found = model.predict([image])[0], some.predict([image])[0]
    ducks = found["labels"] == 1
    assert 0 < ducks.sum() < len(ducks)
    assert (everything["keypoints"][..., 2] == 1).all()
    assert (found["keypoints"][~ducks] == 0).all() and (found["keypoint_scores"][~ducks] == 0).all()
    np.testing.assert_array_equal(found["keypoints"][ducks], everything["keypoints"][ducks])


def test_the_losses_are_those_of_the_drawn_regions():
    """The regions that `loss` draws are drawn again; each head's loss follows from them."""
    model = make_model()
    images = [make_image(50, 80), make_image(64, 64, seed=3)]
    targets = [
        objects(50, 80, [4, 4, 30, 44], [40, 10, 76, 48], [60, 0, 80, 20]),
        objects(64, 64, [0, 0, 64, 64], label=0),
    ]
    targets[0]["iscrowd"] = np.array([True, False, False])  # its number is not drawn
    targets[0]["keypoints"][2, 1, 2] = 0
    losses = model.loss(images, targets)
    _, batch, features, sampled = model.learn_from_batch(images, targets, None)
    boxes = [own.boxes[: len(own.deltas)] for own in sampled]
    assert {int(number) for number in sampled[0].matched} == {1, 2}
    masks, classes, positions, valid = [], [], [], []
    for index, own in enumerate(sampled):
        small = resize_masks(targets[index]["masks"], *batch.sizes[index])
        masks.append(mask_targets(small, own.matched, boxes[index], 28))
        classes.append(own.labels[: len(own.deltas)])
        scale_y, scale_x = batch.scale(index)
        there = targets[index]["keypoints"][own.matched] * [scale_x, scale_y, 1]
        for to, part in zip(
            (positions, valid), joint_positions(there, boxes[index], 56), strict=True
        ):
            to.append(part)
    pooled = model.pool(features, boxes, 14)
    right = mask_loss(
        model.mask_predictor(model.mask_head(pooled)),
        np.concatenate(masks),
        np.concatenate(classes),
    )
    np.testing.assert_allclose(losses["loss_mask"].data, right.data, rtol=1e-5)
    assert not np.concatenate(valid).all()
    right = keypoint_loss(
        model.keypoint_predictor(model.keypoint_head(pooled)),
        np.concatenate(positions),
        np.concatenate(valid),
    )
    np.testing.assert_allclose(losses["loss_keypoint"].data, right.data, rtol=1e-5)


def test_the_loss_teaches_every_parameter():
    model = make_model()
    losses = model.loss([make_image(64, 96)], [objects(64, 96, [2, 2, 14, 14], [0, 0, 60, 60])])
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and np.abs(parameter.grad).max() > 0, name


@BOTH
@pytest.mark.parametrize("size", [(1, 1), (1, 90), (64, 64)])
def test_pictures_without_objects(settings, size):
    model = make_model(settings)
    losses = model.loss([make_image(*size)], [objects(*size)])
    names = [name for name in ("loss_mask", "loss_keypoint") if name in losses]
    assert len(names) == settings.masks + bool(settings.joint_names)
    for name in names:
        assert float(losses[name].data) == 0
    sum(losses.values()).backward()  # the graph is there, and its gradients are 0
    assert all(p.grad is None or np.isfinite(p.grad).all() for p in model.parameters())
    found = model.predict([make_image(*size)])[0]
    if settings.masks:
        assert found["masks"].shape[1:] == size


def test_no_detection_at_all():
    model = make_model(dataclasses.replace(SETTINGS, score_threshold=0.999))
    found = model.predict([make_image(50, 80), make_image(20, 20)])
    assert [one["masks"].shape for one in found] == [(0, 50, 80), (0, 20, 20)]
    assert [one["keypoints"].shape for one in found] == [(0, 3, 3)] * 2
    assert stages_of(model, make_image(50, 80))["heatmaps"]["heatmaps"].shape == (0, 3, 56, 56)


def test_each_image_of_a_batch_gets_its_own_masks_and_joints():
    model = make_model()
    images = [make_image(50, 80), make_image(50, 80, seed=9)]
    alone = [model.predict([image])[0] for image in images]
    for one, other in zip(model.predict(images), alone, strict=True):
        np.testing.assert_array_equal(one["masks"], other["masks"])
        np.testing.assert_allclose(one["keypoints"], other["keypoints"], atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "field", "message"),
    [
        (MASKS, "masks", "the target has no masks, which MaskRCNN learns from; it has boxes"),
        (JOINTS, "keypoints", "the target has no keypoints, which MaskRCNN learns from"),
    ],
)
def test_a_target_that_lacks_a_label(settings, field, message):
    target = objects(64, 64, [0, 0, 30, 30])
    del target[field]
    target["image_id"] = "a.jpg"
    with pytest.raises(ValueError, match=f"image 'a.jpg': {message}"):
        make_model(settings).loss([make_image(64, 64)], [target])


def test_another_number_of_joints():
    with pytest.raises(ValueError, match=r"keypoints has shape \(1, 4, 3\); expected \(G, 3, 3\)"):
        make_model().loss([make_image(64, 64)], [objects(64, 64, [0, 0, 30, 30], joints=4)])


def test_neither_masks_nor_joints():
    with pytest.raises(ValueError, match=r"masks=False and joint_names=.*FasterRCNN"):
        dataclasses.replace(MASKS, masks=False)


def test_names_of_layers_are_torchvisions_without_its_prefixes():
    names = set(make_model().state_dict())
    assert {
        "mask_head.mask_fcn2.bias",
        "mask_predictor.conv5_mask.weight",
        "mask_predictor.mask_fcn_logits.weight",
        "keypoint_head.0.weight",
        "keypoint_head.2.bias",
        "keypoint_predictor.kps_score_lowres.weight",
    } <= names


def test_numbers_of_the_paper():
    s = MaskRCNNSettings()
    assert (s.mask_pooled_size, s.mask_channels) == (14, (256,) * 4)
    assert (s.keypoint_pooled_size, s.keypoint_channels) == (14, (512,) * 8)
    assert s.aligned and not s.expanded_pasting


def test_it_learns_ten_scenes_by_heart():
    rng = np.random.default_rng(0)
    box_settings = {
        field.name: getattr(FASTER_RCNN_FOR_TEN_SCENES, field.name)
        for field in dataclasses.fields(FasterRCNNSettings)
    }
    settings = MaskRCNNSettings(
        **{**box_settings, "anchor_sizes": (12.0, 22.0, 40.0), "canonical_size": 80.0},
        mask_channels=(16,),
        mask_predictor_channels=16,
        joint_names=Farmyard.joint_names,
        joint_classes=("person",),
        keypoint_channels=(32, 32),
    )
    backbone = FPN(SmallBackbone(16, (4, 8), rng=rng), 32, rng=rng)
    images, targets = ten_scenes(64)
    model = MaskRCNN(backbone, Farmyard.classes, settings, rng=rng)
    learn_by_heart(model, images, targets, steps=120, lr=3e-3, rng=rng)
    overlaps, errors = [], []
    for result, target in zip(model.predict(images), targets, strict=True):
        for index, (label, mask) in enumerate(zip(target["labels"], target["masks"], strict=True)):
            same = np.flatnonzero((result["labels"] == label) & (result["scores"] > 0.5))
            iou = [(mask & m).sum() / (mask | m).sum() for m in result["masks"][same]]
            overlaps.append(max(iou, default=0))
            if label == 4 and len(same):
                joints, there = (
                    target["keypoints"][index],
                    result["keypoints"][same[np.argmax(iou)]],
                )
                visible = joints[:, 2] > 0
                away = np.linalg.norm(there[visible, :2] - joints[visible, :2], axis=1)
                errors.append(np.median(away))
    assert np.mean(overlaps) > 0.6  # whole boxes would have 0.46
    assert np.median(errors) < 2  # pixels of a picture of 64
    assert isinstance(model.loss(images, targets)["loss_mask"], Tensor)
