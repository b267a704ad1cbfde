"""``minicv detect``: what it draws, what it writes, and what it says."""

import json

import numpy as np
import pytest
from command_line import picture, run, save_model
from tiny_detector import tiny_detector

from minicv.cli.detect import coco_results
from minicv.data import read_image
from minicv.nn import Sequential
from minicv.training import describe_detector, load_detector

CLASSES = ("cow", "duck")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny detector that has learnt nothing and reports whatever it sees."""
    model = tiny_detector(
        CLASSES, min_size=32, max_size=48, post_nms_top_n_test=6, score_threshold=0.0
    )
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    return save_model(path, model, describe_detector("small", model))


def detect(capsys, weights, *arguments):
    return run(capsys, "detect", "--weights", weights, *arguments)


def test_json_holds_every_detection_and_the_picture_only_the_sure_ones(tmp_path, capsys, weights):
    path, out = picture(tmp_path / "a.png"), tmp_path / "new" / "out"
    found = load_detector(weights).predict([read_image(path)])[0]
    assert len(found["scores"]) > 3
    threshold = float(np.sort(found["scores"])[-2]) - 1e-6  # two of them are sure
    status, text, _ = detect(
        capsys, weights, path, "--out", out, "--json", "--threshold", threshold
    )
    assert status == 0
    assert json.loads((out / "detections.json").read_text()) == coco_results(
        "a.png", found, CLASSES
    )
    assert f"{len(found['scores'])} detections -> {out / 'detections.json'}" in text
    counts = [int(word) for word in text.splitlines()[0].split() if word.isdigit()]
    assert sum(counts) == 2 and str(out / "a_detections.png") in text
    assert (out / "a_detections.png").is_file()


def test_a_threshold_that_nothing_reaches(tmp_path, capsys, weights):
    path = picture(tmp_path / "a.png")
    status, text, _ = detect(capsys, weights, path, "--out", tmp_path, "--threshold", 1.01)
    assert status == 0 and f"{path}: nothing -> {tmp_path / 'a_detections.png'}" in text


def test_coco_results():
    found = {
        "boxes": np.array([[1.0, 2, 4, 8], [0.123456, 0, 10, 10]], np.float32),
        "labels": np.array([1, 0]),
        "scores": np.array([0.75, 0.123456789], np.float32),
    }
    records = coco_results("a.jpg", found, CLASSES)
    assert json.loads(json.dumps(records)) == [
        {"image_id": "a.jpg", "category_id": 2, "category": "duck", "bbox": [1, 2, 3, 6],
         "score": 0.75},
        {"image_id": "a.jpg", "category_id": 1, "category": "cow", "bbox": [0.12, 0, 9.88, 10],
         "score": 0.12346},
    ]  # fmt: skip
    empty = {name: values[:0] for name, values in found.items()}
    assert coco_results("a.jpg", empty, CLASSES) == []


def test_pictures_of_the_same_name_do_not_overwrite_each_other(tmp_path, capsys, weights):
    paths = [
        picture(tmp_path / "one" / "a.png", (20, 30)),
        picture(tmp_path / "two" / "a.png", (30, 20)),
        picture(tmp_path / "two" / "a.bmp", (31, 20)),
    ]
    status, text, _ = detect(capsys, weights, *paths, "--out", tmp_path / "out")
    assert status == 0
    drawn = [line.split(" -> ")[1] for line in text.splitlines()]
    assert len(set(drawn)) == 3
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_folders_files_and_what_is_no_picture(tmp_path, capsys, weights):
    folder = tmp_path / "folder"
    picture(folder / "b.png")
    picture(folder / "a.JPG")
    (folder / "notes.txt").write_text("no picture")
    (folder / "torn.png").write_bytes(b"\x89PNG")
    inputs = [picture(tmp_path / "single.png"), folder, tmp_path / "absent.png"]
    status, text, error = detect(capsys, weights, *inputs, "--out", tmp_path / "out", "--json")
    names = [line.split(":")[0].rpartition("/")[2] for line in text.splitlines()]
    assert names[:3] == ["single.png", "a.JPG", "b.png"]
    assert "torn.png" in error and "absent.png" in error and "notes.txt" not in error
    # The others are done and written all the same, but the status tells.
    assert status == 2 and "2 of the pictures could not be read" in error
    records = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert {record["image_id"] for record in records} == {"single.png", "a.JPG", "b.png"}


@pytest.mark.parametrize(("size", "mode"), [((1, 1), "RGB"), ((1, 90), "RGB"), ((30, 20), "L")])
def test_one_pixel_oblong_and_grey_pictures(tmp_path, capsys, weights, size, mode):
    path = picture(tmp_path / "a.png", size, mode)
    status, _, error = detect(capsys, weights, path, "--out", tmp_path / "out", "--threshold", 0)
    assert status == 0, error
    assert (tmp_path / "out" / "a_detections.png").is_file()


@pytest.mark.parametrize("absent", ["backbone", "classes", "settings"])
def test_weights_that_lack_a_part_of_their_description(tmp_path, capsys, absent):
    description = {"model": "faster_rcnn", "backbone": "small", "classes": [], "settings": {}}
    del description[absent]
    save_model(tmp_path / "w.npz", Sequential(), description)
    path = picture(tmp_path / "a.png")
    status, _, error = detect(capsys, tmp_path / "w.npz", path, "--out", tmp_path)
    assert status == 2
    assert f"w.npz: no checkpoint of minicv train; its description lacks {absent}" in error
