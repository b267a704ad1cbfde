import numpy as np
import pytest
from PIL import Image

from minicv.inspection.panels import GAP, MARGIN, contact_sheet


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


def test_no_pictures():
    assert contact_sheet([], title="nothing").height > 2 * MARGIN
    assert contact_sheet([]).size[1] == 2 * MARGIN


def test_refuses():
    picture = Image.new("RGB", (8, 8))
    with pytest.raises(ValueError, match="2 captions for 1 pictures"):
        contact_sheet([picture], ["a", "b"])
    with pytest.raises(ValueError, match="at least 1 but is 0"):
        contact_sheet([picture], columns=0)
