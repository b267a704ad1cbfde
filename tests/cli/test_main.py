"""The command line as a user meets it: help, a whole small round, and every kind of bad input."""

import json
import subprocess
import sys

import numpy as np
import pytest
from command_line import refused, run
from PIL import Image
from tiny_detector import SETTINGS

from minicv.cli.main import main
from minicv.tasks import Spec, build, save


@pytest.fixture
def weights(tmp_path):
    """An untrained detector of farmyard things, as a file."""
    spec = Spec("faster_rcnn", ("cow", "cat", "dog", "duck", "person"), SETTINGS, "small")
    save(tmp_path / "weights.npz", build(spec, np.random.default_rng(0)), spec)
    return tmp_path / "weights.npz"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (60, 40), (90, 160, 60)).save(path)
    return path


@pytest.mark.parametrize(
    "command",
    [[], ["demo"], ["train"], ["eval"], ["predict"], ["detect"], ["segment"], ["explain"]],
)
def test_help(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "usage: minicv" in text and len(text.splitlines()) > 8


def test_the_package_is_the_command():
    command = [sys.executable, "-m", "minicv", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("minicv ")


def test_train_eval_predict(tmp_path, capsys, picture, monkeypatch):
    monkeypatch.setattr("minicv.data.sources.FARMYARD_VALIDATION_SCENES", 4)
    monkeypatch.setattr("minicv.data.sources.FARMYARD_TEST_SCENES", 4)
    out = tmp_path / "run"
    small = ["--epochs", 1, "--batch-size", 4, "--min-size", 64, "--max-size", 64]
    status, text, _ = run(
        capsys, "train", "faster_rcnn", "--data", "farmyard:8", "--out", out, *small
    )
    assert status == 0 and "next: minicv eval" in text
    assert (out / "last.npz").is_file()
    # Going on for a second epoch.
    small[1] = 2
    status, text, _ = run(
        capsys, "train", "faster_rcnn", "--data", "farmyard:8", "--out", out, *small, "--resume"
    )
    assert status == 0
    history = json.loads((out / "history.json").read_text())
    assert [record["epoch"] for record in history["epochs"]] == [1, 2]

    values = tmp_path / "values.json"
    status, text, _ = run(
        capsys, "eval", "--weights", out / "last.npz", "--data", "farmyard", "--json", values
    )
    record = json.loads(values.read_text())
    assert status == 0 and f"AP50            {record['values']['AP50']:.3f}" in text
    assert record["images"] == 4

    found = tmp_path / "found"
    status, text, _ = run(
        capsys, "predict", "--weights", out / "last.npz", picture, "--out", found, "--json"
    )
    assert status == 0
    with Image.open(found / "picture_detections.png") as drawn:
        assert drawn.width >= 60
    for entry in json.loads((found / "detections.json").read_text()):
        assert entry["image_id"] == "picture.png" and len(entry["bbox"]) == 4
        assert 1 <= entry["category_id"] <= 5 and 0 <= entry["score"] <= 1


def test_detect_in_a_folder_names_and_passes_over_what_is_no_picture(
    tmp_path, capsys, weights, picture
):
    folder = tmp_path / "folder"
    folder.mkdir()
    whole = picture.read_bytes()
    (folder / "whole.png").write_bytes(whole)
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    status, _, error = run(capsys, "detect", "--weights", weights, folder, "--out", tmp_path / "o")
    assert status == 2
    assert (tmp_path / "o" / "whole_detections.png").is_file()
    assert "truncated.png" in error and "1 of the pictures could not be read" in error


def test_wrong_paths_and_words(tmp_path, capsys, weights, picture):
    out = ["--out", tmp_path / "out"]
    assert "no such file" in refused(capsys, "detect", "--weights", "absent.npz", picture, *out)
    assert "absent.png" in run(capsys, "detect", "--weights", weights, "absent.png", *out)[2]
    assert "there is no file or folder" in refused(
        capsys, "train", "faster_rcnn", "--data", "voc:absent", *out
    )
    assert "expected farmyard" in refused(capsys, "eval", "--weights", weights, "--data", "kitti:x")
    assert "expected 'cpu'" in refused(
        capsys, "eval", "--weights", weights, "--data", "farmyard", "--device", "tpu"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no pictures" in refused(capsys, "detect", "--weights", weights, empty, *out)
    assert "PNGImages" in refused(
        capsys, "train", "faster_rcnn", "--data", f"pennfudan:{empty}", *out
    )


def voc_folder(folder, xml, image_bytes=None):
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    (folder / "Annotations" / "im.xml").write_text(xml)
    Image.new("RGB", (40, 30)).save(folder / "JPEGImages" / "im.jpg")
    if image_bytes is not None:
        path = folder / "JPEGImages" / "im.jpg"
        path.write_bytes(path.read_bytes()[:image_bytes])
    for split in ("train", "val", "test"):
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text("im\n")
    return f"voc:{folder}"


XML = """<annotation><filename>im.jpg</filename>
<size><width>40</width><height>30</height><depth>3</depth></size>{objects}</annotation>"""
OBJECT = """<object><name>{name}</name><difficult>0</difficult>
<bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"""
TINY = ("--epochs", 1, "--batch-size", 1, "--min-size", 32, "--max-size", 48)


def test_training_on_faulty_voc_data(tmp_path, capsys):
    def train(name, *boxes, image_bytes=None):
        objects = "".join(OBJECT.format(*box, name="cell") for box in boxes)
        source = voc_folder(tmp_path / name, XML.format(objects=objects), image_bytes)
        command = ("train", "faster_rcnn", "--data", source, "--out", tmp_path / f"{name}-run")
        return run(capsys, *command, *TINY)

    # Boxes that stick out are clipped, those without area dropped; the rest is trained on.
    status, _, error = train("outside", (30, 20, 99, 99), (5, 5, 5, 2), (2, 2, 20, 20))
    assert status == 0
    assert "im.xml" in error and "UserWarning" not in error
    # A truncated photograph ends in a sentence that names it.
    status, _, error = train("cut", (2, 2, 20, 20), image_bytes=300)
    assert status == 2 and "im.jpg" in error and "Traceback" not in error


def test_training_on_images_without_boxes_works(tmp_path, capsys):
    source = voc_folder(
        tmp_path / "data", XML.format(objects=OBJECT.format(2, 2, 20, 20, name="c"))
    )
    folder = tmp_path / "data"
    (folder / "Annotations" / "none.xml").write_text(XML.format(objects=""))
    Image.new("RGB", (40, 30)).save(folder / "JPEGImages" / "none.jpg")
    (folder / "ImageSets" / "Main" / "train.txt").write_text("im\nnone\n")
    status, _, error = run(
        capsys, "train", "faster_rcnn", "--data", source, "--out", tmp_path / "run", *TINY
    )
    assert status == 0, error


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["trian"], []])
def test_what_needs_no_command_loads_none(words):
    """So it takes a fifth of a second and not a whole one."""
    code = (
        "import sys\nfrom minicv.cli.main import main\n"
        f"try:\n    main({words})\nexcept SystemExit:\n    pass\n"
        "heavy = ('minicv.models', 'minicv.tasks', 'minicv.data', 'scipy', 'PIL', 'tqdm')\n"
        "print('loaded:', [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_too_little_memory_is_one_sentence(capsys, monkeypatch, tmp_path):
    def large(*arguments, **named):
        return np.empty(1 << 50)

    monkeypatch.setattr("minicv.cli.train.opened", large)
    command = ("train", "segnet", "--data", "farmyard:1", "--out", tmp_path / "run")
    assert "there is not enough memory: Unable to allocate 8.00 PiB" in refused(capsys, *command)
