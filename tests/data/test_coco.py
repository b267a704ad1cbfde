"""COCO JSON: boxes, keypoints, masks in both of their forms, and wrong files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from minicv.data.coco import (
    CocoDetection,
)
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.data.picture_size import EXIF_ORIENTATION
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


def test_what_is_known_without_the_photograph(tmp_path):
    person = annotation(category_id=9, keypoints=[4, 5, 2, 0, 0, 0, 7, 1, 1])
    crowd = annotation(category_id=9, iscrowd=1, keypoints=[0, 0, 0, 3, 3, 2, 0, 0, 0])
    dataset = CocoDetection(
        *write(tmp_path, annotation(), crowd, person, joints=["nose", "left_eye", "right_eye"])
    )
    (tmp_path / "a.png").unlink()
    assert dataset.labels_of(0).tolist() == [0, 1]
    assert dataset.annotated_joints_of(0).tolist() == [[False] * 3, [True, False, True]]


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
        ({"bbox": [1, 2, 3, 10**400]}, "expected four"),
        ({"bbox": [1, 2, 3, True]}, "expected four"),
        ({"bbox": [1, 2, 3, None]}, "expected four"),
        ({"bbox": [[1, 2, 3, 4]]}, "expected four"),
        ({"bbox": "1 2 3 4"}, "expected four"),
        ({"bbox": {"x": 1}}, "expected four"),
        ({"bbox": None}, "expected four"),
        ({"image_id": None}, "image_id is None, expected a number"),
        ({"image_id": [7]}, "image_id is .*expected a number"),
        ({"image_id": True}, "image_id is True, expected a number"),
        ({"category_id": 3.5}, "category_id is 3.5, expected a number"),
        ({"category_id": float("inf")}, "category_id is inf, expected a number"),
        ({"iscrowd": 2}, "iscrowd is 2, expected 0 or 1"),
        ({"iscrowd": "no"}, "iscrowd is 'no', expected 0 or 1"),
        ({"iscrowd": [0]}, "iscrowd is .*expected 0 or 1"),
    ],
)
def test_wrong_annotation(tmp_path, wrong, message):
    with pytest.raises(AnnotationError, match=message) as caught:
        CocoDetection(*write(tmp_path, annotation(**wrong)))
    assert "labels.json" in str(caught.value)


@pytest.mark.parametrize("number", [7, 7.0, "7", "7.0", " 7 ", "007"])
def test_an_id_is_the_same_however_it_is_written(tmp_path, number):
    files = write(tmp_path, annotation(image_id=number, category_id=str(3)))
    assert CocoDetection(*files)[0][1]["boxes"].tolist() == [[2, 3, 6, 8]]


def test_ids_that_are_no_numbers(tmp_path):
    pictures = [
        {"id": "img-b", "file_name": "b.png"},
        {"id": "img-a", "file_name": "a.png"},
    ]
    files = write(tmp_path, annotation(image_id="img-a"), images=pictures)
    dataset = CocoDetection(*files)
    assert dataset[0][1]["image_id"] == "img-a" and len(dataset[0][1]["boxes"]) == 1


@pytest.mark.parametrize(
    ("flag", "crowd"),
    [("0", False), ("1", True), (0.0, False), (1.0, True), (None, False), (False, False)]
    + [(True, True), ("false", False), ("True", True), ("0.0", False)],
)
def test_a_flag_is_what_it_says(tmp_path, flag, crowd):
    dataset = CocoDetection(*write(tmp_path, annotation(iscrowd=flag)))
    assert dataset[0][1]["iscrowd"].tolist() == [crowd]


@pytest.mark.parametrize("side", ["12", 12.0, "12.0"])
def test_a_width_that_is_written_otherwise(tmp_path, side):
    pictures = [{"id": 7, "file_name": "a.png", "width": side, "height": 10}]
    assert len(CocoDetection(*write(tmp_path, annotation(), images=pictures))) == 1


@pytest.mark.parametrize("side", ["wide", 12.5, -12, True, [12], float("nan"), 10**400])
def test_a_width_that_is_none(tmp_path, side):
    pictures = [{"id": 7, "file_name": "a.png", "width": side, "height": 10}]
    files = write(tmp_path, annotation(), images=pictures)
    with pytest.raises(AnnotationError, match="expected whole numbers of pixels"):
        CocoDetection(*files)


@pytest.mark.parametrize(
    "sides", [{}, {"width": None, "height": None}, {"width": 12}, {"width": 0, "height": 0}]
)
def test_a_picture_whose_size_is_not_noted(tmp_path, sides):
    files = write(tmp_path, annotation(), images=[{"id": 7, "file_name": "a.png", **sides}])
    assert CocoDetection(*files)[0][1]["boxes"].tolist() == [[2, 3, 6, 8]]


def test_an_area_that_is_null_is_the_box(tmp_path):
    files = write(tmp_path, annotation(area=None), annotation(bbox=[0, 0, 2, 2], area="3.5"))
    assert CocoDetection(*files)[0][1]["area"].tolist() == [20, 3.5]


@pytest.mark.parametrize("area", [0, -5, "much", float("nan"), True, [3], 10**400])
def test_an_area_that_cannot_be_is_the_box(tmp_path, area):
    files = write(tmp_path, annotation(area=area))
    with pytest.warns(DatasetWarning, match=r"\(id 11\), area is .*; the area of its box"):
        dataset = CocoDetection(*files)
    assert dataset[0][1]["area"].tolist() == [20]


def test_orphans_among_others_are_left_out_and_named(tmp_path):
    files = write(
        tmp_path,
        annotation(id=1),
        annotation(id=2, image_id=99),
        annotation(id=3, category_id=5),
        annotation(id=4, image_id="nobody", category_id=None),
    )
    content = json.loads(files[1].read_text())
    content["annotations"].pop()  # its category is no id at all, which is an error
    files[1].write_text(json.dumps(content))
    with pytest.warns(DatasetWarning) as caught:
        dataset = CocoDetection(*files)
    (one,) = caught
    assert str(one.message).endswith(
        "annotation 2 names image 99 and category 3, but the file does not list image 99; left "
        "out (and 1 more: orphan annotation)"
    )
    assert [len(dataset[i][1]["boxes"]) for i in range(2)] == [1, 0]


def test_all_faults_are_told_together(tmp_path):
    files = write(
        tmp_path,
        annotation(id=1, bbox=None),
        annotation(id=2, iscrowd=7),
        images=[
            {"id": 7, "file_name": "a.png"},
            {"id": 8, "file_name": "lost.png"},
            {"id": 9, "file_name": "gone.png"},
            {"id": 10},
        ],
    )
    with pytest.raises(AnnotationError, match="CocoDetection: 5 faults") as caught:
        CocoDetection(*files)
    for part in (
        "(id 10) has no file_name",
        "(id 1), bbox",
        "annotation 2, iscrowd",
        "lost",
        "gone",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([("a.png", 7), ("b.png", 7)], "images has two entries of id 7, 'a.png' and 'b.png'"),
        ([("a.png", 7), ("b.png", "7")], "two entries of id 7"),
        ([("a.png", 7), ("a.png", 8)], r"images\[1\] .*images\[0\] .*both name .*a\.png"),
        ([("a.png", 7), ("./a.png", 8)], "both name"),
        ([("a.png", 7), ("A.PNG", 8)], "both name"),
    ],
)
def test_two_images_of_one_id_or_one_file(tmp_path, images, message):
    entries = [{"id": number, "file_name": name} for name, number in images]
    with pytest.raises(AnnotationError, match=message):
        CocoDetection(*write(tmp_path, annotation(), images=entries))


def test_an_image_that_is_listed_twice_alike_counts_once(tmp_path):
    entries = [{"id": 7, "file_name": "a.png"}] * 2
    files = write(tmp_path, annotation(), images=entries)
    with pytest.warns(DatasetWarning, match="images lists id 7 twice; taken once"):
        assert len(CocoDetection(*files)) == 1


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ([(3, "cow"), (3, "cat")], "categories has two entries of id 3, 'cow' and 'cat'"),
        ([(3, "cow"), ("3.0", "cat")], "two entries of id 3"),
        ([(3, "cow"), (4, "cow")], "categories 3 and 4 have one name, 'cow'"),
        ([(3, "cow"), (4, " cow ")], "have one name, 'cow'"),
        ([(3, ""), (4, "cow")], "name is '', expected a name"),
        ([(3, ["cow"]), (4, "cow")], "name is .*, expected a name"),
        ([(3, True), (4, "cow")], "name is True, expected a name"),
        ([(3, "\ud800"), (4, "cow")], "name is .*ud800.*, expected a name"),
        ([(3, "co\nw"), (4, "duck")], "name is .*, expected a name"),
        ([("x", "cow"), (None, "cat")], "id is None, expected a number"),
    ],
)
def test_wrong_categories(tmp_path, categories, message):
    entries = [{"id": number, "name": name} for number, name in categories]
    objects = [annotation(id=1), annotation(id=2, category_id=4, bbox=[0, 0, 2, 2])]
    with pytest.raises(AnnotationError, match=message):
        CocoDetection(*write(tmp_path, *objects, categories=entries))


def test_what_heads_all_others_and_has_no_object_is_left_out(tmp_path):
    """As Roboflow writes it: the project's name is category 0."""
    categories = [
        {"id": 0, "name": "farm", "supercategory": "none"},
        {"id": 1, "name": "cow", "supercategory": "farm"},
        {"id": 2, "name": "duck", "supercategory": "farm"},
    ]
    files = write(tmp_path, annotation(category_id=2), categories=categories)
    with pytest.warns(DatasetWarning, match=r"category 0 \(farm\) is the supercategory of all"):
        dataset = CocoDetection(*files)
    assert dataset.classes == ("cow", "duck") and dataset.category_ids == (1, 2)
    assert dataset[0][1]["labels"].tolist() == [1]
    files = write(tmp_path, annotation(category_id=0), categories=categories)
    assert CocoDetection(*files).classes == ("farm", "cow", "duck")  # it has an object


def test_a_project_that_is_called_as_its_only_class(tmp_path):
    categories = [
        {"id": 0, "name": "cow", "supercategory": "none"},
        {"id": 1, "name": "cow", "supercategory": "cow"},
    ]
    files = write(tmp_path, annotation(category_id=1), categories=categories)
    with pytest.warns(DatasetWarning, match=r"category 0 \(cow\)"):
        dataset = CocoDetection(*files)
    assert dataset.classes == ("cow",) and dataset.category_ids == (1,)


def test_a_background_without_objects_is_no_class(tmp_path):
    categories = [{"id": 0, "name": "_background_"}, {"id": 1, "name": "cow"}]
    files = write(tmp_path, annotation(category_id=1), categories=categories)
    with pytest.warns(DatasetWarning, match="is the background and has no object; left out"):
        assert CocoDetection(*files).classes == ("cow",)


def test_classes_of_the_user(tmp_path):
    files = write(tmp_path, annotation(), annotation(category_id=9, bbox=[0, 0, 2, 2]))
    dataset = CocoDetection(*files, classes=("person", "duck", "cow"))
    assert dataset[0][1]["labels"].tolist() == [2, 0]
    assert dataset.category_ids == (9, None, 3)
    with pytest.raises(AnnotationError, match="has the category 'person', which is not among"):
        CocoDetection(*files, classes=("cow",))


def test_an_annotation_that_repeats_another_is_dropped(tmp_path):
    other_mask = annotation(id=3, segmentation=[[0, 0, 5, 0, 5, 5]])
    files = write(tmp_path, annotation(id=1), annotation(id=2), other_mask)
    with pytest.warns(DatasetWarning, match="annotation 2 repeats another .*dropped"):
        dataset = CocoDetection(*files)
    assert len(dataset[0][1]["boxes"]) == 2


def test_boxes_by_their_corners_are_refused_with_a_hint(tmp_path):
    boxes = [[1, 1, 4, 4], [6, 5, 11, 9], [7, 2, 12, 8], [5, 6, 9, 10]]
    files = write(tmp_path, *(annotation(id=i, bbox=box) for i, box in enumerate(boxes)))
    with pytest.raises(AnnotationError, match=r"3 of 4 boxes reach out.* look like x1, y1, x2, y2"):
        CocoDetection(*files)


@pytest.mark.parametrize(
    ("corners", "told"),
    [
        ({"bbox": [2, 2, 6, 7], "segmentation": [[2, 2, 6, 2, 6, 7, 2, 7]]}, True),  # its corners
        ({"bbox": [2, 3, 6, 7], "segmentation": None, "area": 16}, True),  # (6 - 2) * (7 - 3)
        ({"bbox": [2, 3, 4, 5], "segmentation": SQUARE}, False),
        ({"bbox": [2, 3, 6, 7], "segmentation": None, "area": 42}, False),  # 6 * 7
        ({"bbox": [2, 3, 6, 7], "segmentation": None, "area": None}, False),  # nobody can know
    ],
)
def test_small_corners_are_known_by_outline_or_area(tmp_path, corners, told):
    """Corners of small objects stay in the picture as x, y, width and height."""
    moved = [annotation(id=k, category_id=(3, 9)[k % 2], image_id=7 + k // 2, **corners)
             for k in range(4)]  # fmt: skip
    if told:
        with pytest.raises(
            AnnotationError, match="as x1, y1, x2, y2 only, but COCO's bbox is x, y"
        ):
            CocoDetection(*write(tmp_path, *moved))
    else:
        x, y, w, h = corners["bbox"]
        boxes = CocoDetection(*write(tmp_path, *moved))[0][1]["boxes"]
        assert boxes.tolist() == [[x, y, x + w, y + h]] * 2


def test_boxes_in_fractions_are_refused_with_a_hint(tmp_path):
    boxes = [[0.1, 0.1, 0.5, 0.5], [0.6, 0.5, 0.25, 0.5], [0.0, 0.0, 1.0, 1.0]]
    files = write(tmp_path, *(annotation(id=i, bbox=box) for i, box in enumerate(boxes)))
    with pytest.raises(AnnotationError, match="look like fractions"):
        CocoDetection(*files)


@pytest.mark.parametrize("box", [[6, 3, -4, 5], [6, 3, 4, -5], [6, 3, 4, 0], [3, 3, 1e-9, 4]])
def test_a_box_without_area_is_dropped(tmp_path, box):
    files = write(tmp_path, annotation(bbox=box), annotation(bbox=[0, 0, 2, 2]))
    with pytest.warns(DatasetWarning, match="has no area; dropped"):
        dataset = CocoDetection(*files)
    assert dataset[0][1]["boxes"].tolist() == [[0, 0, 2, 2]]


def test_scores_are_of_a_model(tmp_path):
    files = write(tmp_path, annotation(score=0.7))
    with pytest.warns(DatasetWarning, match="1 annotations have a score, so a model has made them"):
        CocoDetection(*files)


def test_missing_field(tmp_path):
    item = annotation()
    del item["bbox"]
    with pytest.raises(AnnotationError, match=r"annotations\[0\] \(id 11\) has no bbox"):
        CocoDetection(*write(tmp_path, item))
    with pytest.raises(AnnotationError, match=r"images\[0\] \(id 7\) has no file_name"):
        CocoDetection(*write(tmp_path, images=[{"id": 7, "width": 12, "height": 10}]))


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1, 2]],
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [[1, 2, 3, 4, 5, float("nan")]],
        [[1, 2, 3, 4, 5, float("inf")]],
        [[1, 2, 3, 4, 5, 10**400]],
        [[1, 2, 3, 4, 5, True]],
        [[1, 2, 3, 4, 5, "6"]],
        [[[1, 2, 3], [3, 4, 5], [5, 6, 7]]],
        [None],
        [{}],
        [],
        None,
        "1 2 3 4 5 6",
        7,
        {},
        {"counts": [3], "size": [10, 12]},
        {"size": [1, 1]},
        {"counts": [120]},
        {"counts": [120], "size": [12, 10]},
        {"counts": [120], "size": None},
        {"counts": [120], "size": ["10", "12"]},
        {"counts": None, "size": [10, 12]},
        {"counts": [True, 119], "size": [10, 12]},
        {"counts": [-1, 121], "size": [10, 12]},
        {"counts": [[120]], "size": [10, 12]},
        {"counts": "not runs", "size": [10, 12]},
        {"counts": "d0", "size": [10, 12]},
        {"counts": [10**18], "size": [10**9, 10**9]},
    ],
)
def test_wrong_segmentation(tmp_path, segmentation):
    files = write(tmp_path, annotation(segmentation=segmentation))
    assert len(CocoDetection(*files)[0][1]["boxes"]) == 1  # a box needs no mask
    with pytest.raises(AnnotationError, match="annotation 11, segmentation"):
        CocoDetection(*files, masks=True)


def test_missing_segmentation(tmp_path):
    item = annotation()
    del item["segmentation"]
    files = write(tmp_path, item)
    with pytest.raises(AnnotationError, match="11, segmentation: there is none; a mask is wanted"):
        CocoDetection(*files, masks=True)


@pytest.mark.parametrize("bad", [[1, 2, 3, 4], [1, 2], [5] * 7, [0, 0, 4, 0, 4, None], "x", []])
def test_a_polygon_that_is_none_beside_a_good_one(tmp_path, bad):
    files = write(tmp_path, annotation(segmentation=[bad, *SQUARE]))
    with pytest.warns(DatasetWarning, match="annotation 11, segmentation: a polygon .*left out"):
        dataset = CocoDetection(*files, masks=True)
    assert masks_to_boxes(dataset[0][1]["masks"]).tolist() == [[2, 3, 6, 8]]


@pytest.mark.parametrize(
    "square",
    [
        SQUARE,
        SQUARE[0],
        [[2, 3], [6, 3], [6, 8], [2, 8]],
        [[[2, 3], [6, 3], [6, 8], [2, 8]]],
        {"counts": [23, 5, 5, 5, 5, 5, 5, 5, 62], "size": [10, 12]},
        {"counts": [23.0, 5, 5, 5, 5, 5, 5, 5, 62], "size": [10.0, 12]},
        {"counts": "g05500000i1", "size": [10, 12]},
    ],
)
def test_a_square_however_it_is_written(tmp_path, square):
    _, target = CocoDetection(*write(tmp_path, annotation(segmentation=square)), masks=True)[0]
    expected = np.zeros((10, 12), bool)
    expected[3:8, 2:6] = True
    np.testing.assert_array_equal(target["masks"][0], expected)


def test_wrong_number_of_joints(tmp_path):
    files = write(tmp_path, annotation(keypoints=[1, 2, 2]), joints=["nose", "left_eye"])
    with pytest.raises(AnnotationError, match="has 3 numbers in keypoints, expected 6"):
        CocoDetection(*files)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([4, 5, 2, 1, 1, 3], "visibility of left_eye is 3, expected 0"),
        ([4, 5, 0.87, 1, 1, 2], "visibility of nose is 0.87"),
        ([4, 5, -1, 1, 1, 2], "visibility of nose is -1"),
        ([4, 5, 2, 1, "1", 2], "something else than numbers"),
        ([4, 5, 2, 1, True, 2], "something else than numbers"),
        ([4, 5, 2, 1, None, 2], "something else than numbers"),
        ([4, 5, 2, 1, float("nan"), 2], "not finite"),
        ([4, 5, 2, 1, 10**400, 2], "not finite"),
        ([[4, 5, 2], [1, 1, 2]], "has 2 numbers in keypoints, expected 6"),
        ({"nose": [4, 5]}, "has .*nose.* numbers in keypoints, expected 6"),
        ("455112", "has '455112' numbers in keypoints"),
    ],
)
def test_wrong_keypoints(tmp_path, numbers, message):
    files = write(
        tmp_path, annotation(category_id=9, keypoints=numbers), joints=["nose", "left_eye"]
    )
    with pytest.raises(AnnotationError, match=message):
        CocoDetection(*files)


@pytest.mark.parametrize("joints", [["nose", "nose"], ["nose", 2], [""], "nose", {"a": 1}])
def test_wrong_names_of_joints(tmp_path, joints):
    with pytest.raises(AnnotationError, match="keypoints are "):
        CocoDetection(*write(tmp_path, annotation(), joints=joints))


def test_a_joint_outside_of_its_picture_is_left_out(tmp_path):
    numbers = [40, 5, 2, 1, 1, 2]
    files = write(
        tmp_path, annotation(category_id=9, keypoints=numbers), joints=["nose", "left_eye"]
    )
    with pytest.warns(DatasetWarning, match=r"nose is at \(40.5, 5.5\), outside.*left out"):
        dataset = CocoDetection(*files)
    assert dataset[0][1]["keypoints"].tolist() == [[[0, 0, 0], [1.5, 1.5, 1]]]


def test_categories_with_different_joints_share_those_of_one_name(tmp_path):
    categories = [
        {"id": 1, "name": "person", "keypoints": ["nose", "left_hand"]},
        {"id": 2, "name": "cow", "keypoints": ["tail", "nose"]},
        {"id": 3, "name": "tree"},
    ]
    dataset = CocoDetection(
        *write(
            tmp_path,
            annotation(category_id=1, keypoints=[1, 1, 2, 2, 2, 2]),
            annotation(category_id=2, keypoints=[3, 3, 2, 4, 4, 1]),
            annotation(category_id=3),
            categories=categories,
        )
    )
    assert dataset.joint_names == ("nose", "left_hand", "tail")
    none = [0, 0, 0]
    assert dataset[0][1]["keypoints"].tolist() == [
        [[1.5, 1.5, 1], [2.5, 2.5, 1], none],
        [[4.5, 4.5, 1], none, [3.5, 3.5, 1]],
        [none, none, none],
    ]


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


def test_other_files_of_json(tmp_path):
    folder, file = write(tmp_path)
    for content, message in (
        (
            [{"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}],
            "list of results",
        ),
        ([], "it is a list"),
        ({"images": [], "annotations": [{"image_id": 7, "caption": "a cow"}]}, "holds captions"),
        ({"images": [], "categories": []}, "its pictures are not labelled"),
        ({"shapes": [], "imagePath": "a.png"}, "it is a file of labelme"),
        ("cow", "has no list 'images'"),
        (None, "has no list 'images'"),
    ):
        file.write_text(json.dumps(content))
        with pytest.raises(AnnotationError, match=message):
            CocoDetection(folder, file)
    panoptic = {"id": 1, "image_id": 7, "category_id": 3, "segments_info": []}
    with pytest.raises(AnnotationError, match="has no bbox; it is of COCO's panoptic form"):
        CocoDetection(*write(tmp_path, panoptic))


def test_encodings_of_the_file(tmp_path):
    folder, file = write(tmp_path, annotation())
    text = file.read_text().replace("cow", "K\u00fche\u00a02")
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file.write_text(text, encoding=encoding)
        assert CocoDetection(folder, file).classes == ("K\u00fche\u00a02", "person")


@pytest.mark.parametrize(
    "text",
    [
        '{"images": [], "images": [], "annotations": [], "categories": []}',
        '{"images": [{"id": 1, "id": 2, "file_name": "a.png"}]}',
        "[" * 100_000,
        '{"images": [' + "9" * 5000 + "]}",
        "",
        "\0",
    ],
)
def test_json_that_cannot_be_meant(tmp_path, text):
    folder, file = write(tmp_path, annotation())
    file.write_text(text)
    with pytest.raises(AnnotationError, match=r"labels\.json"):
        CocoDetection(folder, file)


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
@pytest.mark.parametrize("entry", [None, 7, "x", [1], float("nan")])
def test_entries_that_are_no_objects(tmp_path, key, entry):
    folder, file = write(tmp_path, annotation())
    content = json.loads(file.read_text())
    content[key].append(entry)
    file.write_text(json.dumps(content))
    with pytest.raises(AnnotationError, match=rf"{key}\[\d\] is .*, expected an object"):
        CocoDetection(folder, file)


def test_values_nested_too_deep_to_print(tmp_path):
    folder, file = write(tmp_path, annotation())
    nested = "[" * 400 + "]" * 400
    file.write_text(file.read_text().replace("[2, 3, 4, 5]", nested))
    with pytest.raises(AnnotationError, match="expected four numbers"):
        CocoDetection(folder, file)


@pytest.mark.parametrize(
    "name",
    [
        "a.png",
        "./a.png",
        "A.PNG",
        "a.jpg",  # converted since
        "photos/a.png",
        "C:\\Users\\x\\photos\\a.png",
        "/home/x/a.png",
        "sub\\..\\a.png",
        "http://images.example.org/train/a.png?size=large",
        "s3://bucket/a%2Epng",
    ],
)
def test_names_of_other_computers(tmp_path, name):
    files = write(tmp_path, annotation(), images=[{"id": 7, "file_name": name}])
    assert CocoDetection(*files).paths == [tmp_path / "a.png"]


def test_a_name_that_is_only_in_the_url(tmp_path):
    url = "http://images.cocodataset.org/train2017/a.png"
    files = write(tmp_path, annotation(), images=[{"id": 7, "coco_url": url}])
    assert CocoDetection(*files).paths == [tmp_path / "a.png"]


@pytest.mark.parametrize(
    "name", ["../secret.png", "photos/../../secret.png", "..\\secret.png", "../inner2/a.png", ".."]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    (tmp_path / "inner").mkdir()
    folder, file = write(tmp_path / "inner", annotation(), images=[{"id": 7, "file_name": name}])
    Image.new("RGB", (12, 10)).save(tmp_path / "secret.png")
    with pytest.raises(AnnotationError, match=r"which leads outside of .*inner"):
        CocoDetection(folder, file)


def test_no_absolute_name_is_read_outside_of_the_folder(tmp_path):
    (tmp_path / "inner").mkdir()
    secret = tmp_path / "secret.png"
    Image.new("RGB", (12, 10)).save(secret)
    entry = {"id": 7, "file_name": str(secret)}
    with pytest.raises(FileNotFoundError, match=r"which is not in .*inner"):
        CocoDetection(*write(tmp_path / "inner", annotation(), images=[entry]))


@pytest.mark.parametrize("name", ["", "  ", 7, None, ["a.png"], "a\0.png", "x" * 5000])
def test_names_that_are_none(tmp_path, name):
    files = write(tmp_path, annotation(), images=[{"id": 7, "file_name": name}])
    with pytest.raises((AnnotationError, FileNotFoundError), match=r"images\[0\] \(id 7\)"):
        CocoDetection(*files)


def test_pictures_that_are_missing_or_torn(tmp_path):
    files = write(tmp_path, annotation(), annotation(image_id=8))
    (tmp_path / "b.png").write_bytes(b"torn")
    (tmp_path / "a.png").unlink()
    with pytest.raises(FileNotFoundError, match="2 faults") as caught:
        CocoDetection(*files)
    assert "a.png" in str(caught.value) and "b.png" in str(caught.value)
    Image.new("RGB", (12, 10)).save(tmp_path / "b.png")
    faults = Faults(skip_unreadable=True)
    with pytest.warns(DatasetWarning, match=r"a\.png.*left out"):
        dataset = CocoDetection(*files, faults=faults)
    assert dataset.paths == [tmp_path / "b.png"] and len(dataset[0][1]["boxes"]) == 1


def test_wrong_photographs(tmp_path):
    files = write(tmp_path, annotation())
    dataset = CocoDetection(*files)
    Image.new("RGB", (5, 4)).save(tmp_path / "a.png")
    with pytest.raises(AnnotationError, match=r"said to be 12 x 10, but a\.png is 5 x 4"):
        dataset[0]  # it has changed since the set was made
    with pytest.raises(AnnotationError, match=r"image.*\(id 7\), width x height is 12 x 10, but "):
        CocoDetection(*files)
    (tmp_path / "a.png").write_bytes(b"torn")
    with pytest.raises(ImageError, match=r"a\.png"):
        CocoDetection(*files)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_was_drawn_on_the_stored_picture_is_turned_with_it(tmp_path, orientation):
    """A white rectangle of x 3..8, y 2..6 as stored, by box, polygon, runs and a joint."""
    pixels = np.zeros((12, 20), np.uint8)
    pixels[2:6, 3:8] = 255
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    Image.fromarray(pixels).save(tmp_path / "t.png", exif=exif)
    runs = {"counts": [38, *[4, 8] * 4, 4, 150], "size": [12, 20]}
    outline = [[3, 2, 8, 2, 8, 6, 3, 6]]
    common = {"category_id": 9, "image_id": 1, "bbox": [3, 2, 5, 4]}
    files = write(
        tmp_path,
        annotation(**common, segmentation=outline, keypoints=[3, 2, 2]),
        annotation(**common, segmentation=runs),
        images=[{"id": 1, "file_name": "t.png", "width": 20, "height": 12}],
        joints=["corner"],
    )
    lying = orientation >= 5
    if orientation == 1:
        dataset = CocoDetection(*files, masks=True)
    elif lying:
        with pytest.warns(DatasetWarning, match="turned upright"):
            dataset = CocoDetection(*files, masks=True)
    else:
        with pytest.warns(DatasetWarning, match="cannot tell"):
            dataset = CocoDetection(*files, masks=True)
    image, target = dataset[0]
    if orientation in (2, 3, 4):
        return  # width and height do not tell that it was turned
    white = image[0] > 0.5
    np.testing.assert_array_equal(target["masks"], [white, white])
    np.testing.assert_array_equal(target["boxes"], np.repeat(masks_to_boxes(white[None]), 2, 0))
    x, y, visible = target["keypoints"][0, 0]
    corner = (slice(int(y) - 1, int(y) + 2), slice(int(x) - 1, int(x) + 2))
    assert visible and white[int(y), int(x)] and white[corner].sum() == 4


def test_a_picture_turned_and_labelled_upright_stays(tmp_path):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    Image.new("RGB", (20, 12)).save(tmp_path / "t.png", exif=exif)
    entry = {"id": 7, "file_name": "t.png", "width": 12, "height": 20}
    dataset = CocoDetection(*write(tmp_path, annotation(), images=[entry]), masks=True)
    assert dataset[0][1]["boxes"].tolist() == [[2, 3, 6, 8]]


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
