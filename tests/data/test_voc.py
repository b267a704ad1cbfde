"""Pascal VOC's boxes: coordinates, repairs, missing files."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image

from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.data.voc import VOCDetection


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


def test_wrong_boxes_are_repaired_with_one_warning_for_each_kind(tmp_path):
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
    outside, flat = (str(warning.message) for warning in caught)
    assert "bad.xml: object 1 (cat), bndbox (-3, 5, 12, 28) is not inside" in outside
    assert outside.endswith("clipped (and 1 more: box outside of its picture)")
    assert "bad.xml: object 2 (cat), bndbox (7, 4, 7, 4) has no area; dropped" in flat
    assert flat.endswith("(and 1 more: box without area)") and "\n" not in outside + flat
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
    with pytest.raises(FileNotFoundError, match=r"line 1: 'a': there is no annotation of that"):
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
    with pytest.warns(DatasetWarning, match=r"a\.xml: it notes no size, and .*a\.jpg is turned"):
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
