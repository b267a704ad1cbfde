"""Labels in a crowd: off each other, off small objects, near their own, and inside the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.inspection.label_places import (
    HIDDEN,
    extent_of_box,
    extent_of_mask,
    place_labels,
    shrunk_text_size,
)

SIZE = (320, 160)  # two pixels a cell


def overlap(a, b):
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


@given(
    boxes=st.lists(st.tuples(*[st.integers(-20, 330)] * 4), max_size=25),
    height=st.integers(8, 20),
)
def test_no_label_covers_another_or_leaves_the_picture(boxes, height):
    boxes = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in boxes]
    sizes = [(60.0, float(height))] * len(boxes)
    places = place_labels([extent_of_box(b, SIZE) for b in boxes], sizes, SIZE)
    found = [place.box for place in places if place is not None]
    assert len(places) == len(boxes) and (found or not boxes)
    for number, (x1, y1, x2, y2) in enumerate(found):
        assert x1 >= 0 and y1 >= 0 and x2 <= SIZE[0] and y2 <= SIZE[1]
        assert (x2 - x1, y2 - y1) == pytest.approx((60, height))
        for other in found[:number]:
            assert overlap(found[number], other) == 0


def test_a_lone_label_stands_on_its_object():
    (place,) = place_labels([extent_of_box((100, 60, 160, 100), SIZE)], [(40, 12)], SIZE)
    assert place.box == (110, 48, 150, 60) and not place.far


def test_a_label_does_not_hide_a_small_neighbour():
    large = extent_of_box((40, 40, 280, 150), SIZE)
    small = extent_of_box((140, 26, 160, 38), SIZE)  # where the label of the large one would be
    alone, _ = place_labels([large, extent_of_box((2, 2, 6, 6), SIZE)], [(60, 14)] * 2, SIZE)
    assert overlap(alone.box, (140, 26, 160, 38)) > 100
    together, _ = place_labels([large, small], [(60, 14)] * 2, SIZE)
    assert overlap(together.box, (140, 26, 160, 38)) == 0


def test_a_label_does_not_hide_joints():
    extent = extent_of_box((100, 60, 160, 100), SIZE)
    joints = np.array([[x, 54.0] for x in range(100, 160, 4)])
    (place,) = place_labels([extent], [(40, 12)], SIZE, joints)
    x1, y1, x2, y2 = place.box
    assert not ((joints > (x1, y1)) & (joints < (x2, y2))).all(axis=1).any()
    outside = np.array([[-5.0, 54.0], [400.0, 1e9]])
    assert place_labels([extent], [(40, 12)], SIZE, outside)[0].box == (110, 48, 150, 60)


def test_without_room_beside_its_object_a_label_is_far_and_without_any_there_is_none():
    crowd = [extent_of_box((150, 70, 170, 90), SIZE)] * 12
    places = place_labels(crowd, [(60, 16)] * 12, SIZE)
    assert not places[0].far and any(place.far for place in places)
    one, two = place_labels(crowd[:2], [(300, 100)] * 2, SIZE)
    assert (one is None) != (two is None)
    assert place_labels(crowd[:1], [(400, 10)], SIZE) == [None]
    assert place_labels([], [], SIZE) == []


def test_the_share_of_a_mask_in_each_cell_and_a_point_well_inside():
    mask = np.zeros((20, 60), bool)
    mask[8:12] = True  # a bar
    mask[:, 40:60] = True  # with a square head
    extent = extent_of_mask(mask, (100, 50), 1, SIZE)
    assert extent.cover.shape == (80, 160) and extent.cover.sum() == pytest.approx(1)
    cell = extent.cover[(50 + 9) // 2, (100 + 10) // 2]
    assert cell == pytest.approx(4 / mask.sum())
    x, y = extent.inside
    assert 143 < x < 157 and 53 < y < 67
    assert (extent.points >= (100, 50)).all() and (extent.points <= (160, 70)).all()


def test_a_point_inside_lies_on_the_object_even_if_its_middle_does_not():
    ring = np.ones((60, 60), bool)
    ring[10:50, 10:50] = False
    x, y = extent_of_mask(ring, (0, 0), 1, SIZE).inside
    assert ring[int(y), int(x)]


def test_one_pixel_and_one_pixel_of_a_large_window():
    extent = extent_of_mask(np.ones((1, 1), bool), (3, 4), 2, SIZE)
    assert extent.inside == (7, 9) and extent.points.tolist() == [[7, 9]]
    mask = np.zeros((1500, 1500), bool)
    mask[1, 1] = True
    assert extent_of_mask(mask, (0, 0), 1, (1500, 1500)).inside == (1.5, 1.5)


def test_letters_shrink_where_labels_would_cover_much():
    assert shrunk_text_size(14, [100, 100], (100, 100), 10) == 14
    assert shrunk_text_size(20, [2600], (100, 100), 10) == 14  # 0.26 is twice 0.13
    assert shrunk_text_size(14, [1e6], (100, 100), 10) == 10
    assert HIDDEN > 1
