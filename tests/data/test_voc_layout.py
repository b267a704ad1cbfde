"""Where VOC's files are, and what the names in lists mean, as other computers write them."""

from __future__ import annotations

import unicodedata

import pytest
from PIL import Image
from voc_folders import add_picture, add_xml, box, write_list

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning
from minicv.data.voc import VOCDetection
from minicv.data.voc_layout import VOCFolder


def voc(root, *names):
    """Annotations and JPEGImages, one object in each."""
    for name in names:
        add_picture(root / "JPEGImages" / f"{name}.jpg")
        add_xml(root / "Annotations" / f"{name}.xml", box())
    return root


def listed(root, text, encoding="utf-8", name="train"):
    write_list(root / "ImageSets" / "Main" / f"{name}.txt", text, encoding)
    return VOCDetection(root, name).ids


def test_names_with_blanks_stay_apart(tmp_path):
    voc(tmp_path, "img 1", "img 2", "img")
    assert listed(tmp_path, "img 1\nimg 2\n") == ["img 1", "img 2"]
    assert listed(tmp_path, "img 1\n") == ["img 1"]
    assert listed(tmp_path, "img\n") == ["img"]


def test_a_name_with_a_blank_that_is_missing_is_no_other_name(tmp_path):
    voc(tmp_path, "img", "img 2")
    with pytest.raises(FileNotFoundError, match=r"line 1: 'img 1': there is no annotation of that"):
        listed(tmp_path, "img 1\nimg 2\n")
    with pytest.raises(FileNotFoundError, match=r"2 faults"):  # two lists of one picture are none
        listed(tmp_path, "img 1\nimg 0\n")


@pytest.mark.parametrize("blanks", [" ", "  ", "\t"])
def test_a_list_of_one_class_has_a_number_after_each_name(tmp_path, blanks):
    voc(tmp_path, "cow", "old horse", "img 1")
    text = f"old horse{blanks}-1\ncow{blanks} 1\nimg 1{blanks}0\n"
    assert listed(tmp_path, text, name="cow_train") == ["old horse", "cow", "img 1"]
    assert list(VOCFolder(tmp_path, "VOCDetection").parts) == ["cow_train"]
    listed(tmp_path, "cow\n")
    assert list(VOCFolder(tmp_path, "VOCDetection").parts) == ["train"]


def test_a_number_is_part_of_the_name_where_it_names_a_file(tmp_path):
    voc(tmp_path, "a 1", "a")
    assert listed(tmp_path, "a 1\n") == ["a 1"]
    assert listed(tmp_path, "a -1\n") == ["a"]


@pytest.mark.parametrize(
    "line",
    [
        "img1.jpg",
        "img1.xml",
        "IMG1.JPG",
        r"JPEGImages\img1.jpg",
        "./Annotations/img1.xml",
        "/home/kuh/set/JPEGImages/img1.jpg",
        r"C:\Users\Kuh\VOC2007\JPEGImages\img1.jpg",
        "  img1  ",
        "./JPEGImages/img1.jpg ./Annotations/img1.xml",
        "JPEGImages/img1.jpg\tAnnotations/img1.xml",
        "img1.png",  # converted since
    ],
)
def test_names_with_paths_and_suffixes(tmp_path, line):
    voc(tmp_path, "img1", "img2")
    assert listed(tmp_path, f"{line}\nimg2\n") == ["img1", "img2"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-mark", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n \n"])
def test_encodings_and_ends_of_lines(tmp_path, encoding, end):
    voc(tmp_path, "Kühe 1", "牛")
    text = f"Kühe 1{end}牛{end}"
    if encoding == "utf-16-le-mark":
        text, encoding = "\ufeff" + text, "utf-16-le"
    assert listed(tmp_path, text, encoding) == ["Kühe 1", "牛"]


def test_a_mac_writes_accents_as_letters_of_their_own(tmp_path):
    voc(tmp_path, unicodedata.normalize("NFD", "Kühe"))
    assert len(listed(tmp_path, "Kühe\n")) == 1


def test_a_list_that_is_no_text_is_named(tmp_path):
    voc(tmp_path, "a")
    with pytest.raises(AnnotationError, match=r"train\.txt: is not text in utf-8"):
        listed(tmp_path, "Kühe\n", "latin-1")


def test_names_that_differ_by_case(tmp_path):
    voc(tmp_path, "Cow", "cow", "Duck")
    assert listed(tmp_path, "cow\nCow\nduck\n") == ["cow", "Cow", "Duck"]
    with pytest.raises(AnnotationError, match=r"line 1: 'COW' fits .*Cow\.xml and .*cow\.xml"):
        listed(tmp_path, "COW\n")


def test_a_name_twice_is_taken_once(tmp_path):
    voc(tmp_path, "a", "b")
    with pytest.warns(DatasetWarning, match=r"line 3: 'a\.jpg' is the picture of line 1 again"):
        assert listed(tmp_path, "a\nb\na.jpg\n") == ["a", "b"]


@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff"])
def test_an_empty_list_is_named(tmp_path, text):
    voc(tmp_path, "a")
    with pytest.raises(AnnotationError, match=r"train\.txt: it holds no name of a picture"):
        listed(tmp_path, text)


def test_all_that_is_missing_is_told_at_once(tmp_path):
    voc(tmp_path, "a", "b", "c")
    (tmp_path / "Annotations" / "b.xml").unlink()
    (tmp_path / "JPEGImages" / "c.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="VOCDetection: 3 faults") as caught:
        listed(tmp_path, "a\nb\nc\nd\n")
    message = str(caught.value)
    assert f"line 2: 'b': there is no annotation of {tmp_path / 'JPEGImages' / 'b.jpg'}" in message
    assert "c.xml: there is no photograph" in message
    assert "line 4: 'd': there is no annotation of that name" in message


def test_faults_are_collected_and_the_rest_is_read(tmp_path):
    voc(tmp_path, "a", "b")
    write_list(tmp_path / "ImageSets" / "Main" / "train.txt", "a\nb\nd\na\n")
    (tmp_path / "JPEGImages" / "b.jpg").unlink()
    faults = Faults(raises=False)
    dataset = VOCDetection(tmp_path, "train", faults=faults)
    assert dataset.ids == ["a"] and len(dataset) == 1
    assert [fault.kind for fault in faults.found] == [
        "name without files",
        "duplicate name",
        "annotation without picture",
    ]


def test_names_in_subfolders(tmp_path):
    voc(tmp_path, "a/x", "b/x", "b/y", "z")
    assert listed(tmp_path, "a/x\nb/x\nb\\y.jpg\nz\n") == ["a/x", "b/x", "b/y", "z"]
    assert listed(tmp_path, "y\ndata/b/x\n") == ["b/y", "b/x"]
    dataset = VOCDetection(tmp_path, "train")
    assert [p.relative_to(tmp_path / "JPEGImages").as_posix() for p in dataset.paths] == [
        "b/y.jpg",
        "b/x.jpg",
    ]
    with pytest.raises(AnnotationError, match=r"'x' fits .*a/x\.xml and .*b/x\.xml; write the f"):
        listed(tmp_path, "x\n")
    (tmp_path / "Annotations" / "b" / "x.xml").unlink()
    with pytest.raises(FileNotFoundError, match=r"'b/x': there is no annotation of .*b/x\.jpg"):
        listed(tmp_path, "a/x\nb/x\n")


def test_two_pictures_of_one_name(tmp_path):
    voc(tmp_path, "x")
    add_picture(tmp_path / "JPEGImages" / "x.png")
    with pytest.raises(AnnotationError, match=r"x\.xml: its name fits .*x\.jpg and .*x\.png; ren"):
        listed(tmp_path, "x\n")
    add_xml(tmp_path / "Annotations" / "x.xml", box(), filename="x.png")
    assert VOCDetection(tmp_path).paths == [tmp_path / "JPEGImages" / "x.png"]


def test_a_picture_under_the_name_that_the_file_gives_it(tmp_path):
    add_picture(tmp_path / "JPEGImages" / "photo.bmp")
    add_picture(tmp_path / "JPEGImages" / "c.jpg")
    add_xml(tmp_path / "Annotations" / "a.xml", box(), filename=r"D:\new\photo.bmp")
    add_xml(tmp_path / "Annotations" / "c.xml", box(), filename="old name.jpg")
    dataset = VOCDetection(tmp_path, None)
    assert [path.name for path in dataset.paths] == ["photo.bmp", "c.jpg"]
    # A copy of c.xml: its picture is c's own.
    add_xml(tmp_path / "Annotations" / "d.xml", box(), filename="c.jpg")
    own = r"d\.xml: there is no photograph .*, nor 'c\.jpg' without annotations of its own"
    with pytest.raises(FileNotFoundError, match=own):
        VOCDetection(tmp_path, None)


def test_a_file_that_calls_its_picture_by_the_name_of_another(tmp_path):
    """A copied XML file: whose labels they are cannot be known, so it is told."""
    voc(tmp_path, "a", "b")
    add_xml(tmp_path / "Annotations" / "b.xml", box(), filename="a.jpg")
    with pytest.warns(DatasetWarning, match=r"b\.xml: filename is 'a\.jpg', which is another pic"):
        dataset = VOCDetection(tmp_path, None)
    assert [path.name for path in dataset.paths] == ["a.jpg", "b.jpg"]
    # Neither a picture that is not there nor another suffix is another picture.
    for name in ("old name.jpg", "B.PNG", "", r"C:\photos\b.jpeg"):
        add_xml(tmp_path / "Annotations" / "b.xml", box(), filename=name)
        assert len(VOCDetection(tmp_path, None)) == 2


def test_two_files_for_one_picture(tmp_path):
    add_picture(tmp_path / "JPEGImages" / "photo.jpg")
    for name in ("a", "b"):
        add_xml(tmp_path / "Annotations" / f"{name}.xml", box(), filename="photo.jpg")
    with pytest.raises(AnnotationError, match=r"b\.xml: it labels .*photo\.jpg, which .*a\.xml la"):
        VOCDetection(tmp_path, None)


@pytest.mark.parametrize("suffix", [".Jpg", ".JPEG", ".bmp", ".tif", ".webp", ".PNG"])
def test_suffixes_of_pictures(tmp_path, suffix):
    add_xml(tmp_path / "Annotations" / "a.xml", box())
    Image.new("RGB", (30, 20)).save(tmp_path / f"a{suffix.lower()}")
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / f"a{suffix.lower()}").rename(tmp_path / "JPEGImages" / f"a{suffix}")
    assert VOCDetection(tmp_path, None)[0][0].shape == (3, 20, 30)


def test_names_with_points(tmp_path):
    voc(tmp_path, "img.v1", "img.v2", "cow.jpg")
    assert listed(tmp_path, "img.v1\nimg.v2\ncow.jpg\n") == ["img.v1", "img.v2", "cow.jpg"]


@pytest.mark.parametrize("pictures", ["JPEGImages", "images", "Images", "."])
@pytest.mark.parametrize("labels", ["Annotations", "annotations"])
def test_folders_of_other_names_without_lists(tmp_path, pictures, labels):
    for name in ("b", "a"):
        add_picture(tmp_path / pictures / f"{name}.png")
        add_xml(tmp_path / labels / f"{name}.xml", box())
    dataset = VOCDetection(tmp_path, None)
    assert dataset.ids == ["a", "b"] and [path.suffix for path in dataset.paths] == [".png"] * 2
    assert VOCFolder(tmp_path, "VOCDetection").parts == {}


@pytest.mark.parametrize("inside", ["VOC2007", "VOCdevkit/VOC2007", "export 3"])
def test_a_folder_above_the_set(tmp_path, inside):
    voc(tmp_path / inside, "a")
    assert VOCDetection(tmp_path, None).ids == ["a"]


def test_hidden_files_are_left_out(tmp_path):
    voc(tmp_path, "a")
    (tmp_path / "Annotations" / "._a.xml").write_bytes(b"\0\5\26\7")
    (tmp_path / "Annotations" / ".cache").mkdir()
    (tmp_path / "Annotations" / ".cache" / "b.xml").write_bytes(b"\0")
    (tmp_path / "JPEGImages" / "._a.jpg").write_bytes(b"\0\5\26\7")
    (tmp_path / "JPEGImages" / "Thumbs.db").write_bytes(b"\0")
    assert VOCDetection(tmp_path, None).ids == ["a"]


def test_xml_beside_pictures(tmp_path):
    for name in ("a/x", "b/x", "y"):
        add_picture(tmp_path / f"{name}.jpg")
        add_xml(tmp_path / f"{name}.xml", box(), path=f"C:\\other\\{name}.jpg")
    dataset = VOCDetection(tmp_path, None)
    assert dataset.ids == ["a/x", "b/x", "y"]
    assert [path.relative_to(tmp_path).as_posix() for path in dataset.paths] == [
        "a/x.jpg",
        "b/x.jpg",
        "y.jpg",
    ]
    (tmp_path / "b" / "x.jpg").unlink()  # a's picture is not b's
    with pytest.raises(
        FileNotFoundError, match=r"b/x\.xml: there is no photograph .*b/x \(\.jpg, \.png or"
    ):
        VOCDetection(tmp_path, None)


def test_other_xml_beside_pictures_is_passed_over(tmp_path):
    add_picture(tmp_path / "a.jpg")
    add_xml(tmp_path / "a.xml", box())
    (tmp_path / "layout.xml").write_text("<svg/>")
    with pytest.warns(DatasetWarning, match=r"layout\.xml: its root element is 'svg'.*passed over"):
        assert VOCDetection(tmp_path, None).ids == ["a"]
    (tmp_path / "a.xml").write_text("<svg/>")
    with pytest.raises(AnnotationError, match=r"a\.xml: its root element is 'svg'"):
        VOCDetection(tmp_path, None)
    (tmp_path / "a.xml").rename(tmp_path / "annotations.xml")
    with pytest.raises(FileNotFoundError, match="it holds no XML file of a picture"):
        VOCDetection(tmp_path, None)


def test_pictures_without_xml_are_passed_over_and_counted(tmp_path):
    add_picture(tmp_path / "a.jpg")
    add_xml(tmp_path / "a.xml")  # looked at, and nothing is in it
    for name in ("b", "c", "d"):
        add_picture(tmp_path / f"{name}.jpg")
    with pytest.warns(DatasetWarning, match=r"b\.jpg: there is no XML file .* \(and 2 more: pic"):
        dataset = VOCDetection(tmp_path, None)
    assert dataset.ids == ["a"] and dataset[0][1]["boxes"].shape == (0, 4)


def test_folders_of_splits(tmp_path):
    for name in ("train/a_jpg.rf.1", "train/b", "valid/c", "test/d"):
        add_picture(tmp_path / f"{name}.jpg")
        add_xml(tmp_path / f"{name}.xml", box())
    (tmp_path / "README.roboflow.txt").write_text("cows - v1\n")
    folder = VOCFolder(tmp_path, "VOCDetection")
    assert list(folder.parts) == ["test", "train", "valid"]
    assert VOCDetection(tmp_path, "train").ids == ["train/a_jpg.rf.1", "train/b"]
    assert VOCDetection(tmp_path, "valid").ids == ["valid/c"]
    with pytest.raises(
        FileNotFoundError, match=r"split 'val' needs .*; splits here: test, train, "
    ):
        VOCDetection(tmp_path, "val")


def test_folders_of_splits_with_annotations_and_images_in_each(tmp_path):
    for name in ("train", "test"):
        add_picture(tmp_path / name / "images" / "x.jpg")
        add_xml(tmp_path / name / "annotations" / "x.xml", box())
    for name in ("train", "test"):
        dataset = VOCDetection(tmp_path, name)
        assert dataset.paths == [tmp_path / name / "images" / "x.jpg"]


def test_lists_beside_the_folders(tmp_path):
    voc(tmp_path, "a", "b")
    (tmp_path / "train.txt").write_text("./JPEGImages/a.jpg ./Annotations/a.xml\n")
    (tmp_path / "val.txt").write_text("./JPEGImages/b.jpg ./Annotations/b.xml\n")
    (tmp_path / "labels.txt").write_text("cow\n")
    assert list(VOCFolder(tmp_path, "VOCDetection").parts) == ["train", "val"]
    assert VOCDetection(tmp_path, "val").ids == ["b"]


def test_folders_without_any_set(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*absent"):
        VOCDetection(tmp_path / "absent")
    with pytest.raises(
        FileNotFoundError, match=r"no folder Annotations, .* nor \.xml files beside"
    ):
        VOCDetection(tmp_path)
    add_picture(tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match="no folder Annotations"):
        VOCDetection(tmp_path, None)
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(FileNotFoundError, match="Annotations: it holds no XML file of a pic"):
        VOCDetection(tmp_path, None)
