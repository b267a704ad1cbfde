"""``minicv eval``: what it prints and writes, which images it draws, and what it refuses."""

import json
import math

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes
from command_line import picture, refused, run
from label_map_folders import camvid_folder
from tiny_detector import SETTINGS

from minicv.cli.evaluate import best_to_worst, value_lines, write_pictures
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


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """An untrained detector of cows and ducks."""
    spec = Spec("faster_rcnn", ("duck", "cow"), SETTINGS, "small")
    path = tmp_path_factory.mktemp("weights") / "detector.npz"
    save(path, build(spec, np.random.default_rng(0)), spec)
    return path


def voc_set(root, *names, lists=("train", "val", "test"), count=2):
    """Pictures with an object of each name; every list has ``count`` of them."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    for split in lists:
        for number in range(count):
            objects = "".join(
                f"<object><name>{name}</name><bndbox><xmin>{1 + 9 * k}</xmin><ymin>2</ymin>"
                f"<xmax>{9 + 9 * k}</xmax><ymax>20</ymax></bndbox></object>"
                for k, name in enumerate(names)
            )
            text = f"<annotation>{objects}</annotation>"
            (root / "Annotations" / f"{split}{number}.xml").write_text(text)
            picture(root / "JPEGImages" / f"{split}{number}.jpg")
        listed = "\n".join(f"{split}{number}" for number in range(count))
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text(listed)
    return f"voc:{root}"


def test_data_without_a_class_in_common_or_of_another_kind(tmp_path, capsys, camvid, detector):
    source, weights = camvid
    sentence = refused(capsys, "eval", "--weights", detector, "--data", source)
    assert "boxes and labels are needed" in sentence
    fish = voc_set(tmp_path / "sea", "fish")
    sentence = refused(capsys, "eval", "--weights", detector, "--data", fish)
    assert f"the model knows duck, cow, but {fish} labels fish: no class is in both" in sentence
    folder = tmp_path / "PennFudanPed"
    picture(folder / "a.png")
    sentence = refused(capsys, "eval", "--weights", weights, "--data", f"pennfudan:{folder}")
    assert "segmentation is needed" in sentence and "expected farmyard" in sentence


def test_a_model_of_cow_and_duck_on_a_set_of_cows(tmp_path, capsys, detector):
    source, written = voc_set(tmp_path / "meadow", "cow", "pig"), tmp_path / "v.json"
    command = ("eval", "--weights", detector, "--data", source, "--json", written)
    status, text, error = run(capsys, *command, "--pictures", tmp_path / "p")
    assert status == 0, error
    assert f"not judged, for {source} does not label it: duck" in text
    assert "left out, for the model does not know it: pig" in text
    assert "  AP50 duck           -" in text.splitlines()
    record = json.loads(written.read_text())
    assert record["classes"] == ["cow"] and record["not_labelled"] == ["duck"]
    assert record["left_out"] == ["pig"] and record["values"]["AP50 duck"] is None
    assert record["values"]["AP50 cow"] == record["values"]["AP50"]
    assert not record["judged_on_validation"] and record["images"] == 2


def test_a_segmenter_on_a_set_with_other_classes(capsys, monkeypatch, camvid):
    """CamVid's Sky and Tree are the Farmyard's sky and tree; all else has no class."""
    monkeypatch.setattr("minicv.data.sources.FARMYARD_TEST_SCENES", 2)
    _, weights = camvid
    status, text, _ = run(capsys, "eval", "--weights", weights, "--data", "farmyard")
    assert status == 0
    assert "two ways: 'sky' and 'Sky', 'tree' and 'Tree'" in text
    assert "does not label them: Building, Pole" in text and "not know them: cow, cat" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith("  ")}
    assert rows["Road"][-1] == "-" and rows["Sky"][-1] != "-"


def test_it_is_said_when_validation_images_judge(tmp_path, capsys, detector):
    source, written = voc_set(tmp_path / "a", "cow", lists=("train", "val")), tmp_path / "v.json"
    command = ("eval", "--weights", detector, "--data", source, "--json", written)
    sentence = "these are the validation images, which chose best.npz"
    status, text, _ = run(capsys, *command)
    assert status == 0 and sentence in text
    assert json.loads(written.read_text())["judged_on_validation"] is True
    for split, expected in (("train", False), ("validation", True)):
        _, text, _ = run(capsys, *command, "--split", split)
        assert sentence not in text
        assert json.loads(written.read_text())["judged_on_validation"] is expected


def test_unreadable_pictures_are_all_named_or_skipped(tmp_path, capsys, detector):
    source = voc_set(tmp_path / "a", "cow", count=4)
    for number in (1, 3):
        path = tmp_path / "a" / "JPEGImages" / f"test{number}.jpg"
        path.write_bytes(path.read_bytes()[:700])
    command = ("eval", "--weights", detector, "--data", source, "--pictures", tmp_path / "p")
    status, text, error = run(capsys, *command)
    assert status == 2 and "test1.jpg" in error and "test3.jpg" in error
    assert "--skip-unreadable" in error and "Traceback" not in error and "AP50" not in text
    written = tmp_path / "v.json"
    status, text, error = run(capsys, *command, "--skip-unreadable", "--json", written)
    assert status == 0 and "test: 2 images" in text and "left out (and 1 more" in error
    record = json.loads(written.read_text())
    assert record["images"] == 2 and record["unreadable"] == 2


def test_what_cannot_be_evaluated_is_refused_in_a_sentence(tmp_path, capsys, detector, monkeypatch):
    monkeypatch.setattr("minicv.data.sources.FARMYARD_TEST_SCENES", 0)
    sentence = refused(capsys, "eval", "--data", "farmyard", "--weights", detector)
    assert "farmyard: the test split has no image to judge by" in sentence
    command = ("eval", "--data", voc_set(tmp_path / "a", "cow"), "--weights")
    assert "absent.npz" in refused(capsys, *command, tmp_path / "absent.npz")
    assert "no such file" in refused(capsys, *command, tmp_path)
    text = tmp_path / "text.npz"
    text.write_text("no weights")
    assert "text.npz" in refused(capsys, *command, text)
    good = ("eval", "--data", voc_set(tmp_path / "b", "cow"), "--weights", detector)
    assert "--json" in refused(capsys, *good, "--json", tmp_path)
    assert "--pictures" in refused(capsys, *good, "--pictures", text)


def test_a_split_without_objects_has_no_value_and_says_so(tmp_path, capsys, detector):
    source = voc_set(tmp_path / "a", "cow")
    for number in range(2):
        xml = tmp_path / "a" / "Annotations" / f"test{number}.xml"
        xml.write_text("<annotation></annotation>")
    written = tmp_path / "v.json"
    command = ("eval", "--weights", detector, "--data", source, "--json", written)
    status, text, error = run(capsys, *command)
    assert status == 0, error
    assert "no AP: nothing in the 2 images is labelled with cow" in text
    values = json.loads(written.read_text())["values"]
    assert values["AP50"] is None


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


def test_long_names_stay_in_columns():
    lines = value_lines({"AP50": 0.5, "AP50 traffic light": math.nan, "mIoU": -1.0})
    assert lines == [
        "AP50                0.500",
        "AP50 traffic light      -",
        "mIoU                    -",
    ]


def test_pictures_are_numbered_and_named(tmp_path):
    folder = tmp_path / "new" / "folder"
    model = BrightnessSegmenter(("dark", "grey", "light"))
    values = np.array([1.0, 0.9, 0.8, 0.7, 0.6, 0.5])
    paths = write_pictures(SEGMENTATION, model, Stripes(6), values, folder)
    numbers = [(1, 0), (2, 1), (3, 3), (4, 4), (5, 5)]
    assert [path.name for path in paths] == [f"{n}_stripes{i}.png" for n, i in numbers]
    assert set(paths) == set(folder.iterdir())
    assert write_pictures(SEGMENTATION, model, Stripes(0), np.zeros(0), tmp_path) == []
