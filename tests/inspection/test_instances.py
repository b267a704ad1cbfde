"""draw_instances: colours, labels, skeletons, what lies on top, and whatever may be missing."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.inspection import draw_instances
from minicv.inspection.instances import instance_colours
from minicv.inspection.palette import ORANGE, SKY_BLUE, WHITE, perceived
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS

FIRST, SECOND, THIRD = instance_colours(3)


def grey(height=600, width=700):
    return np.full((3, height, width), 0.5, np.float32)


def rectangles(boxes, height=600, width=700):
    masks = np.zeros((len(boxes), height, width), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, np.asarray(boxes, int), strict=True):
        mask[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)] = True
    return masks


def where(picture, colour):
    return (np.asarray(picture) == colour).all(axis=2)


def person(box, joints=14, visible=1.0):
    x1, y1, x2, y2 = box
    t = np.linspace(0.1, 0.9, joints)
    return np.stack([x1 + t * (x2 - x1), y1 + t * (y2 - y1), np.full(joints, visible)], axis=1)


BOXES = np.array([[50.0, 100, 250, 500], [350, 100, 650, 500]])
LABELS = np.array([0, 1])
NAMES = ["cow", "cat"]


def test_each_object_has_a_colour_of_its_own_the_surest_the_first():
    same = np.array([0, 0])
    for scores, colours in ([0.9, 0.3], (FIRST, SECOND)), ([0.3, 0.9], (SECOND, FIRST)):
        picture = draw_instances(
            grey(), BOXES, same, np.array(scores), class_names=NAMES, masks=rectangles(BOXES)
        )
        for (x1, _, _, _), colour in zip(BOXES.astype(int), colours, strict=True):
            assert where(picture, colour)[300, x1 : x1 + 2].all()
            inside = np.asarray(picture)[300, x1 + 40].astype(int)
            assert np.abs(inside - (128 + 0.42 * (np.array(colour) - 128))).max() <= 1


def test_colours_given_are_taken():
    picture = draw_instances(grey(), BOXES, LABELS, masks=rectangles(BOXES), colours=[WHITE] * 2)
    assert where(picture, WHITE)[300, 50:52].all() and where(picture, WHITE)[300, 350:352].all()
    with pytest.raises(ValueError, match="2 boxes but 1 colours"):
        draw_instances(grey(), BOXES, LABELS, colours=[WHITE])


def test_colours_side_by_side_are_well_apart_and_none_is_that_of_a_skeleton():
    colours = instance_colours(20)
    assert ORANGE not in colours and SKY_BLUE not in colours
    seen = perceived(np.array(colours))
    apart = np.sqrt(((seen[:, None] - seen) ** 2).sum(axis=-1))
    assert apart[~np.eye(20, dtype=bool)].min() > 0.08
    assert instance_colours(0) == [] and len(instance_colours(500)) == 500


def test_small_objects_lie_on_large_ones_whatever_their_scores():
    boxes = np.array([[50.0, 50, 650, 550], [200, 200, 300, 300]])
    for scores in ([0.9, 0.1], [0.1, 0.9]):
        picture = draw_instances(grey(), boxes, LABELS, np.array(scores), masks=rectangles(boxes))
        small = FIRST if scores[1] > scores[0] else SECOND
        inside = np.asarray(picture)[250, 270].astype(int)
        assert np.abs(inside - (128 + 0.42 * (np.array(small) - 128))).max() <= 1


def test_without_masks_and_for_an_empty_mask_the_box_is_framed():
    masks = rectangles(BOXES)
    masks[1] = False
    for given_ in (None, masks):
        picture = draw_instances(grey(), BOXES, LABELS, masks=given_)
        assert where(picture, SECOND)[120:480, 349:351].all(axis=0).any()
        assert (np.asarray(picture)[300, 400:600] == 128).all()
    assert where(picture, FIRST)[300, 50:52].all()


def test_labels_hold_names_and_scores():
    options = {"masks": rectangles(BOXES)}
    scores = np.array([0.5, 0.5])
    pictures = [
        draw_instances(grey(), BOXES, LABELS, None, class_names=NAMES, **options),
        draw_instances(grey(), BOXES, LABELS, scores, class_names=NAMES, **options),
        draw_instances(grey(), BOXES, LABELS, scores - 0.1, class_names=NAMES, **options),
        draw_instances(grey(), BOXES, LABELS, scores, class_names=["cat", "cow"], **options),
        draw_instances(grey(), BOXES, LABELS, scores, **options),
    ]
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            rows = np.flatnonzero((np.asarray(one) != np.asarray(other)).any(axis=(1, 2)))
            assert len(rows) and rows.max() < 130  # they differ, in the labels above alone


def test_skeletons_have_the_colours_of_sides_by_the_names_of_joints():
    box = (100, 100, 600, 500)
    joints = person(box)[None]
    picture = draw_instances(
        grey(), np.array([box]), np.array([0]), masks=rectangles([box]), keypoints=joints,
        joint_names=LEEDS_SPORTS_JOINTS,
    )  # fmt: skip
    (ax, ay), (bx, by) = joints[0, 0, :2], joints[0, 1, :2]  # right ankle, right knee
    middle = np.asarray(picture)[int((ay + by) / 2), int((ax + bx) / 2)]
    assert middle.tolist() == list(ORANGE)
    assert where(picture, SKY_BLUE).any()
    swapped = [n.replace("right", "l").replace("left", "right") for n in LEEDS_SPORTS_JOINTS]
    other = draw_instances(
        grey(), np.array([box]), np.array([0]), keypoints=joints, joint_names=swapped
    )
    assert np.asarray(other)[int((ay + by) / 2), int((ax + bx) / 2)].tolist() == list(SKY_BLUE)


def test_joints_of_other_numbers_and_names_are_dots_without_lines():
    joints = np.array([[[100.0, 300, 1], [400, 300, 1], [600, 300, 1]]])
    for names in ((), ("beak", "tail", "crest")):
        picture = draw_instances(grey(), BOXES[:1], LABELS[:1], keypoints=joints, joint_names=names)
        assert [where(picture, WHITE)[300, x] for x in (100, 400, 600)] == [True] * 3
        assert (np.asarray(picture)[300, 300:380] == 128).all()


def test_joints_that_score_too_little_are_not_seen_or_far_away_are_left_out():
    image = grey(300, 700)
    box = np.array([[50.0, 50, 250, 280]])
    joints = np.stack([person((350, 50, 650, 250))])
    plain = np.asarray(draw_instances(image, box, LABELS[:1]))

    def drawn(keypoints, scores=None, **options):
        picture = draw_instances(
            image, box, LABELS[:1], keypoints=keypoints, keypoint_scores=scores, **options
        )
        return (np.asarray(picture) != plain).any()

    assert drawn(joints) and drawn(joints, np.full((1, 14), 3.0))
    assert not drawn(joints, np.full((1, 14), 1.0))
    assert drawn(joints, np.full((1, 14), 1.0), joint_threshold=0.5)
    assert not drawn(joints * (1, 1, 0))
    assert not drawn(np.full((1, 14, 3), np.nan))
    assert not drawn(np.full((1, 14, 3), 1e30))
    assert not drawn(joints + (2000, 0, 0))  # outside of the picture


def test_nothing_is_drawn_where_there_is_nothing():
    none = np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)
    masks, joints = np.zeros((0, 600, 700), bool), np.zeros((0, 14, 3))
    for options in ({}, {"masks": masks}, {"masks": masks, "keypoints": joints}):
        picture = draw_instances(grey(), *none, class_names=NAMES, **options)
        assert (np.asarray(picture) == 128).all()


def test_objects_outside_of_the_picture_are_left_out():
    boxes = np.array([[800.0, 10, 900, 50], [-90, 10, -5, 50]])
    assert (np.asarray(draw_instances(grey(), boxes, LABELS)) == 128).all()


def test_small_pictures_are_enlarged_and_large_ones_have_wide_lines():
    box = np.array([[32.0, 32, 96, 96]])
    small = draw_instances(grey(128, 128), box, LABELS[:1], masks=rectangles(box, 128, 128))
    assert small.size == (512, 512)
    assert where(small, FIRST)[200:300, 129].all() and where(small, FIRST)[200:300, 382].all()


@pytest.mark.parametrize("size", [(1, 1), (1, 600), (600, 1), (3, 2)])
def test_long_names_on_tiny_and_flat_pictures(size):
    image, name = grey(*size), "sixty letters or so that no label has the room for, not here"
    box = np.array([[0.0, 0, size[1], size[0]]])
    for masks in (None, np.ones((1, *size), bool)):
        picture = draw_instances(
            image, box, LABELS[:1], np.ones(1), class_names=[name], masks=masks,
            keypoints=person(box[0])[None],
        )  # fmt: skip
        assert not (np.asarray(picture) == 128).all()


@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    boxes=st.lists(st.tuples(*[st.floats(-60, 60, width=32)] * 4), max_size=4),
    seed=st.integers(0, 99),
)
def test_any_boxes_masks_and_joints(height, width, boxes, seed):
    rng, count = np.random.default_rng(seed), len(boxes)
    picture = draw_instances(
        np.zeros((3, height, width), np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.zeros(count, int),
        rng.uniform(size=count),
        class_names=["cow"],
        masks=rng.uniform(size=(count, height, width)) < 0.2,
        keypoints=rng.normal(0, 50, (count, 17, 3)),
        keypoint_scores=rng.normal(2, 2, (count, 17)),
    )
    factor = max(picture.size) // max(height, width)
    assert picture.size == (factor * width, factor * height)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": np.zeros((2, 5))}, r"draw_instances: boxes expect the shape \(N, 4\)"),
        ({"labels": np.array([0, 2])}, r"draw_instances: label 2 is not in 0\.\.1"),
        ({"masks": np.zeros((1, 600, 700), bool)}, r"masks expect .*\(2, 600, 700\).*\(1, 600"),
        ({"masks": np.zeros((2, 700, 600), bool)}, r"masks expect .*\(2, 700, 600\)"),
        ({"keypoints": np.zeros((1, 14, 3))}, r"keypoints expect .*\(2, J, 3\).*\(1, 14, 3\)"),
        (
            {"keypoints": np.zeros((2, 14, 3)), "keypoint_scores": np.zeros((2, 17))},
            r"keypoint_scores expect the shape \(2, 14\)",
        ),
        (
            {"keypoints": np.zeros((2, 14, 3)), "joint_names": ("nose",)},
            "1 names for 14 joints",
        ),
    ],
)
def test_refuses(change, message):
    given_ = {"image": grey(), "boxes": BOXES, "labels": LABELS, "class_names": NAMES}
    with pytest.raises(ValueError, match=message):
        draw_instances(**(given_ | change))


def test_memory_is_that_of_the_picture_and_not_of_all_masks():
    """20 masks as floats of 600 x 900 would be 43 MB; bytes of one are half of one."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 500, (20, 2))
    boxes = np.concatenate([corners, corners + 60], axis=1)
    masks = rectangles(boxes, 600, 900)
    image = grey(600, 900)
    tracemalloc.start()
    draw_instances(image, boxes, np.zeros(20, int), masks=masks)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30e6
