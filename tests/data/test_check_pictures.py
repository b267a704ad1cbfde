"""Broken pictures are found before a training, all of them at once, and no whole one is blamed."""

import numpy as np
import pytest
from PIL import Image

from minicv.data.check_pictures import check_pictures, decodes
from minicv.data.farmyard import Farmyard
from minicv.data.faults import Faults
from minicv.data.image_files import DatasetWarning, ImageError, ImageFolder, read_image
from minicv.data.wrapped import Subset

PIXELS = np.random.default_rng(0).integers(0, 256, size=(40, 56, 3), dtype=np.uint8)
FORMATS = {
    "a.jpg": {},
    "progressive.jpg": {"progressive": True},
    "restarts.jpg": {"restart_marker_blocks": 3},
    "a.png": {},
    "a.gif": {},
    "a.webp": {},
    "a.bmp": {},
    "a.tif": {},
    "a.ppm": {},
    "a.jp2": {},
}


def can_be_read(path):
    try:
        read_image(path)
    except ImageError:
        return False
    return True


@pytest.mark.parametrize("name", FORMATS)
def test_the_cheap_test_agrees_with_reading_wherever_the_file_is_cut(tmp_path, name):
    path = tmp_path / name
    Image.fromarray(PIXELS).save(path, **FORMATS[name])
    whole = path.read_bytes()
    assert decodes(path) is None
    cuts = {*range(0, len(whole), max(1, len(whole) // 40)), *range(len(whole) - 14, len(whole))}
    broken = 0
    for cut in sorted(cuts):
        path.write_bytes(whole[:cut])
        assert (decodes(path) is None) == can_be_read(path), f"cut at {cut} of {len(whole)}"
        broken += not can_be_read(path)
    assert broken > 30


def test_a_png_of_wrong_numbers_is_found_by_its_checksum(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    assert decodes(path) is not None and not can_be_read(path)


def test_a_png_without_its_end_is_read_and_not_blamed(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    path.write_bytes(path.read_bytes()[:-12])  # the chunk IEND
    assert can_be_read(path) and decodes(path) is None


def test_the_reason_does_not_repeat_the_file(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(PIXELS).save(path)
    path.write_bytes(path.read_bytes()[:1000])
    reason = decodes(path)
    assert reason.startswith("image file is truncated") and "a.jpg" not in reason
    assert decodes(tmp_path / "absent.jpg").startswith("there is no file ")


@pytest.fixture
def five(tmp_path):
    """Five pictures, of which those with the numbers 1 and 3 are cut short."""
    for number in range(5):
        path = tmp_path / f"{number}.jpg"
        Image.fromarray(PIXELS).save(path)
        if number in (1, 3):
            path.write_bytes(path.read_bytes()[:900])
    return ImageFolder(tmp_path)


def test_all_broken_pictures_are_named_at_once(five):
    with pytest.raises(ImageError, match=r"^ImageFolder: 2 faults:\n.*1\.jpg: .*\n.*3\.jpg: "):
        check_pictures(five)
    assert check_pictures(Subset(five, [4, 0])) == [0, 1]


def test_they_can_be_skipped_or_collected(five):
    with pytest.warns(DatasetWarning, match=r"1\.jpg: .*; left out \(and 1 more: unreadable"):
        assert check_pictures(five, Faults(skip_unreadable=True)) == [0, 2, 4]
    faults = Faults(raises=False)
    assert check_pictures(list(reversed(five.paths)), faults, workers=1) == [0, 2, 4]
    assert [fault.file.name for fault in faults.found] == ["3.jpg", "1.jpg"]


def test_a_picture_that_is_listed_twice_is_read_once(five, monkeypatch):
    read = []
    monkeypatch.setattr(
        "minicv.data.check_pictures.decodes", lambda path: read.append(path.name) or None
    )
    assert check_pictures([five.paths[0], five.paths[2], five.paths[0]]) == [0, 1, 2]
    assert sorted(read) == ["0.jpg", "2.jpg"]


def test_drawn_scenes_pass():
    assert (
        check_pictures(Farmyard(3)) == check_pictures(Subset(Farmyard(9), [1, 2, 5])) == [0, 1, 2]
    )
    assert check_pictures([]) == []
