"""``minicv eval``: what it prints and writes, which images it draws, and what it refuses."""

import json

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes
from command_line import picture, refused, run
from label_map_folders import camvid_folder
from tiny_detector import SETTINGS

from minicv.cli.evaluate import best_to_worst, write_pictures
from minicv.data import Farmyard
from minicv.data.sources import open_data
from minicv.metrics.metric import DetectionMetric, SegmentationMetric
from minicv.models.segmentation import SegNetSettings
from minicv.tasks import Spec, build, load, save
from minicv.tasks.segmentation import SEGMENTATION
from minicv.training import evaluate


@pytest.fixture(scope="module")
def camvid(tmp_path_factory):
    """The source, and a segmenter of its classes that has learnt nothing."""
    source = camvid_folder(tmp_path_factory.mktemp("CamVid"))
    classes = open_data(source, ["segmentation"]).test.segmentation_classes
    spec = Spec("segnet", classes, SegNetSettings(widths=(4, 6), depths=(1, 1)))
    path = tmp_path_factory.mktemp("weights") / "segmenter.npz"
    save(path, build(spec, np.random.default_rng(0)), spec)
    return source, path


def test_a_segmenter(tmp_path, capsys, camvid):
    source, weights = camvid
    written, pictures = tmp_path / "new" / "f.json", tmp_path / "pictures"
    command = ("eval", "--weights", weights, "--data", source)
    status, text, error = run(capsys, *command, "--json", written, "--pictures", pictures)
    assert status == 0, error
    record = json.loads(written.read_text())
    assert record["images"] == 3 and record["seconds_per_image"] > 0 and record["split"] == "test"
    model, _ = load(weights)
    data = open_data(source, ["segmentation"]).test
    values, _ = evaluate(model, data, SegmentationMetric(model.classes))
    for name, value in values.items():
        expected = None if np.isnan(value) else round(value, 6)
        assert record["values"][name] == expected, name
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith("  ")}
    assert rows["class"] == ["class", "pixels", "accuracy", "IoU"]
    assert rows["mIoU"] == ["mIoU", f"{values['mIoU']:.3f}"]
    assert len(list(pictures.iterdir())) == 3 and "3 pictures, best to worst" in text


def test_a_detector(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minicv.data.sources.FARMYARD_TEST_SCENES", 3)
    spec = Spec("faster_rcnn", Farmyard.classes, SETTINGS, "small")
    weights, written = tmp_path / "w.npz", tmp_path / "f.json"
    save(weights, build(spec, np.random.default_rng(0)), spec)
    command = ("eval", "--weights", weights, "--data", "farmyard", "--json", written)
    status, text, error = run(capsys, *command, "--pictures", tmp_path / "pictures")
    assert status == 0, error
    model, _ = load(weights)
    data = Farmyard(3, seed=2)
    values, _ = evaluate(model, data, DetectionMetric(model.classes))
    record = json.loads(written.read_text())["values"]
    assert record["AP50"] == round(values["AP50"], 6) and "farmyard, test: 3 images" in text
    assert f"AP50            {values['AP50']:.3f}" in text
    assert len(list((tmp_path / "pictures").iterdir())) == 3


def test_data_of_another_kind_or_with_other_classes(tmp_path, capsys, camvid):
    _, weights = camvid
    sentence = refused(capsys, "eval", "--weights", weights, "--data", "farmyard")
    assert "segmenter.npz knows Sky, " in sentence and "use weights trained on these" in sentence
    folder = tmp_path / "PennFudanPed"
    picture(folder / "a.png")
    sentence = refused(capsys, "eval", "--weights", weights, "--data", f"pennfudan:{folder}")
    assert "segmentation is needed" in sentence and "expected farmyard" in sentence


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [8, 6, 4, 2, 0]),
        ([0.5, 0.9], [1, 0]),
        ([0.5], [0]),
        ([0.5, 0.5, 0.5], [0, 1, 2]),
        ([np.nan, 0.3, np.nan, 0.6, -1], [3, 1]),
        ([np.nan], []),
        ([], []),
    ],
)
def test_from_the_best_to_the_worst(values, expected):
    assert best_to_worst(np.array(values, float)) == expected


def test_pictures_are_numbered_and_named(tmp_path):
    folder = tmp_path / "new" / "folder"
    model = BrightnessSegmenter(("dark", "grey", "light"))
    values = np.array([1.0, 0.9, 0.8, 0.7, 0.6, 0.5])
    paths = write_pictures(SEGMENTATION, model, Stripes(6), values, folder)
    numbers = [(1, 0), (2, 1), (3, 3), (4, 4), (5, 5)]
    assert [path.name for path in paths] == [f"{n}_stripes{i}.png" for n, i in numbers]
    assert set(paths) == set(folder.iterdir())
    assert write_pictures(SEGMENTATION, model, Stripes(0), np.zeros(0), tmp_path) == []
