"""CVAT's own XML: outlines become boxes, masks and classes of pixels; what is wrong is named."""

import numpy as np
import pytest
from labelling_tools import CLASSES, SIZE, labelled_by, lying_box, scenes
from PIL import Image

from minicv.data.cvat import CVATImages, subsets_of
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning
from minicv.data.sources import open_data

BOX = '<box label="cow" occluded="0" xtl="2" ytl="1" xbr="8" ybr="5" z_order="0"/>'


def annotations(*images):
    return f"<annotations><version>1.1</version>{''.join(images)}</annotations>"


def image(*shapes, name="a.png", size='width="12" height="8"', more=""):
    return f'<image id="0" name="{name}" {size} {more}>{"".join(shapes)}</image>'


def folder_with(root, *shapes, **fields):
    """One picture of width 12 and height 8, and the XML file."""
    Image.new("RGB", (12, 8)).save(root / "a.png")
    (root / "annotations.xml").write_text(annotations(image(*shapes, **fields)), encoding="utf-8")
    return root


def test_forty_pictures_with_its_quirks(tmp_path):
    source = labelled_by("cvat", tmp_path)
    assert source == f"cvat:{tmp_path}"
    dataset = CVATImages(tmp_path / "annotations.xml", masks=True)
    assert dataset.classes == CLASSES and len(dataset) == len(scenes())
    by_name = {target["image_id"]: (picture, target) for picture, target in dataset}
    for index, scene in enumerate(scenes()):
        picture, target = by_name[f"images/day {index % 2}/{scene.name}.jpg"]
        assert picture.shape == (3, *SIZE)
        np.testing.assert_array_equal(target["boxes"], scene.boxes)
        assert [CLASSES[label] for label in target["labels"]] == scene.labels
        assert (target["masks"].sum(axis=(1, 2)) > 0).all()


def test_every_shape_with_an_area(tmp_path):
    dataset = CVATImages(
        folder_with(
            tmp_path,
            BOX,
            '<polygon label="duck" points="2.0,1.0;8.0,1.0;2.0,5.0"/>',
            '<ellipse label="cow" cx="4" cy="4" rx="3" ry="2"/>',
            '<mask label="duck" rle="2, 2, 1, 1" left="4" top="2" width="2" height="3"/>',
            # A quarter turn about (6, 4): six by two pixels become two by six.
            '<box label="cow" xtl="3" ytl="3" xbr="9" ybr="5" rotation="90.0"/>',
        ),
        masks=True,
    )
    _, target = dataset[0]
    expected = [[2, 1, 8, 5], [2, 1, 8, 5], [1, 2, 7, 6], [4, 3, 6, 5], [5, 1, 7, 7]]
    np.testing.assert_allclose(target["boxes"], expected, atol=1e-6)
    assert target["labels"].tolist() == [0, 1, 0, 1, 0]
    assert target["masks"][0].sum() == 6 * 4 and target["masks"][4].sum() == 2 * 6
    # Runs along the rows of two: 0 0 | 1 1 | 0 1.
    assert np.argwhere(target["masks"][3]).tolist() == [[3, 4], [3, 5], [4, 5]]


def test_shapes_of_one_group_are_one_object(tmp_path):
    shapes = (
        '<box label="cow" xtl="0" ytl="0" xbr="2" ybr="2" group_id="3"/>',
        '<box label="cow" xtl="8" ytl="4" xbr="10" ybr="6" group_id="3"/>',
        '<box label="cow" xtl="4" ytl="4" xbr="5" ybr="5"/>',
    )
    _, target = CVATImages(folder_with(tmp_path, *shapes))[0]
    assert target["boxes"].tolist() == [[0, 0, 10, 6], [4, 4, 5, 5]]


def test_subsets_are_splits(tmp_path):
    images = []
    for subset, names in (("Train", "abc"), ("Validation", "d"), ("Test", "e")):
        folder = tmp_path / "images" / subset
        folder.mkdir(parents=True)
        for name in [*names, "same name"]:
            Image.new("RGB", (12, 8)).save(folder / f"{name}.png")
            images.append(image(BOX, name=f"{name}.png", more=f'subset="{subset}"'))
    (tmp_path / "annotations.xml").write_text(annotations(*images), encoding="utf-8")
    assert subsets_of(tmp_path) == ("Test", "Train", "Validation")
    splits = open_data(f"cvat:{tmp_path}", ("boxes", "labels"))
    names = [[path.stem for path in part.paths] for part in (splits.train, splits.validation)]
    assert names == [["a", "b", "c", "same name"], ["d", "same name"]]
    assert [path.stem for path in splits.test.paths] == ["e", "same name"]
    assert splits.rule == "" and not splits.tested_on_validation


def test_the_classes_are_those_of_the_task(tmp_path):
    folder_with(tmp_path, BOX)
    file = tmp_path / "annotations.xml"
    meta = (
        "<meta><task><labels><label><name>duck</name></label><label><name>cow</name></label>"
        "</labels></task></meta>"
    )
    file.write_text(file.read_text().replace("<version>", meta + "<version>"))
    assert CVATImages(tmp_path).classes == ("duck", "cow")
    assert CVATImages(tmp_path, classes=["cow"]).classes == ("cow",)
    with pytest.raises(AnnotationError, match=r"box 1 \(cow\) is not among the declared .* duck"):
        CVATImages(tmp_path, classes=["duck"])


def test_drawn_on_the_picture_as_stored(tmp_path):
    labelled_by("cvat", tmp_path)
    scene = scenes()[7]
    x1, y1, x2, y2 = (f"{v:.2f}" for v in lying_box(scene.boxes[0]))
    file = tmp_path / "annotations.xml"
    text = file.read_text(encoding="utf-8")
    before, _, rest = text.partition('<image id="7"')
    after = rest.partition("</image>")[2]
    lying = image(
        f'<box label="{scene.labels[0]}" xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"/>',
        name=f"day 1/{scene.name}.jpg",
        size=f'width="{SIZE[0]}" height="{SIZE[1]}"',
    )
    file.write_text(before + lying + after, encoding="utf-8")
    with pytest.warns(DatasetWarning, match="is 96 x 128, but .* turned upright"):
        dataset = CVATImages(tmp_path)
    (target,) = (t for _, t in dataset if t["image_id"].endswith(f"{scene.name}.jpg"))
    np.testing.assert_array_equal(target["boxes"], scene.boxes[:1])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ('<box xtl="2" ytl="1" xbr="8" ybr="5"/>', r"box 1 \(without a label\): it has no label"),
        ('<box label="cow" xtl="2" ytl="1" xbr="8"/>', r"ybr is None, expected a number"),
        ('<box label="cow" xtl="x" ytl="1" xbr="8" ybr="5"/>', r"xtl is 'x'"),
        ('<box label="cow" xtl="1_0" ytl="1" xbr="12" ybr="5"/>', r"xtl is '1_0'"),
        ('<box label="cow" xtl="nan" ytl="1" xbr="8" ybr="5"/>', r"xtl is 'nan'"),
        ('<box label="cow" xtl="1e300" ytl="1" xbr="8" ybr="5"/>', r"xtl is '1e300'"),
        ('<polygon label="cow" points="1,2;3,4"/>', r"points are '1,2;3,4': expected 3 corners"),
        ('<polygon label="cow" points="1,2;3,4;5"/>', r"points are '1,2;3,4;5'"),
        ('<polygon label="cow"/>', r"points are ''"),
        ('<polygon label="cow" points="1,2;3,4;inf,6"/>', r"expected finite numbers"),
        ('<mask label="cow" rle="1,x" left="0" top="0" width="2" height="1"/>', r"rle is '1,x'"),
        (
            '<mask label="cow" rle="5" left="0" top="0" width="2" height="1"/>',
            r"rle holds 5 pixels",
        ),
        ('<mask label="cow" rle="-1,3" left="0" top="0" width="2" height="1"/>', r"rle holds 2"),
        ('<spiral label="cow"/>', r"<spiral> is no shape of CVAT"),
    ],
)
def test_wrong_shapes_are_named(tmp_path, wrong, says):
    with pytest.raises(AnnotationError, match=rf"^CVATImages: .*annotations\.xml: .*{says}"):
        CVATImages(folder_with(tmp_path, wrong))


@pytest.mark.parametrize("kind", ["points", "polyline", "skeleton", "cuboid", "tag"])
def test_what_has_no_area_is_left_out_with_a_warning(tmp_path, kind):
    folder_with(tmp_path, BOX, f'<{kind} label="eye" points="1,1"/>')
    with pytest.warns(DatasetWarning, match=rf"{kind} 2 \(eye\); left out"):
        dataset = CVATImages(tmp_path)
    assert dataset.classes == ("cow",)


def test_a_size_that_is_not_the_pictures(tmp_path):
    with pytest.raises(AnnotationError, match=r"width x height is 24 x 16, but .* is 12 x 8"):
        CVATImages(folder_with(tmp_path, BOX, size='width="24" height="16"'))
    with pytest.raises(AnnotationError, match=r"image 'a\.png': width is 'wide'"):
        CVATImages(folder_with(tmp_path, BOX, size='width="wide" height="16"'))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<annotation><object/></annotation>", "its root is <annotation>"),
        ("<annotations><track/></annotations>", "it holds the tracks of a video"),
        ("<annotations>", "no complete XML file"),
    ],
)
def test_other_files(tmp_path, content, says):
    (tmp_path / "annotations.xml").write_text(content)
    with pytest.raises(AnnotationError, match=says):
        CVATImages(tmp_path)


def test_pictures_and_images_without_the_other(tmp_path):
    folder_with(tmp_path, BOX)
    Image.new("RGB", (12, 8)).save(tmp_path / "b.png")
    file = tmp_path / "annotations.xml"
    file.write_text(
        annotations(image(BOX), image(name="c.png"), image(name="a.png"), image(name=""))
    )
    faults = Faults(raises=False)
    assert len(CVATImages(tmp_path, faults=faults)) == 1
    assert [fault.kind for fault in faults.found] == [
        "annotation without picture",
        "two annotations of a picture",
        "annotation without picture",
        "picture without annotation",
    ]
    with pytest.raises(FileNotFoundError, match=r"absent/annotations\.xml|absent"):
        CVATImages(tmp_path / "absent")
