"""The lists of a set in VOC's form: which is for what, and whether they agree."""

from __future__ import annotations

import pytest
from labelling_tools import labelled_by
from PIL import Image
from voc_folders import add_picture, add_xml, box, write_list

from minicv.data import open_data
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning
from minicv.data.wrapped import Relabelled

BOXES = ("boxes", "labels")


def voc(root, names="abcdefgh", **lists):
    for name in names:
        add_picture(root / "JPEGImages" / f"{name}.jpg")
        add_xml(root / "Annotations" / f"{name}.xml", box("cow" if name < "d" else "duck"))
    for part, listed in lists.items():
        write_list(root / "ImageSets" / "Main" / f"{part}.txt", "\n".join(listed))
    return f"voc:{root}"


def ids(dataset):
    return "".join(dataset[i][1]["image_id"] for i in range(len(dataset)))


def parts_of(source, **options):
    splits = open_data(source, BOXES, **options)
    return ids(splits.train), ids(splits.validation), ids(splits.test)


def test_a_test_list_without_annotations_is_no_part(tmp_path):
    source = voc(tmp_path, "abcd", train="ab", val="cd", test="xyz")
    for name in "xyz":
        add_picture(tmp_path / "JPEGImages" / f"{name}.jpg")
    splits = open_data(source, BOXES)
    assert ids(splits.train) == "ab" and splits.train.classes == ("cow", "duck")
    assert splits.tested_on_validation and splits.test is splits.validation
    assert ids(splits.test) == "cd"


def test_a_test_list_with_some_annotations_refuses_the_test_alone(tmp_path):
    source = voc(tmp_path, "abcde", train="ab", val="cd", test="ex")
    splits = open_data(source, BOXES)
    assert (ids(splits.train), ids(splits.validation)) == ("ab", "cd")
    with pytest.raises(FileNotFoundError, match=r"test\.txt: line 2: 'x': there is no annotation"):
        assert splits.test


def test_a_broken_file_of_the_test_list_refuses_the_test_alone(tmp_path):
    source = voc(tmp_path, train="ab", val="cd", test="ef")
    (tmp_path / "Annotations" / "f.xml").write_text("<annotation><obj")
    splits = open_data(source, BOXES)
    assert (ids(splits.train), ids(splits.validation)) == ("ab", "cd")
    with pytest.raises(AnnotationError, match=r"f\.xml: is no complete XML file"):
        assert splits.test


@pytest.mark.parametrize(
    ("lists", "parts"),
    [
        ({"train": "abc", "val": "de", "test": "fg"}, ("abc", "de", "fg")),
        ({"train": "abc", "valid": "de"}, ("abc", "de", "de")),
        ({"Train": "abc", "Validation": "de"}, ("abc", "de", "de")),
        ({"train": "ab", "val": "c", "trainval": "abc", "test": "d"}, ("ab", "c", "d")),
        ({"trainval": "hgfedcba"}, ("abcdefg", "h", "h")),
        ({"trainval": "cba", "test": "de"}, ("ab", "c", "de")),
        ({"trainval": "cbad", "val": "bd"}, ("ca", "bd", "bd")),
        ({"default": "dcba"}, ("abc", "d", "d")),
        ({"farm": "dcba"}, ("abc", "d", "d")),
        ({"test": "dcba"}, ("abc", "d", "d")),
        ({"train": "abc", "val": "de", "test": ""}, ("abc", "de", "de")),
        ({}, ("abcdefg", "h", "h")),
    ],
)
def test_which_list_is_for_what(tmp_path, lists, parts):
    assert parts_of(voc(tmp_path, **lists)) == parts


def test_lists_of_one_class_are_no_parts(tmp_path):
    source = voc(tmp_path, train="abc", val="de")
    for part, listed in (("train", "abc"), ("val", "de")):
        lines = "\n".join(f"{name}  {1 if name < 'd' else -1}" for name in listed)
        write_list(tmp_path / "ImageSets" / "Main" / f"cow_{part}.txt", lines)
    assert parts_of(source) == ("abc", "de", "de")


def test_lists_without_one_to_learn_from_are_named(tmp_path):
    with pytest.raises(ValueError, match="the set has the parts first, second, but none to learn"):
        open_data(voc(tmp_path, first="ab", second="cd"), BOXES)


def test_pictures_in_two_lists_are_named(tmp_path):
    source = voc(tmp_path, train="abcdef", val="fg", test="abcdh")
    with pytest.warns(DatasetWarning) as caught:
        splits = open_data(source, BOXES)
        assert ids(splits.train) == "abcdef"
    (warning,) = caught
    text = str(warning.message)
    assert "val.txt: 1 picture is in " in text and "train.txt too: f; kept in both" in text
    assert text.endswith("(and 1 more: picture in two splits)")
    faults = Faults(raises=False)
    assert ids(open_data(source, BOXES, faults=faults).train) == "abcdef"
    assert [fault.kind for fault in faults.found] == ["picture in two splits"] * 2
    assert "4 pictures are in " in faults.found[1].what
    assert faults.found[1].what.endswith("too: a, b, c, ...")


def test_an_empty_list_to_learn_from_is_named(tmp_path):
    with pytest.raises(AnnotationError, match=r"train\.txt: it holds no name of a picture"):
        assert open_data(voc(tmp_path, train="", val="ab"), BOXES).train


def test_declared_classes_give_labels_in_their_order(tmp_path):
    splits = open_data(voc(tmp_path, train="ae", val="b"), BOXES, classes=["duck", "cow"])
    assert splits.train.classes == ("duck", "cow")
    assert [splits.train[i][1]["labels"].tolist() for i in range(2)] == [[1], [0]]
    with pytest.raises(
        AnnotationError, match=r"e\.xml: object 1 has the name 'duck', which is not"
    ):
        assert open_data(f"voc:{tmp_path}", BOXES, classes=["cow"]).train


def test_folders_of_an_export(tmp_path):
    for name in ("train/a", "train/b", "valid/c", "test/d"):
        add_picture(tmp_path / f"{name}.jpg")
        add_xml(tmp_path / f"{name}.xml", box())
    splits = open_data(f"voc:{tmp_path}", BOXES)
    names = [[path.stem for path in part.paths] for part in (splits.train, splits.validation)]
    assert names == [["a", "b"], ["c"]] and [p.stem for p in splits.test.paths] == ["d"]
    for path in (tmp_path / "test").glob("*.xml"):
        path.unlink()
    assert open_data(f"voc:{tmp_path}", BOXES).tested_on_validation


def test_xml_beside_pictures_has_no_lists(tmp_path):
    for number in range(21):
        add_picture(tmp_path / f"{number % 2}" / f"{number:02}.jpg")
        add_xml(tmp_path / f"{number % 2}" / f"{number:02}.xml", box())
    splits = open_data(f"voc:{tmp_path}", BOXES)
    assert len(splits.train) == 19
    assert [path.name for path in splits.validation.paths] == ["18.jpg", "17.jpg"]
    assert splits.tested_on_validation and "no lists of its own" in splits.rule


def test_a_set_without_objects_has_no_classes(tmp_path):
    for name in "ab":
        add_picture(tmp_path / f"{name}.jpg")
        add_xml(tmp_path / f"{name}.xml")
    splits = open_data(f"voc:{tmp_path}", BOXES)
    assert splits.train.classes == () and len(splits.train) == 1


def test_segmentation_without_label_maps_of_the_test(tmp_path):
    for name in "abcd":
        add_picture(tmp_path / "JPEGImages" / f"{name}.jpg")
        if name != "d":
            path = tmp_path / "SegmentationClass" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            Image.new("L", (30, 20), 1).save(path)
    for part, listed in (("train", "a\nb"), ("val", "c"), ("test", "d")):
        write_list(tmp_path / "ImageSets" / "Segmentation" / f"{part}.txt", listed)
    splits = open_data(f"vocseg:{tmp_path}", ("segmentation",))
    assert (ids(splits.train), ids(splits.test)) == ("ab", "c") and splits.tested_on_validation


def test_the_real_blood_cells(real_data):
    """Exactly the two boxes that are single points."""
    faults = Faults(raises=False)
    splits = open_data(f"voc:{real_data('BCCD')}", BOXES, faults=faults)
    assert [len(s) for s in (splits.train, splits.validation, splits.test)] == [205, 87, 72]
    assert sorted((fault.file.name, fault.what.split(",")[0]) for fault in faults.found) == [
        ("BloodImage_00338.xml", "object 13 (RBC)"),
        ("BloodImage_00343.xml", "object 4 (RBC)"),
    ]
    assert {fault.kind for fault in faults.found} == {"box without area"}


@pytest.mark.parametrize("tool", ["labelimg", "cvat_voc", "labelme", "cvat"])
@pytest.mark.filterwarnings("ignore::minicv.data.image_files.DatasetWarning")
def test_labels_are_known_without_the_picture(tmp_path, tool):
    """Through the parts that every tenth picture makes, and in the order of other classes."""
    splits = open_data(labelled_by(tool, tmp_path), BOXES)
    for part in (splits.train, splits.validation, Relabelled(splits.train, ("duck", "goat"))):
        for index in range(0, len(part), 5):
            assert part.labels_of(index).tolist() == part[index][1]["labels"].tolist()
