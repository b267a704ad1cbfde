"""Penn-Fudan: people from instance masks; the real set agrees with its published boxes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from minicv.data.image_files import AnnotationError, ImageError
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
