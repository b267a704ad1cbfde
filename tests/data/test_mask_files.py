"""One mask: what it holds, and how it is read. Whole sets are in tests/data/test_mask_folder.py."""

import numpy as np
import pytest
from PIL import Image

from minicv.data.image_files import AnnotationError
from minicv.data.mask_files import Coding, look_at_mask, read_mask, read_numbers, shown, why_unknown
from minicv.data.picture_size import PictureSize
from minicv.vision.label_maps import VOID

NUMBERS = np.array([[0, 3, 255], [3, 3, 0]], np.uint8)
CODING = Coding(("a", "b"), {0: 0, 3: 1, 255: VOID})
RED, BLACK = (200, 10, 10), (0, 0, 0)


def test_numbers_are_counted(tmp_path):
    Image.fromarray(NUMBERS).save(tmp_path / "a.png")
    look = look_at_mask(tmp_path / "a.png")
    assert (look.width, look.height, look.mode) == (3, 2, "L")
    assert look.numbers == {0: 2, 3: 3, 255: 1} == look.as_numbers
    assert look.colours == {} and look.as_colours[(3, 3, 3)] == 3 and not look.is_grey
    assert read_mask(tmp_path / "a.png", CODING).tolist() == [[0, 1, VOID], [1, 1, 0]]
    assert CODING.labels_in(look) == {0, 1} and CODING.unknown_in(look) == []


def test_a_palette_shows_only_what_occurs(tmp_path):
    picture = Image.fromarray(NUMBERS % 4, mode="P")
    picture.putpalette([*BLACK, 1, 1, 1, 2, 2, 2, *RED])
    picture.save(tmp_path / "a.png")
    look = look_at_mask(tmp_path / "a.png")
    assert look.palette == {0: BLACK, 3: RED} and look.as_colours == {BLACK: 2, RED: 4}
    labels = read_mask(tmp_path / "a.png", Coding(("x", "y"), colours={RED: 0, BLACK: 1}))
    assert labels.tolist() == [[1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.dtype(">u2")])
def test_every_width_is_read_alike(tmp_path, dtype):
    name = "a.tif" if np.dtype(dtype) != np.uint8 else "a.png"
    Image.fromarray(NUMBERS.astype(dtype)).save(tmp_path / name)
    assert look_at_mask(tmp_path / name).numbers == {0: 2, 3: 3, 255: 1}
    assert read_mask(tmp_path / name, CODING).tolist() == [[0, 1, VOID], [1, 1, 0]]
    assert read_numbers(tmp_path / name).tolist() == NUMBERS.tolist()


def test_large_numbers_of_objects(tmp_path):
    numbers = np.array([[0, 300], [65535, 300]], np.uint16)
    Image.fromarray(numbers).save(tmp_path / "a.png")
    assert read_numbers(tmp_path / "a.png").tolist() == numbers.tolist()
    assert look_at_mask(tmp_path / "a.png").numbers == {0: 1, 300: 2, 65535: 1}


def test_colours_are_counted_and_looked_up(tmp_path):
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 1:] = RED
    Image.fromarray(pixels).save(tmp_path / "a.png")
    look = look_at_mask(tmp_path / "a.png")
    assert look.colours == {BLACK: 4, RED: 2} and look.numbers == {} and not look.is_grey
    coding = Coding(("x", "y"), colours={RED: 1, BLACK: 0})
    assert read_mask(tmp_path / "a.png", coding).tolist() == [[0, 1, 1], [0, 0, 0]]
    with pytest.raises(AnnotationError, match="it holds colours, expected a number for each obj"):
        read_numbers(tmp_path / "a.png")


def test_the_first_unknown_number_or_colour_is_named(tmp_path):
    Image.fromarray(NUMBERS).save(tmp_path / "a.png")
    coding = Coding(("a", "b"), {0: 0, 1: 1, VOID: VOID})
    look = look_at_mask(tmp_path / "a.png")
    assert coding.unknown_in(look) == [3]
    assert why_unknown(tmp_path / "a.png", look, coding) == (
        "label 3 in row 0, column 1 (3 of 6 pixels); expected 0..1, or 255 for a pixel without a "
        "class"
    )
    with pytest.raises(AnnotationError, match=r"colour \(3, 3, 3\) in row 0, column 1 \(3 of 6"):
        read_mask(tmp_path / "a.png", Coding(("a",), colours={BLACK: 0, (255, 255, 255): VOID}))


def test_a_mask_is_turned_by_its_own_orientation_and_with_its_photograph(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(NUMBERS).save(tmp_path / "own.png", exif=exif)
    look = look_at_mask(tmp_path / "own.png")
    assert (look.width, look.height) == (2, 3)
    expected = np.rot90(read_plain(tmp_path), -1).tolist()
    assert read_mask(tmp_path / "own.png", CODING).tolist() == expected
    assert read_mask(tmp_path / "plain.png", CODING, PictureSize(2, 3, 6)).tolist() == expected


def read_plain(folder):
    Image.fromarray(NUMBERS).save(folder / "plain.png")
    return read_mask(folder / "plain.png", CODING)


def test_long_lists_are_cut():
    assert shown(range(3)) == "0, 1, 2" and shown(range(11)) == "0, 1, 2, 3, 4, 5, 6, 7 and 3 more"
