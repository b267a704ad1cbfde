"""COCO sets as COCO, CVAT, Roboflow and others lay them out; their parts; what no file lists."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image

from minicv.data import open_data
from minicv.data.coco_folder import find_coco_parts
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning

BOXES = ("boxes", "labels")


def picture(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 10, 3), seed % 255, np.uint8)).save(path)


def coco_json(path, names, *, categories=("cow", "duck"), objects=True, joints=()):
    """A file with a cow in each picture; numbers of pictures fall as their names rise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [
        {"id": len(names) - i, "file_name": name, "width": 10, "height": 8}
        for i, name in enumerate(names)
    ]
    entry = {"category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": [[1, 2, 4, 2, 4, 6]]}
    if joints:
        entry["keypoints"] = [1, 2, 2] * len(joints)
    content = {
        "images": images,
        "categories": [
            {"id": i + 1, "name": name, **({"keypoints": list(joints)} if joints else {})}
            for i, name in enumerate(categories)
        ],
        "annotations": [{**entry, "id": i, "image_id": image["id"]} for i, image in
                        enumerate(images) if objects],
    }  # fmt: skip
    path.write_text(json.dumps(content))


def names(dataset):
    return [path.name for path in dataset.paths]


def set_of(folder, file, images, count, prefix="", **more):
    """A JSON file at ``file`` and its pictures in ``images``."""
    listed = [f"{prefix}{i:02}.png" for i in range(count)]
    for name in listed:
        picture(folder / images / name)
    coco_json(folder / file, listed, **more)


LAYOUTS = {
    "coco": [
        ("annotations/instances_train2017.json", "train2017"),
        ("annotations/instances_val2017.json", "val2017"),
    ],
    "coco in images": [
        ("annotations/instances_train.json", "images/train"),
        ("annotations/instances_val.json", "images/val"),
    ],
    "roboflow": [
        ("train/_annotations.coco.json", "train"),
        ("valid/_annotations.coco.json", "valid"),
    ],
    "two files, one folder": [("train.json", "images"), ("val.json", "images")],
    "cvat with subsets": [
        ("annotations/instances_Train.json", "images/Train"),
        ("annotations/instances_Validation.json", "images/Validation"),
    ],
    "files beside folders": [("train.json", "train"), ("validation.json", "validation")],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_parts_by_name(tmp_path, layout):
    (train, train_images), (val, val_images) = LAYOUTS[layout]
    set_of(tmp_path, train, train_images, 12, "t")
    set_of(tmp_path, val, val_images, 3, "v")
    splits = open_data(f"coco:{tmp_path}", BOXES)
    assert names(splits.train) == [f"t{i:02}.png" for i in range(12)]
    assert names(splits.validation) == ["v00.png", "v01.png", "v02.png"]
    assert splits.tested_on_validation and splits.rule == ""


@pytest.mark.parametrize(
    ("file", "images"),
    [
        ("annotations/instances_default.json", "images"),
        ("annotations/instances_default.json", "images/default"),
        ("annotations.json", "JPEGImages"),
        ("_annotations.coco.json", "."),
        ("labels.json", "data"),
        ("result.json", "images"),
        ("my cows.json", "somewhere/below"),
        ("annotations/instances_val2017.json", "val2017"),
        ("Annotations/train.JSON", "Images"),
    ],
)
def test_one_file_every_tenth_by_sorted_name(tmp_path, file, images):
    set_of(tmp_path, file, images, 21)
    splits = open_data(f"coco:{tmp_path}", BOXES)
    assert names(splits.validation) == ["09.png", "19.png"]
    assert names(splits.train) == [f"{i:02}.png" for i in range(21) if i not in (9, 19)]
    assert "every tenth picture" in splits.rule and splits.test is splits.validation
    assert splits.train[0][1]["boxes"].tolist() == [[1, 2, 4, 6]]


def test_names_with_the_folder_of_labelme2coco(tmp_path):
    for i in range(3):
        picture(tmp_path / "JPEGImages" / f"{i}.jpg")
        picture(tmp_path / "Visualization" / f"{i}.jpg")
    coco_json(tmp_path / "annotations.json", [f"JPEGImages\\{i}.jpg" for i in range(3)])
    train = open_data(f"coco:{tmp_path}", BOXES).train
    assert [path.parent.name for path in train.paths] == ["JPEGImages"] * 2


def test_other_files_of_coco_are_passed_over(tmp_path):
    set_of(tmp_path, "annotations/instances_train2017.json", "train2017", 4)
    coco_json(
        tmp_path / "annotations/person_keypoints_train2017.json",
        ["00.png", "01.png", "02.png", "03.png"],
        categories=("person",),
        joints=("nose",),
    )
    for kind in ("captions_train2017", "image_info_test2017", "panoptic_train2017"):
        (tmp_path / "annotations" / f"{kind}.json").write_text("{}")
    (tmp_path / "annotations" / "._instances_train2017.json").write_bytes(b"\0\5")
    assert open_data(f"coco:{tmp_path}", BOXES).train.classes == ("cow", "duck")
    posed = open_data(f"coco:{tmp_path}", ("boxes", "labels", "keypoints")).train
    assert posed.classes == ("person",) and posed.joint_names == ("nose",)


def test_several_files_of_one_part_are_named(tmp_path):
    set_of(tmp_path, "a.json", "images", 2)
    set_of(tmp_path, "b.json", "images", 2)
    with pytest.raises(ValueError, match=r"several files for train: a\.json, b\.json; write which"):
        open_data(f"coco:{tmp_path}", BOXES)


def test_paths_that_are_none(tmp_path):
    set_of(tmp_path, "train.json", "images", 2)
    (tmp_path / "empty").mkdir()
    for source, message in (
        (f"coco:{tmp_path / 'empty'}", "holds no JSON file of COCO"),
        (f"coco:{tmp_path / 'train.json'}", "is no folder; expected coco:DIR or coco:IMAGES,FILE"),
        (f"coco:{tmp_path / 'train.json'},{tmp_path / 'images'}", "the folder of the pictures fi"),
        (f"coco:{tmp_path / 'images'},{tmp_path / 'absent.json'}", "no file or folder .*absent"),
        ("coco:", "expected farmyard"),
    ):
        with pytest.raises(ValueError, match=message):
            open_data(source, BOXES)


def test_files_that_are_named(tmp_path):
    set_of(tmp_path, "a.json", "images, all", 4, "t")
    set_of(tmp_path, "b.json", "images, all", 2, "v")
    set_of(tmp_path, "c.json", "images, all", 1, "x")
    images, a, b, c = (tmp_path / n for n in ("images, all", "a.json", "b.json", "c.json"))
    splits = open_data(f"coco:{images},{a},{b},{c}", BOXES)
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [4, 2, 1]
    splits = open_data(f"coco:{images},{a},{b}", BOXES)
    with pytest.warns(DatasetWarning, match=r"x00\.png: .*does not list it; left out"):
        assert len(splits.train) == 4
    assert names(splits.test) == ["v00.png", "v01.png"]


def test_pictures_that_no_file_lists_are_counted(tmp_path):
    set_of(tmp_path, "train/_annotations.coco.json", "train", 3)
    for name in ("lost.png", "Lost 2.JPG"):
        picture(tmp_path / "train" / name)
    splits = open_data(f"coco:{tmp_path}", BOXES)
    with pytest.warns(DatasetWarning) as warned:
        assert len(splits.train) == 2
    assert [str(one.message).endswith("(and 1 more: picture without annotation)") for one in warned]
    assert len(warned) == 1


def test_a_picture_in_a_wrong_entry_is_listed(tmp_path):
    """The entry is told; that no file lists the picture would not be true."""
    for name in "abcd":
        picture(tmp_path / f"{name}.png")
    coco_json(tmp_path / "labels.json", ["a.png", "b.png", "c.png"])
    content = json.loads((tmp_path / "labels.json").read_text())
    content["images"][0]["width"] = -4
    (tmp_path / "labels.json").write_text(json.dumps(content))
    faults = Faults(raises=False)
    assert len(open_data(f"coco:{tmp_path}", BOXES, faults=faults).train) == 1
    unlisted = [f.file.name for f in faults.found if f.kind == "picture without annotation"]
    assert unlisted == ["d.png"]
    assert any("images[0]" in fault.what and "-4" in fault.what for fault in faults.found)


def test_a_test_without_labels_is_none(tmp_path):
    set_of(tmp_path, "train.json", "images", 12)
    set_of(tmp_path, "test.json", "images", 2, "x", objects=False)
    splits = open_data(f"coco:{tmp_path}", BOXES)
    assert splits.tested_on_validation
    content = json.loads((tmp_path / "test.json").read_text())
    del content["annotations"]
    (tmp_path / "test.json").write_text(json.dumps(content))
    splits = open_data(f"coco:{tmp_path}", BOXES)
    assert splits.tested_on_validation and names(splits.validation) == ["09.png"]
    set_of(tmp_path, "test.json", "images", 2, "x")
    assert names(open_data(f"coco:{tmp_path}", BOXES).test) == ["x00.png", "x01.png"]


def test_a_training_without_objects_is_refused(tmp_path):
    set_of(tmp_path, "train.json", "images", 12, objects=False)
    with pytest.raises(AnnotationError, match="it has 12 images, and no object to learn from"):
        assert open_data(f"coco:{tmp_path}", BOXES).train


def test_the_parts_agree_on_classes_by_name(tmp_path):
    """In the second file cow has another number, and there is a class that only it knows."""
    set_of(tmp_path, "train.json", "train", 3, categories=("cow", "duck"))
    set_of(tmp_path, "val.json", "val", 3, categories=("cat", "cow"))
    splits = open_data(f"coco:{tmp_path}", BOXES)
    assert splits.train.classes == splits.validation.classes == ("cow", "duck", "cat")
    assert splits.train[0][1]["labels"].tolist() == [0]
    assert splits.validation[0][1]["labels"].tolist() == [2]
    splits = open_data(f"coco:{tmp_path}", BOXES, classes=("cat", "cow"))
    assert splits.train[0][1]["labels"].tolist() == [1]


def test_masks_and_joints_are_read_when_they_are_wanted(tmp_path):
    set_of(tmp_path, "train.json", "images", 3, joints=("nose", "tail"))
    assert "masks" not in open_data(f"coco:{tmp_path}", BOXES).train[0][1]
    target = open_data(f"coco:{tmp_path}", (*BOXES, "masks", "keypoints")).train[0][1]
    assert target["masks"].shape == (1, 8, 10) and target["masks"].sum() > 0
    assert target["keypoints"].tolist() == [[[1.5, 2.5, 1], [1.5, 2.5, 1]]]
    set_of(tmp_path, "train.json", "images", 3)
    with pytest.raises(ValueError, match="no category has keypoints"):
        assert open_data(f"coco:{tmp_path}", ("keypoints",)).train


def test_two_pictures_of_one_name_in_two_folders(tmp_path):
    for part in ("day 0", "day 1"):
        picture(tmp_path / "images" / "default" / part / "x.jpg")
    coco_json(tmp_path / "annotations/instances_default.json", ["day 0/x.jpg", "day 1/x.jpg"])
    train = open_data(f"coco:{tmp_path}", BOXES)
    assert [p.parent.name for s in (train.train, train.validation) for p in s.paths] == [
        "day 0", "day 1"
    ]  # fmt: skip
    coco_json(tmp_path / "annotations/instances_default.json", ["x.jpg", "day 1/x.jpg"])
    with pytest.raises(AnnotationError, match=r"names 'x\.jpg', which fits .*day 0.*day 1"):
        assert open_data(f"coco:{tmp_path}", BOXES).train


def test_a_picture_of_another_part_is_not_taken_for_one_that_is_missing(tmp_path):
    picture(tmp_path / "images" / "val" / "1.jpg")
    picture(tmp_path / "images" / "train" / "2.jpg")
    coco_json(tmp_path / "all.json", ["train/1.jpg", "train/2.jpg"])
    with pytest.raises(FileNotFoundError, match=r"'train/1\.jpg', which is not in"):
        assert open_data(f"coco:{tmp_path}", BOXES).train


def test_the_doctor_gets_all_faults_and_no_warning(tmp_path):
    set_of(tmp_path, "train.json", "images", 4)
    picture(tmp_path / "images" / "lost.png")
    (tmp_path / "images" / "00.png").unlink()
    (tmp_path / "images" / "01.png").write_bytes(b"torn")
    faults = Faults(raises=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splits = open_data(f"coco:{tmp_path}", BOXES, faults=faults)
        assert len(splits.train) + len(splits.validation) == 2
    assert sorted(fault.kind for fault in faults.found) == [
        "annotation without picture",
        "picture without annotation",
        "unreadable picture",
    ]


def test_masks_and_joints_that_are_wished_for_are_read_where_there_are_any(tmp_path):
    needed, wished = (*BOXES,), ("masks", "keypoints")
    set_of(tmp_path / "whole", "train.json", "images", 2, joints=("neck",))
    target = open_data(f"coco:{tmp_path / 'whole'}", needed, wishes=wished).train[0][1]
    assert target["masks"].sum() > 0 and target["keypoints"].shape == (1, 1, 3)
    assert "masks" not in open_data(f"coco:{tmp_path / 'whole'}", needed).train[0][1]
    set_of(tmp_path / "boxes", "train.json", "images", 2)
    file = tmp_path / "boxes" / "train.json"
    content = json.loads(file.read_text())
    for annotation in content["annotations"]:
        annotation["segmentation"] = []  # as Roboflow writes boxes
    file.write_text(json.dumps(content))
    target = open_data(f"coco:{tmp_path / 'boxes'}", needed, wishes=wished).train[0][1]
    assert "masks" not in target and "keypoints" not in target
    with pytest.raises(ValueError, match="none of its 2 objects has a segmentation, and masks are"):
        open_data(f"coco:{tmp_path / 'boxes'}", (*needed, "masks")).train  # noqa: B018
    with pytest.raises(ValueError, match="no category has keypoints, the names of its joints"):
        open_data(f"coco:{tmp_path / 'boxes'}", (*needed, "keypoints")).train  # noqa: B018


def test_the_parts_of_the_real_set(real_data):
    parts = find_coco_parts([real_data("COCO-mini")])
    assert list(parts) == ["train"] and parts["train"].images.name == "train2017"
    assert find_coco_parts([real_data("COCO-mini")], keypoints=True)["train"].file.name == (
        "person_keypoints_train2017.json"
    )
