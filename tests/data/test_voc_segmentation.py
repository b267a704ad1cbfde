"""Pascal VOC's segmentations: numbers and colours, splits, missing files."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from minicv.data import open_data
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.data.voc_segmentation import SEGMENTATION_CLASSES, VOCSegmentation, voc_colour_map
from minicv.vision.label_maps import VOID

SIZE = (14, 20)


def save_labels(path, labels):
    picture = Image.fromarray(labels, mode="P")
    picture.putpalette(voc_colour_map(256).ravel().tolist())
    picture.save(path)


@pytest.fixture
def root(tmp_path):
    """VOC2012 with four photographs: two to train, one to validate, one in no list."""
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for number in range(4):
        pixels = np.full((*SIZE, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(root / "JPEGImages" / f"2012_{number}.jpg")
        labels = np.zeros(SIZE, np.uint8)
        labels[2:9, 3:12] = VOID
        labels[3:8, 4:11] = 15 + number
        save_labels(root / "SegmentationClass" / f"2012_{number}.png", labels)
    lists = root / "ImageSets" / "Segmentation"
    (lists / "train.txt").write_text("2012_2\n2012_0\n\n")
    (lists / "val.txt").write_text("2012_1\n")
    return root


def test_segmentation_reads_numbers_not_colours(root):
    scenes = VOCSegmentation(root)
    image, target = scenes[0]
    assert image.shape == (3, *SIZE) and image.dtype == np.float32
    assert sorted(target) == ["image_id", "segmentation"] and target["image_id"] == "2012_2"
    labels = target["segmentation"]
    assert labels.dtype == np.int64 and sorted(np.unique(labels).tolist()) == [0, 17, VOID]
    assert (labels == 17).sum() == 35 and (labels == VOID).sum() == 28
    assert scenes.segmentation_classes[17] == "sheep" and scenes.classes == ()


def test_splits_and_folders_above_a_segmentation(root):
    assert [len(VOCSegmentation(root, split)) for split in ("train", "val", None)] == [2, 1, 4]
    for folder in (root.parent.parent, root.parent):
        assert VOCSegmentation(folder, None).ids == [f"2012_{number}" for number in range(4)]
    with pytest.raises(FileNotFoundError, match=r"split 'test' needs .*; splits here: train, val$"):
        VOCSegmentation(root, "test")
    with pytest.raises(FileNotFoundError, match="has no folder SegmentationClass"):
        VOCSegmentation(root / "JPEGImages")


def test_own_classes_of_a_segmentation(root):
    names = [f"class {number}" for number in range(18)]
    scenes = VOCSegmentation(root, classes=names)
    assert scenes.segmentation_classes == tuple(names)
    assert scenes.segmentation_colors.shape == (18, 3)
    for count in (0, 256):
        with pytest.raises(ValueError, match=f"{count} classes, expected 1..255"):
            VOCSegmentation(root, classes=["x"] * count)
    with pytest.raises(
        AnnotationError, match=r"2012_2\.png: label 17 in row 3, column 4 .*0\.\.16"
    ):
        VOCSegmentation(root, classes=names[:17])[0]


def test_missing_files_of_a_segmentation_are_found_at_once(root):
    (root / "SegmentationClass" / "2012_0.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"no annotation of .*2012_0\.jpg in .*Class$"):
        VOCSegmentation(root)
    (root / "JPEGImages" / "2012_2.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="2 faults") as caught:
        VOCSegmentation(root)
    assert "2012_2.png: there is no photograph" in str(caught.value)
    assert "train.txt: line 2: '2012_0': there is no annotation of" in str(caught.value)


def test_wrong_files_of_a_segmentation_are_named(root):
    file = root / "SegmentationClass" / "2012_1.png"
    whole = file.read_bytes()
    save_labels(file, np.zeros((SIZE[1], SIZE[0]), np.uint8))
    with pytest.raises(
        AnnotationError, match=r"2012_1\.png: .* is 20 x 14 .* its image is 14 x 20"
    ):
        VOCSegmentation(root, "val")[0]
    Image.open(file).convert("RGB").save(file)
    with pytest.raises(AnnotationError, match=r"2012_1\.png has the mode RGB"):
        VOCSegmentation(root, "val")[0]
    file.write_bytes(whole[: len(whole) - 30])
    with pytest.raises(ImageError, match=r"2012_1\.png"):
        VOCSegmentation(root, "val")[0]


def test_palette_is_the_published_one():
    assert len(SEGMENTATION_CLASSES) == 21 and SEGMENTATION_CLASSES[15] == "person"
    colours = dict(zip(SEGMENTATION_CLASSES, voc_colour_map(21).tolist(), strict=True))
    assert colours["person"] == [192, 128, 128] and colours["tvmonitor"] == [0, 64, 128]
    assert colours["bird"] == [128, 128, 0] and colours["dog"] == [64, 0, 128]
    assert len({tuple(colour) for colour in voc_colour_map(256).tolist()}) == 256


def test_a_label_map_is_not_its_own_picture(root):
    (root / "JPEGImages").rename(root / "photos of 2012")
    scenes = VOCSegmentation(root)
    assert [path.parent.name for path in scenes.paths] == ["photos of 2012"] * 2
    (root / "photos of 2012" / "2012_0.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"2012_0\.png: there is no photograph"):
        VOCSegmentation(root)


def test_names_with_blanks_and_lists_of_one_class(root):
    for folder, suffix in (("JPEGImages", "jpg"), ("SegmentationClass", "png")):
        (root / folder / f"2012_3.{suffix}").rename(root / folder / f"2012 3.{suffix}")
    lists = root / "ImageSets" / "Segmentation"
    (lists / "blank.txt").write_bytes("\ufeff2012 3\r\n2012_1.jpg\r\n".encode("utf-16-le"))
    assert VOCSegmentation(root, "blank").ids == ["2012 3", "2012_1"]
    (lists / "cow_train.txt").write_text("2012 3  1\n2012_1 -1\n")
    assert VOCSegmentation(root, "cow_train").ids == ["2012 3", "2012_1"]


@pytest.fixture
def cvat(tmp_path):
    """As CVAT writes "Segmentation mask 1.1": colours, a list called default, and labelmap.txt."""
    for folder in (
        "JPEGImages",
        "SegmentationClass",
        "SegmentationObject",
        "ImageSets/Segmentation",
    ):
        (tmp_path / folder).mkdir(parents=True)
    names = [f"field {number}" for number in range(3)]
    for number, name in enumerate(names):
        Image.new("RGB", SIZE[::-1], (9, 9, 9)).save(tmp_path / "JPEGImages" / f"{name}.jpg")
        colours = np.zeros((*SIZE, 3), np.uint8)
        colours[2:5] = (250, 50, 83)
        colours[8:10, number:] = (51, 221, 255)
        Image.fromarray(colours).save(tmp_path / "SegmentationClass" / f"{name}.png")
    (tmp_path / "ImageSets" / "Segmentation" / "default.txt").write_text("\n".join(names) + "\n")
    (tmp_path / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nduck:51,221,255::\ncow:250,50,83::\n"
    )
    return tmp_path


def test_colours_of_cvat_mean_what_its_labelmap_says(cvat):
    scenes = VOCSegmentation(cvat, "default")
    assert scenes.segmentation_classes == ("background", "duck", "cow")
    assert scenes.segmentation_colors.tolist() == [[0, 0, 0], [51, 221, 255], [250, 50, 83]]
    assert scenes.ids == ["field 0", "field 1", "field 2"]
    labels = scenes[1][1]["segmentation"]
    assert labels.dtype == np.int64 and labels[:, 0].tolist() == [0, 0, 2, 2, 2] + [0] * 9
    assert labels[8, :3].tolist() == [0, 1, 1]
    splits = open_data(f"vocseg:{cvat}", ("segmentation",))
    assert [len(splits.train), len(splits.validation)] == [2, 1]


def test_colours_that_no_file_explains(cvat):
    (cvat / "labelmap.txt").write_text("background:0,0,0::\nduck:51,221,255::\n")
    with pytest.raises(
        AnnotationError,
        match=r"field 0\.png: colour \(250, 50, 83\) in row 2, column 0 \(60 of 280",
    ):
        VOCSegmentation(cvat, "default")
    (cvat / "labelmap.txt").unlink()
    with pytest.raises(
        AnnotationError, match=r"0\.png has the mode RGB, .*, as have 2 more, exp.*lab"
    ):
        VOCSegmentation(cvat, "default")
    (cvat / "labelmap.txt").write_text("background:0,0,0::\nduck:1,2\n")
    with pytest.raises(AnnotationError, match=r"labelmap\.txt: .*'duck:1,2', expected a name and"):
        VOCSegmentation(cvat, "default")


def test_palette_pictures_in_other_colours_keep_their_numbers(root):
    """labelmap.txt gives the names; its colours are not those of the palette."""
    lines = [f"c{number}:{number},1,2::" for number in range(20)]
    (root / "labelmap.txt").write_text("\n".join(lines))
    scenes = VOCSegmentation(root)
    assert scenes.segmentation_classes[17] == "c17" and len(scenes.segmentation_classes) == 20
    assert sorted(np.unique(scenes[0][1]["segmentation"]).tolist()) == [0, 17, VOID]


def test_masks_of_0_and_255_leave_one_class(root):
    """In VOC's form 255 is no class. The fault before: a training began, and mIoU was 1."""
    for path in (root / "SegmentationClass").iterdir():
        labels = np.zeros(SIZE, np.uint8)
        labels[3:8] = 255
        Image.fromarray(labels).save(path)
    with pytest.raises(
        AnnotationError,
        match=r"hold 0, 255, and 255 is no class: of 21 classes only 'background' occurs in 2 .*"
        r"masks:.*JPEGImages,.*SegmentationClass",
    ):
        VOCSegmentation(root)
    assert len(VOCSegmentation(root, "val")) == 1  # one picture to judge may show one class


def test_all_wrong_label_maps_are_named_at_the_start(root):
    folder = root / "SegmentationClass"
    save_labels(folder / "2012_2.png", np.full(SIZE, 77, np.uint8))
    (folder / "2012_0.png").write_bytes((folder / "2012_0.png").read_bytes()[:-60])
    with pytest.raises(ValueError) as caught:
        VOCSegmentation(root)
    assert "2012_2.png: label 77 in row 0, column 0" in str(caught.value)
    assert "2012_0.png: " in str(caught.value)


def test_label_maps_of_a_turned_photograph(root):
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", SIZE[::-1]).save(root / "JPEGImages" / "2012_1.jpg", exif=exif)
    with pytest.warns(DatasetWarning, match="turned upright"):
        image, target = VOCSegmentation(root, "val")[0]
    assert image.shape == (3, 20, 14) and target["segmentation"].shape == (20, 14)
    # Rows 3..7 and columns 4..10 of 14 x 20, turned to the left by a quarter.
    rows, columns = np.nonzero(target["segmentation"] == 16)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9, 15, 3, 7)
