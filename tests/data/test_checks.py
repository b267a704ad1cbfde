"""Checks before training: each fault is found and names its image."""

from __future__ import annotations

import numpy as np
import pytest

from minicv.data import Subset
from minicv.data.checks import check_learnable, check_targets, clip_to_picture
from minicv.data.farmyard import Farmyard

BOXES, PIXELS = ("boxes", "labels"), ("segmentation",)


def make(**changes):
    image = np.zeros((3, 20, 30), np.float32)
    target = {
        "boxes": np.array([[1, 2, 10, 12], [0, 0, 30, 20]], np.float32),
        "labels": np.array([0, 2]),
        "image_id": "barn",
    }
    target.update(changes)
    return image, target


def check(image, target, num_classes=3):
    check_targets([image], [target], num_classes)


def test_good_targets_pass_up_to_the_limits():
    check(*make())
    check(*make(boxes=np.zeros((0, 4)), labels=np.zeros(0, np.int64)))
    check(*make(boxes=np.array([[0, 0, 30.005, 20], [1, 1, 2, 2]])))  # float32 dust
    check(*make(boxes=np.array([[0, 0, 1, 1], [0, 0, 1, 1]])))  # one-pixel boxes in the corner
    with pytest.raises(ValueError, match=r"boxes\[0\] is \[0.0, 0.0, 30.02, 20.0\]: outside"):
        check(*make(boxes=np.array([[0, 0, 30.02, 20], [1, 1, 2, 2]])))
    scenes = Farmyard(3, size=(40, 48), objects=(0, 4))
    images, targets = zip(*(scenes[k] for k in range(3)), strict=True)
    check_targets(images, targets, 5)
    last = max(target["labels"].max(initial=0) for target in targets)
    with pytest.raises(ValueError, match=f"is {last}, expected 0..{last - 1}"):
        check_targets(images, targets, last)


NAN = float("nan")


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[1, 2, NAN, 4], [1, 1, 2, 2]], "boxes\\[0\\].*NaN"),
        ([[1, 1, 2, 2], [1, 2, np.inf, 4]], "boxes\\[1\\].*infinite"),
        ([[1, 1, 2, 2], [9, 2, 9, 4]], "boxes\\[1\\] is \\[9.0, 2.0, 9.0, 4.0\\]: x2 <= x1"),
        ([[1, 9, 2, 5], [1, 1, 2, 2]], "boxes\\[0\\].*y2 <= y1"),
        ([[1, 1, 31, 4], [1, 1, 2, 2]], "outside the picture of height 20 and width 30"),
        ([[-1, 1, 3, 4], [1, 1, 2, 2]], "outside"),
        ([[20, 10, 5, 4], [1, 2, 9, 9]], "look like x, y, width, height"),
        ([[0.5, 0.5, 0.2, 0.2], [0.1, 0.1, 0.6, 0.7]], "look like fractions"),
        ([[0.2, 0.2, 0.5, 0.4], [0.1, 0.1, 0.6, 0.7]], "less than a pixel.*look like fractions"),
        ([1, 2, 3, 4], "shape \\(4,\\), expected \\(N, 4\\)"),
        ([], "without objects it is np.zeros"),
    ],
)
def test_wrong_boxes(boxes, message):
    with pytest.raises(ValueError, match=f"image 'barn': .*{message}"):
        check(*make(boxes=np.array(boxes, float)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], "labels\\[1\\] is 3, expected 0..2"),
        ([-1, 0], "labels\\[0\\] is -1"),
        ([0], "shape \\(1,\\) but there are 2"),
        ([0.0, 1.0], "whole numbers"),
    ],
)
def test_wrong_labels(labels, message):
    with pytest.raises(ValueError, match=f"image 'barn': .*{message}"):
        check(*make(labels=np.array(labels)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"masks": np.zeros((1, 20, 30), bool)}, "masks have shape"),
        ({"masks": np.zeros((2, 30, 20), bool)}, "masks have shape"),
        ({"keypoints": np.zeros((1, 14, 3))}, "keypoints have shape"),
        ({"keypoints": np.zeros((2, 14, 2))}, "keypoints have shape"),
        ({"keypoints": np.full((2, 14, 3), NAN)}, "keypoints hold NaN"),
    ],
)
def test_wrong_masks_and_keypoints(changes, message):
    with pytest.raises(ValueError, match=f"image 'barn': {message}"):
        check(*make(**changes))


def test_wrong_images():
    image, target = make()
    with pytest.raises(ValueError, match="expected \\(3, H, W\\)"):
        check(image[0], target)
    image[0, 0, 0] = NAN
    with pytest.raises(ValueError, match="image holds NaN"):
        check(image, target)
    with pytest.raises(ValueError, match="1 images but 0 targets"):
        check_targets([image], [], 3)


def test_image_without_id_is_named_by_its_place():
    image, target = make(labels=np.array([0, 9]))
    del target["image_id"]
    with pytest.raises(ValueError, match="image 1: labels"):
        check_targets([image, image], [make()[1], target], 3)


def test_label_maps_alone_are_not_for_a_detector():
    image, _ = make()
    target = {"segmentation": np.zeros((20, 30), np.int64), "image_id": "road"}
    message = "image 'road': the target has no boxes, .* it has image_id, segmentation"
    with pytest.raises(ValueError, match=message):
        check(image, target)
    check(*make(segmentation=target["segmentation"]))  # beside boxes they do no harm


@pytest.mark.parametrize(
    ("box", "expected", "wrong"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], False),
        ([0, 0, 10, 8], [0, 0, 10, 8], False),  # the border itself is inside
        ([-1, -2, 11, 9], [0, 0, 10, 8], True),
        ([-0.01, 0, 10, 8.02], [0, 0, 10, 8], False),  # within the tolerance
        ([-0.01, 0, 10, 8.03], [0, 0, 10, 8], True),
        ([10, 2, 12, 4], None, True),  # beside the picture
        ([3, 2, 3, 4], None, True),
        ([3, 4, 5, 2], None, True),
    ],
)
def test_boxes_of_files_are_clipped_to_the_picture(box, expected, wrong):
    clipped, found_wrong = clip_to_picture(box, height=8, width=10, tolerance=0.025)
    assert found_wrong == wrong
    assert (None if clipped is None else clipped.tolist()) == expected


def sample(*labels, **fields):
    boxes = np.tile([1.0, 1, 5, 5], (len(labels), 1))
    return np.zeros((3, 8, 8), np.float32), {"boxes": boxes, "labels": np.array(labels), **fields}


def pixels(*rows):
    return np.zeros((3, 1, len(rows[0])), np.float32), {"segmentation": np.array(rows)}


@pytest.mark.parametrize(
    "samples",
    [
        [sample()],
        [sample(), sample(0, 1, difficult=np.array([True, True]))],
        [sample(0, iscrowd=[1]), sample(0, 0, difficult=[1, 0], iscrowd=[0, 1])],
    ],
)
def test_a_set_without_a_usable_object_is_refused(samples):
    with pytest.raises(ValueError, match=r"list: there is no usable object in \d pictures?, so"):
        check_learnable(samples, BOXES)
    assert check_learnable([*samples, sample(0)], BOXES) == []
    assert check_learnable([*samples, sample(0, 1, difficult=[1, 0])], BOXES) == []


def test_an_empty_set_is_refused():
    for needs in (BOXES, ("segmentation",), ("labels",)):
        with pytest.raises(ValueError, match="list: there is no picture to learn from"):
            check_learnable([], needs)


class WithoutClasses(list):
    classes = ()


def test_a_set_without_classes_is_refused_unread():
    with pytest.raises(ValueError, match="WithoutClasses: no object in 1 picture has a name"):
        check_learnable(WithoutClasses([None]), BOXES)
    part = Subset(WithoutClasses([None, None]), [1])
    with pytest.raises(ValueError, match="WithoutClasses: no object in 1 picture has a name"):
        check_learnable(part, BOXES)


def test_only_as_many_samples_are_read_as_are_needed():
    class Recorded(list):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    read: list[int] = []
    assert check_learnable(Recorded([sample(), sample(0), sample(0)]), BOXES) == []
    assert read == [0, 1]
    read.clear()
    assert check_learnable(Recorded([pixels([0, 0]), pixels([0, 1]), pixels([1, 1])]), PIXELS) == []
    assert read == [0, 1]


@pytest.mark.parametrize("known", [False, True])
def test_pictures_of_one_class_cannot_be_told_apart(known):
    class OfClasses(list):
        classes = ("cow", "duck")

        def __getitem__(self, index):
            read.append(index)
            return None, {"label": super().__getitem__(index)}

    class Known(OfClasses):
        def labels_of(self, index):
            return np.array([list.__getitem__(self, index)])

    read: list[int] = []
    kind = Known if known else OfClasses
    with pytest.raises(ValueError, match="the class of 3 pictures is 'duck', so there is nothing"):
        check_learnable(kind([1, 1, 1]), ("label",))
    read.clear()
    assert check_learnable(kind([1, 1, 0, 1]), ("label",)) == []
    assert read == ([] if known else [0, 1, 2])
    assert check_learnable(kind([1, 1, 1]), ("label", "box")) == []  # it can be localised
    with pytest.raises(ValueError, match="no picture to learn from"):
        check_learnable(kind([]), ("label",))


def test_poses_without_an_annotated_joint():
    nothing, one = np.zeros((14, 3)), np.zeros((14, 3))
    one[3, 2] = 1
    with pytest.raises(ValueError, match="list: no joint in 2 pictures is annotated, so there is"):
        check_learnable([(None, {"joints": nothing})] * 2, ("joints",))
    both = [(None, {"joints": joints}) for joints in (nothing, one)]
    assert check_learnable(both, ("joints",)) == []


def test_labels_that_are_known_without_the_picture_are_used():
    class Known(list):
        def labels_of(self, index):
            return np.zeros(index, np.int64)

    unread = Known([None, None, None])
    assert check_learnable(unread, BOXES) == []
    assert check_learnable(Subset(unread, [0, 2]), BOXES) == []
    assert Subset(unread, [2, 0]).labels_of(0).tolist() == [0, 0]
    with pytest.raises(ValueError, match="Known: there is no usable object in 1 picture, so"):
        check_learnable(Subset(unread, [0]), BOXES)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([0, 0], "list: all pixels of 1 picture are class 0: there is nothing to tell apart"),
        ([1, 255], "list: all pixels of 1 picture are class 1; the others are 255, which means"),
    ],
)
def test_one_class_of_pixels_is_said(rows, sentence):
    (said,) = check_learnable([pixels(rows)], PIXELS)
    assert said.startswith(sentence)
    assert check_learnable([pixels(rows), pixels([2, 2])], PIXELS) == []


def test_pixels_without_any_class_are_refused():
    with pytest.raises(ValueError, match="list: no pixel of 2 pictures has a class, so"):
        check_learnable([pixels([255, 255]), pixels([255])], PIXELS)


def test_farmyard_can_be_learnt_from():
    scenes = Farmyard(1, size=(64, 64), seed=2, objects=(1, 1))
    assert check_learnable(scenes, (*BOXES, "segmentation")) == []
