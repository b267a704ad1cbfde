"""Fills and outlines of masks: exact colours inside, nothing outside, whatever lies on top."""

import numpy as np
import pytest
from PIL import Image

from minicv.inspection.instance_masks import TINT, paint_parts, part_of

RED, BLUE = (200, 0, 0), (0, 0, 200)


def rectangle(x1, y1, x2, y2, size=(600, 600)):
    mask = np.zeros(size, bool)
    mask[y1:y2, x1:x2] = True
    return part_of(mask)


def painted(parts, colours, size=(600, 600), factor=1):
    picture = Image.new("RGB", (size[0] * factor, size[1] * factor), (128, 128, 128))
    return np.asarray(paint_parts(picture, factor, parts, colours)).astype(int)


def tinted(colour):
    return 128 + TINT * (np.array(colour) - 128)


def test_the_window_of_a_mask():
    part = rectangle(7, 3, 9, 8)
    assert part.corner == (7, 3) and part.mask.shape == (5, 2) and part.mask.all()
    assert part_of(np.zeros((4, 4), bool)) is None and part_of(np.zeros((0, 4), bool)) is None


def test_inside_is_tinted_the_edge_has_the_full_colour_and_far_outside_nothing_changes():
    pixels = painted([rectangle(100, 200, 400, 500)], [RED])
    assert np.abs(pixels[240:460, 140:360] - tinted(RED)).max() <= 1
    assert (pixels[350, 100:102] == RED).all() and (pixels[498:500, 250] == RED).all()
    assert (pixels[:190] == 128).all() and (pixels[:, 412:] == 128).all()
    halo = pixels[350, 98:100]
    assert (halo < 100).all() and np.ptp(halo, axis=1).max() <= 20  # dark, not red


def test_an_upper_fill_replaces_the_lower_one_and_the_lower_outline_shows_through():
    lower, upper = rectangle(100, 100, 400, 400), rectangle(300, 50, 550, 500)
    pixels = painted([lower, upper], [RED, BLUE])
    assert np.abs(pixels[200, 340:380] - tinted(BLUE)).max() <= 1  # where they overlap
    assert (pixels[200, 398:400] == RED).all()
    assert (pixels[200, 300:302] == BLUE).all()


def test_a_line_is_as_wide_on_a_slope_as_on_a_straight_edge():
    y, x = np.indices((600, 600))
    diamond = part_of(np.abs(x - 300) + np.abs(y - 300) < 200)
    pixels = painted([diamond], [RED])
    red = (pixels == RED).all(axis=2)
    straight = painted([rectangle(100, 100, 500, 500)], [RED])
    width = (straight[300, 90:130] == RED).all(axis=1).sum()
    assert red[300 - 50, 100:300].sum() == pytest.approx(width * 2**0.5, abs=2)


def test_the_picture_s_edge_is_no_edge_of_the_object():
    pixels = painted([rectangle(0, 0, 300, 600)], [RED])
    assert np.abs(pixels[:, :280] - tinted(RED)).max() <= 1
    assert (pixels[300, 298:300] == RED).all()


def test_lines_grow_with_the_picture():
    widths = []
    for side in (600, 2200):
        part = rectangle(side // 4, side // 4, side // 2, side // 2, (side, side))
        row = painted([part], [RED], (side, side))[side * 3 // 8]
        widths.append(int((row == RED).all(axis=1).sum()))
    assert widths[0] in (4, 6) and 17 <= widths[1] <= 22  # two lines of 2.7 and of 10 pixels


def test_small_objects_have_thin_lines_and_a_single_pixel_stays():
    row = painted([rectangle(300, 300, 312, 312)], [RED])[306]
    assert (row == RED).all(axis=1).sum() <= 4  # and not 6
    assert np.abs(row[305:307] - tinted(RED)).max() <= 40
    pixels = painted([rectangle(20, 30, 21, 31)], [RED])
    assert pixels[30, 20, 0] > 150 and pixels[30, 20, 1] < 90
    assert (np.abs(pixels - 128).max(axis=2) > 3).sum() <= 25


def test_an_enlarged_mask_covers_the_enlarged_area_without_steps():
    pixels = painted([rectangle(16, 16, 48, 32, (64, 64))], [RED], (64, 64), factor=8)
    changed = pixels[..., 0] > 140
    assert abs(int(changed.sum()) - 32 * 16 * 64) <= 2 * (32 + 16) * 8
    y, x = np.indices((64, 64))
    disc = part_of((x - 31.5) ** 2 + (y - 31.5) ** 2 < 20**2)
    red = (painted([disc], [RED], (64, 64), factor=8) == RED).all(axis=2)
    away = np.hypot(*(np.argwhere(red).T - 255.5)) / 8
    assert away.min() > 19 and away.max() < 20.6  # a circle


def test_nothing_and_one_pixel_pictures():
    assert (painted([], [], (5, 4)) == 128).all()
    part = part_of(np.ones((1, 1), bool))
    assert not (painted([part], [RED], (1, 1)) == 128).any()
    assert painted([part], [RED], (1, 1), factor=512).shape == (512, 512, 3)
