"""labelme's JSON: outlines become boxes, masks and classes of pixels; what is wrong is named."""

import base64
import io
import json

import numpy as np
import pytest
from labelling_tools import CLASSES, SIZE, labelled_by, lying_box, scenes
from PIL import Image

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.data.labelme import LabelmeFolder
from minicv.vision.label_maps import VOID

TRIANGLE = [[2, 1], [8, 1], [2, 5]]


def shape(label="cow", points=TRIANGLE, kind="polygon", **more):
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, **more}


def folder_with(root, *shapes, picture=(12, 8), **fields):
    """One picture of width 12 and height 8, and its JSON file."""
    if picture is not None:
        Image.new("RGB", picture).save(root / "a.png")
    content = {"shapes": list(shapes), "imagePath": "a.png", "imageWidth": 12, "imageHeight": 8}
    (root / "a.json").write_text(json.dumps({**content, **fields}), encoding="utf-8")
    return root


def painted(pixels):
    """A mask as labelme holds it: a PNG in base64."""
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_forty_pictures_with_its_quirks(tmp_path):
    source = labelled_by("labelme", tmp_path)
    assert source == f"labelme:{tmp_path}"
    dataset = LabelmeFolder(tmp_path, masks=True, segmentation=True)
    assert dataset.classes == CLASSES and len(dataset) == len(scenes())
    for scene, (image, target) in zip(scenes(), dataset, strict=True):
        assert image.shape == (3, *SIZE)
        np.testing.assert_array_equal(target["boxes"], scene.boxes)
        assert [CLASSES[label] for label in target["labels"]] == scene.labels
        assert target["image_id"] == f"photos/{scene.name}.jpg"
        for box, mask in zip(scene.boxes, target["masks"], strict=True):
            x1, y1, x2, y2 = box.astype(int)
            assert mask[y1:y2, x1:x2].sum() == mask.sum() > 0
        covered = target["masks"].any(axis=0)
        np.testing.assert_array_equal(target["segmentation"] > 0, covered)


def test_polygon_rectangle_circle_and_mask(tmp_path):
    dataset = LabelmeFolder(
        folder_with(
            tmp_path,
            shape(),
            shape("duck", [[9, 7], [5, 4]], "rectangle"),  # drawn from the lower right corner
            shape("cow", [[4, 4], [4, 7]], "circle"),
            shape("duck", [[3, 2], [5, 3]], "mask", mask=painted([[0, 0, 1], [0, 1, 1]])),
        ),
        masks=True,
        segmentation=True,
    )
    _, target = dataset[0]
    np.testing.assert_allclose(
        target["boxes"], [[2, 1, 8, 5], [5, 4, 9, 7], [1, 1, 7, 7], [4, 2, 6, 4]], atol=1e-6
    )
    assert target["labels"].tolist() == [0, 1, 0, 1]
    # By hand: row 1 of the triangle has its right end at 8 - 1.5 * 0.5 = 7.25, and so on.
    assert target["masks"][0].sum(axis=1).tolist() == [0, 5, 4, 2, 1, 0, 0, 0]
    assert target["masks"][1].sum() == 4 * 3
    assert np.argwhere(target["masks"][3]).tolist() == [[2, 5], [3, 4], [3, 5]]
    assert target["segmentation"][3, 4] == 2 and target["segmentation"][7, 11] == 0


def test_shapes_of_one_group_are_one_object(tmp_path):
    left = shape(points=[[0, 0], [2, 2]], kind="rectangle") | {"group_id": 7}
    right = shape(points=[[8, 4], [10, 6]], kind="rectangle") | {"group_id": 7}
    other = shape("duck", [[4, 4], [5, 5]], "rectangle") | {"group_id": 7}
    dataset = LabelmeFolder(folder_with(tmp_path, left, right, other), masks=True)
    _, target = dataset[0]
    assert target["boxes"].tolist() == [[0, 0, 10, 6], [4, 4, 5, 5]]
    assert target["masks"].sum(axis=(1, 2)).tolist() == [8, 1]


def test_ignored_regions_are_void_and_no_objects(tmp_path):
    ignore = shape("__ignore__", [[0, 0], [12, 8]], "rectangle")
    cow = shape("cow", [[2, 2], [4, 4]], "rectangle")
    back = shape("_background_", [[3, 2], [4, 4]], "rectangle")
    dataset = LabelmeFolder(folder_with(tmp_path, ignore, cow, back), segmentation=True)
    _, target = dataset[0]
    assert dataset.classes == ("cow",) and target["boxes"].tolist() == [[2, 2, 4, 4]]
    assert target["segmentation"][2].tolist() == [VOID, VOID, 1, 0] + [VOID] * 8


def test_a_picture_without_shapes_has_no_objects(tmp_path):
    dataset = LabelmeFolder(folder_with(tmp_path), classes=["cow"])
    _, target = dataset[0]
    assert target["boxes"].shape == (0, 4) and target["labels"].shape == (0,)


def test_drawn_on_the_picture_as_stored(tmp_path):
    labelled_by("labelme", tmp_path)
    scene = scenes()[7]
    file = tmp_path / "json" / f"{scene.name}.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["shapes"] = [
        shape(label, lying_box(box).reshape(2, 2).tolist(), "rectangle")
        for label, box in zip(scene.labels, scene.boxes, strict=True)
    ]
    content["imageWidth"], content["imageHeight"] = SIZE
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.warns(DatasetWarning, match="is 96 x 128, but .* turned upright"):
        dataset = LabelmeFolder(tmp_path)
    np.testing.assert_array_equal(dataset[7][1]["boxes"], scene.boxes)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (shape(None), r"shape 1: label is None, expected a name"),
        (shape(" "), r"shape 1: label is ' '"),
        ("cow", r"shape 1: it is 'cow', expected label"),
        (shape(points=[[1, 2], [3, 4]]), r"shape 1 \(cow\): a polygon of 2 points"),
        (shape(points=None), r"points hold None, expected pairs"),
        (shape(points=[1, 2, 3, 4]), r"points hold 1, expected pairs"),
        (shape(points=[["1", "2"], [3, 4], [5, 6]]), r"points hold \['1', '2'\]"),
        (shape(points=[[1, True], [3, 4], [5, 6]]), r"points hold \[1, True\]"),
        (shape(points=[[1, float("nan")], [3, 4], [5, 6]]), r"points hold \[1, nan\]"),
        (shape(points=[[1, 2]], kind="rectangle"), r"a rectangle of 1 points"),
        (shape(points=[[1, 2]], kind="circle"), r"a circle of 1 points"),
        (shape(points=[[1, 2], [2, 3]], kind="mask", mask="?"), r"its mask is no PNG in base64"),
        (shape(points=[[1, 2], [2, 3]], kind="mask", mask=None), r"its mask is no PNG in base64"),
        (
            shape(points=[[1, 2], [4, 3]], kind="mask", mask=painted([[1, 1]])),
            r"its mask is 2 x 1, but its points enclose 4 x 2 pixels",
        ),
        (shape(kind="spiral"), r"shape_type is 'spiral', expected polygon"),
    ],
)
def test_wrong_shapes_are_named(tmp_path, wrong, says):
    with pytest.raises(AnnotationError, match=rf"^LabelmeFolder: .*a\.json: .*{says}"):
        LabelmeFolder(folder_with(tmp_path, wrong))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"imageWidth": 24, "imageHeight": 16}, r"is 24 x 16, but .*a\.png is 12 x 8"),
        ({"imageWidth": "12"}, r"imageWidth and imageHeight are '12' and 8"),
        ({"shapes": {}}, r"shapes is no list"),
    ],
)
def test_wrong_fields_are_named(tmp_path, fields, says):
    with pytest.raises(AnnotationError, match=rf"^LabelmeFolder: .*a\.json: .*{says}"):
        LabelmeFolder(folder_with(tmp_path, shape(), **fields))


@pytest.mark.parametrize("kind", ["point", "line", "linestrip"])
def test_what_has_no_area_is_left_out_with_a_warning(tmp_path, kind):
    folder_with(tmp_path, shape(), shape("eye", [[1, 1]], kind))
    with pytest.warns(DatasetWarning, match=rf"shape 2 \(eye\) is a {kind}; left out"):
        dataset = LabelmeFolder(tmp_path)
    assert dataset.classes == ("cow",)


def test_boxes_out_of_the_picture_are_clipped_or_dropped(tmp_path):
    beyond = shape(points=[[20, 1], [30, 5]], kind="rectangle")
    partly = shape(points=[[8, 1], [30, 5]], kind="rectangle")
    flat = shape(points=[[3, 1], [3, 5]], kind="rectangle")
    faults = Faults(raises=False)
    dataset = LabelmeFolder(folder_with(tmp_path, beyond, partly, flat), faults=faults)
    assert dataset[0][1]["boxes"].tolist() == [[8, 1, 12, 5]]
    assert [(fault.kind, fault.repair) for fault in faults.found] == [
        ("box outside of its picture", "dropped"),
        ("box outside of its picture", "clipped"),
        ("box without area", "dropped"),
    ]


def test_pictures_and_files_without_the_other(tmp_path):
    folder_with(tmp_path, shape())
    Image.new("RGB", (12, 8)).save(tmp_path / "b.png")
    (tmp_path / "c.json").write_text(json.dumps({"shapes": [], "imagePath": "c.png"}))
    (tmp_path / "settings.json").write_text('{"theme": "dark"}')
    (tmp_path / "d.json").write_text('{"shapes": [')
    faults = Faults(raises=False)
    assert len(LabelmeFolder(tmp_path, faults=faults)) == 1
    assert sorted((fault.file.name, fault.kind) for fault in faults.found) == [
        ("b.png", "picture without annotation"),
        ("c.json", "annotation without picture"),
        ("d.json", "damaged file"),
        ("settings.json", "other JSON"),
    ]


def test_two_files_for_one_picture(tmp_path):
    folder_with(tmp_path, shape())
    (tmp_path / "copy.json").write_text((tmp_path / "a.json").read_text())
    with pytest.raises(AnnotationError, match=r"copy\.json: it labels .*a\.png, which .*a\.json"):
        LabelmeFolder(tmp_path)


def test_declared_classes_and_unreadable_pictures(tmp_path):
    folder_with(tmp_path, shape("horse"))
    with pytest.raises(AnnotationError, match=r"shape 1 \(horse\) is not among .* cow, duck"):
        LabelmeFolder(tmp_path, classes=["cow", "duck"])
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"a\.png"):
        LabelmeFolder(tmp_path)
    with pytest.warns(DatasetWarning, match=r"a\.png.*left out"):
        assert len(LabelmeFolder(tmp_path, faults=Faults(skip_unreadable=True))) == 0


def test_missing_folder_and_folder_without_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        LabelmeFolder(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="holds no JSON file of labelme"):
        LabelmeFolder(tmp_path)
