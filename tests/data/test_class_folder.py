"""A folder for each class: labels, splits, and what is left out or refused."""

import numpy as np
import pytest
from PIL import Image

from minicv.data import open_data
from minicv.data.class_folder import ClassFolder, every_tenth_of_each_class, splits_of
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError


def save(*names, folder):
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), (number, 0, 0)).save(folder / name)


def ids(dataset):
    return [dataset[index][1]["image_id"] for index in range(len(dataset))]


def test_folders_are_classes(tmp_path):
    save("duck/b.jpg", "duck/a.PNG", "cow/1.jpg", "cow/barn/2.webp", folder=tmp_path)
    (tmp_path / ".git" / "objects").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "cow" / "notes.txt").write_text("hello")
    dataset = ClassFolder(tmp_path)
    assert dataset.classes == ("cow", "duck")
    assert ids(dataset) == ["cow/1.jpg", "cow/barn/2.webp", "duck/a.PNG", "duck/b.jpg"]
    assert dataset.labels == [0, 0, 1, 1]
    assert [dataset.labels_of(index).tolist() for index in range(4)] == [[0], [0], [1], [1]]
    image, target = dataset[2]
    assert image.shape == (3, 3, 4) and image.dtype == np.float32
    assert target == {"label": 1, "image_id": "duck/a.PNG"} and type(target["label"]) is int
    assert [path.name for path in dataset.paths] == ["1.jpg", "2.webp", "a.PNG", "b.jpg"]


def test_order_of_the_classes(tmp_path):
    save("duck/b.jpg", "cow/1.jpg", folder=tmp_path)
    dataset = ClassFolder(tmp_path, classes=["duck", "cow"])
    assert dataset.classes == ("duck", "cow") and dataset.labels == [1, 0]
    with pytest.raises(
        AnnotationError, match=r"duck: it is no class of cow, pig; add it to --class"
    ):
        ClassFolder(tmp_path, classes=["cow", "pig"])


def test_splits_above_the_classes(tmp_path):
    save(
        "train/cow/1.jpg", "train/duck/1.jpg", "valid/cow/2.jpg", "test/pig/3.jpg", folder=tmp_path
    )
    assert splits_of(tmp_path) == ["test", "train", "valid"]
    parts = {name: ClassFolder(tmp_path, name) for name in splits_of(tmp_path)}
    assert {part.classes for part in parts.values()} == {("cow", "duck", "pig")}
    assert ids(parts["train"]) == ["cow/1.jpg", "duck/1.jpg"]
    assert parts["test"].labels == [2] and parts["valid"].labels == [0]
    with pytest.raises(ValueError, match="has the splits test, train, valid; name one of them"):
        ClassFolder(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder .*val; splits here: test, train"):
        ClassFolder(tmp_path, "val")


def test_a_class_may_be_called_test(tmp_path):
    save("test/1.jpg", "train/1.jpg", folder=tmp_path)  # a picture of a train
    assert splits_of(tmp_path) == []
    assert ClassFolder(tmp_path).classes == ("test", "train")


def test_every_tenth_within_each_class(tmp_path):
    names = [f"cow/{i:02}.jpg" for i in range(21)] + [f"duck/{i}.jpg" for i in range(3)]
    save(*names, "pig/1.jpg", folder=tmp_path)
    splits = open_data(f"folder:{tmp_path}", ("label",))
    assert ids(splits.validation) == ["cow/09.jpg", "cow/19.jpg", "duck/2.jpg"]
    assert len(splits.train) == 22 and "pig/1.jpg" in ids(splits.train)
    assert splits.tested_on_validation and "of each class every tenth" in splits.rule
    assert every_tenth_of_each_class(ClassFolder(tmp_path)).sum() == 3


def test_splits_on_the_command_line(tmp_path):
    save("train/cow/1.jpg", "train/duck/1.jpg", "val/cow/2.jpg", folder=tmp_path)
    splits = open_data(f"folder:{tmp_path}", ("label",))
    assert [ids(splits.train), ids(splits.validation)] == [
        ["cow/1.jpg", "duck/1.jpg"],
        ["cow/2.jpg"],
    ]
    assert splits.rule == "" and splits.tested_on_validation
    with pytest.raises(ValueError, match="folder provides label, but boxes and labels are needed"):
        open_data(f"folder:{tmp_path}", ("boxes", "labels"))


def test_only_training_has_a_folder(tmp_path):
    save(*(f"train/{name}/{i}.jpg" for name in ("cow", "duck") for i in range(10)), folder=tmp_path)
    splits = open_data(f"folder:{tmp_path}", ("label",))
    assert ids(splits.validation) == ["cow/9.jpg", "duck/9.jpg"]


def test_empty_folders_and_pictures_beside_are_named(tmp_path):
    save("cow/1.jpg", "duck/1.jpg", "loose.jpg", folder=tmp_path)
    (tmp_path / "pig").mkdir()
    faults = Faults(raises=False)
    dataset = ClassFolder(tmp_path, faults=faults)
    assert len(dataset) == 2 and dataset.classes == ("cow", "duck")
    assert [(fault.kind, fault.file.name, fault.repair) for fault in faults.found] == [
        ("class without pictures", "pig", "left out"),
        ("picture without annotation", "loose.jpg", "left out"),
    ]
    with pytest.warns(DatasetWarning) as warned:
        ClassFolder(tmp_path)
    assert len(warned) == 2


def test_a_part_without_folders_of_classes_is_named(tmp_path):
    save("train/cow/1.jpg", "train/duck/1.jpg", "test/1.jpg", folder=tmp_path)
    (tmp_path / "val").mkdir()
    with pytest.warns(
        DatasetWarning, match=r"test: it holds no folder of a class; left out .and 1"
    ):
        assert len(ClassFolder(tmp_path, "train")) == 2


def test_one_class_is_refused(tmp_path):
    save("cow/1.jpg", "cow/2.jpg", folder=tmp_path)
    with pytest.raises(
        AnnotationError, match="only the folder 'cow' has pictures, so there is noth"
    ):
        ClassFolder(tmp_path)


def test_nothing_to_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        ClassFolder(tmp_path / "away")
    with pytest.raises(ValueError, match="has no folder with pictures; expected a folder for each"):
        ClassFolder(tmp_path)


def test_broken_pictures_are_all_named(tmp_path):
    save("cow/1.jpg", "cow/2.jpg", "duck/1.jpg", "duck/2.jpg", folder=tmp_path)
    for name in ("cow/2.jpg", "duck/1.jpg"):
        (tmp_path / name).write_text("<html>")
    with pytest.raises(ImageError, match=r"(?s)2 faults.*2\.jpg: .*web page.*1\.jpg"):
        ClassFolder(tmp_path)
    with pytest.warns(DatasetWarning, match="left out"):
        assert len(ClassFolder(tmp_path, faults=Faults(skip_unreadable=True))) == 2
