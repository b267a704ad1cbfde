"""The values in VOC's XML files: what is meant, and what is refused by name."""

from __future__ import annotations

import pytest
from voc_folders import add_picture, add_xml, box

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning
from minicv.data.voc import VOCDetection, annotated_classes


def folder_of(root, *objects, picture_size=(30, 20), orientation=None, **file):
    add_picture(root / "JPEGImages" / "a.jpg", picture_size, orientation)
    add_xml(root / "Annotations" / "a.xml", *objects, **file)
    return root


def target_of(root, *objects, classes=None, **file):
    return VOCDetection(folder_of(root, *objects, **file), None, classes)[0][1]


GB = '<?xml version="1.0" encoding="gb2312"?>\n'


@pytest.mark.parametrize(
    ("encoding", "head"),
    [
        ("utf-8", ""),
        ("utf-8-sig", '<?xml version="1.0" encoding="utf-8"?>'),
        ("gb2312", GB),
        ("utf-16", '<?xml version="1.0" encoding="UTF-16"?>'),
        ("utf-16", ""),
        ("utf-8", "<!-- labelled by hand --><!DOCTYPE annotation>"),
    ],
)
def test_encodings(tmp_path, encoding, head):
    dataset = VOCDetection(folder_of(tmp_path, box("牛"), encoding=encoding, head=head), None)
    assert dataset.classes == ("牛",) and dataset[0][1]["labels"].tolist() == [0]


def test_a_namespace_changes_nothing(tmp_path):
    folder_of(tmp_path, box())
    file = tmp_path / "Annotations" / "a.xml"
    file.write_text(file.read_text().replace("<annotation>", '<annotation xmlns="urn:voc">'))
    assert VOCDetection(tmp_path, None)[0][1]["boxes"].tolist() == [[1, 2, 9, 8]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotations><image id='0'/></annotations>", r"'annotations'.*; it looks like CVAT's"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", r"'svg', expected 'annotation'; it is a dr"),
        ("<object><name>cow</name></object>", r"'object', expected 'annotation'"),
    ],
)
def test_another_xml_is_named(tmp_path, text, message):
    folder_of(tmp_path)
    (tmp_path / "Annotations" / "a.xml").write_text(text)
    with pytest.raises(AnnotationError, match=rf"a\.xml: its root element is {message}"):
        VOCDetection(tmp_path, None)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("2", 2),
        (" 2 ", 2),
        ("2.", 2),
        ("2.5", 2.5),
        ("+2", 2),
        ("1e0", 1),
        ("\n2\n", 2),
        ("2.0", 2),
    ],
)
def test_numbers(tmp_path, value, number):
    assert target_of(tmp_path, box(corners=(value, 3, 9, 8)))["boxes"].tolist() == [
        [number - 1, 2, 9, 8]
    ]


@pytest.mark.parametrize(
    "value", ["1_0", "NaN", "inf", "-Infinity", "1e999", "0x10", "12,5", "1 2", "２", "ten", "2px"]
)
def test_what_is_no_number_is_named(tmp_path, value):
    message = rf"a\.xml: object 2 \(cow\), bndbox/xmax is '{value}', expected a number"
    with pytest.raises(AnnotationError, match=message) as caught:
        target_of(tmp_path, box(), box(corners=(2, 3, value, 8)))
    assert ("write a point, not a comma" in str(caught.value)) == (value == "12,5")


@pytest.mark.parametrize("value", ["", "  ", "<value>3</value>"])
def test_a_corner_without_a_number_is_named(tmp_path, value):
    with pytest.raises(AnnotationError, match=r"object 1 \(cow\) has no bndbox/ymin"):
        target_of(tmp_path, box(corners=(2, value, 9, 8)))


@pytest.mark.parametrize("text", ["1", "True", "true", "yes", "1 ", "1.0", "T", "Y"])
def test_difficult(tmp_path, text):
    assert target_of(tmp_path, box(difficult=text))["difficult"].tolist() == [True]


@pytest.mark.parametrize("text", ["0", "False", "no", "", " ", "0.0", "Unspecified", "n"])
def test_not_difficult(tmp_path, text):
    assert target_of(tmp_path, box(difficult=text))["difficult"].tolist() == [False]


@pytest.mark.parametrize("text", ["2", "-1", "maybe", "0.5", "nan", "10"])
def test_neither_difficult_nor_not_is_named(tmp_path, text):
    with pytest.raises(AnnotationError, match=rf"\(cow\), difficult is '{text}', expected 0 or 1"):
        target_of(tmp_path, box(difficult=text))


def test_marks_that_are_not_read_may_hold_anything(tmp_path):
    assert len(target_of(tmp_path, box(truncated="maybe", pose="Frontal", occluded=""))["boxes"])


def test_parts_are_no_objects_and_their_boxes_are_not_those_of_objects(tmp_path):
    """VOC's person layout: head, hands and feet have boxes of their own, some before the box."""
    part = (
        "<part><name>head</name><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>4</xmax><ymax>4</ymax>"
        "</bndbox></part>"
    )
    nested = f"<part>{box('hand')}</part>"
    dataset = VOCDetection(folder_of(tmp_path, box("person", extra=part + nested)), None)
    assert dataset.classes == ("person",)
    assert dataset[0][1]["boxes"].tolist() == [[1, 2, 9, 8]]


def test_the_name_of_an_attribute_is_no_class(tmp_path):
    attributes = (
        "<attributes><attribute><name>rotation</name><value>9</value></attribute></attributes>"
    )
    nameless = box(extra=attributes).replace("<name>cow</name>", "")
    with pytest.raises(AnnotationError, match="object 1 has no name"):
        target_of(tmp_path, nameless)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("<robndbox><cx>5</cx><cy>5</cy></robndbox>", "it has robndbox, a turned box"),
        ("<polygon><x1>1</x1></polygon>", "it has polygon, a polygon"),
        ("<polygon><pt><x>1</x></pt></polygon>", "it has polygon, a polygon"),
    ],
)
def test_shapes_without_a_box_are_named(tmp_path, shape, message):
    with pytest.raises(AnnotationError, match=rf"object 1 \(cow\) has no bndbox/xmin; {message}"):
        target_of(tmp_path, f"<object><name>cow</name>{shape}</object>")
    assert len(target_of(tmp_path, box(extra=shape))["boxes"]) == 1


def test_two_boxes_of_an_object_are_named(tmp_path):
    with pytest.raises(AnnotationError, match="there are 2 elements bndbox, expected one"):
        target_of(tmp_path, box(extra="<bndbox/>"))


def test_all_faults_of_all_files_are_told_together(tmp_path):
    folder_of(tmp_path, box(corners=("x", 1, 2, 3)), box(""), box(difficult="2"))
    add_picture(tmp_path / "JPEGImages" / "b.jpg")
    add_xml(tmp_path / "Annotations" / "b.xml", box(), box("  "), size=("many", 20))
    with pytest.raises(AnnotationError, match="VOCDetection: 4 faults") as caught:
        VOCDetection(tmp_path, None)
    for place in (
        "a.xml: object 1 (cow), bndbox/xmin is 'x'",
        "a.xml: object 2 has no name",
        "a.xml: object 3 (cow), difficult is '2'",
        "b.xml: size/width is 'many', expected a whole number of pixels",
    ):
        assert place in str(caught.value)


def test_names_lose_their_blanks_and_keep_their_letters(tmp_path):
    names = ("cow ", " cow", "traffic \n  light", "Kühe", "Ku\u0308he", "牛 1")
    dataset = VOCDetection(folder_of(tmp_path, *map(box, names)), None)
    assert dataset.classes == ("Kühe", "cow", "traffic light", "牛 1")
    assert dataset[0][1]["labels"].tolist() == [1, 1, 2, 0, 0, 3]


def test_names_that_differ_by_case_are_named(tmp_path):
    folder_of(tmp_path, box("cow"), box("stop sign"))
    add_picture(tmp_path / "JPEGImages" / "b.jpg")
    add_xml(tmp_path / "Annotations" / "b.xml", box("Cow"), box("stop_sign"))
    with pytest.warns(DatasetWarning) as caught:
        assert annotated_classes(tmp_path) == ("Cow", "cow", "stop sign", "stop_sign")
    (warning,) = caught
    assert "a.xml: a class is 'cow', but 'Cow' in " in str(warning.message)
    assert str(warning.message).endswith("taken as two classes (and 1 more: names alike)")


def test_declared_names_and_those_like_them(tmp_path):
    folder_of(tmp_path, box("duck"), box("cow"))
    assert VOCDetection(tmp_path, None, ["cow", "duck"])[0][1]["labels"].tolist() == [1, 0]
    with pytest.raises(AnnotationError, match=r"object 1 has the name 'duck', which is not among"):
        VOCDetection(tmp_path, None, ["cow"])
    with pytest.raises(AnnotationError, match=r"\('Cow', 'duck'\); is 'Cow' meant\?"):
        VOCDetection(tmp_path, None, ["Cow", "duck"])
    faults = Faults(raises=False)
    assert VOCDetection(tmp_path, None, ["cow"], faults=faults)[0][1]["labels"].tolist() == [0]
    assert [fault.kind for fault in faults.found] == ["unknown class"]


@pytest.mark.parametrize(
    "corners", [(0.1, 0.2, 0.5, 0.9), (0, 0, 1, 1), ("0.00", "0.5", "1.0", "0.75")]
)
def test_fractions_of_the_picture_are_named(tmp_path, corners):
    with pytest.raises(AnnotationError, match=r"looks like fractions of the picture; expected pix"):
        target_of(tmp_path, box(corners=corners))


def test_a_box_of_a_few_pixels_is_no_fraction(tmp_path):
    assert target_of(tmp_path, box(corners=(0.5, 0.2, 1.5, 2.5)))["boxes"].tolist() == [
        [0, 0, 1.5, 2.5]
    ]


def test_a_left_border_of_zero_is_that_of_a_tool_that_counts_from_zero(tmp_path):
    boxes = target_of(tmp_path, box(corners=(0, 0, 30, 20)), box(corners=(0.4, 0.9, 9, 8)))["boxes"]
    assert boxes.tolist() == [[0, 0, 30, 20], [0, 0, 9, 8]]


@pytest.mark.parametrize("corners", [(9, 3, 2, 8), (2, 8, 9, 3), (4, 4, 4, 9), (5, 5, 5, 5)])
def test_exchanged_corners_are_dropped_by_name(tmp_path, corners):
    folder_of(tmp_path, box(), box(corners=corners))
    numbers = ", ".join(map(str, corners))
    with pytest.warns(DatasetWarning, match=rf"object 2 \(cow\), bndbox \({numbers}\) has no area"):
        assert len(VOCDetection(tmp_path, None)[0][1]["boxes"]) == 1


@pytest.mark.parametrize("size", [None, (0, 0), ("", ""), ("30", "20"), ("30.0", "20.0"), (30, 0)])
def test_sizes_that_agree_or_say_nothing(tmp_path, size):
    assert len(target_of(tmp_path, box(), size=size)["boxes"]) == 1


@pytest.mark.parametrize("size", [(60, 40), (20, 30), (31, 20), (15, 10)])
def test_a_size_of_another_picture_is_refused(tmp_path, size):
    message = rf"a\.xml: size is {size[0]} x {size[1]}, but .*a\.jpg is 30 x 20"
    with pytest.raises(AnnotationError, match=message):
        target_of(tmp_path, box(), size=size)


@pytest.mark.parametrize("size", [("-30", "20"), ("30.5", "20"), ("wide", "20"), ("30", "NaN")])
def test_a_size_that_is_none_is_refused(tmp_path, size):
    with pytest.raises(AnnotationError, match=r"a\.xml: size/(width|height) is '.*', expected a"):
        target_of(tmp_path, box(), size=size)


def test_boxes_drawn_on_the_picture_as_stored_are_turned_with_it(tmp_path):
    """Stored 30 x 20 and shown 20 x 30, turned to the right: x' = 20 - y, y' = x."""
    folder_of(tmp_path, box(corners=(3, 5, 10, 9)), orientation=6, size=(30, 20))
    with pytest.warns(DatasetWarning, match=r"a\.xml: size is 30 x 20, .*EXIF orientation 6"):
        dataset = VOCDetection(tmp_path, None)
    image, target = dataset[0]
    assert image.shape == (3, 30, 20)
    assert target["boxes"].tolist() == [[20 - 9, 2, 20 - 4, 10]]  # stored: 2..10 and 4..9


def test_boxes_drawn_on_the_upright_picture_stay(tmp_path):
    target = target_of(tmp_path, box(corners=(3, 5, 10, 29)), orientation=6, size=(20, 30))
    assert target["boxes"].tolist() == [[2, 4, 10, 29]]


def test_no_objects(tmp_path):
    for text in ("<annotation/>", "<annotation><filename>a.jpg</filename></annotation>"):
        folder_of(tmp_path)
        (tmp_path / "Annotations" / "a.xml").write_text(text)
        dataset = VOCDetection(tmp_path, None)
        assert dataset.classes == () and dataset[0][1]["boxes"].shape == (0, 4)


def test_labels_without_the_picture(tmp_path):
    folder_of(tmp_path, box("cow"), box("duck", difficult="1"), box("duck"))
    dataset = VOCDetection(tmp_path, None)
    assert dataset.labels_of(0).tolist() == [0, 1]
