from hypothesis import given
from hypothesis import strategies as st

from minicv.inspection.label_plates import place_plates


def overlap(a, b):
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


coordinates = st.integers(-50, 350)


@given(st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates), max_size=12))
def test_plates_keep_their_size_and_stay_inside(boxes):
    plates = place_plates(boxes, [(60, 15)] * len(boxes), (300, 200))
    assert len(plates) == len(boxes)
    for x1, y1, x2, y2 in plates:
        assert (x2 - x1, y2 - y1) == (60, 15)
        assert x1 >= 0 and y1 >= 0 and x2 <= 300 and y2 <= 200


def test_ten_equal_boxes_have_ten_plates_that_do_not_touch():
    plates = place_plates([(100, 100, 200, 220)] * 10, [(60, 15)] * 10, (400, 400))
    assert all(overlap(a, b) == 0 for i, a in enumerate(plates) for b in plates[:i])


def test_first_choice_is_above_the_upper_left_corner():
    assert place_plates([(50, 60, 90, 90)], [(30, 10)], (200, 200)) == [(50, 50, 80, 60)]


def test_at_the_top_of_the_picture_the_plate_moves_inside_the_box():
    assert place_plates([(50, 0, 90, 90)], [(30, 10)], (200, 200)) == [(50, 0, 80, 10)]


def test_no_boxes():
    assert place_plates([], [], (10, 10)) == []
