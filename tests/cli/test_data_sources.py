"""From a word on the command line to the splits."""

import numpy as np
import pytest
from label_map_folders import camvid_folder, voc_segmentation_folder
from PIL import Image

from minicv.cli import data_sources
from minicv.cli.data_sources import (
    FARMYARD_TRAINING_SCENES,
    open_data,
    open_segmentation_data,
)
from minicv.vision.label_maps import VOID


def test_farmyard_splits_share_no_scene():
    splits = open_data("farmyard")
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (
        FARMYARD_TRAINING_SCENES,
        40,
        40,
    )
    first = [getattr(splits, name)[0][0] for name in ("train", "validation", "test")]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert not np.array_equal(first[a], first[b])
    assert splits.classes == splits.train.classes == ("cow", "cat", "dog", "duck", "person")


def test_farmyard_of_a_number_of_scenes():
    splits = open_data("farmyard:7")
    assert len(splits.train) == 7 and len(splits.test) == data_sources.FARMYARD_HELD_OUT
    # The first scenes are those of the whole set: a smaller set is a part of it.
    np.testing.assert_array_equal(splits.train[6][0], open_data("farmyard").train[6][0])


@pytest.mark.parametrize("source", ["", "coco:here", "farmyard:many", "farmyard:-3", "voc", "voc:"])
def test_unknown_words(source):
    with pytest.raises(ValueError, match="expected farmyard or farmyard:SCENES") as caught:
        open_data(source)
    assert f"--data {source}:" in str(caught.value)


def test_missing_folder(tmp_path):
    for kind in ("voc", "pennfudan"):
        with pytest.raises(ValueError, match=r"there is no folder .*absent"):
            open_data(f"{kind}:{tmp_path / 'absent'}")


def ids(dataset):
    return [dataset[i][1]["image_id"] for i in range(len(dataset))]


def penn_fudan_folder(folder, count):
    for name in ("PNGImages", "PedMasks"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        Image.new("RGB", (4, 3)).save(folder / "PNGImages" / f"im{i:03}.png")
        Image.new("L", (4, 3), 1).save(folder / "PedMasks" / f"im{i:03}_mask.png")
    return f"pennfudan:{folder}"


def test_penn_fudan_every_tenth_of_all_but_the_last_fifty(tmp_path):
    splits = open_data(penn_fudan_folder(tmp_path, 50 + 21))
    assert ids(splits.validation) == ["im009", "im019"]
    assert ids(splits.train) == [f"im{i:03}" for i in range(21) if i not in (9, 19)]
    assert ids(splits.test) == [f"im{i:03}" for i in range(21, 71)]
    assert splits.classes == ("person",)


def test_the_real_penn_fudan(real_data):
    splits = open_data(f"pennfudan:{real_data('PennFudanPed')}")
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (108, 12, 50)


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
    splits = open_data(f"voc:{tmp_path}")
    assert [ids(part) for part in (splits.train, splits.validation, splits.test)] == [
        ["train1"],
        ["val1"],
        ["test1"],
    ]
    # A class that only the test photographs show has a label in every split.
    assert splits.classes == splits.validation.classes == splits.test.classes == ("a", "b", "c")


def test_voc_without_a_test_list_is_tested_on_val(tmp_path):
    voc_folder(tmp_path / "VOC2012", train="b", val="c")
    splits = open_data(f"voc:{tmp_path}")
    assert splits.test is splits.validation


def test_voc_without_a_val_list_names_the_file(tmp_path):
    voc_folder(tmp_path, train="b")
    with pytest.raises(FileNotFoundError, match=r"split 'val' needs .*val\.txt"):
        open_data(f"voc:{tmp_path}")


def test_farmyard_for_segmenters_has_label_maps_alone_and_a_hundred_scenes_to_test_on():
    splits = open_segmentation_data("farmyard:5")
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [5, 40, 100]
    assert splits.classes[:5] == open_data("farmyard").classes and len(splits.classes) == 8
    assert {target_id(part).rsplit("-", 1)[0] for part in parts} == {
        "farmyard-0",
        "farmyard-1",
        "farmyard-2",
    }
    _, target = splits.train[2]
    assert sorted(target) == ["image_id", "segmentation"]
    np.testing.assert_array_equal(splits.train[2][0], open_data("farmyard").train[2][0])


def target_id(dataset):
    return dataset[0][1]["image_id"]


def test_camvid_has_splits_of_its_own(tmp_path):
    splits = open_segmentation_data(camvid_folder(tmp_path))
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [4, 2, 3]
    assert [target_id(part) for part in parts] == ["train0", "val0", "test0"]
    assert len(splits.classes) == 11 and splits.classes[0] == "Sky"


def test_voc_segmentation_has_lists_of_its_own(tmp_path):
    source = voc_segmentation_folder(tmp_path / "a" / "VOC2012", train=3, val=2)
    splits = open_segmentation_data(source.replace("VOC2012", ""))
    assert ids(splits.train) == ["train0", "train1", "train2"]
    assert splits.test is splits.validation and ids(splits.test) == ["val0", "val1"]
    assert splits.classes[0] == "background" and len(splits.classes) == 21
    assert (splits.train[0][1]["segmentation"][:2] == VOID).all()
    source = voc_segmentation_folder(tmp_path / "b", train=1, val=1, test=2)
    assert ids(open_segmentation_data(source).test) == ["test0", "test1"]


def test_a_detector_on_label_maps_and_a_segmenter_on_boxes(tmp_path):
    for source in (f"camvid:{tmp_path}", f"vocseg:{tmp_path}", "camvid:absent"):
        with pytest.raises(ValueError, match="a class for every pixel, but a detector learns") as e:
            open_data(source)
        assert f"--data {source}:" in str(e.value) and "pennfudan:DIR" in str(e.value)
        assert "vocseg:DIR" not in str(e.value)
    for source in (f"voc:{tmp_path}", f"pennfudan:{tmp_path}"):
        with pytest.raises(ValueError, match="has boxes, but a segmenter learns") as e:
            open_segmentation_data(source)
        assert "camvid:DIR" in str(e.value) and "pennfudan:DIR" not in str(e.value)


@pytest.mark.parametrize(
    "source", ["", "coco:here", "farmyard:many", "camvid", "camvid:", "vocseg"]
)
def test_unknown_words_for_segmenters(source):
    with pytest.raises(ValueError, match="expected farmyard or farmyard:SCENES") as caught:
        open_segmentation_data(source)
    assert f"--data {source}:" in str(caught.value)


def test_missing_folder_for_segmenters(tmp_path):
    for kind in ("camvid", "vocseg"):
        with pytest.raises(ValueError, match=r"there is no folder .*absent"):
            open_segmentation_data(f"{kind}:{tmp_path / 'absent'}")


def test_the_real_camvid(real_data):
    splits = open_segmentation_data(f"camvid:{real_data('CamVid')}")
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (367, 101, 233)
