"""Detections and masks: colours where the boxes are, plates, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minicv.inspection import draw_detections, draw_ground_truth, draw_masks
from minicv.inspection.palette import class_colour


def grey(height=600, width=700):
    return np.full((3, height, width), 0.5, dtype=np.float32)


def has_colour(picture, colour):
    return (np.asarray(picture) == colour).all(axis=2)


NOTHING = (np.zeros((0, 4)), np.zeros(0, dtype=int), np.zeros(0))


def test_box_is_drawn_on_its_edge_in_the_colour_of_its_class():
    boxes = np.array([[100.0, 200.0, 300.0, 500.0]])
    picture = draw_detections(grey(), boxes, np.array([1]), np.array([0.9]), ["cow", "cat"])
    assert isinstance(picture, Image.Image) and picture.mode == "RGB"
    assert picture.size == (700, 600)
    painted = has_colour(picture, class_colour(1))
    assert not has_colour(picture, class_colour(0)).any()
    assert painted[499:501, 120:280].all() and painted[220:480, 100].all()  # bottom, left
    untouched = np.asarray(picture)[220:480, 120:280]
    assert (untouched == 128).all()


def test_no_detections_leave_the_image_as_it_is():
    picture = draw_detections(grey(), *NOTHING, ["cow"])
    assert (np.asarray(picture) == 128).all()


def test_small_image_is_enlarged_and_its_boxes_with_it():
    boxes = np.array([[32.0, 32.0, 96.0, 96.0]])
    picture = draw_detections(grey(128, 128), boxes, np.array([0]))
    assert picture.size == (512, 512)
    painted = has_colour(picture, class_colour(0))
    assert painted[200:300, 128].all() and painted[200:300, 383].all()


def test_surest_box_lies_on_top():
    boxes = np.array([[100.0, 200.0, 300.0, 500.0]] * 2)
    for scores, top in ([0.9, 0.3], 0), ([0.3, 0.9], 1):
        picture = draw_detections(grey(), boxes, np.array([0, 1]), np.array(scores))
        assert np.asarray(picture)[400, 100].tolist() == list(class_colour(top))


def test_plate_holds_text_and_scores_change_it():
    boxes = np.array([[100.0, 200.0, 300.0, 500.0]])
    label = np.array([0])
    pictures = [
        draw_detections(grey(), boxes, label, None, ["cow"]),
        draw_detections(grey(), boxes, label, np.array([0.5]), ["cow"]),
        draw_detections(grey(), boxes, label, np.array([0.6]), ["cow"]),
        draw_detections(grey(), boxes, label, np.array([0.5]), ["cat"]),
        draw_detections(grey(), boxes, label, np.array([0.5])),
    ]
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            difference = np.abs(np.asarray(one).astype(int) - np.asarray(other)).max(axis=2)
            rows = np.flatnonzero(difference.any(axis=1))
            assert len(rows) and rows.max() < 200  # they differ, in the plate above the box only


def test_box_that_crosses_the_border_keeps_its_whole_line_visible():
    boxes = np.array([[-50.0, -40.0, 900.0, 800.0]])
    painted = has_colour(draw_detections(grey(), boxes, np.array([0])), class_colour(0))
    assert painted[300, 0] and painted[300, -1] and painted[-1, 350]


def test_box_outside_is_left_out():
    boxes = np.array([[800.0, 10.0, 900.0, 50.0], [-90.0, 10.0, -5.0, 50.0]])
    picture = draw_detections(grey(), boxes, np.array([0, 1]), np.array([0.5, 0.5]))
    assert (np.asarray(picture) == 128).all()


def test_long_name_and_one_pixel_image():
    image = np.ones((3, 1, 1), dtype=np.float32)
    name = "a name that is far too long for any label plate " * 5
    picture = draw_detections(image, np.array([[0.0, 0, 1, 1]]), np.array([0]), None, [name])
    assert picture.size == (512, 512)


@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    boxes=st.lists(st.tuples(*[st.floats(-60, 60, width=32)] * 4), max_size=4),
)
def test_any_box_on_any_image(height, width, boxes):
    image = np.zeros((3, height, width), dtype=np.float32)
    array = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    picture = draw_detections(image, array, np.zeros(len(boxes), int), np.ones(len(boxes)))
    factor = max(picture.size) // max(height, width)
    assert picture.size == (factor * width, factor * height)
    touches = (array[:, :2] < (width, height)).all(axis=1) & (array[:, 2:] >= 0).all(axis=1)
    assert np.asarray(picture).any() == touches.any()


def test_very_flat_image_has_no_room_for_a_plate_but_is_drawn():
    image = np.ones((3, 1, 600), dtype=np.float32)
    boxes = np.array([[5.0, 0.0, 300.0, 1.0]])
    picture = draw_detections(image, boxes, np.array([0]), np.array([0.5]), ["cow"])
    assert picture.size == (600, 1)
    assert has_colour(picture, class_colour(0)).any()


def test_masks_and_keypoints_are_drawn_under_the_boxes():
    masks = np.zeros((1, 600, 700), dtype=bool)
    masks[0, 250:450, 150:250] = True
    joints = np.ones((1, 14, 3))
    joints[0, :, 0] = np.linspace(400, 600, 14)
    joints[0, :, 1] = np.linspace(100, 500, 14)
    boxes = np.array([[100.0, 200.0, 300.0, 500.0]])
    plain = np.asarray(draw_detections(grey(), boxes, np.array([0])))
    full = draw_detections(grey(), boxes, np.array([0]), masks=masks, keypoints=joints)
    changed = (np.asarray(full) != plain).any(axis=2)
    assert changed[260:440, 160:240].all()
    assert changed[100:500, 400:600].any()
    assert has_colour(full, class_colour(0))[220:480, 100].all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"boxes": np.zeros((2, 5))}, r"boxes expect the shape \(N, 4\)"),
        ({"boxes": np.array([[0, 0, 1, np.nan]])}, "box 0 is not finite"),
        ({"labels": np.zeros(3, int)}, r"labels expect the shape \(1,\).*\(3,\)"),
        ({"scores": np.zeros(2)}, r"scores expect the shape \(1,\).*\(2,\)"),
        ({"labels": np.array([2])}, r"label 2 is not in 0\.\.1"),
        ({"labels": np.array([-1])}, r"label -1 is not in 0\.\.1"),
        ({"masks": np.zeros((2, 600, 700), bool)}, "1 boxes but 2 masks"),
    ],
)
def test_refuses(change, message):
    given_ = {
        "boxes": np.array([[0.0, 0, 9, 9]]),
        "labels": np.array([0]),
        "scores": np.array([0.5]),
        "class_names": ["cow", "cat"],
    }
    with pytest.raises(ValueError, match=message):
        draw_detections(grey(), **(given_ | change))


def test_ground_truth_stands_left_and_detections_right():
    boxes = np.array([[100.0, 200.0, 300.0, 500.0]])
    truth = {"boxes": boxes, "labels": np.array([0])}
    found = {"boxes": boxes, "labels": np.array([1]), "scores": np.array([0.7])}
    sheet = draw_ground_truth(grey(), truth, found, ["cow", "cat"])
    half = sheet.width // 2
    assert has_colour(sheet, class_colour(0))[:, :half].any()
    assert not has_colour(sheet, class_colour(0))[:, half:].any()
    assert has_colour(sheet, class_colour(1))[:, half:].any()
    assert not has_colour(sheet, class_colour(1))[:, :half].any()


def test_masks_are_compared_only_where_both_have_them():
    masks = np.ones((1, 600, 700), dtype=bool)
    truth = {"boxes": np.array([[9.0, 9, 90, 90]]), "labels": np.array([0])}
    found = truth | {"scores": np.array([0.7])}
    plain = np.asarray(draw_ground_truth(grey(), truth, found))
    one_sided = np.asarray(draw_ground_truth(grey(), truth | {"masks": masks}, found))
    both = draw_ground_truth(grey(), truth | {"masks": masks}, found | {"masks": masks})
    assert np.array_equal(plain, one_sided)
    assert not np.array_equal(plain, np.asarray(both))


def test_ground_truth_of_a_photograph(real_data):
    path = next(iter(sorted((real_data("PennFudanPed") / "PNGImages").iterdir())))
    with Image.open(path) as photograph:
        image = np.asarray(photograph.convert("RGB"), dtype=np.float32).transpose(2, 0, 1) / 255
    boxes, labels, scores = NOTHING
    nothing = {"boxes": boxes, "labels": labels, "scores": scores}
    sheet = draw_ground_truth(image, nothing, nothing)
    assert sheet.width > 2 * image.shape[2]


def test_mask_is_tinted_inside_outlined_at_its_edge_and_nowhere_else():
    image = np.full((3, 600, 600), 0.5, dtype=np.float32)
    masks = np.zeros((1, 600, 600), dtype=bool)
    masks[0, 100:300, 200:500] = True
    pixels = np.asarray(draw_masks(image, masks, [1])).astype(int)
    assert (pixels[~masks[0]] == 128).all()
    assert (pixels[101, 250:450] == class_colour(1)).all()  # the outline
    inside = pixels[150:250, 250:450].reshape(-1, 3)
    expected = 128 + 0.4 * (np.array(class_colour(1)) - 128)
    assert np.abs(inside - expected).max() <= 2


def test_every_object_has_its_own_colour_without_labels():
    masks = np.zeros((2, 600, 600), dtype=bool)
    masks[0, 10:200], masks[1, 300:500] = True, True
    pixels = np.asarray(draw_masks(np.zeros((3, 600, 600), np.float32), masks))
    assert not np.array_equal(pixels[100, 300], pixels[400, 300])


def test_enlarged_mask_covers_the_enlarged_area():
    image = np.zeros((3, 64, 64), dtype=np.float32)
    masks = np.zeros((1, 64, 64), dtype=bool)
    masks[0, 16:32, 16:48] = True
    painted = np.asarray(draw_masks(image, masks)).any(axis=2)
    perimeter = 8 * 2 * (16 + 32)  # its pixels may be painted in part
    assert abs(int(painted.sum()) - 16 * 32 * 64) <= perimeter
    assert painted[8 * 17 : 8 * 31, 8 * 17 : 8 * 47].all()


def test_single_pixel_of_a_small_image_stays_visible():
    masks = np.zeros((1, 64, 64), dtype=bool)
    masks[0, 20, 30] = True
    painted = np.asarray(draw_masks(np.zeros((3, 64, 64), np.float32), masks)).any(axis=2)
    assert painted[8 * 20 + 4, 8 * 30 + 4]
    assert painted.sum() <= 2 * 64


def test_empty_mask_no_mask_and_one_pixel():
    image = np.full((3, 1, 1), 0.5, dtype=np.float32)
    assert (np.asarray(draw_masks(image, np.zeros((1, 1, 1), bool))) == 128).all()
    assert (np.asarray(draw_masks(image, np.zeros((0, 1, 1), bool))) == 128).all()
    assert not (np.asarray(draw_masks(image, np.ones((1, 1, 1), bool))) == 128).any()


def test_masks_that_do_not_fit_are_refused():
    image = np.zeros((3, 8, 9), dtype=np.float32)
    with pytest.raises(ValueError, match=r"masks expect .* \(1, 9, 8\); image=\(3, 8, 9\)"):
        draw_masks(image, np.zeros((1, 9, 8), bool))
    with pytest.raises(ValueError, match="2 masks but 1 labels"):
        draw_masks(image, np.zeros((2, 8, 9), bool), [0])
