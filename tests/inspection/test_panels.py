"""Sheets and legends: where each picture, caption and patch lies."""

import numpy as np
import pytest
from PIL import Image

from minicv.inspection.panels import (
    GAP,
    MARGIN,
    LegendEntry,
    contact_sheet,
    draw_legend,
    mosaic,
    with_legend,
)


def test_pictures_stand_in_rows_with_even_gaps():
    colours = ["red", "lime", "blue"]
    sheet = contact_sheet([Image.new("RGB", (30, 20), c) for c in colours], columns=2)
    assert sheet.size == (2 * 30 + GAP + 2 * MARGIN, 2 * 20 + GAP + 2 * MARGIN)
    pixels = np.asarray(sheet)
    for row, column, colour in (0, 0, (255, 0, 0)), (0, 1, (0, 255, 0)), (1, 0, (0, 0, 255)):
        y, x = MARGIN + row * (20 + GAP), MARGIN + column * (30 + GAP)
        assert (pixels[y : y + 20, x : x + 30] == colour).all()
        pixels = pixels.copy()
        pixels[y : y + 20, x : x + 30] = 255
    assert (pixels == 255).all()


def test_captions_and_title_add_room_and_ink():
    picture = Image.new("RGB", (200, 100), "white")
    plain = contact_sheet([picture])
    captioned = contact_sheet([picture], ["Heading\nwhat it shows"], title="Title")
    assert plain.size[0] == captioned.size[0] and captioned.size[1] > plain.size[1] + 50
    assert (np.asarray(plain) == 255).all()
    dark = (np.asarray(captioned) < 160).any(axis=(1, 2))
    assert dark[: captioned.height - MARGIN - 100].any()
    assert not dark[captioned.height - MARGIN - 100 :].any()


def test_text_never_leaves_the_sheet():
    sheet = contact_sheet(
        [Image.new("RGB", (80, 10))], ["word " * 60 + "\n" + "x" * 200], title="y" * 99
    )
    pixels = np.asarray(sheet)
    assert (pixels[:, : MARGIN - 2] == 255).all() and (pixels[:, -MARGIN + 2 :] == 255).all()


def test_large_pictures_are_reduced_to_the_tile():
    sheet = contact_sheet([Image.new("RGB", (400, 200), "red")], tile_width=100)
    assert sheet.size == (100 + 2 * MARGIN, 50 + 2 * MARGIN)


def test_columns_may_have_widths_of_their_own():
    pictures = [Image.new("RGB", size, "red") for size in ((30, 20), (90, 10), (70, 20), (50, 50))]
    sheet = contact_sheet(pictures, columns=2, tile_width=[30, 100], margin=0, gap=4)
    red = (np.asarray(sheet) == (255, 0, 0)).all(axis=2)
    assert red.shape == (20 + 4 + 50, 30 + 4 + 100)
    expected = np.zeros_like(red)
    expected[:20, :30] = expected[:10, 34:124] = expected[24:33, :30] = True  # 70 x 20 as 30 x 9
    expected[24:, 34:84] = True
    np.testing.assert_array_equal(red, expected)


def test_a_mosaic_has_nothing_around():
    sheet = np.asarray(mosaic([Image.new("RGB", (4, 3)), Image.new("RGB", (6, 2))], columns=1))
    assert sheet.shape == (3 + 8 + 2, 6, 3)
    assert (sheet[:3, :4] == 0).all() and (sheet[3:11] == 255).all() and (sheet[11:] == 0).all()


def test_the_legend_lies_below_the_picture():
    sheet = with_legend(Image.new("RGB", (300, 50)), [entry((255, 0, 0))], 15, margin=20, gap=10)
    ((x1, y1, *_),) = patches_of(sheet, [(255, 0, 0)])
    assert sheet.size == (300, 50 + 10 + 24 + 20) and x1 == 20 and 60 < y1 < 70
    narrow = with_legend(Image.new("RGB", (5, 50)), [entry((255, 0, 0))], least=200)
    assert narrow.size == (200, 50 + 8 + 24)


def test_no_pictures():
    assert contact_sheet([], title="nothing").height > 2 * MARGIN
    assert contact_sheet([]).size[1] == 2 * MARGIN


def test_refuses():
    picture = Image.new("RGB", (8, 8))
    with pytest.raises(ValueError, match="2 captions for 1 pictures"):
        contact_sheet([picture], ["a", "b"])
    with pytest.raises(ValueError, match="at least 1 but is 0"):
        contact_sheet([picture], columns=0)


def entry(colour, name="barn", note=""):
    return LegendEntry(colour, name, note)


def patches_of(legend, colours):
    """For each colour the box around its pixels, and their number."""
    pixels = np.asarray(legend)
    places = []
    for colour in colours:
        rows, columns = np.nonzero((pixels == colour).all(axis=2))
        places.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, len(rows)))
    return places


def test_every_entry_has_its_patch_in_order_and_ink_beside_it():
    colours = [(200, 40 * k, 30) for k in range(5)]
    legend = draw_legend([entry(colour) for colour in colours], 200)
    places = patches_of(legend, colours)
    for x1, y1, x2, y2, count in places:
        assert count == (x2 - x1) * (y2 - y1) and count > 100  # a full rectangle
        beside = np.asarray(legend)[y1:y2, x2 + 4 : x2 + 34]
        assert (beside < 100).all(axis=2).sum() > 20  # dark letters
    corners = [(y1, x1) for x1, y1, *_ in places]
    assert corners == sorted(corners)  # row by row
    assert len({x1 for x1, *_ in places}) < 5


@pytest.mark.parametrize("count", range(1, 12))
def test_rows_are_filled_evenly(count):
    colours = [(200, 20 * k, 30) for k in range(count)]
    heights = []
    for width in (100, 180, 260, 420, 1000):
        legend = draw_legend([entry(colour) for colour in colours], width)
        tops = [y1 for _, y1, *_ in patches_of(legend, colours)]
        in_row = [tops.count(y) for y in sorted(set(tops))]
        assert legend.height == 24 * len(in_row)  # no row is empty
        assert set(in_row[:-1]) <= {in_row[0]} and in_row[0] - in_row[-1] < len(in_row)
        heights.append(legend.height)
    assert heights == sorted(heights, reverse=True) and heights[0] == 24 * count


def test_note_is_grey_and_beside_the_name():
    plain = np.asarray(draw_legend([entry((255, 0, 0))], 300)).astype(int)
    noted = np.asarray(draw_legend([entry((255, 0, 0), note="12 %")], 300)).astype(int)
    changed = np.abs(plain - noted).sum(axis=2) > 60
    name_end = np.nonzero((plain < 100).all(axis=2))[1].max()
    assert changed.any() and np.nonzero(changed)[1].min() > name_end


def test_a_long_name_stays_inside():
    legend = draw_legend([entry((255, 0, 0), "an extraordinarily long name " * 3, "5 %")], 160)
    assert legend.width == 160
    dark = (np.asarray(legend) < 140).all(axis=2)
    assert dark.any() and not dark[:, -1].any()


def test_where_name_and_note_have_no_room_the_name_comes_first():
    narrow = [
        np.asarray(draw_legend([entry((255, 0, 0), "barn", note)], 66)).tolist()
        for note in ("", "12345678 %")
    ]
    assert narrow[0] == narrow[1]


def test_a_patterned_patch_is_repeated():
    chequers = Image.fromarray(np.array([[0, 200], [200, 0]], np.uint8)).convert("RGB")
    legend = draw_legend([LegendEntry(chequers, "no class")], 200)
    patch = np.asarray(legend)[6:18, :20, 0]
    assert set(np.unique(patch)) == {0, 200}
    assert (patch[:-1] != patch[1:]).all()


@pytest.mark.parametrize("width", [1, 50])
def test_nothing_and_hardly_any_room(width):
    assert draw_legend([], width).width == width
    assert draw_legend([entry((255, 0, 0))], width).width == width
