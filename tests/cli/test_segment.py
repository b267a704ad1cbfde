"""``minicv segment``: what it draws, what it writes, and what it says."""

import json

import numpy as np
import pytest
from command_line import picture, run, save_model
from PIL import Image

from minicv.cli.main import main
from minicv.cli.segment import class_shares
from minicv.data import read_image
from minicv.inspection import draw_segmentation
from minicv.training import (
    build_detector,
    build_segmenter,
    describe_detector,
    describe_segmenter,
    load_segmenter,
)

CLASSES = ("sky", "tree", "grass")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny segmenter that has learnt nothing; it works at 24 pixels."""
    options = {"widths": (4, 6), "depths": (1, 1)}
    rng = np.random.default_rng(0)
    model = build_segmenter("segnet", CLASSES, options=options, min_size=24, max_size=48, rng=rng)
    # The noise of a test picture shall have several classes.
    model.score.weight.data = 100 * model.score.weight.data
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    return save_model(path, model, describe_segmenter("segnet", model, options=options))


def segment(capsys, weights, *arguments):
    return run(capsys, "segment", "--weights", weights, *arguments)


def test_the_picture_shows_the_prediction_and_the_list_its_shares(tmp_path, capsys, weights):
    path, out = picture(tmp_path / "a.png"), tmp_path / "new" / "out"
    status, text, _ = segment(capsys, weights, path, "--out", out, "--json")
    assert status == 0
    image = read_image(path)
    labels = load_segmenter(weights).predict([image])[0]["segmentation"]
    assert len(np.unique(labels)) > 1
    expected = draw_segmentation(image, labels, CLASSES)
    with Image.open(out / "a_segmentation.png") as drawn:
        np.testing.assert_array_equal(np.asarray(drawn), np.asarray(expected))
    (record,) = json.loads((out / "segmentations.json").read_text())
    assert record.pop("seconds") > 0
    shares = record.pop("shares")
    assert record == {
        "image_id": "a.png",
        "height": 30,
        "width": 40,
        "picture": "a_segmentation.png",
    }
    for label, name in enumerate(CLASSES):
        assert shares[name] == pytest.approx((labels == label).mean(), abs=1e-6)
        assert (f"{name} " in text) == bool((labels == label).any())
    assert f"{path}: " in text and " s) -> " in text and "1 pictures -> " in text


def test_shares():
    assert class_shares(np.array([[2, 2], [2, 0]]), CLASSES) == {
        "sky": 0.25,
        "tree": 0.0,
        "grass": 0.75,
    }


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
def test_pictures_of_any_size_and_format(tmp_path, capsys, weights, size, mode, suffix):
    path = picture(tmp_path / f"a.{suffix}", size, mode)
    status, _, error = segment(capsys, weights, path, "--out", tmp_path / "out")
    assert status == 0, error
    assert (tmp_path / "out" / "a_segmentation.png").is_file()
    assert not (tmp_path / "out" / "segmentations.json").exists()


def test_folders_files_and_what_is_no_picture(tmp_path, capsys, weights):
    folder = tmp_path / "folder"
    picture(folder / "b.png")
    whole = picture(folder / "a.png").read_bytes()
    (folder / "torn.png").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("no picture")
    inputs = [picture(tmp_path / "a.png"), folder, tmp_path / "absent.png"]
    status, text, error = segment(capsys, weights, *inputs, "--out", tmp_path / "out", "--json")
    assert status == 2 and "2 of the pictures could not be read" in error
    assert "torn.png" in error and "absent.png" in error and "Traceback" not in error
    drawn = [line.split(" -> ")[1] for line in text.splitlines()[:3]]
    assert [path.rpartition("/")[2] for path in drawn] == [
        "a_segmentation.png",
        "a_2_segmentation.png",
        "b_segmentation.png",
    ]
    records = json.loads((tmp_path / "out" / "segmentations.json").read_text())
    assert [record["image_id"] for record in records] == ["a.png", "a.png", "b.png"]
    assert len({record["picture"] for record in records}) == 3


def refused(capsys, *arguments):
    """The one sentence with which the command ends."""
    status = main([str(a) for a in arguments])
    error = capsys.readouterr().err.strip()
    assert status == 2 and len(error.splitlines()) == 1 and "Traceback" not in error
    return error


def test_weights_of_something_else(tmp_path, capsys, weights):
    detector = build_detector("faster_rcnn", "small", CLASSES, rng=np.random.default_rng(0))
    other = save_model(tmp_path / "d.npz", detector, describe_detector("small", detector))
    path, out = picture(tmp_path / "a.png"), ["--out", tmp_path / "out"]
    sentence = refused(capsys, "segment", "--weights", other, path, *out)
    assert "d.npz: weights of another model ('faster_rcnn', expected 'fcn" in sentence
    sentence = refused(capsys, "detect", "--weights", weights, path, *out)
    assert "weights.npz: weights of another model ('segnet', expected 'faster_rcnn' or" in sentence
    assert "no such file" in refused(capsys, "segment", "--weights", "absent.npz", path, *out)
    (tmp_path / "torn.npz").write_bytes(weights.read_bytes()[:300])
    sentence = refused(capsys, "segment", "--weights", tmp_path / "torn.npz", path, *out)
    assert "torn.npz: not a readable .npz checkpoint" in sentence
    assert not (tmp_path / "out").exists()
