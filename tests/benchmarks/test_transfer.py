"""Few of each class, photographs held out, and parts of the measurement in one record."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import record, ten_classes, transfer
from benchmarks.ten_classes import CLASSES, Crops, few_of_each
from minicv.data.object_crops import ObjectCrops
from minicv.models.classification import ClassifierSettings
from minicv.nn import BatchNorm2d, FrozenBatchNorm2d


def test_each_class_has_as_many_crops_and_small_ones_repeat_theirs():
    labels = np.array([2] * 9 + [0] * 3 + [1] * 5)
    drawn = few_of_each(labels, 5, np.random.default_rng(0))
    assert np.bincount(labels[drawn]).tolist() == [5, 5, 5]
    counts = np.bincount(drawn, minlength=17)
    assert counts[9:12].min() >= 1 and counts[9:12].max() == 2  # all of three, two of them twice
    assert counts[12:].tolist() == [1] * 5 and counts[:9].max() == 1
    assert sorted(drawn) != sorted(few_of_each(labels, 5, np.random.default_rng(1)))


class Photographs:
    """Each of its own grey, with a cup of 30 pixels and a person."""

    classes = ("cup", "person")

    def __init__(self, paths, side=30):
        self.paths, self.side = paths, side

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        image = np.full((3, 60, 60), int(self.paths[index]) / 100, np.float32)
        boxes = np.array([[5, 5, 5 + self.side, 5 + self.side], [0, 0, 50, 50]], np.float32)
        target = {"boxes": boxes, "labels": np.array([0, 1]), "image_id": self.paths[index]}
        return image, target


def test_every_third_photograph_is_held_out_and_no_other():
    splits = Photographs(["09", "05", "01"]), Photographs(["03", "07"])
    held_out, learning = (
        [
            path
            for part in (0, 1)
            for path in ten_classes._every_third(splits, part, held_out=flag).paths
        ]
        for flag in (True, False)
    )
    assert held_out == ["05"]  # by name 01, 03, 05, 07, 09
    assert learning == ["09", "01", "03", "07"]


def test_crops_are_of_the_ten_classes_and_large_enough():
    rng = np.random.default_rng(0)
    large, small = Photographs(["10", "20", "30"]), Photographs(["40"], side=12)
    crops = ten_classes._chosen([ObjectCrops(large, 0), ObjectCrops(small, 0)], 2, rng)
    names = [CLASSES[label] for label in crops.labels]
    assert set(names) == {"cup"} and len(names) <= 2  # people of COCO are left out
    assert all(crops[i][0].shape == (3, 30, 30) for i in range(len(crops)))
    every = ten_classes._chosen([ObjectCrops(large, 0)], 9, rng)
    greys = sorted(every[i][0].mean().round(2) for i in range(len(every)))
    assert greys == pytest.approx([0.1, 0.2, 0.3])


def made_crops(count, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    images = [rng.uniform(label / 20, label / 20 + 0.1, (3, 20, 24)) for label in labels]
    return Crops([image.astype(np.float32) for image in images], labels)


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """The smallest networks, a few steps, and records in a folder of their own."""
    for module in (record, transfer):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(transfer, "PICTURE", tmp_path / "curve.png")
    monkeypatch.setattr(
        transfer, "ten_classes", lambda data: (made_crops(40, 0), made_crops(20, 1))
    )
    monkeypatch.setattr(transfer, "NETWORK", "small")
    monkeypatch.setattr(transfer, "SETTINGS", ClassifierSettings(size=16, fit="stretch"))
    short = {
        name: dataclasses.replace(training, backbone="small", steps=2)
        for name, training in transfer.TRAININGS.items()
    }
    monkeypatch.setattr(transfer, "TRAININGS", short)
    return tmp_path


def test_parts_join_and_the_curve_is_drawn(quick, capsys):
    common = ["--sizes", "1", "3", "--draws", "2"]
    assert transfer.main([*common, "--methods", "frozen", "from scratch"]) == 0
    assert transfer.main([*common, "--methods", "fine-tuned", "--longer"]) == 0
    kept = json.loads((quick / "transfer.json").read_text())
    assert set(kept["methods"]) == {"frozen", "from scratch", "fine-tuned, twice as long"}
    for rows in kept["methods"].values():
        assert set(rows) == {"1", "3"}
        for row in rows.values():
            assert all(len(values) == 2 for values in row.values())
            assert all(0 <= value <= 1 for value in row["mean class accuracy"])
    assert kept["data"]["held out"] == dict.fromkeys(CLASSES, 2)
    with Image.open(quick / "curve.png") as picture:
        assert picture.width == 900
    assert "from scratch, 3 of each class: mean class accuracy" in capsys.readouterr().out
    (quick / "curve.png").unlink()
    assert transfer.main(["--draw"]) == 0 and (quick / "curve.png").is_file()


def test_twice_as_long_takes_twice_the_steps(quick, monkeypatch):
    counted = []
    real = transfer.fit

    def counting(step, loader, **options):
        history = real(step, loader, **options)
        counted.append(step.steps)
        return history

    monkeypatch.setattr(transfer, "fit", counting)
    training, known = transfer.TRAININGS["from scratch"], made_crops(40, 0)
    for longer in (False, True):
        transfer.train_all(training, known, np.arange(40), 0, longer)
    assert counted == [2, 4]


@pytest.mark.parametrize(("published", "norm"), [(True, FrozenBatchNorm2d), (False, BatchNorm2d)])
def test_published_statistics_stay_and_all_weights_learn(monkeypatch, published, norm):
    started = []
    monkeypatch.setattr(transfer, "start_from", lambda *arguments: started.append(arguments[1:]))
    rng = np.random.default_rng(0)
    model = transfer.new_model("efficientnet_lite0", published=published, rng=rng)
    assert all(parameter.requires_grad for parameter in model.parameters())
    norms = {type(part) for part in model.modules() if "Norm" in type(part).__name__}
    assert norms == {norm}
    assert started == [("efficientnet_lite0", None)] * published
