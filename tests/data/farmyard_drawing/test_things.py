"""Things in a scene: visibility is decided far to near, the least visible going first."""

from __future__ import annotations

import numpy as np

from minicv.data.farmyard_drawing.figure import Figure
from minicv.data.farmyard_drawing.things import cast_shadow, keep_visible, place

SIZE = (40, 60)


def box(x, ground, width, height, label=0, counts=True):
    figure = Figure()
    figure.polygon([(0, -height), (width, -height), (width, 0), (0, 0)], (200, 90, 30))
    return place(figure, label, counts, (x, ground), 1.0, SIZE, (0, 0), mirror=False)


def test_place_stands_on_the_spot():
    thing = box(20, 30, 10, 8)
    assert (thing.layer.left, thing.layer.top) == (15, 22)
    assert thing.layer.alpha.shape == (8, 10)
    assert thing.full_area == 80


def test_full_area_counts_what_the_border_cuts():
    thing = box(0, 30, 10, 8)
    assert thing.layer.mask.sum() == 40 and thing.full_area == 80


def test_nearer_thing_owns_the_pixel():
    things, owner = keep_visible([box(20, 30, 10, 8), box(24, 31, 10, 8)], SIZE, 0.2, 1)
    assert len(things) == 2
    assert owner[25, 17] == 0 and owner[25, 22] == 1 and owner[0, 0] == -1


def test_hidden_thing_is_dropped():
    things, owner = keep_visible([box(20, 30, 6, 6), box(20, 31, 12, 12)], SIZE, 0.35, 1)
    assert [thing.width for thing in things] == [12]
    assert owner.max() == 0


def test_small_thing_is_dropped():
    assert keep_visible([box(20, 30, 4, 4)], SIZE, 0.35, 17)[0] == []


def test_what_a_dropped_thing_hid_stays():
    # The middle one hides most of the far one but is itself hidden by the near one.
    far, middle, near = box(14, 30, 12, 6), box(19, 31, 14, 8), box(22, 32, 16, 10)
    things, _ = keep_visible([far, middle, near], SIZE, 0.35, 1)
    assert [thing.width for thing in things] == [12, 16]


def test_tree_hides_but_is_never_dropped():
    tree = box(20, 31, 12, 12, label=6, counts=False)
    things, _ = keep_visible([box(20, 30, 6, 6), tree], SIZE, 0.35, 1)
    assert [thing.label for thing in things] == [6]
    things, _ = keep_visible([tree, box(20, 32, 14, 14)], SIZE, 0.35, 1)
    assert len(things) == 2


def test_joints_move_with_the_figure():
    figure = Figure()
    figure.polygon([(-1, -2), (1, -2), (1, 0), (-1, 0)], (9, 9, 9))
    joints = np.array([[-1.0, -2.0], [0.0, -1.0]])
    thing = place(figure, 4, True, (30, 20), 5.0, SIZE, (0, 0), False, joints)
    np.testing.assert_allclose(thing.joints, [[25, 10], [30, 15]])
    thing = place(figure, 4, True, (30, 20), 5.0, SIZE, (0, 0), True, joints)
    np.testing.assert_allclose(thing.joints, [[35, 10], [30, 15]])


def test_shadow_darkens_the_ground_under_the_thing():
    picture = np.ones((*SIZE, 3), np.float32)
    cast_shadow(picture, box(30, 30, 20, 8), 0.4, sun_left=True)
    np.testing.assert_allclose(picture.min(), 0.6, atol=1e-6)
    assert picture[30, 40, 0] < 1 and picture[30, 21, 0] == 1  # it falls away from the sun
    assert picture[10].min() == 1
