"""Stages of large photographs are drawn smaller, with all that lies on them."""

import numpy as np
import pytest

from minicv.inspection import draw_stages
from minicv.inspection.stage import Stage
from minicv.inspection.stage_sizes import MOST_SIDE, smaller_stages

WHITE = np.ones((3, 1200, 2400), np.float32)


def stage(kind, name="s", **arrays):
    return Stage(name, name, kind, arrays, 0.0)


def test_boxes_strides_and_label_maps_follow_their_image():
    boxes = np.array([[0.0, 100.0, 800.0, 1200.0]], np.float32)
    refined = np.stack([boxes, 2 * boxes], axis=1)
    labels = np.zeros((1200, 2400), np.int64)
    labels[:, 1200:] = 1
    found = {"boxes": boxes, "labels": np.array([0]), "scores": np.ones(1)}
    scores = np.ones((1, 2))
    small = smaller_stages(
        [
            stage("image", "a", image=WHITE),
            stage("features", "b", features=np.zeros((2, 75, 150)), stride=16),
            stage("boxes", "c", boxes=boxes, scores=np.ones(1)),
            stage("refined boxes", "d", boxes=boxes, refined_boxes=refined, class_scores=scores),
            stage("detections", "e", image=WHITE, **found),
            stage("label map", "f", image=WHITE, segmentation=labels),
        ]
    )
    half = boxes / 2
    assert [one.name for one in small] == list("abcdef")
    assert small[0].arrays["image"].shape == (3, 600, MOST_SIDE)
    np.testing.assert_allclose(small[0].arrays["image"], 1)
    assert small[1].arrays["stride"] == 8
    for one in small[2:5]:
        np.testing.assert_array_equal(one.arrays["boxes"], half)
    np.testing.assert_array_equal(small[3].arrays["refined_boxes"], refined / 2)
    halved = small[5].arrays["segmentation"]
    assert halved.shape == (600, 1200)
    assert (halved[:, :600] == 0).all() and (halved[:, 600:] == 1).all()


def test_each_image_has_a_scale_of_its_own():
    small = np.ones((3, 40, 40), np.float32)
    boxes = np.array([[1.0, 2.0, 3.0, 4.0]], np.float32)
    stages = [
        stage("image", "a", image=WHITE),
        stage("image", "b", image=small),
        stage("boxes", "c", boxes=boxes, scores=np.ones(1)),
    ]
    drawn = smaller_stages(stages)
    assert drawn[1:] == stages[1:]


def test_an_image_with_anchors_stays():
    anchors = np.zeros((2, 3, 1, 4))
    stages = [stage("image", "a", image=WHITE), stage("anchors", "b", anchors=anchors)]
    assert smaller_stages(stages) == stages


@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1), (2000, 1999)])
def test_any_shape(size):
    (small,) = smaller_stages([stage("image", image=np.ones((3, *size), np.float32))])
    assert max(small.arrays["image"].shape) == MOST_SIDE and min(small.arrays["image"].shape) >= 1
    pictures = draw_stages([stage("image", image=np.ones((3, *size), np.float32))], ["cow"])
    assert max(pictures["s"].size) < 2000


def test_masks_and_joints_follow_their_image():
    masks = np.zeros((2, 1200, 2400), bool)
    masks[1, 200:400, 1000:1600] = True
    joints = np.array([[[100.0, 50, 1]], [[2400, 1200, 0]]])
    found = {"boxes": np.zeros((2, 4)), "labels": np.zeros(2, int), "scores": np.ones(2)}
    (small,) = smaller_stages(
        [stage("instances", image=WHITE, masks=masks, keypoints=joints, **found)]
    )
    expected = np.zeros((2, 600, 1200), bool)
    expected[1, 100:200, 500:800] = True
    np.testing.assert_array_equal(small.arrays["masks"], expected)
    assert small.arrays["keypoints"].tolist() == [[[50, 25, 1]], [[1200, 600, 0]]]
    none = {name: values[:0] for name, values in found.items()}
    (small,) = smaller_stages([stage("instances", image=WHITE, masks=masks[:0], **none)])
    assert small.arrays["masks"].shape == (0, 600, 1200)
