"""Pictures turned by EXIF: points move as the pixels do, and a declared size tells who turned."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicv.data.faults import Faults
from minicv.data.image_files import ImageError, read_image
from minicv.data.picture_size import (
    EXIF_ORIENTATION,
    PictureSize,
    drawn_on_stored,
    picture_size,
    size_if_readable,
    upright_box,
    upright_mask,
)

STORED_WIDTH, STORED_HEIGHT = 20, 12


def turned_picture(folder, orientation):
    """Black, with a white rectangle of x 3..8 and y 2..6 as stored; exact (PNG)."""
    pixels = np.zeros((STORED_HEIGHT, STORED_WIDTH), np.uint8)
    pixels[2:6, 3:8] = 255
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    path = folder / f"turned{orientation}.png"
    Image.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_moves_as_the_pixels_do(tmp_path, orientation):
    path = turned_picture(tmp_path, orientation)
    size = picture_size(path)
    image = read_image(path)
    assert image.shape == (3, size.height, size.width)
    assert size.stored == (STORED_WIDTH, STORED_HEIGHT)
    x1, y1, x2, y2 = (int(v) for v in upright_box([3, 2, 8, 6], size))
    expected = np.zeros((size.height, size.width), bool)
    expected[y1:y2, x1:x2] = True
    np.testing.assert_array_equal(image[0] > 0.5, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_moves_as_the_pixels_do(tmp_path, orientation):
    path = turned_picture(tmp_path, orientation)
    mask = np.zeros((STORED_HEIGHT, STORED_WIDTH), bool)
    mask[2:6, 3:8] = True
    np.testing.assert_array_equal(upright_mask(mask, picture_size(path)), read_image(path)[0] > 0.5)


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_is_none_counts_as_upright(tmp_path, orientation):
    size = picture_size(turned_picture(tmp_path, orientation))
    assert size == PictureSize(STORED_WIDTH, STORED_HEIGHT, 1)


@pytest.mark.parametrize(
    ("size", "declared", "turned", "kinds"),
    [
        (PictureSize(30, 40), (30, 40), False, []),
        (PictureSize(30, 40), None, False, []),
        (PictureSize(30, 40), (0, 0), False, []),  # some tools write that for "unknown"
        (PictureSize(30, 40, 6), (30, 40), False, []),
        (PictureSize(30, 40, 6), (40, 30), True, ["drawn on the picture as stored"]),
        (PictureSize(30, 40, 3), (30, 40), False, ["ambiguous orientation"]),
        (PictureSize(30, 30, 8), (30, 30), False, ["ambiguous orientation"]),
        (PictureSize(30, 40, 6), None, False, ["orientation without a size"]),
        (PictureSize(30, 40), (40, 30), None, ["annotation of another size"]),
        (PictureSize(30, 40), (60, 80), None, ["annotation of another size"]),
    ],
)
def test_the_declared_size_tells_what_was_shown(size, declared, turned, kinds):
    faults = Faults(raises=False)
    annotation = Path("a.xml")
    assert drawn_on_stored(size, declared, Path("a.jpg"), annotation, faults) is turned
    assert [fault.kind for fault in faults.found] == kinds


def test_what_is_no_picture_is_a_fault(tmp_path):
    file = tmp_path / "a.jpg"
    file.write_text("cow")
    with pytest.raises(ImageError, match=r"a\.jpg"):
        picture_size(file)
    faults = Faults(raises=False)
    assert size_if_readable(file, faults) is None
    assert [fault.file for fault in faults.found] == [file]
