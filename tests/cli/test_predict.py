"""``minicv predict``, also as detect and segment: what it draws, writes and says."""

import json

import numpy as np
import pytest
from command_line import picture, refused, run
from PIL import Image
from tiny_detector import SETTINGS

from minicv.data import read_image
from minicv.inspection import draw_segmentation
from minicv.models.segmentation import SegNetSettings
from minicv.tasks import Prediction, Spec, build, load, save
from minicv.tasks.detection import coco_results
from minicv.weights import save_checkpoint

CLASSES = ("sky", "tree", "grass")


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """A tiny detector that has learnt nothing and reports whatever it sees."""
    changes = {"min_size": 32, "post_nms_top_n_test": 6, "score_threshold": 0.0}
    settings = type(SETTINGS)(**{**vars(SETTINGS), **changes})
    spec = Spec("faster_rcnn", CLASSES, settings, "small")
    path = tmp_path_factory.mktemp("weights") / "detector.npz"
    save(path, build(spec, np.random.default_rng(0)), spec)
    return path


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    """A tiny segmenter that has learnt nothing; it works at 24 pixels."""
    settings = SegNetSettings(widths=(4, 6), depths=(1, 1), min_size=24, max_size=48)
    spec = Spec("segnet", CLASSES, settings)
    model = build(spec, np.random.default_rng(0))
    # The noise of a test picture shall have several classes.
    model.score.weight.data = 100 * model.score.weight.data
    path = tmp_path_factory.mktemp("weights") / "segmenter.npz"
    save(path, model, spec)
    return path


def predict(capsys, weights, *arguments, command="predict"):
    return run(capsys, command, "--weights", weights, *arguments)


def test_json_holds_every_detection_and_the_picture_only_the_sure_ones(tmp_path, capsys, detector):
    path, out = picture(tmp_path / "a.png"), tmp_path / "new" / "out"
    model, _ = load(detector)
    found = model.predict([read_image(path)])[0]
    assert len(found["scores"]) > 3
    threshold = float(np.median(found["scores"]))  # some of them are sure
    sure = int((found["scores"] >= threshold).sum())
    status, text, _ = predict(
        capsys, detector, path, "--out", out, "--json", "--threshold", threshold
    )
    assert status == 0
    expected = coco_results(Prediction("a.png", read_image(path), found, CLASSES))
    assert json.loads((out / "detections.json").read_text()) == expected
    assert f"{len(found['scores'])} detections -> {out / 'detections.json'}" in text
    counts = [int(word) for word in text.splitlines()[0].split() if word.isdigit()]
    assert sum(counts) == sure < len(found["scores"]) and str(out / "a_detections.png") in text
    assert (out / "a_detections.png").is_file()


def test_a_threshold_that_nothing_reaches(tmp_path, capsys, detector):
    path = picture(tmp_path / "a.png")
    status, text, _ = predict(
        capsys, detector, path, "--out", tmp_path, "--threshold", 1.01, command="detect"
    )
    assert status == 0 and f"{path}: nothing -> {tmp_path / 'a_detections.png'}" in text


def test_the_picture_shows_the_segmentation_and_the_list_its_shares(tmp_path, capsys, segmenter):
    path, out = picture(tmp_path / "a.png"), tmp_path / "new" / "out"
    status, text, _ = predict(capsys, segmenter, path, "--out", out, "--json", command="segment")
    assert status == 0
    image = read_image(path)
    labels = load(segmenter)[0].predict([image])[0]["segmentation"]
    assert len(np.unique(labels)) > 1
    expected = draw_segmentation(image, labels, CLASSES)
    with Image.open(out / "a_segmentation.png") as drawn:
        np.testing.assert_array_equal(np.asarray(drawn), np.asarray(expected))
    (record,) = json.loads((out / "segmentations.json").read_text())
    assert record.pop("seconds") > 0
    shares = record.pop("shares")
    size = {"height": 30, "width": 40}
    assert record == {"image_id": "a.png", **size, "picture": "a_segmentation.png"}
    for label, name in enumerate(CLASSES):
        assert shares[name] == pytest.approx((labels == label).mean(), abs=1e-6)
        assert (f"{name} " in text) == bool((labels == label).any())
    assert f"{path}: " in text and " s) -> " in text and "1 segmentation -> " in text


def test_pictures_of_the_same_name_do_not_overwrite_each_other(tmp_path, capsys, detector):
    paths = [
        picture(tmp_path / "one" / "a.png", (20, 30)),
        picture(tmp_path / "two" / "a.png", (30, 20)),
        picture(tmp_path / "two" / "a.bmp", (31, 20)),
    ]
    status, text, _ = predict(capsys, detector, *paths, "--out", tmp_path / "out")
    assert status == 0
    drawn = [line.split(" -> ")[1] for line in text.splitlines()]
    assert len(set(drawn)) == 3
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_folders_files_and_what_is_no_picture(tmp_path, capsys, segmenter):
    folder = tmp_path / "folder"
    picture(folder / "b.png")
    whole = picture(folder / "a.JPG").read_bytes()
    (folder / "notes.txt").write_text("no picture")
    (folder / "torn.png").write_bytes(b"\x89PNG")
    (folder / "short.jpg").write_bytes(whole[: len(whole) // 2])
    inputs = [picture(tmp_path / "a.png"), folder, tmp_path / "absent.png"]
    status, text, error = predict(capsys, segmenter, *inputs, "--out", tmp_path / "out", "--json")
    names = [line.split(":")[0].rpartition("/")[2] for line in text.splitlines()]
    assert names[:3] == ["a.png", "a.JPG", "b.png"]
    for name in ("torn.png", "short.jpg", "absent.png"):
        assert name in error
    assert "notes.txt" not in error and "Traceback" not in error
    # The others are done and written all the same, but the status tells.
    assert status == 2 and "3 of the pictures could not be read" in error
    records = json.loads((tmp_path / "out" / "segmentations.json").read_text())
    assert [record["image_id"] for record in records] == ["a.png", "a.JPG", "b.png"]
    drawn = ["a_segmentation.png", "a_2_segmentation.png", "b_segmentation.png"]
    assert [record["picture"] for record in records] == drawn


@pytest.mark.parametrize(
    ("size", "mode", "suffix"),
    [
        ((1, 1), "RGB", "png"),
        ((1, 90), "RGB", "bmp"),
        ((300, 7), "L", "jpg"),
        ((31, 33), "P", "gif"),
        ((30, 20), "RGBA", "webp"),
        ((30, 20), "CMYK", "tiff"),
    ],
)
def test_pictures_of_any_size_and_format(tmp_path, capsys, detector, segmenter, size, mode, suffix):
    path = picture(tmp_path / f"a.{suffix}", size, mode)
    for weights, what in ((detector, "detections"), (segmenter, "segmentation")):
        status, _, error = predict(
            capsys, weights, path, "--out", tmp_path / "out", "--threshold", 0
        )
        assert status == 0, error
        with Image.open(tmp_path / "out" / f"a_{what}.png") as drawn:
            assert drawn.width >= size[0] and drawn.height >= size[1]
    assert not list((tmp_path / "out").glob("*.json"))


def test_weights_of_something_else(tmp_path, capsys, segmenter):
    path, out = picture(tmp_path / "a.png"), ["--out", tmp_path / "out"]
    other = tmp_path / "other.npz"
    save_checkpoint(other, {}, {"system": "yolo"})
    sentence = refused(capsys, "predict", "--weights", other, path, *out)
    assert "other.npz: no checkpoint of minicv train; its description lacks classes" in sentence
    assert "no such file" in refused(capsys, "segment", "--weights", "absent.npz", path, *out)
    (tmp_path / "torn.npz").write_bytes(segmenter.read_bytes()[:300])
    sentence = refused(capsys, "predict", "--weights", tmp_path / "torn.npz", path, *out)
    assert "torn.npz: not a readable .npz checkpoint" in sentence
    assert not (tmp_path / "out").exists()
