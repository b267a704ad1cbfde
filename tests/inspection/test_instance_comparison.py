"""The truth beside what was found: who belongs to whom, one colour for both, what is missing."""

import numpy as np
import pytest
from PIL import Image

from minicv.inspection import draw_instances_beside_truth
from minicv.inspection.instance_comparison import match_instances, scaled_instances
from minicv.inspection.instances import instance_colours
from minicv.inspection.palette import GREY, ORANGE

IMAGE = np.full((3, 400, 600), 0.5, np.float32)
BOXES = np.array([[40.0, 60, 200, 360], [300, 60, 560, 360]])
FIRST, SECOND, THIRD = instance_colours(3)


def masks_of(boxes, size=(400, 600)):
    masks = np.zeros((len(boxes), *size), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, np.asarray(boxes, int), strict=True):
        mask[y1:y2, x1:x2] = True
    return masks


def objects(boxes, labels, **more):
    boxes = np.array(boxes, float).reshape(-1, 4)
    return {"boxes": boxes, "labels": np.array(labels, int), "masks": masks_of(boxes), **more}


def halves(truth, found, **options):
    sheet = np.asarray(draw_instances_beside_truth(IMAGE, truth, found, ["cow", "cat"], **options))
    return sheet[:, : sheet.shape[1] // 2], sheet[:, sheet.shape[1] // 2 :]


def count(half, colour):
    return int((half == colour).all(axis=2).sum())


def test_what_belongs_together_has_one_colour_and_what_does_not_another():
    truth = objects(BOXES, [0, 1])
    found = objects([BOXES[1] + 4, BOXES[0] + 3, [240, 0, 280, 40]], [1, 0, 0])
    found["scores"] = np.array([0.9, 0.8, 0.7])
    left, right = halves(truth, found)
    assert count(left, FIRST) > 500 and count(left, SECOND) > 500 and not count(left, THIRD)
    assert count(right, THIRD) > 100
    columns = [np.flatnonzero((half == SECOND).all(axis=2).any(axis=0)) for half in (left, right)]
    assert columns[0].min() - 28 == 300  # of the truth, after the margin
    assert columns[1].min() - 12 == 304  # of the detection, after half of the gap


def test_a_region_that_is_a_crowd_is_grey_and_matches_nothing():
    truth = objects(BOXES, [0, 1], iscrowd=np.array([False, True]))
    found = objects(BOXES, [0, 1], scores=np.array([0.9, 0.8]))
    assert match_instances(truth, found) == [0, -1]
    left, right = halves(truth, found)
    assert count(left, GREY) > 500 and not count(left, SECOND)
    assert count(right, THIRD) > 500 and count(right, FIRST) > 500


def test_each_object_is_taken_once_by_the_surest_of_its_class():
    truth = objects(BOXES, [0, 1])
    found = objects([BOXES[0], BOXES[0] + 1, BOXES[1]], [0, 0, 0], scores=np.array([0.5, 0.9, 0.7]))
    assert match_instances(truth, found) == [-1, 0, -1]
    assert match_instances(truth, objects([], [], scores=np.zeros(0))) == []
    assert match_instances(objects([], []), found) == [-1, -1, -1]


def test_masks_decide_where_both_have_them():
    truth = objects(BOXES[:1], [0])
    found = objects(BOXES[:1], [0], scores=np.array([0.9]))
    assert match_instances(truth, found) == [0]
    found["masks"] = found["masks"].copy()
    found["masks"][0, 60:220] = False  # 140 of 300 rows are left: IoU 0.47
    assert match_instances(truth, found) == [-1]
    found["masks"][0, 200:220, 40:200] = True  # 160 rows: 0.53
    assert match_instances(truth, found) == [0]
    found["masks"][:] = False
    assert match_instances(truth, found) == [-1]
    del found["masks"]
    assert match_instances(truth, found) == [0]


@pytest.mark.parametrize("name", ["masks", "keypoints"])
def test_masks_and_joints_are_drawn_only_where_both_have_them(name):
    truth = {"boxes": BOXES[:1], "labels": np.array([0])}
    found = truth | {"scores": np.array([0.9])}
    joints = np.ones((1, 14, 3))
    joints[0, :, :2] = np.linspace((60, 80), (180, 340), 14)
    value = {"masks": masks_of(BOXES[:1]), "keypoints": joints}[name]
    plain = halves(truth, found)
    one_sided = halves(truth | {name: value}, found)
    both = halves(truth | {name: value}, found | {name: value})
    for half in (0, 1):
        assert np.array_equal(plain[half], one_sided[half])
        assert not np.array_equal(plain[half], both[half])


def test_joints_that_score_too_little_are_left_out_of_the_detections():
    joints = np.ones((1, 14, 3))
    joints[0, :, :2] = np.linspace((60, 80), (180, 340), 14)
    truth = {"boxes": BOXES[:1], "labels": np.array([0]), "keypoints": joints}
    found = truth | {"scores": np.array([0.9]), "keypoint_scores": np.full((1, 14), -1.0)}
    left, right = halves(truth, found)
    assert count(left, ORANGE) > 100 and count(right, ORANGE) == 0


def test_large_photographs_are_drawn_smaller_with_all_that_lies_on_them():
    image = np.full((3, 1200, 2400), 0.5, np.float32)
    box = np.array([[400.0, 200, 1200, 1000]])
    truth = {"boxes": box, "labels": np.array([0]), "masks": masks_of(box, (1200, 2400))}
    sheet = draw_instances_beside_truth(image, truth, truth | {"scores": np.ones(1)}, ["cow"])
    assert sheet.width == 2 * 1200 + 24 + 2 * 28
    columns = np.flatnonzero((np.asarray(sheet)[:, :1228] == FIRST).all(axis=2).any(axis=0))
    assert columns.min() - 28 == 200 and columns.max() - 28 == 599


def test_scaled_instances():
    found = objects(BOXES, [0, 1], keypoints=np.array([[[10.0, 20, 1]], [[0.0, 0, 0]]]))
    half = scaled_instances(found, (400, 600), (200, 300))
    np.testing.assert_array_equal(half["boxes"], BOXES / 2)
    assert half["keypoints"][0, 0].tolist() == [5, 10, 1]
    np.testing.assert_array_equal(half["masks"], masks_of(BOXES / 2, (200, 300)))
    assert scaled_instances(found, (400, 600), (400, 600)) == found
    none = scaled_instances(objects([], []), (400, 600), (200, 300))
    assert none["masks"].shape == (0, 200, 300)


def test_a_photograph_with_many_objects(real_data):
    folder = real_data("PennFudanPed") / "PNGImages"
    with Image.open(sorted(folder.iterdir())[0]) as photograph:
        image = np.asarray(photograph.convert("RGB"), np.float32).transpose(2, 0, 1) / 255
    nothing = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "scores": np.zeros(0)}
    assert draw_instances_beside_truth(image, nothing, nothing).width > 2 * image.shape[2]
