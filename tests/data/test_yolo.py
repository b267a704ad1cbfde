"""YOLO sets: boxes in pixels, the layouts of the tools, and what is wrong with files and names."""

import contextlib

import numpy as np
import pytest
from PIL import Image

from minicv.data import YoloDetection, open_data
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError
from minicv.data.picture_size import EXIF_ORIENTATION

BOXES = ("boxes", "labels")
LINE = "1 0.5 0.5 0.2 0.5\n"  # in a picture of 20 x 12: x 8..12, y 3..9


def picture(path, size=(20, 12), **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path, **more)


def write(path, text=LINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def pairs(folder, names, pictures=".", labels=None):
    """A picture and its text file for each name, beside each other or in two folders."""
    for name in names:
        picture(folder / pictures / f"{name}.png")
        write(folder / (pictures if labels is None else labels) / f"{name}.txt")


def named(dataset):
    return [path.stem for path in dataset.paths]


def parts(source, **more):
    splits = open_data(source, BOXES, **more)
    return named(splits.train), named(splits.validation), named(splits.test)


def test_boxes_in_pixels(tmp_path):
    pairs(tmp_path, ["a"])
    picture(tmp_path / "sub" / "b.jpg", (40, 20))
    write(tmp_path / "sub" / "b.txt", "0 0.25 0.5 0.5 1\n1 0.5 0.5 0.1 0.1\n0.0 0.1 .2 .5 .2 .3 .8")
    write(tmp_path / "classes.txt", "cow\r\nduck\r\n")
    dataset = YoloDetection(tmp_path)
    assert dataset.classes == ("cow", "duck") and len(dataset) == 2
    image, target = dataset[0]
    assert image.shape == (3, 12, 20) and target["image_id"] == "a.png"
    assert target["boxes"].tolist() == [[8, 3, 12, 9]] and target["boxes"].dtype == np.float32
    assert target["labels"].tolist() == [1] and target["labels"].dtype == np.int64
    assert target["area"].tolist() == [24]
    target = dataset[1][1]
    np.testing.assert_allclose(
        target["boxes"], [[0, 0, 20, 20], [18, 9, 22, 11], [4, 4, 20, 16]], atol=1e-5
    )
    assert target["labels"].tolist() == [0, 1, 0] and target["image_id"] == "sub/b.jpg"


def test_a_picture_without_a_text_file_or_lines_has_no_objects(tmp_path):
    pairs(tmp_path, ["a"])
    for name in ("b", "c", "d"):
        picture(tmp_path / f"{name}.png")
    write(tmp_path / "b.txt", "\n")
    with pytest.warns(DatasetWarning) as warned:
        dataset = YoloDetection(tmp_path, classes=["cow", "duck"])
    (one,) = warned  # b has an empty file, which says that it has no objects
    assert str(one.message) == (
        f"YoloDetection: {tmp_path / 'c.png'}: there is no text file for it; taken as a picture "
        "without objects (and 1 more: picture without annotation)"
    )
    assert [len(dataset[i][1]["boxes"]) for i in range(4)] == [1, 0, 0, 0]
    assert dataset[3][1]["boxes"].shape == (0, 4) and dataset[3][1]["labels"].dtype == np.int64


ROBOFLOW = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 2\n"
NAMES = "names: ['cow', 'duck']\n"


@pytest.mark.parametrize(
    ("train", "val", "yaml"),
    [
        (("train/images", "train/labels"), ("valid/images", "valid/labels"), ROBOFLOW + NAMES),
        (("images/train", "labels/train"), ("images/val", "labels/val"),
         "path: ../datasets/farm\ntrain: images/train\nval: images/val\n"
         "names:\n  0: cow\n  1: duck\n"),
        (("images/train2017", "labels/train2017"), ("images/val2017", "labels/val2017"),
         "train: images/train2017/\nval: ./images/val2017\n" + NAMES),
        (("images/train", "labels/train"), ("images/val", "labels/val"), NAMES),
        (("train", None), ("val", None), "train: train\nval: val\n" + NAMES),
        (("train/images", "train/labels"), ("validation/images", "validation/labels"), NAMES),
        (("a/images", "a/labels"), ("b/images", "b/labels"),
         "train: a/images\nval:\n  - b/images\n" + NAMES),
        (("photos/train", "txt/train"), ("photos/val", "txt/val"), NAMES),
        (("images/Train", "labels/Train"), ("images/Val", "labels/Val"),
         "path: /content/farm\ntrain: C:\\farm\\images\\Train\nval: /x/images/Val\n" + NAMES),
        (("sets/train/images", "sets/train/labels"), ("sets/valid/images", "sets/valid/labels"),
         "train: sets/train/images\nval: sets/valid/images\n" + NAMES),
    ],
)  # fmt: skip
def test_parts_of_data_yaml_and_of_folders(tmp_path, train, val, yaml):
    pairs(tmp_path, ["t1", "t2", "same"], *train)
    pairs(tmp_path, ["v1", "same"], *val)
    write(tmp_path / "data.yaml", yaml)
    write(tmp_path / "README.dataset.txt", "cows and ducks of 2024\n")
    missing = "test:" in yaml
    with pytest.warns(DatasetWarning) if missing else contextlib.nullcontext() as warned:
        found = parts(f"yolo:{tmp_path}")
        splits = open_data(f"yolo:{tmp_path / 'data.yaml'}", BOXES)
        assert splits.train.classes == ("cow", "duck") and splits.rule == ""
    if missing:
        assert "test is '../test/images', which is not in" in str(warned[0].message)
    assert found == (["same", "t1", "t2"], ["same", "v1"], ["same", "v1"])
    assert splits.train[0][1]["boxes"].tolist() == [[8, 3, 12, 9]]


def test_lists_of_folders_and_lists_of_paths(tmp_path):
    pairs(tmp_path, ["a1", "a2"], "images/a", "labels/a")
    pairs(tmp_path, ["b1", "b2"], "images/b", "labels/b")
    pairs(tmp_path, ["c1"], "images/c", "labels/c")
    write(tmp_path / "data.yaml", "train: [images/a, images/b]\nval: lists/val.txt\n" + NAMES)
    write(tmp_path / "lists/val.txt", "../images/c/c1.png\n")
    assert parts(f"yolo:{tmp_path}")[:2] == (["a1", "a2", "b1", "b2"], ["c1"])
    write(tmp_path / "lists/val.txt", "\ufeffD:\\farm\\images\\c\\c1.jpg\n\n./images/b/b1.png")
    assert parts(f"yolo:{tmp_path}")[1] == ["b1", "c1"]
    write(tmp_path / "lists/val.txt", "images/c/c1.png\nimages/c/lost.png\nimages/c/gone.png\n")
    with pytest.raises(FileNotFoundError, match="2 faults") as caught:
        parts(f"yolo:{tmp_path}")
    assert "line 2 names 'images/c/lost.png'" in str(caught.value) and "line 3" in str(caught.value)
    write(tmp_path / "lists/val.txt", "../../secret.png\n")
    with pytest.raises(AnnotationError, match="leads outside"):
        parts(f"yolo:{tmp_path}")


@pytest.mark.parametrize("data", [True, False])
def test_darknets_form_as_cvat_exports_it(tmp_path, data):
    pairs(tmp_path, [f"frame {i}" for i in range(5)], "obj_train_data")
    pairs(tmp_path, ["frame 7"], "obj_Validation_data")
    write(tmp_path / "obj.names", "cow\nduck\n")
    write(tmp_path / "train.txt", "".join(f"data/obj_train_data/frame {i}.png\n" for i in range(5)))
    write(tmp_path / "valid.txt", "data/obj_Validation_data/frame 7.png\n")
    if data:
        lists = "train = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"
        write(tmp_path / "obj.data", f"classes = 2\n{lists}backup = backup/\n")
    train, val, _ = parts(f"yolo:{tmp_path}")
    assert train == [f"frame {i}" for i in range(5)] and val == ["frame 7"]


def test_without_parts_every_tenth_validates(tmp_path):
    pairs(tmp_path, [f"{i:02}" for i in range(20)], "images", "labels")
    write(tmp_path / "classes.txt", "cow\nduck")
    splits = open_data(f"yolo:{tmp_path}", BOXES)
    assert named(splits.validation) == ["09", "19"] and len(splits.train) == 18
    assert "every tenth" in splits.rule and splits.tested_on_validation


def test_one_folder_for_training_and_validation(tmp_path):
    """As in coco128.yaml: the same pictures must not judge what was learnt from them."""
    pairs(tmp_path, [f"{i:02}" for i in range(20)], "images/train2017", "labels/train2017")
    both = "train: images/train2017\nval: images/train2017\n"
    write(tmp_path / "data.yaml", both + NAMES)
    splits = open_data(f"yolo:{tmp_path}", BOXES)
    with pytest.warns(DatasetWarning, match="the same pictures are for training and for validat"):
        assert len(splits.train) == 18
    assert named(splits.validation) == ["09", "19"]


def test_a_part_is_not_taken_for_another(tmp_path):
    """images/ is no stand-in for a ../train/images that is not there."""
    pairs(tmp_path, ["a", "b"], "images", "labels")
    write(tmp_path / "data.yaml", ROBOFLOW + NAMES)
    with pytest.raises(FileNotFoundError, match=r"train is '\.\./train/images', which is not in"):
        parts(f"yolo:{tmp_path}")


def test_a_test_part_without_labels_is_none(tmp_path):
    for part in ("train", "valid"):
        pairs(tmp_path, [part], f"{part}/images", f"{part}/labels")
    picture(tmp_path / "test" / "images" / "x.png")
    write(tmp_path / "data.yaml", ROBOFLOW + NAMES)
    assert open_data(f"yolo:{tmp_path}", BOXES).tested_on_validation
    write(tmp_path / "test" / "labels" / "x.txt")
    assert parts(f"yolo:{tmp_path}") == (["train"], ["valid"], ["x"])


def test_pictures_outside_of_the_parts_are_named(tmp_path):
    for part in ("train", "val"):
        pairs(tmp_path, [part], part)
    pairs(tmp_path, ["new"])
    write(tmp_path / "classes.txt", "cow\nduck")
    with pytest.warns(DatasetWarning, match=r"new\.png: it is in no folder of a part.*left out"):
        assert parts(f"yolo:{tmp_path}")[0] == ["train"]


def test_folders_called_test_are_no_parts_by_themselves(tmp_path):
    pairs(tmp_path, ["a", "b"], "farm")
    pairs(tmp_path, ["c"], "test")
    write(tmp_path / "classes.txt", "cow\nduck")
    assert len(YoloDetection(tmp_path)) == 3
    assert parts(f"yolo:{tmp_path}")[:2] == (["a", "b"], ["c"])  # the last of three validates


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("nc: 3\nnames: [cow, duck]\n", "nc is '3', but there are 2 names"),
        ("names: {0: cow, 2: duck}\n", "names have the numbers 0, 2, expected 0 to 1"),
        ("names: {1: cow, 2: duck}\n", "names have the numbers 1, 2, expected 0 to 1"),
        ("names: {a: cow}\n", "names have the numbers a"),
        ("names: [cow, ~]\n", "expected a name each"),
        ("names: [cow, cow]\n", "has the name 'cow' twice"),
        ("names: [[cow]]\n", "expected a name each"),
        ("names: cow\n", "names is 'cow', which is no file here; expected a name for each class"),
        ("nc: 2\n", "nothing in .* says what the classes are called"),
        ("names: *x\n", "line 1"),
        ("kpt_shape: 17\nnames: [cow, duck]\n", "kpt_shape is '17', expected the number of joi"),
        ("train: nowhere\nnames: [cow, duck]\n", "train is 'nowhere', which is not in"),
    ],
)
def test_wrong_descriptions(tmp_path, yaml, message):
    pairs(tmp_path, ["a", "b"])
    write(tmp_path / "data.yaml", yaml)
    with pytest.raises((AnnotationError, FileNotFoundError), match=message):
        parts(f"yolo:{tmp_path}")


def test_names_that_contradict_each_other(tmp_path):
    """labelImg begins with names of its own, unless it is told otherwise."""
    pairs(tmp_path, ["a", "b"])
    write(tmp_path / "classes.txt", "dog\nperson\ncat\n")
    write(tmp_path / "data.yaml", NAMES)
    with pytest.raises(AnnotationError, match=r"class 0 is 'cow' in .*yaml, but 'dog' in .*txt"):
        YoloDetection(tmp_path)


def test_names_that_grew_from_folder_to_folder(tmp_path):
    pairs(tmp_path, ["a"], "monday")
    pairs(tmp_path, ["b"], "tuesday")
    write(tmp_path / "monday" / "classes.txt", "cow\nduck\n")
    write(tmp_path / "tuesday" / "classes.txt", "cow\nduck\ncat\n")
    assert YoloDetection(tmp_path).classes == ("cow", "duck", "cat")
    write(tmp_path / "tuesday" / "classes.txt", "duck\ncow\n")
    with pytest.raises(AnnotationError, match=r"class 0 is 'cow' in .*monday"):
        YoloDetection(tmp_path)


def test_names_of_the_user(tmp_path):
    pairs(tmp_path, ["a", "b"])
    with pytest.raises(AnnotationError, match=r"write classes\.txt there.* or name them with"):
        YoloDetection(tmp_path)
    splits = open_data(f"yolo:{tmp_path}", BOXES, classes=("cow", "duck"))
    assert splits.train.classes == ("cow", "duck")
    write(tmp_path / "classes.txt", "cow\nduck\n")
    turned = YoloDetection(tmp_path, classes=("duck", "cow"))  # by name, not by number
    assert turned[0][1]["labels"].tolist() == [0]
    with pytest.raises(AnnotationError, match="has the class 'duck', which is not among"):
        YoloDetection(tmp_path, classes=("cow",))


@pytest.mark.parametrize(
    ("index", "message"),
    [(2, "has the class 2, expected 0 to 1; classes are numbered from 0, these seem to begin at 1"),
     (7, "has the class 7, expected 0 to 1$")],
)  # fmt: skip
def test_a_class_without_a_name(tmp_path, index, message):
    pairs(tmp_path, ["a"])
    write(tmp_path / "a.txt", f"{index} 0.5 0.5 0.2 0.2\n")
    with pytest.raises(AnnotationError, match=rf"a\.txt: line 1 {message}"):
        YoloDetection(tmp_path, classes=["cow", "duck"])


def test_numbers_begin_at_1_only_where_none_is_0(tmp_path):
    """One slip among labels that begin at 0 is no reason to renumber them."""
    pairs(tmp_path, ["a", "b"])
    write(tmp_path / "a.txt", "2 0.5 0.5 0.2 0.2\n")
    write(tmp_path / "b.txt", "0 0.5 0.5 0.2 0.2\n")
    with pytest.raises(AnnotationError, match=r"a\.txt: line 1 has the class 2, expected 0 to 1$"):
        YoloDetection(tmp_path, classes=["cow", "duck"])


@pytest.mark.parametrize("empty", ["images/val", "val.txt"])
def test_a_part_without_pictures_is_told(tmp_path, empty):
    pairs(tmp_path, ["a", "b"], "images/train")
    place = tmp_path / empty
    write(place, "\n") if place.suffix else place.mkdir()
    write(tmp_path / "data.yaml", f"{NAMES}train: images/train\nval: {empty}\n")
    with pytest.warns(DatasetWarning, match=rf"data\.yaml: val is '{empty}', and .* no picture"):
        assert parts(f"yolo:{tmp_path}")[:2] == (["a"], ["b"])


def test_wrong_lines_of_all_files_are_told_together(tmp_path):
    pairs(tmp_path, ["a", "b", "c"])
    write(tmp_path / "a.txt", "0 320 240 10 10\n0 x 0 0 0\n")
    write(tmp_path / "b.txt", "9 .5 .5 .1 .1\n")
    with pytest.raises(AnnotationError, match="YoloDetection: 3 faults") as caught:
        YoloDetection(tmp_path, classes=["cow", "duck"])
    for part in ("a.txt: line 1: ", "a.txt: line 2: ", "b.txt: line 1 "):
        assert part in str(caught.value)


def test_names_that_differ_by_case(tmp_path):
    """Of a camera's IMG_1.JPG and img_1.txt there is one pair only that can be meant."""
    pairs(tmp_path, ["IMG_1", "b"])
    (tmp_path / "IMG_1.txt").rename(tmp_path / "img_1.txt")
    dataset = YoloDetection(tmp_path, classes=["cow", "duck"])
    assert [len(dataset[k][1]["boxes"]) > 0 for k in range(2)] == [True, True]
    # Two pictures or two files that differ by case alone belong to their exact fellows.
    pairs(tmp_path, ["img_1"])
    with pytest.warns(DatasetWarning, match=r"IMG_1\.\w+: there is no text file for it"):
        dataset = YoloDetection(tmp_path, classes=["cow", "duck"])
    found = {path.stem: len(dataset[k][1]["boxes"]) for k, path in enumerate(dataset.paths)}
    assert found["IMG_1"] == 0 and found["img_1"] > 0


def test_a_text_file_without_a_picture(tmp_path):
    pairs(tmp_path, ["a", "b"])
    write(tmp_path / "lost.txt")
    others = {"classes.txt": "cow\nduck\n", "notes.txt": "look again\n", "._a.txt": LINE}
    for name, text in {**others, "README.roboflow.txt": "1 2 3\n", "old.txt": ""}.items():
        write(tmp_path / name, text)
    with pytest.raises(FileNotFoundError, match=r"lost\.txt: there is no picture lost for it$"):
        YoloDetection(tmp_path)
    with pytest.warns(DatasetWarning, match=r"lost\.txt: .*left out$"):
        assert len(YoloDetection(tmp_path, faults=Faults(skip_unreadable=True))) == 2


def test_two_pictures_of_one_name(tmp_path):
    pairs(tmp_path, ["a"])
    picture(tmp_path / "a.jpg")
    with pytest.raises(AnnotationError, match=r"a\.txt: it fits both .*a\.jpg and .*a\.png; give"):
        YoloDetection(tmp_path, classes=["cow", "duck"])


def test_two_text_files_of_one_picture(tmp_path):
    pairs(tmp_path, ["a"], "images", "labels")
    write(tmp_path / "images" / "a.txt", LINE)
    assert len(YoloDetection(tmp_path, classes=["cow", "duck"])) == 1  # they say the same
    write(tmp_path / "images" / "a.txt", "0 .5 .5 .1 .1")
    with pytest.raises(AnnotationError, match=r"a\.png: .*both label it, and differ"):
        YoloDetection(tmp_path, classes=["cow", "duck"])


def test_two_pictures_of_one_name_in_two_folders_stay_apart(tmp_path):
    pairs(tmp_path, ["a"], "monday")
    picture(tmp_path / "tuesday" / "a.png")
    with pytest.warns(DatasetWarning, match=r"tuesday.a\.png: there is no text file"):
        dataset = YoloDetection(tmp_path, classes=["cow", "duck"])
    assert [len(dataset[i][1]["boxes"]) for i in range(2)] == [1, 0]
    assert [dataset[i][1]["image_id"] for i in range(2)] == ["monday/a.png", "tuesday/a.png"]


@pytest.mark.parametrize(
    ("shown", "text"),
    [("Cow 1.JPG", "Cow 1.txt"), ("a.b.png", "a.b.txt"), ("a.png", "a.TXT"),
     ("e\u0301.png", "\u00e9.txt"), ("K\u00fche 2.png", "K\u00fche 2.txt")],
)  # fmt: skip
def test_names_however_they_are_written(tmp_path, shown, text):
    picture(tmp_path / shown)
    write(tmp_path / text)
    assert len(YoloDetection(tmp_path, classes=["cow", "duck"])[0][1]["boxes"]) == 1


def test_no_labels_no_objects_no_pictures(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        YoloDetection(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="holds no picture"):
        YoloDetection(tmp_path)
    picture(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match="none of its 1 pictures has a text file of labels"):
        YoloDetection(tmp_path, classes=["cow"])
    write(tmp_path / "a.txt", "")
    with pytest.raises(AnnotationError, match="its 1 pictures have no object to learn from"):
        YoloDetection(tmp_path, classes=["cow"])
    with pytest.raises(ValueError, match="has no part 'val'; it has none"):
        YoloDetection(tmp_path, "val", classes=["cow"])


def test_unreadable_pictures(tmp_path):
    pairs(tmp_path, ["a", "b", "c"])
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(b"torn")
    with pytest.raises(ImageError, match="2 faults") as caught:
        YoloDetection(tmp_path, classes=["cow", "duck"])
    assert "a.png" in str(caught.value) and "b.png" in str(caught.value)
    with pytest.warns(DatasetWarning, match=r"a\.png: .*left out .and 1 more: unreadable"):
        dataset = YoloDetection(
            tmp_path, classes=["cow", "duck"], faults=Faults(skip_unreadable=True)
        )
    assert named(dataset) == ["c"]


def test_a_picture_that_exif_turns(tmp_path):
    """Fractions note no size: they are taken of the upright picture, and a warning says so."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    picture(tmp_path / "a.jpg", exif=exif)
    write(tmp_path / "a.txt", "1 0.5 0.25 0.5 0.5\n")
    with pytest.warns(DatasetWarning, match="notes no size, and .* is turned by its EXIF"):
        dataset = YoloDetection(tmp_path, classes=["cow", "duck"])
    image, target = dataset[0]
    assert image.shape == (3, 20, 12) and target["boxes"].tolist() == [[3, 0, 9, 10]]


def test_a_box_thinner_than_float32_can_tell_is_dropped(tmp_path):
    pairs(tmp_path, ["a", "b"])
    write(tmp_path / "a.txt", "0 0.5 0.5 1e-9 0.5\n")
    with pytest.warns(DatasetWarning, match=r"a\.txt: line 1 has no area; dropped"):
        dataset = YoloDetection(tmp_path, classes=["cow", "duck"])
    assert len(dataset[0][1]["boxes"]) == 0


def test_several_descriptions(tmp_path):
    pairs(tmp_path, ["a", "b"])
    for name in ("farm.yaml", "barn.yml"):
        write(tmp_path / name, NAMES)
    write(tmp_path / "training.yaml", "lr: &x 0.1\n")
    with pytest.raises(AnnotationError, match=r"holds barn\.yml, farm\.yaml; write which"):
        YoloDetection(tmp_path)
    assert YoloDetection(tmp_path / "farm.yaml").classes == ("cow", "duck")
    (tmp_path / "barn.yml").unlink()
    assert YoloDetection(tmp_path).classes == ("cow", "duck")
