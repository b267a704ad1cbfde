"""One sample under the doctor's eyes: its numbers, and every odd thing in it."""

import numpy as np
import pytest
from made_sets import Made, boxes_of, coloured

from minicv.data import ImageError
from minicv.data.doctor.sample import check_label_map, check_objects, digest_of, look_at
from minicv.vision.label_maps import VOID

BLACK = np.zeros((3, 320, 640), np.float32)


def odd(*boxes, image=BLACK, labels=None, **more):
    target = {**boxes_of(*boxes, labels=labels), **more}
    notes = list(check_objects(image, target, ("cow", "duck"), ("nose", "tail")))
    return {note.kind.name: (note.what, note.count) for note in notes}


def test_an_ordinary_object_is_not_odd():
    assert odd((10, 10, 60, 50), (10, 10, 60, 51)) == {}


def test_boxes_that_repeat():
    found = odd((1, 1, 9, 9), (5, 1, 9, 9), (1, 1, 9, 9), (1, 1, 9, 9), labels=(0, 0, 1, 0))
    assert set(found) == {"repeated box"}
    notes = list(check_objects(BLACK, boxes_of((1, 1, 9, 9), (1, 1, 9, 9)), ("cow",)))
    assert [note.what for note in notes] == ["objects 1 and 2 (cow, cow) have the same box"]
    assert len([n for n in check_objects(BLACK, boxes_of(*[(1, 1, 9, 9)] * 4), ("cow",))]) == 3


@pytest.mark.parametrize(
    ("box", "tiny"),
    [
        ((0, 0, 4, 30), False),  # the picture's shorter side is 320 already
        ((0, 0, 3.5, 30), True),
        ((0, 0, 30, 3.9), True),
    ],
)
def test_tiny_boxes_as_a_detector_sees_them(box, tiny):
    assert ("tiny box" in odd(box)) == tiny
    # In a picture twice as large the box must be twice as large, in one half as large half.
    double, half = np.zeros((3, 640, 1280), np.float32), np.zeros((3, 160, 320), np.float32)
    assert ("tiny box" in odd(tuple(2 * v for v in box), image=double)) == tiny
    assert ("tiny box" in odd(tuple(v / 2 for v in box), image=half)) == tiny


def test_tiny_boxes_are_counted_and_the_first_is_named():
    found = odd((0, 0, 50, 50), (0, 0, 2, 3), (8, 8, 9, 20), labels=(0, 1, 1))
    assert found["tiny box"] == ("object 2 (duck) is 2 x 3, and 1 more", 2)


def test_slender_boxes():
    assert odd((0, 0, 500, 50)) == {}
    assert odd((0, 0, 501, 50))["slender box"][0] == "object 1 (cow) is 501 x 50"
    assert "slender box" in odd((0, 0, 20, 201))


def test_boxes_of_the_whole_picture():
    for box in ((0, 0, 640, 320), (1, 0, 639, 320), (0, 0.5, 640, 319)):
        assert "box of the whole picture" in odd(box)
    for box in ((2, 0, 640, 320), (0, 0, 637, 320)):
        assert odd(box) == {}


def test_what_training_would_refuse():
    for boxes, labels, what in (
        ([(9, 9, 5, 20)], None, "boxes[0] is [9.0, 9.0, 5.0, 20.0]: x2 <= x1"),
        ([(0, 0, 700, 20)], None, "outside the picture of height 320 and width 640"),
        ([(0, 0, np.nan, 20)], None, "NaN or infinite"),
        ([(0, 0, 9, 9)], (2,), "labels[0] is 2, expected 0..1"),
    ):
        found = odd(*boxes, labels=labels)
        assert set(found) == {"label that training refuses"}
        assert what in found["label that training refuses"][0]


def test_no_object_and_joints_outside():
    assert odd()["picture without objects"] == ("it has no object", 1)
    keypoints = np.array([[[10, 10, 1], [650, 20, 1]], [[-5, 5, 0], [5, 321, 1]]], np.float32)
    found = odd((0, 0, 50, 50), (9, 9, 60, 60), keypoints=keypoints)
    assert found["joint outside of its picture"] == (
        "object 1, tail at (650, 20) of 640 x 320", 2,
    )  # fmt: skip


def test_a_target_without_boxes_has_no_odd_objects():
    assert list(check_objects(BLACK, {"segmentation": np.zeros((2, 2), int)}, ())) == []


@pytest.mark.parametrize(
    ("label_map", "kind"),
    [
        ([[0, 1]], None),
        ([[0, 0]], "label map of one class"),
        ([[7, VOID]], "label map of one class"),
        ([[VOID] * 24 + [3]], "label map without classes"),
        ([[VOID, VOID]], "label map without classes"),
        ([[VOID] * 19 + [3]], "label map of one class"),
    ],
)
def test_label_maps(label_map, kind):
    notes = list(check_label_map({"segmentation": np.array(label_map)}))
    assert [note.kind.name for note in notes] == ([] if kind is None else [kind])


def test_the_numbers_of_a_sample():
    image = coloured(3, 40, 200)
    target = boxes_of((0, 0, 31, 32), (0, 0, 32, 32), (0, 0, 90, 40), labels=(1, 0, 1), name="a")
    target["segmentation"] = np.array([[0, 2, 2, VOID]])
    target["keypoints"] = np.array([[[1, 1, 1], [2, 2, 0]]] * 3)
    sample = look_at(Made([(image, target)]), 0, ("cow", "duck"))
    assert sample.name == "a" and sample.path is None and sample.size == (40, 200)
    assert dict(sample.objects) == {1: 2, 0: 1}
    assert sample.areas == (1, 2, 0)  # 992 is less than 32 x 32; 1024 and 3600 are medium
    assert sample.pixels == {0: 1, 2: 2, VOID: 1}
    assert sample.joints.tolist() == [3, 0] and not sample.grey
    assert "elongated picture" in {note.kind.name for note in sample.notes}
    # A given area counts instead of the box.
    target["area"] = np.array([9216.0, 9215.0, 5.0])
    assert look_at(Made([(image, target)]), 0, ("cow", "duck")).areas == (1, 1, 1)


def test_grey_is_three_equal_channels():
    grey = np.repeat(coloured(1)[:1], 3, axis=0)
    almost = grey.copy()
    almost[2, 0, 0] += 1 / 255
    looks = [look_at(Made([(image, boxes_of())]), 0, ("cow",)).grey for image in (grey, almost)]
    assert looks == [True, False]


def test_digests_are_of_shape_and_content():
    image = coloured(2)
    assert digest_of(image) == digest_of(image.copy()) == digest_of(np.asfortranarray(image))
    changed = image.copy()
    changed[1, 3, 5] += 1 / 255
    assert len({digest_of(a) for a in (image, changed, image[:, ::-1], image.reshape(-1))}) == 4


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (ImageError("read_image: cannot read a.jpg: truncated"), "unreadable picture",
         "truncated"),
        (FileNotFoundError("there is no file a.jpg"), "unreadable picture", "there is no file"),
        (ValueError("a.xml: object 3 is odd"), "sample that cannot be read", "object 3 is odd"),
        (KeyError("area"), "sample that cannot be read", "KeyError: 'area'"),
    ],
)  # fmt: skip
def test_a_sample_that_fails_is_a_finding(error, kind, what):
    sample = look_at(Made([error], paths=["a.jpg"]), 0, ("cow",))
    (note,) = sample.notes
    assert sample.size is None and note.kind.name == kind and note.kind.spoils
    assert what in note.what and sample.name == "a.jpg"


def test_a_picture_with_a_class_as_a_whole():
    for target in ({"label": 1}, {"labels": np.array([1])}, {"labels": np.array(1)}):
        sample = look_at(Made([(coloured(0), target)]), 0, ("cow", "duck"))
        assert dict(sample.objects) == {1: 1} and sample.areas == (0, 0, 0) and sample.notes == ()


def test_the_joints_of_one_person():
    joints = np.array([[1, 1, 1], [99, 2, 1]], np.float32)
    inside, outside = (
        look_at(Made([(coloured(0), {"joints": of})]), 0, ("person",), ("nose", "tail"))
        for of in (joints * (1, 1, 0), joints)
    )
    assert inside.joints.tolist() == [0, 0] and outside.joints.tolist() == [1, 1]
    assert dict(outside.objects) == {0: 1} and outside.learnt == 1 and outside.areas == (0, 0, 0)
    assert inside.notes == () and inside.labels_digest != outside.labels_digest
    assert [(note.kind.name, note.what[:27]) for note in outside.notes] == [
        ("joint outside of its picture", "object 1, tail at (99, 2) o")
    ]


@pytest.mark.parametrize("colour", [(0, 0, 0), (1, 1, 1), (0.2, 0.4, 0.6)])
def test_a_picture_of_one_colour(colour):
    """A black picture is no grey one: it shows nothing."""
    image = np.zeros((3, 8, 9), np.float32) + np.array(colour, np.float32)[:, None, None]
    sample = look_at([(image, {"image_id": "a"})], 0, ("cow",))
    r, g, b = (round(255 * c) for c in colour)
    assert [(note.kind.name, note.what) for note in sample.notes] == [
        ("picture of one colour", f"all of its pixels are ({r}, {g}, {b}), RGB")
    ]
    assert not sample.grey
    image[:, 3, 4] = 0.5
    assert look_at([(image, {"image_id": "a"})], 0, ("cow",)).notes == ()
