"""``minicv predict``, also as detect and segment: what it draws, writes and says."""

import json

import numpy as np
import pytest
from command_line import picture, refused, run
from PIL import Image
from tiny_detector import SETTINGS

from minicv.data import Farmyard, read_image
from minicv.data.image_files import read_label_map
from minicv.inspection import class_palette, draw_segmentation
from minicv.models.detection import FasterRCNN
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


def predict_json(capsys, weights, *arguments, out):
    """The entries that --json writes."""
    predict(capsys, weights, *arguments, "--json", "--out", out)
    (file,) = out.glob("*.json")
    return json.loads(file.read_text())


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
        capsys, detector, path, "--out", tmp_path, "--threshold", 1, command="detect"
    )
    assert status == 0 and f"{path}: nothing (surest: " in text
    assert f" -> {tmp_path / 'a_detections.png'}" in text


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
    records = predict_json(capsys, detector, *paths, out=tmp_path / "out")
    assert {r["image_id"] for r in records} == {"one/a.png", "two/a.png", "a.bmp"}


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


def test_the_folder_of_a_training_is_no_checkpoint(tmp_path, capsys, segmenter):
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    folder = tmp_path / "runs, one"
    folder.mkdir()
    words = ("segment", tmp_path / "a.png", "--out", tmp_path / "out", "--weights", folder)
    assert refused(capsys, *words).endswith("runs, one: no such file, but a folder")
    (folder / "best.npz").touch()
    assert refused(capsys, *words).endswith(f"did you mean {folder / 'best.npz'}?")


def test_the_label_map_is_a_palette_picture_in_the_colours_of_the_data_set(tmp_path, capsys):
    classes, colours = ("background", "cow", "sky"), ((0, 0, 0), (250, 10, 20), (1, 2, 200))
    settings = SegNetSettings(widths=(4, 6), depths=(1, 1), min_size=24, max_size=48)
    spec = Spec("segnet", classes, settings, colours=colours)
    model = build(spec, np.random.default_rng(0))
    model.score.weight.data = 100 * model.score.weight.data
    weights = tmp_path / "segmenter.npz"
    save(weights, model, spec)
    path = picture(tmp_path / "a.jpg", (67, 41))
    status, _, _ = predict(capsys, weights, path, "--out", tmp_path / "out", command="segment")
    assert status == 0
    image = read_image(path)
    model, _ = load(weights)
    assert model.colours == colours
    (found,) = model.predict([image])
    labels = found["segmentation"]
    assert set(np.unique(labels)) == {0, 1, 2}
    file = tmp_path / "out" / "a_labels.png"
    np.testing.assert_array_equal(read_label_map(file), labels)
    assert read_label_map(file).shape == (41, 67)  # of the photograph, not of the network
    with Image.open(file) as saved:
        assert saved.mode == "P"
        shown = np.asarray(saved.convert("RGBA"))
    for label, colour in enumerate(colours):
        assert (shown[labels == label][:, :3] == colour).all()
    np.testing.assert_array_equal(shown[..., 3], np.where(labels == 0, 0, 255))
    # The background is the grey photograph in the overlay, too.
    expected = draw_segmentation(image, labels, classes, colours, clear=(0,))
    with Image.open(tmp_path / "out" / "a_segmentation.png") as drawn:
        np.testing.assert_array_equal(np.asarray(drawn), np.asarray(expected))


def test_a_turned_photograph_has_a_turned_label_map(tmp_path, capsys, segmenter):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the picture is 30 wide and 40 high
    with Image.open(picture(tmp_path / "b.jpg")) as lying:
        lying.save(tmp_path / "a.jpg", exif=exif)
    predict(capsys, segmenter, tmp_path / "a.jpg", "--out", tmp_path / "out")
    assert read_label_map(tmp_path / "out" / "a_labels.png").shape == (40, 30)


def test_without_colours_of_a_data_set_the_classes_have_those_of_the_palette(
    tmp_path, capsys, segmenter
):
    path = picture(tmp_path / "a.png")
    predict(capsys, segmenter, path, "--out", tmp_path / "out")
    (found,) = load(segmenter)[0].predict([read_image(path)])
    with Image.open(tmp_path / "out" / "a_labels.png") as saved:
        shown = np.asarray(saved.convert("RGBA"))
    for label in range(len(CLASSES)):
        here = shown[found["segmentation"] == label]
        assert (here == (*class_palette(3)[label], 255)).all()


def test_a_training_keeps_the_colours_of_its_data_set(tmp_path, capsys):
    train = ("train", "segnet", "--data", "farmyard:6", "--epochs", 1, "--out", tmp_path / "run")
    assert run(capsys, *train)[0] == 0
    model, _ = load(tmp_path / "run" / "best.npz")
    expected = Farmyard(1).segmentation_colors
    np.testing.assert_array_equal(model.colours, expected)


@pytest.mark.parametrize("what", ["detector", "segmenter"])
def test_stages_are_drawn_in_a_folder_for_each_picture(tmp_path, capsys, request, what):
    weights = request.getfixturevalue(what)
    paths = [picture(tmp_path / "a.png"), picture(tmp_path / "b.png", (50, 20))]
    command = {"detector": "detect", "segmenter": "segment"}[what]
    status, _, error = predict(
        capsys, weights, *paths, "--stages", "--out", tmp_path / "out", command=command
    )
    assert status == 0, error
    model, _ = load(weights)
    for path in paths:
        stages = [stage.name for stage in model.stages(read_image(path))]
        expected = [f"{i:02}_{name}.png" for i, name in enumerate([*stages, "overview"], 1)]
        folder = tmp_path / "out" / f"{path.stem}_stages"
        assert sorted(file.name for file in folder.iterdir()) == expected
        for file in folder.iterdir():
            with Image.open(file) as drawn:
                assert min(drawn.size) > 60


def test_without_the_option_no_stages_are_drawn(tmp_path, capsys, detector):
    predict(capsys, detector, picture(tmp_path / "a.png"), "--out", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a_detections.png"]


@pytest.mark.parametrize("threshold", ["-0.1", "1.5", "nan", "inf", "50%", "0,5", "high"])
def test_a_threshold_that_is_no_score_is_refused(tmp_path, capsys, detector, threshold):
    path = picture(tmp_path / "a.png")
    with pytest.raises(SystemExit) as ended:
        predict(capsys, detector, path, "--out", tmp_path / "out", f"--threshold={threshold}")
    error = capsys.readouterr().err
    assert ended.value.code == 2 and "--threshold" in error
    assert f"'{threshold}' is no score; expected a number from 0 to 1" in error
    assert not (tmp_path / "out").exists()


def test_thresholds_at_both_ends(tmp_path, capsys, detector):
    path = picture(tmp_path / "a.png")
    for threshold in ("0", "1", "1.0", "1e-3"):
        options = ("--out", tmp_path / "out", "--threshold", threshold)
        assert predict(capsys, detector, path, *options)[0] == 0


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 9 TiB"),
        RuntimeError("a layer broke"),
        ValueError("it holds\nNaN"),
        IndexError("7"),
    ],
    ids=repr,
)
def test_a_picture_on_which_the_model_fails_is_named_and_the_others_go_on(
    tmp_path, capsys, monkeypatch, detector, error
):
    paths = [picture(tmp_path / f"{name}.png") for name in "abc"]
    calls = []
    predict_one = FasterRCNN.predict

    def sometimes(self, images):
        calls.append(images)
        if len(calls) == 2:
            raise error
        return predict_one(self, images)

    monkeypatch.setattr(FasterRCNN, "predict", sometimes)
    status, text, said = predict(capsys, detector, *paths, "--out", tmp_path / "out", "--json")
    assert status == 2 and "1 of the pictures failed" in said and "Traceback" not in said
    (line,) = [line for line in said.splitlines() if "b.png" in line]
    assert " ".join(str(error).split()) in line
    assert [name in text for name in ("a.png:", "b.png:", "c.png:")] == [True, False, True]
    records = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert {record["image_id"] for record in records} == {"a.png", "c.png"}


def test_an_out_folder_that_is_a_file_is_said_before_any_work(tmp_path, capsys, detector):
    path = picture(tmp_path / "a.png")
    sentence = refused(capsys, "detect", "--weights", detector, path, "--out", path)
    assert "a.png" in sentence


def test_an_interruption_is_not_taken_for_a_bad_picture(tmp_path, capsys, monkeypatch, detector):
    def interrupt(self, images):
        raise KeyboardInterrupt

    monkeypatch.setattr(FasterRCNN, "predict", interrupt)
    paths = [picture(tmp_path / f"{name}.png") for name in "ab"]
    assert predict(capsys, detector, *paths, "--out", tmp_path / "out")[0] == 130
