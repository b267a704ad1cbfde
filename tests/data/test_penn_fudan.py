"""Penn-Fudan: people from instance masks; the real set agrees with its published boxes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.data.penn_fudan import PennFudan


@pytest.fixture
def root(tmp_path):
    """Sixty photographs of 20 x 30 with two people each, the last without any."""
    (tmp_path / "PNGImages").mkdir()
    (tmp_path / "PedMasks").mkdir()
    for number in range(60):
        mask = np.zeros((20, 30), np.uint8)
        if number < 59:
            mask[2:10, 3:8] = 1
            mask[5:20, 20:30] = 2
        Image.fromarray(mask).save(tmp_path / "PedMasks" / f"Ped{number:03d}_mask.png")
        picture = np.full((20, 30, 3), 51, np.uint8)
        Image.fromarray(picture).save(tmp_path / "PNGImages" / f"Ped{number:03d}.png")
    return tmp_path


def test_boxes_and_masks(root):
    image, target = PennFudan(root)[0]
    assert image.shape == (3, 20, 30) and image.dtype == np.float32
    np.testing.assert_allclose(image, 0.2, rtol=1e-6)
    assert target["boxes"].tolist() == [[3, 2, 8, 10], [20, 5, 30, 20]]
    assert target["boxes"].dtype == np.float32
    assert target["labels"].tolist() == [0, 0] and target["labels"].dtype == np.int64
    assert target["area"].tolist() == [40, 150]
    assert target["masks"].shape == (2, 20, 30) and target["masks"].dtype == bool
    assert target["masks"][1, 5:20, 20:30].all()
    assert target["image_id"] == "Ped000"


def test_split_by_sorted_name(root):
    train, test = PennFudan(root, "train"), PennFudan(root, "test")
    assert (len(train), len(test), len(PennFudan(root))) == (10, 50, 60)
    assert [train[-1][1]["image_id"], test[0][1]["image_id"]] == ["Ped009", "Ped010"]
    assert train.classes == ("person",)


def test_people_are_counted_without_reading(root):
    dataset = PennFudan(root)
    (root / "PNGImages" / "Ped000.png").unlink()
    assert [dataset.labels_of(index).tolist() for index in (0, 58, 59)] == [[0, 0], [0, 0], []]


def test_photograph_without_people(root):
    _, target = PennFudan(root)[59]
    assert target["boxes"].shape == (0, 4) and target["masks"].shape == (0, 20, 30)
    assert target["labels"].dtype == np.int64


def test_faults_name_the_file(root):
    dataset = PennFudan(root)
    mask = root / "PedMasks" / "Ped000_mask.png"
    mask.write_bytes(mask.read_bytes()[:40])
    with pytest.raises(ImageError, match=r"Ped000_mask\.png"):
        dataset[0]
    (root / "PedMasks" / "Ped001_mask.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"Ped001_mask\.png"):
        dataset[1]
    Image.new("L", (7, 7)).save(root / "PedMasks" / "Ped002_mask.png")
    with pytest.raises(AnnotationError, match=r"Ped002_mask\.png: the label map is 7 x 7"):
        dataset[2]


def save_mask(root, number, array, **options):
    Image.fromarray(array).save(root / "PedMasks" / f"Ped{number:03d}_mask.png", **options)


def test_a_jpeg_is_no_mask(root):
    """The fault before: 52 people where there are two."""
    mask = np.zeros((20, 30), np.uint8)
    mask[2:10, 3:8] = 1
    for number in (3, 5):
        save_mask(root, number, mask, format="JPEG")
    with pytest.raises(
        AnnotationError, match=r"(?s)2 faults.*003_mask\.png: it is a JPEG.*005_mask"
    ):
        PennFudan(root)


def test_masks_of_16_bits(root):
    """Numbers beyond 255 are read; thousands of people are none."""
    mask = np.zeros((20, 30), np.uint16)
    mask[2:10, 3:8], mask[12:15, 4:9] = 700, 300
    save_mask(root, 0, mask)
    target = PennFudan(root)[0][1]
    assert target["boxes"].tolist() == [[4, 12, 9, 15], [3, 2, 8, 10]]  # by their numbers
    assert target["area"].tolist() == [15, 40]
    save_mask(root, 0, np.arange(600, dtype=np.uint16).reshape(20, 30))
    with pytest.raises(
        AnnotationError, match=r"000_mask\.png: it numbers 599 people, more than 100"
    ):
        PennFudan(root)


def test_masks_that_do_not_tell_people_apart(root):
    mask = np.zeros((20, 30), np.uint8)
    mask[2:10, 3:8] = mask[12:15, 4:9] = 255
    save_mask(root, 1, mask)
    with pytest.raises(
        AnnotationError, match=r"001_mask\.png: it holds only 0 and 255, which does n"
    ):
        PennFudan(root)
    save_mask(root, 1, np.dstack([mask, mask // 2, mask]))
    with pytest.raises(AnnotationError, match=r"001_mask\.png: it has the mode RGB with colours"):
        PennFudan(root)


def test_wrong_masks_are_found_at_the_start(root):
    (root / "PedMasks" / "Ped011_mask.png").unlink()
    save_mask(root, 12, np.zeros((7, 7), np.uint8))
    with pytest.raises(FileNotFoundError) as caught:
        PennFudan(root, "test")
    assert "Ped011.png: it has no mask" in str(caught.value)
    assert "Ped012_mask.png: the label map is 7 x 7" in str(caught.value)
    assert len(PennFudan(root, "train")) == 10


def test_a_mask_of_a_turned_photograph(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(root / "PNGImages" / "Ped000.png", exif=exif)
    with pytest.warns(DatasetWarning, match="turned upright"):
        image, target = PennFudan(root)[0]
    assert image.shape == (3, 30, 20)
    assert target["boxes"].tolist() == [[10, 3, 18, 8], [0, 20, 15, 30]]


def test_wrong_arguments(root, tmp_path):
    with pytest.raises(ValueError, match="'val'"):
        PennFudan(root, "val")
    with pytest.raises(FileNotFoundError, match="PNGImages"):
        PennFudan(tmp_path / "PNGImages")
    for path in (root / "PNGImages").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="holds no"):
        PennFudan(root)


def test_real_set_agrees_with_its_annotation_files(real_data):
    folder = real_data("PennFudanPed")
    dataset = PennFudan(folder)
    assert len(dataset) == 170
    corners = re.compile(r"\((\d+), (\d+)\) - \((\d+), (\d+)\)")
    for index in range(0, 170, 9):
        image, target = dataset[index]
        text = (folder / "Annotation" / f"{target['image_id']}.txt").read_text()
        # The text counts from 1 and includes the last pixel.
        boxes = [[int(v) for v in match] for match in corners.findall(text)]
        expected = np.array([[x1 - 1, y1 - 1, x2, y2] for x1, y1, x2, y2 in boxes])
        assert target["boxes"].shape == expected.shape
        # Some published boxes are a pixel or two wider than their mask.
        assert np.abs(target["boxes"] - expected).max() <= 3
        assert image.shape[1:] == target["masks"].shape[1:]
