"""Pascal VOC's boxes and segmentations: coordinates, repairs, missing files."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image

from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.data.voc import SEGMENTATION_CLASSES, VOCDetection, VOCSegmentation, voc_colour_map
from minicv.vision.label_maps import VOID


def xml_object(name, corners, extra=""):
    tags = ("xmin", "ymin", "xmax", "ymax")
    box = "".join(f"<{tag}>{v}</{tag}>" for tag, v in zip(tags, corners, strict=True))
    return f"<object><name>{name}</name>{extra}<bndbox>{box}</bndbox></object>"


def add(root, name, *objects, size=(30, 20), suffix=".jpg"):
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 40)).save(root / "JPEGImages" / f"{name}{suffix}")
    text = f"<annotation><filename>{name}{suffix}</filename>{''.join(objects)}</annotation>"
    (root / "Annotations" / f"{name}.xml").write_text(text)
    with open(root / "ImageSets" / "Main" / "train.txt", "a") as split:
        split.write(f"{name}\n")


def test_one_based_inclusive_becomes_half_open(tmp_path):
    add(tmp_path, "a", xml_object("cat", (1, 1, 30, 20)), xml_object("dog", (5, 6, 9, 16)))
    image, target = VOCDetection(tmp_path)[0]
    assert image.shape == (3, 20, 30)
    # The first box is the whole picture; the second has 5 columns and 11 rows.
    assert target["boxes"].tolist() == [[0, 0, 30, 20], [4, 5, 9, 16]]
    assert target["boxes"].dtype == np.float32
    assert target["area"].tolist() == [600, 55]
    assert target["labels"].tolist() == [0, 1] and target["labels"].dtype == np.int64
    assert target["image_id"] == "a"


def test_classes_are_discovered_over_all_files_or_declared(tmp_path):
    add(tmp_path, "a", xml_object("dog", (1, 1, 9, 9)))
    add(tmp_path, "b", xml_object("bird", (1, 1, 9, 9)))
    (tmp_path / "ImageSets" / "Main" / "one.txt").write_text("a\n\n")
    found = VOCDetection(tmp_path, "one")
    assert found.classes == ("bird", "dog") and found[0][1]["labels"].tolist() == [1]
    declared = VOCDetection(tmp_path, "train", classes=["dog", "bird", "cow"])
    assert declared.classes == ("dog", "bird", "cow")
    assert [declared[k][1]["labels"].tolist() for k in range(2)] == [[0], [1]]


def test_difficult_and_parts(tmp_path):
    part = "<part><name>head</name><bndbox><xmin>2</xmin></bndbox></part>"
    add(
        tmp_path,
        "a",
        xml_object("cat", (2, 2, 8, 8), "<difficult>1</difficult>"),
        xml_object("cat", (3, 3, 9, 9), "<difficult>0</difficult>" + part),
        xml_object("cat", (4.5, 4.5, 9.5, 9.5)),
    )
    _, target = VOCDetection(tmp_path)[0]
    assert target["difficult"].tolist() == [True, False, False]
    assert target["difficult"].dtype == bool
    assert target["boxes"][2].tolist() == [3.5, 3.5, 9.5, 9.5]


def test_split_file_with_flags_and_no_split(tmp_path):
    add(tmp_path, "b", xml_object("cat", (1, 1, 9, 9)))
    add(tmp_path, "a", xml_object("cat", (1, 1, 9, 9)))
    (tmp_path / "ImageSets" / "Main" / "cat_train.txt").write_text("b  1\na -1\n")
    assert VOCDetection(tmp_path, "cat_train").ids == ["b", "a"]
    assert VOCDetection(tmp_path, None).ids == ["a", "b"]


@pytest.mark.parametrize("inside", ["", "VOC2007", "VOCdevkit/VOC2007"])
def test_root_or_a_folder_above_it(tmp_path, inside):
    add(tmp_path / inside, "a", xml_object("cat", (1, 1, 9, 9)))
    assert len(VOCDetection(tmp_path)) == 1


def test_two_years_need_a_choice(tmp_path):
    add(tmp_path / "VOC2007", "a", xml_object("cat", (1, 1, 9, 9)))
    add(tmp_path / "VOC2012", "a", xml_object("cat", (1, 1, 9, 9)))
    with pytest.raises(FileNotFoundError, match="several sets"):
        VOCDetection(tmp_path)
    assert len(VOCDetection(tmp_path / "VOC2012")) == 1


def test_png_and_the_name_in_the_xml(tmp_path):
    add(tmp_path, "a", xml_object("cat", (1, 1, 9, 9)), suffix=".png")
    assert VOCDetection(tmp_path)[0][0].shape == (3, 20, 30)
    (tmp_path / "JPEGImages" / "a.png").rename(tmp_path / "JPEGImages" / "other.bmp")
    xml = tmp_path / "Annotations" / "a.xml"
    xml.write_text(xml.read_text().replace("a.png", "other.bmp"))
    assert VOCDetection(tmp_path)[0][0].shape == (3, 20, 30)


def test_photograph_without_objects(tmp_path):
    add(tmp_path, "a")
    add(tmp_path, "b", xml_object("cat", (1, 1, 9, 9)))
    _, target = VOCDetection(tmp_path)[0]
    assert target["boxes"].shape == (0, 4) and target["boxes"].dtype == np.float32
    assert target["labels"].shape == target["difficult"].shape == target["area"].shape == (0,)


def test_wrong_boxes_are_repaired_with_one_warning(tmp_path):
    add(tmp_path, "fine", xml_object("cat", (1, 1, 9, 9)))
    add(
        tmp_path,
        "bad",
        xml_object("cat", (-3, 5, 12, 28)),  # reaches out
        xml_object("cat", (7, 4, 7, 4)),  # a point
        xml_object("cat", (31, 5, 40, 9)),  # wholly outside
        xml_object("cat", (9, 9, 5, 12)),  # corners exchanged
        xml_object("cat", (2, 2, 4, 4)),
    )
    with pytest.warns(DatasetWarning) as caught:
        dataset = VOCDetection(tmp_path)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "bad.xml: object 1 (cat), bndbox (-3, 5, 12, 28) is not inside" in message
    assert "clipped" in message and "and 3 more" in message and "\n" not in message
    assert dataset[1][1]["boxes"].tolist() == [[0, 4, 12, 20], [1, 1, 4, 4]]


def test_strict_refuses_wrong_boxes(tmp_path):
    add(tmp_path, "bad", xml_object("cat", (7, 4, 7, 4)))
    with pytest.raises(AnnotationError, match=r"bad\.xml: object 1 \(cat\), bndbox .* no area"):
        VOCDetection(tmp_path, strict=True)


def test_undeclared_label(tmp_path):
    add(tmp_path, "a", xml_object("cat", (1, 1, 9, 9)), xml_object("unicorn", (1, 1, 9, 9)))
    with pytest.raises(AnnotationError, match=r"a\.xml: object 2 .*'unicorn'.*\('cat', 'dog'\)"):
        VOCDetection(tmp_path, classes=["cat", "dog"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation><object><name>cat</na", "no complete XML"),
        ("", "no complete XML"),
        ("<annotation><object></object></annotation>", "object 1 has no name"),
        ("<annotation><object><name> </name></object></annotation>", "object 1 has no name"),
        ("<annotation><object><name>cat</name></object></annotation>", "has no bndbox/xmin"),
    ],
)
def test_broken_xml(tmp_path, text, message):
    add(tmp_path, "a")
    (tmp_path / "Annotations" / "a.xml").write_text(text)
    with pytest.raises(AnnotationError, match=message) as caught:
        VOCDetection(tmp_path)
    assert "a.xml" in str(caught.value)


@pytest.mark.parametrize("value", ["ten", "nan", "inf"])
def test_corner_that_is_no_number(tmp_path, value):
    add(tmp_path, "a", xml_object("cat", (1, value, 9, 9)))
    with pytest.raises(AnnotationError, match=rf"a\.xml: .*ymin is '{value}'"):
        VOCDetection(tmp_path)


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder Annotations"):
        VOCDetection(tmp_path)
    add(tmp_path, "a", xml_object("cat", (1, 1, 9, 9)))
    with pytest.raises(FileNotFoundError, match=r"split 'val'.*splits here: train"):
        VOCDetection(tmp_path, "val")
    (tmp_path / "JPEGImages" / "a.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="no photograph"):
        VOCDetection(tmp_path)
    (tmp_path / "Annotations" / "a.xml").unlink()
    with pytest.raises(FileNotFoundError, match=r"no annotation .*a\.xml"):
        VOCDetection(tmp_path)


def test_truncated_photograph(tmp_path):
    add(tmp_path, "a", xml_object("cat", (1, 1, 9, 9)), size=(200, 200))
    path = tmp_path / "JPEGImages" / "a.jpg"
    path.write_bytes(path.read_bytes()[: path.stat().st_size - 400])
    dataset = VOCDetection(tmp_path)
    with pytest.raises(ImageError, match=r"a\.jpg"):
        dataset[0]
    path.write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"a\.jpg"):
        VOCDetection(tmp_path)


def test_boxes_refer_to_the_upright_photograph(tmp_path):
    add(tmp_path, "a", xml_object("cat", (1, 1, 20, 30)))
    picture = Image.new("RGB", (30, 20))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "JPEGImages" / "a.jpg", exif=exif)
    image, target = VOCDetection(tmp_path, strict=True)[0]
    assert image.shape == (3, 30, 20) and target["boxes"].tolist() == [[0, 0, 20, 30]]


def test_targets_can_be_changed_without_harm(tmp_path):
    add(tmp_path, "a", xml_object("cat", (1, 1, 9, 9)))
    dataset = VOCDetection(tmp_path)
    dataset[0][1]["boxes"][:] = -1
    assert dataset[0][1]["boxes"].tolist() == [[0, 0, 9, 9]]


def test_blood_cells(real_data):
    """BCCD: 4,888 boxes, two of which are single points."""
    root = real_data("BCCD")
    with pytest.warns(DatasetWarning, match=r"BloodImage_00338\.xml: object 13 \(RBC\)") as caught:
        everything = VOCDetection(root, None)
    assert len(caught) == 1 and "and 1 more" in str(caught[0].message)
    assert len(everything) == 364 and everything.classes == ("Platelets", "RBC", "WBC")
    with pytest.raises(AnnotationError, match="504, 337, 504, 337"):
        VOCDetection(root, None, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)
        splits = {name: VOCDetection(root, name) for name in ("train", "val", "trainval", "test")}
    assert [len(split) for split in splits.values()] == [205, 87, 292, 72]
    image, target = splits["train"][0]
    assert image.shape == (3, 480, 640) and len(target["boxes"]) > 0
    assert target["boxes"].min() >= 0 and target["boxes"][:, 2].max() <= 640
    boxes = sum(len(entry.boxes) for entry in everything._entries)
    assert boxes == 4886


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
    with pytest.raises(FileNotFoundError, match=r"2012_0\.jpg has no label map"):
        VOCSegmentation(root)
    (root / "JPEGImages" / "2012_2.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"no photograph .*2012_2 \(\.jpg"):
        VOCSegmentation(root)


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
