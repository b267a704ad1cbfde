"""Samples with their labels, as a contact sheet shows them."""

import numpy as np
from made_sets import boxes_of, coloured

from minicv.data import Farmyard
from minicv.inspection import draw_detections, draw_segmentation
from minicv.inspection.keypoints import draw_keypoints
from minicv.inspection.samples import draw_sample
from minicv.inspection.skeletons import skeleton_of


def same(first, second):
    return np.array_equal(np.asarray(first), np.asarray(second))


def test_objects_are_drawn_with_their_names():
    image, target = coloured(0, 300, 500), boxes_of((20, 20, 200, 200), labels=[1])
    (drawn,) = draw_sample(image, target, ("cow", "duck"))
    labels = np.array([1])
    assert same(drawn, draw_detections(image, target["boxes"], labels, class_names=("cow", "duck")))
    (other,) = draw_sample(image, target, ("cow", "hen"))
    assert not same(drawn, other)


def test_a_large_photograph_is_made_small_with_its_labels():
    """Drawn on all of its pixels, the name would be too small on a sheet."""
    small, large = np.zeros((3, 280, 560), np.float32), np.zeros((3, 1120, 2240), np.float32)
    (drawn,) = draw_sample(large, boxes_of((400, 400, 1200, 800)), ("cow",))
    (expected,) = draw_sample(small, boxes_of((100, 100, 300, 200)), ("cow",))
    assert drawn.size == (560, 280) and same(drawn, expected)


def test_a_scene_with_all_labels_has_two_drawings():
    scene, target = Farmyard(1, size=(64, 64))[0]
    objects, pixels = draw_sample(
        scene, target, Farmyard.classes, Farmyard.segmentation_classes, Farmyard.segmentation_colors
    )
    classes, colours = Farmyard.segmentation_classes, Farmyard.segmentation_colors
    assert same(pixels, draw_segmentation(scene, target["segmentation"], classes, colours))
    without = {name: target[name] for name in ("boxes", "labels")}
    assert not same(objects, draw_sample(scene, without, Farmyard.classes)[0])  # masks and joints


def test_the_background_of_a_label_map_stays_clear():
    """As `minicv segment` draws it: all colour belongs to a class."""
    target = {"segmentation": np.zeros((60, 80), int)}
    target["segmentation"][10:20, 10:20] = 1
    (drawn,) = draw_sample(coloured(0), target, (), ("background", "cow"))
    expected = draw_segmentation(
        coloured(0), target["segmentation"], ("background", "cow"), clear=[0]
    )
    assert same(drawn, expected)


def test_joints_are_joined_by_their_names():
    keypoints = np.array([[[10.0, 10, 1], [30, 10, 1], [30, 30, 1]]])
    target = {**boxes_of((5, 5, 40, 40)), "keypoints": keypoints}
    names = ("left ankle", "left knee", "left hip")
    limbs, dots, without = (
        np.asarray(draw_sample(coloured(0), of, ("cow",), joint_names=joints)[0], int)
        for of, joints in ((target, names), (target, ()), (boxes_of((5, 5, 40, 40)), ()))
    )
    x, y = 20 * 7, 10 * 7  # the middle of the shin; the picture is enlarged sevenfold
    assert (dots[y, x] == without[y, x]).all() and (limbs[y, x] != without[y, x]).any()
    assert (dots[y, 10 * 7] != without[y, 10 * 7]).any()  # the joint itself


def test_the_joints_of_one_person():
    joints = np.array([[10.0, 10, 1], [30, 10, 1], [30, 30, 0]])
    names = ("left ankle", "left knee", "left hip")
    (drawn,) = draw_sample(coloured(0), {"joints": joints}, ("person",), joint_names=names)
    assert same(drawn, draw_keypoints(coloured(0), joints[None], skeleton_of(names)))
    large = np.zeros((3, 1120, 2240), np.float32)
    (drawn,) = draw_sample(large, {"joints": joints * (40, 40, 1)}, joint_names=names)
    small = joints * (10, 10, 1)
    assert same(drawn, draw_keypoints(large[:, ::4, ::4], small[None], skeleton_of(names)))


def test_pictures_without_labels():
    (plain,) = draw_sample(coloured(0), {"image_id": "a"})
    assert plain.size == (560, 420)
