"""The first look of a training at its files: what is named, refused, left out and said."""

import dataclasses
import warnings

import numpy as np
import pytest
from label_map_folders import camvid_folder
from made_sets import Made, boxes_of, coloured, object_set, splits
from PIL import Image

from minicv.data import DatasetWarning, ImageError, ObjectCrops
from minicv.data.faults import Faults
from minicv.data.sources import open_data
from minicv.tasks.before_training import checked, readable
from minicv.tasks.detection import DETECTION
from minicv.tasks.segmentation import SEGMENTATION


class OnDisk(Made):
    """The samples of a set that are also files; labels are known without reading one."""

    def __init__(self, folder, made, suffix="jpg"):
        super().__init__(made.samples, made.classes)
        folder.mkdir()
        self.paths = []
        for number, (image, _) in enumerate(made.samples):
            path = folder / f"{number}.{suffix}"
            pixels = (255 * image.transpose(1, 2, 0)).astype(np.uint8)
            Image.fromarray(pixels).save(path)
            self.paths.append(path)

    def labels_of(self, index):
        return self.samples[index][1]["labels"]


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def look(train, validation, task=DETECTION, **options):
    """The splits, and what was said."""
    said = []
    return checked(splits(train, validation), task, say=said.append, **options), said


def test_what_was_looked_at_is_said_in_one_line(tmp_path):
    train, validation = (
        OnDisk(tmp_path / "a", object_set(0, 4)),
        OnDisk(tmp_path / "b", object_set(9, 2)),
    )
    result, (line,) = look(train, validation, batch_size=4)
    assert result.train is train and result.validation is validation
    assert line.startswith("checked 6 pictures and 12 objects in 0.") and line.endswith(" s")


def test_crops_are_counted_by_their_pictures(tmp_path):
    train, validation = (
        OnDisk(tmp_path / "a", object_set(0, 4)),
        OnDisk(tmp_path / "b", object_set(9, 2)),
    )
    task = dataclasses.replace(DETECTION, needs=("label",))
    crops = ObjectCrops(train), ObjectCrops(validation)
    _, (line,) = look(*crops, task)
    assert line.startswith("checked 6 pictures in 0.")
    cut(train.paths[1])
    with pytest.raises(ImageError) as caught:
        look(*crops, task)
    assert str(caught.value).count("1.jpg") == 1
    with pytest.warns(DatasetWarning, match=r"1\.jpg: .*; left out"):
        result, _ = look(*crops, task, skip_unreadable=True)
    assert [result.train[index][1]["image_id"] for index in range(len(result.train))] == [
        f"picture{k} object {number}" for k in (0, 2, 3) for number in (1, 2)
    ]


def test_crops_of_one_class_are_refused(tmp_path):
    cows = OnDisk(tmp_path / "a", object_set(0, 4, labels=(0,)))
    task = dataclasses.replace(DETECTION, needs=("label",))
    with pytest.raises(ValueError, match=r"class of 4 pictures is 'cow', .* of two classes$"):
        look(ObjectCrops(cows), ObjectCrops(cows), task)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_all_truncated_pictures_of_both_splits_are_named_at_once(tmp_path, suffix):
    train = OnDisk(tmp_path / "a", object_set(0, 5), suffix)
    validation = OnDisk(tmp_path / "b", object_set(9, 3), suffix)
    broken = [train.paths[1], train.paths[4], validation.paths[2]]
    for path in broken:
        cut(path)
    with pytest.raises(ImageError) as caught:
        look(train, validation)
    message = str(caught.value)
    assert all(str(path) in message for path in broken) and message.count(f".{suffix}:") == 3
    assert message.endswith("--skip-unreadable goes on without them")


def test_unreadable_pictures_are_left_out_when_that_is_asked_for(tmp_path):
    train, validation = (
        OnDisk(tmp_path / "a", object_set(0, 5)),
        OnDisk(tmp_path / "b", object_set(9, 2)),
    )
    cut(train.paths[1])
    with pytest.warns(DatasetWarning, match=r"1\.jpg: .*; left out"):
        result, said = look(train, validation, skip_unreadable=True)
    assert [result.train[i][1]["image_id"] for i in range(len(result.train))] == [
        "picture0", "picture2", "picture3", "picture4",
    ]  # fmt: skip
    assert result.validation is validation and result.test is validation
    assert result.tested_on_validation and said[0].startswith("checked 6 pictures and 12 objects")
    for path in train.paths:
        cut(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DatasetWarning)
        with pytest.raises(ImageError, match="none of 5 pictures can be read"):
            look(train, validation, skip_unreadable=True)


def test_truncated_label_maps_are_found_too(tmp_path):
    source = camvid_folder(tmp_path / "CamVid", train=4, val=2, size=(60, 80))
    label_map = tmp_path / "CamVid" / "trainannot" / "train2.png"
    cut(label_map)
    data = open_data(source, SEGMENTATION.needs)
    with pytest.raises(ImageError, match=r"train2\.png"):  # by the reader, or by the first look
        look(data.train, data.validation, SEGMENTATION)
    with pytest.warns(DatasetWarning, match="left out"):
        faults = Faults(skip_unreadable=True)
        data = open_data(source, SEGMENTATION.needs, faults=faults)
        result, _ = look(data.train, data.validation, SEGMENTATION, skip_unreadable=True)
    ids = [result.train[i][1]["image_id"] for i in range(len(result.train))]
    assert ids == ["train0", "train1", "train3"]


def test_a_set_without_an_object_is_refused_and_one_without_a_class_is_told_of(tmp_path):
    empty = Made([(coloured(k), boxes_of()) for k in range(3)])
    for train in (empty, OnDisk(tmp_path / "a", empty)):
        with pytest.raises(ValueError, match=r"no usable object in 3 pictures.*; minicv doctor"):
            look(train, object_set(9, 1))
    three = object_set(0, 3, (0, 2), classes=("cow", "duck", "pig", "cat"))
    _, said = look(OnDisk(tmp_path / "b", three), OnDisk(tmp_path / "c", empty), batch_size=8)
    assert said[1:] == [
        "no object of duck, cat in training: they cannot be learnt",
        "no object in the validation pictures: there is no AP to choose best.npz by, so it will be "
        "the latest epoch",
        "3 training pictures, fewer than the 8 of a batch: each step learns from all of them",
    ]


def test_pictures_smaller_than_a_cell_are_told_of(tmp_path):
    train, validation = (
        OnDisk(tmp_path / "a", object_set(0, 2)),
        OnDisk(tmp_path / "b", object_set(9, 1)),
    )
    assert len(look(train, validation, cell=60)[1]) == 1  # they are 80 x 60
    _, said = look(train, validation, cell=61)
    assert said[1].startswith("3 pictures smaller than one cell of the network, which is 61")
    assert f"{train.paths[0]} is 80 x 60" in said[1]


def test_drawn_scenes_pass_as_they_are():
    train, validation = object_set(0, 3), object_set(9, 1)
    given = splits(train, validation)
    said = []
    assert checked(given, DETECTION, say=said.append) is given and said == []
    assert readable([train, Made([])])[0] is train


def test_a_truncated_mask_of_people_is_found_too(tmp_path):
    for folder in ("PNGImages", "PedMasks"):
        (tmp_path / folder).mkdir()
    rng = np.random.default_rng(0)
    for number in range(60):
        pixels = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "PNGImages" / f"p{number:02}.png")
        mask = rng.integers(0, 2, (30, 40), dtype=np.uint8)
        Image.fromarray(mask).save(tmp_path / "PedMasks" / f"p{number:02}_mask.png")
    for number in (3, 9):  # the tenth of the first ten validates
        cut(tmp_path / "PedMasks" / f"p{number:02}_mask.png")
    data = open_data(f"pennfudan:{tmp_path}", DETECTION.needs)
    with pytest.raises(ImageError, match=r"2 faults:\n.*p03_mask.*\n.*p09_mask"):
        look(data.train, data.validation)
