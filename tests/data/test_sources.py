"""Data sources by name: what they provide, and splits that open when they are used."""

import shutil

import numpy as np
import pytest
from label_map_folders import camvid_folder, voc_segmentation_folder
from PIL import Image

from minicv.data import SOURCES, Splits, open_data, sources, sources_help
from minicv.data.voc import annotated_classes
from minicv.vision.label_maps import VOID

BOXES, PIXELS = ("boxes", "labels"), ("segmentation",)
PARTS = ("train", "validation", "test")


def parts(splits):
    return [getattr(splits, name) for name in PARTS]


def ids(dataset):
    return [dataset[i][1]["image_id"] for i in range(len(dataset))]


def test_a_split_opens_when_it_is_used_and_once():
    opened = []

    def opener(name, found):
        return lambda: opened.append(name) or found

    splits = Splits(opener("train", [1]), opener("validation", [2, 3]), opener("test", None))
    assert opened == [] and not splits.drawn
    assert splits.validation == [2, 3] and splits.validation is splits.validation
    assert opened == ["validation"]
    assert splits.test is splits.validation and splits.test is splits.validation
    assert splits.train == [1] and opened == ["validation", "test", "train"]


def test_farmyard_has_every_label_and_shares_no_scene_between_splits():
    splits = open_data("farmyard", BOXES)
    assert [len(part) for part in parts(splits)] == [900, 40, 100] and splits.drawn
    images, targets = zip(*(part[0] for part in parts(splits)), strict=True)
    assert [target["image_id"] for target in targets] == [f"farmyard-{i}-000000" for i in range(3)]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert not np.array_equal(images[a], images[b])
    assert {*SOURCES["farmyard"].native} - {"label", "box"} <= {*targets[0]}
    assert splits.train.classes == ("cow", "cat", "dog", "duck", "person")
    assert splits.train.segmentation_classes[5:] == ("sky", "tree", "grass")


def test_farmyard_of_a_number_of_scenes(monkeypatch):
    monkeypatch.setattr(sources, "FARMYARD_TEST_SCENES", 3)
    splits = open_data("farmyard:7", PIXELS)
    assert [len(part) for part in parts(splits)] == [7, 40, 3]
    # The first scenes are those of the whole set: a smaller set is a part of it.
    np.testing.assert_array_equal(splits.train[6][0], open_data("farmyard", PIXELS).train[6][0])


@pytest.mark.parametrize("needs", [BOXES, PIXELS])
@pytest.mark.parametrize(
    "source", ["", "smell:here", "farmyard:many", "farmyard:-3", "voc", "voc:", "camvid", "vocseg:"]
)
def test_unknown_words(source, needs):
    with pytest.raises(ValueError, match="expected farmyard or farmyard:SCENES") as caught:
        open_data(source, needs)
    assert str(caught.value).startswith(f"--data {source}:")


def test_what_is_expected_is_short(tmp_path):
    """A usage error fits on four lines; what each form is stands in the help."""
    with pytest.raises(ValueError, match=r"--help says what each is$") as caught:
        open_data("vok:cells", ())
    assert len(str(caught.value)) < 4 * 80 and "(" not in str(caught.value)
    assert "coco:DIR or coco:IMAGES,FILE.json" in str(caught.value)
    with pytest.raises(ValueError, match=f"; {tmp_path} is there: write its kind before it"):
        open_data(str(tmp_path), BOXES)


def test_missing_folder(tmp_path):
    for name, source in SOURCES.items():
        if name != "farmyard":
            paths = ",".join([str(tmp_path / "absent")] * np.min(source.paths))
            with pytest.raises(ValueError, match=r"there is no file or folder .*absent"):
                open_data(f"{name}:{paths}", source.native)


def test_a_source_without_the_labels_names_those_that_have_them(tmp_path):
    for source in (f"camvid:{tmp_path}", f"vocseg:{tmp_path}", "camvid:absent"):
        with pytest.raises(
            ValueError, match="provides segmentation, but boxes and labels are needed; expected"
        ) as caught:
            open_data(source, BOXES)
        assert str(caught.value).startswith(f"--data {source}:")
        assert "pennfudan:DIR" in str(caught.value) and "vocseg:DIR" not in str(caught.value)
    for source in (f"voc:{tmp_path}", f"pennfudan:{tmp_path}"):
        with pytest.raises(ValueError, match="but segmentation is needed") as caught:
            open_data(source, PIXELS)
        assert "camvid:DIR" in str(caught.value) and "pennfudan:DIR" not in str(caught.value)
    with pytest.raises(ValueError, match="but keypoints are needed"):
        open_data(f"pennfudan:{tmp_path}", ("boxes", "labels", "keypoints"))


def test_help_lists_what_a_task_can_learn_from():
    of_masks = sources_help(("masks",))
    assert "farmyard" in of_masks and "pennfudan:DIR" in of_masks and "labelme:DIR" in of_masks
    assert "voc:" not in of_masks and "camvid:" not in of_masks and "yolo:" not in of_masks
    assert sources_help(("keypoints",)).startswith(SOURCES["farmyard"].usage)
    assert sources_help(("smell",)) == "none"


def penn_fudan_folder(folder, count):
    for name in ("PNGImages", "PedMasks"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        Image.new("RGB", (4, 3)).save(folder / "PNGImages" / f"im{i:03}.png")
        Image.new("L", (4, 3), 1).save(folder / "PedMasks" / f"im{i:03}_mask.png")
    return f"pennfudan:{folder}"


def test_penn_fudan_every_tenth_of_all_but_the_last_fifty(tmp_path):
    splits = open_data(penn_fudan_folder(tmp_path, 50 + 21), ("masks",))
    assert ids(splits.validation) == ["im009", "im019"]
    assert ids(splits.train) == [f"im{i:03}" for i in range(21) if i not in (9, 19)]
    assert ids(splits.test) == [f"im{i:03}" for i in range(21, 71)]
    assert splits.train.classes == splits.test.classes == ("person",)


def test_the_real_penn_fudan(real_data):
    splits = open_data(f"pennfudan:{real_data('PennFudanPed')}", BOXES)
    assert [len(part) for part in parts(splits)] == [108, 12, 50]


XML = """<annotation><size><width>9</width><height>8</height></size><object><name>{}</name>
<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object></annotation>"""


def voc_folder(folder, **splits):
    """A set with one photograph in each split, each of another class."""
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    for split, label in splits.items():
        (folder / "Annotations" / f"{split}1.xml").write_text(XML.format(label))
        Image.new("RGB", (9, 8)).save(folder / "JPEGImages" / f"{split}1.jpg")
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text(f"{split}1\n")


def test_voc_has_lists_of_its_own(tmp_path):
    voc_folder(tmp_path, train="b", val="c", test="a")
    splits = open_data(f"voc:{tmp_path}", BOXES)
    assert [ids(part) for part in parts(splits)] == [["train1"], ["val1"], ["test1"]]
    # A class that only the test photographs show has a label in every split.
    assert {part.classes for part in parts(splits)} == {("a", "b", "c")}


def test_voc_without_a_test_list_is_tested_on_val(tmp_path):
    voc_folder(tmp_path / "VOC2012", train="b", val="c")
    splits = open_data(f"voc:{tmp_path}", BOXES)
    assert splits.test is splits.validation and ids(splits.test) == ["val1"]


def test_voc_without_a_val_list_is_validated_on_every_tenth(tmp_path):
    voc_folder(tmp_path, train="b", test="a")
    listed = tmp_path / "ImageSets" / "Main" / "train.txt"
    with pytest.raises(ValueError, match="1 labelled pictures; expected at least 2"):
        assert open_data(f"voc:{tmp_path}", BOXES).train
    for name in ("zoo", "ant"):
        for folder, suffix in (("Annotations", "xml"), ("JPEGImages", "jpg")):
            shutil.copy(
                tmp_path / folder / f"train1.{suffix}", tmp_path / folder / f"{name}.{suffix}"
            )
    listed.write_text("zoo\ntrain1\nant\n")
    splits = open_data(f"voc:{tmp_path}", BOXES)
    assert [ids(part) for part in parts(splits)] == [["ant", "train1"], ["zoo"], ["test1"]]
    assert "no list for validation" in splits.rule and not splits.tested_on_validation


def test_voc_reads_the_names_of_all_files_once(tmp_path, monkeypatch):
    voc_folder(tmp_path, train="b", val="c", test="a")
    read = []

    def recorded(folder, faults):
        read.append(folder)
        return annotated_classes(folder, faults)

    monkeypatch.setattr(sources, "annotated_classes", recorded)
    splits = open_data(f"voc:{tmp_path}", BOXES)
    assert read == []
    assert [ids(part) for part in parts(splits)] == [["train1"], ["val1"], ["test1"]]
    assert read == [str(tmp_path)]


def test_camvid_has_splits_of_its_own(tmp_path):
    splits = open_data(camvid_folder(tmp_path), PIXELS)
    assert [len(part) for part in parts(splits)] == [4, 2, 3]
    assert [ids(part)[0] for part in parts(splits)] == ["train0", "val0", "test0"]
    assert len(splits.train.segmentation_classes) == 11
    assert splits.test.segmentation_classes[0] == "Sky"


def test_no_folder_of_an_unused_split_is_touched(tmp_path):
    source = camvid_folder(tmp_path)
    for name in ("train", "trainannot", "test", "testannot"):
        shutil.rmtree(tmp_path / name)
    splits = open_data(source, PIXELS)
    assert ids(splits.validation) == ["val0", "val1"]
    for name in ("train", "test"):
        with pytest.raises(FileNotFoundError, match=f"no folder .*{name}"):
            getattr(splits, name)


def test_voc_segmentation_has_lists_of_its_own(tmp_path):
    source = voc_segmentation_folder(tmp_path / "a" / "VOC2012", train=3, val=2)
    splits = open_data(source.replace("VOC2012", ""), PIXELS)
    assert ids(splits.train) == ["train0", "train1", "train2"]
    assert splits.test is splits.validation and ids(splits.test) == ["val0", "val1"]
    assert splits.train.segmentation_classes[0] == "background"
    assert len(splits.train.segmentation_classes) == 21
    assert (splits.train[0][1]["segmentation"][:2] == VOID).all()
    source = voc_segmentation_folder(tmp_path / "b", train=1, val=1, test=2)
    assert ids(open_data(source, PIXELS).test) == ["test0", "test1"]


def test_the_real_camvid(real_data):
    splits = open_data(f"camvid:{real_data('CamVid')}", PIXELS)
    assert [len(part) for part in parts(splits)] == [367, 101, 233]
