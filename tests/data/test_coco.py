"""COCO JSON: boxes, keypoints, masks in both of their forms, and wrong files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from minicv.data.coco import (
    CocoDetection,
)
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.vision.masks import masks_to_boxes

SQUARE = [[2, 3, 6, 3, 6, 8, 2, 8]]


def annotation(**changes):
    fields = {
        "id": 11,
        "image_id": 7,
        "category_id": 3,
        "bbox": [2, 3, 4, 5],
        "area": 19.5,
        "iscrowd": 0,
        "segmentation": SQUARE,
    }
    return {**fields, **changes}


def write(tmp_path, *annotations, joints=None, **changes):
    Image.new("RGB", (12, 10), (10, 200, 30)).save(tmp_path / "a.png")
    Image.new("RGB", (12, 10)).save(tmp_path / "b.png")
    person = {"id": 9, "name": "person"}
    if joints:
        person["keypoints"] = joints
    content = {
        "images": [
            {"id": 8, "file_name": "b.png", "width": 12, "height": 10},
            {"id": 7, "file_name": "a.png", "width": 12, "height": 10},
        ],
        "categories": [person, {"id": 3, "name": "cow"}],
        "annotations": list(annotations),
        **changes,
    }
    (tmp_path / "labels.json").write_text(json.dumps(content))
    return tmp_path, tmp_path / "labels.json"


def test_boxes_labels_and_gaps(tmp_path):
    dataset = CocoDetection(
        *write(tmp_path, annotation(), annotation(category_id=9, bbox=[0, 0, 12, 10], iscrowd=1))
    )
    assert len(dataset) == 2
    assert dataset.classes == ("cow", "person") and dataset.category_ids == (3, 9)
    image, target = dataset[0]
    assert image.shape == (3, 10, 12) and target["image_id"] == "7"
    assert target["boxes"].tolist() == [[2, 3, 6, 8], [0, 0, 12, 10]]
    assert target["boxes"].dtype == np.float32
    assert target["labels"].tolist() == [0, 1] and target["labels"].dtype == np.int64
    assert target["iscrowd"].tolist() == [False, True]
    assert target["area"].tolist() == [19.5, 19.5]
    assert "masks" not in target and "keypoints" not in target


def test_photograph_without_objects(tmp_path):
    dataset = CocoDetection(*write(tmp_path, annotation(), joints=["nose"]), masks=True)
    _, target = dataset[1]
    assert target["image_id"] == "8"
    assert target["boxes"].shape == (0, 4) and target["masks"].shape == (0, 10, 12)
    assert target["keypoints"].shape == (0, 1, 3)
    assert target["labels"].shape == target["iscrowd"].shape == (0,)


def test_masks(tmp_path):
    runs = {"counts": [10, 20, 90], "size": [10, 12]}  # columns 1 and 2
    crowd = annotation(iscrowd=1, segmentation=runs, bbox=[1, 0, 2, 10])
    _, target = CocoDetection(*write(tmp_path, annotation(), crowd), masks=True)[0]
    assert target["masks"].shape == (2, 10, 12)
    assert masks_to_boxes(target["masks"]).tolist() == target["boxes"].tolist()


def test_keypoints_are_pixel_middles(tmp_path):
    dataset = CocoDetection(
        *write(
            tmp_path,
            annotation(category_id=9, keypoints=[4, 5, 2, 0, 0, 0, 7, 1, 1]),
            annotation(),
            joints=["nose", "left_eye", "right_eye"],
        )
    )
    assert dataset.joint_names == ("nose", "left_eye", "right_eye")
    keypoints = dataset[0][1]["keypoints"]
    assert keypoints[0].tolist() == [[4.5, 5.5, 1], [0, 0, 0], [7.5, 1.5, 1]]
    assert not keypoints[1].any()


def test_wrong_boxes_are_repaired_with_one_warning(tmp_path):
    files = write(
        tmp_path,
        annotation(id=1, bbox=[8, 8, 9, 1]),
        annotation(id=2, bbox=[3, 3, 0, 4]),
        annotation(id=3, bbox=[20, 3, 2, 4]),
        annotation(id=4, bbox=[2, 3, 10.01, 5]),  # a hundredth is rounding
    )
    with pytest.warns(DatasetWarning) as caught:
        dataset = CocoDetection(*files)
    assert [str(one.message).partition("labels.json: ")[2] for one in caught] == [
        "annotation 1, bbox [8.0, 8.0, 9.0, 1.0] is not inside of the 12 x 10 picture a.png; "
        "clipped (and 1 more: box outside of its picture)",
        "annotation 2, bbox [3.0, 3.0, 0.0, 4.0] has no area; dropped",
    ]
    assert dataset[0][1]["boxes"].tolist() == [[8, 8, 12, 9], [2, 3, 12, 8]]


def test_area_missing_is_the_box(tmp_path):
    item = annotation()
    del item["area"], item["iscrowd"]
    _, target = CocoDetection(*write(tmp_path, item))[0]
    assert target["area"].tolist() == [20] and target["iscrowd"].tolist() == [False]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"category_id": 4}, "annotation 11 names image 7 and category 4"),
        ({"image_id": 99}, "names image 99"),
        ({"bbox": [1, 2, 3]}, "bbox is .*expected four"),
        ({"bbox": [1, 2, 3, float("nan")]}, "expected four"),
    ],
)
def test_wrong_annotation(tmp_path, wrong, message):
    with pytest.raises(AnnotationError, match=message) as caught:
        CocoDetection(*write(tmp_path, annotation(**wrong)))
    assert "labels.json" in str(caught.value)


def test_missing_field(tmp_path):
    item = annotation()
    del item["bbox"]
    with pytest.raises(AnnotationError, match=r"annotations\[0\] \(id 11\) has no bbox"):
        CocoDetection(*write(tmp_path, item))
    with pytest.raises(AnnotationError, match=r"images\[0\] \(id 7\) has no file_name"):
        CocoDetection(*write(tmp_path, images=[{"id": 7, "width": 12, "height": 10}]))


@pytest.mark.parametrize(
    "segmentation",
    [[[1, 2]], {"counts": [3], "size": [10, 12]}, {"size": [1, 1]}, None],
)
def test_wrong_segmentation(tmp_path, segmentation):
    files = write(tmp_path, annotation(segmentation=segmentation))
    assert len(CocoDetection(*files)[0][1]["boxes"]) == 1
    with pytest.raises(AnnotationError, match="annotation 11, segmentation"):
        CocoDetection(*files, masks=True)[0]


def test_wrong_number_of_joints(tmp_path):
    files = write(tmp_path, annotation(keypoints=[1, 2, 2]), joints=["nose", "left_eye"])
    with pytest.raises(AnnotationError, match="has 3 numbers in keypoints, expected 6"):
        CocoDetection(*files)[0]


def test_wrong_files(tmp_path):
    folder, file = write(tmp_path, annotation())
    with pytest.raises(FileNotFoundError, match="no folder"):
        CocoDetection(folder / "none", file)
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.json"):
        CocoDetection(folder, folder / "none.json")
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    with pytest.raises(AnnotationError, match=r"labels\.json is no complete JSON"):
        CocoDetection(folder, file)
    for text in ("[1, 2]", '{"images": [], "annotations": {}, "categories": []}'):
        file.write_text(text)
        with pytest.raises(AnnotationError, match="has no list"):
            CocoDetection(folder, file)


def test_wrong_photographs(tmp_path):
    dataset = CocoDetection(*write(tmp_path, annotation()))
    Image.new("RGB", (5, 4)).save(tmp_path / "a.png")
    with pytest.raises(AnnotationError, match=r"said to be 12 x 10, but a\.png is 5 x 4"):
        dataset[0]
    (tmp_path / "a.png").write_bytes(b"torn")
    with pytest.raises(ImageError, match=r"a\.png"):
        dataset[0]
    (tmp_path / "a.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.png"):
        dataset[0]


def test_real_set(real_data):
    root = real_data("COCO-mini")
    files = root / "train2017", root / "annotations"
    dataset = CocoDetection(files[0], files[1] / "instances_train2017.json", masks=True)
    assert len(dataset) == 80 and len(dataset.classes) == 80 and dataset.category_ids[-1] == 90
    for index in range(0, 80, 8):
        image, target = dataset[index]
        assert target["masks"].shape == (len(target["boxes"]), *image.shape[1:])
        large = (target["area"] > 1000) & ~target["iscrowd"]
        counted = target["masks"][large].sum(axis=(1, 2))
        np.testing.assert_allclose(counted, target["area"][large], rtol=0.03)
    people = CocoDetection(files[0], files[1] / "person_keypoints_train2017.json")
    assert len(people.joint_names) == 17
    with_joints = sum(
        int((people[k][1]["keypoints"][..., 2] > 0).any(axis=1).sum()) for k in range(80)
    )
    assert with_joints == 86
