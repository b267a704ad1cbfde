"""train, eval and predict on folders of classes, and --model with a published classifier."""

import json

import numpy as np
import pytest
from command_line import picture, refused, run
from PIL import Image

from minicv.data.imagenet_names import IMAGENET_CLASSES
from minicv.models.backbones import ResNet18
from minicv.models.published import PUBLISHED, Published
from minicv.weights import write_safetensors

COLOURS = {"cow": (200, 60, 50), "duck": (60, 190, 70), "sea": (40, 70, 200)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three colours, ten noisy pictures each."""
    root, rng = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for number in range(10):
            pixels = np.clip(rng.normal(colour, 30, (24, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    from minicv.cli.main import main

    out = tmp_path_factory.mktemp("run")
    words = ["train", "classifier", "--data", f"folder:{folder}", "--out", out, "--epochs", 4]
    assert main([str(w) for w in [*words, "--batch-size", 3, "--lr", 0.02]]) == 0
    return out / "best.npz"


def test_a_training_tells_colours_apart(trained, folder, capsys, tmp_path):
    judge = ("eval", "--weights", trained, "--data", f"folder:{folder}", "--split", "train")
    written = "--json", tmp_path / "values.json", "--pictures", tmp_path / "pictures"
    status, text, error = run(capsys, *judge, *written)
    assert status == 0, error
    record = json.loads((tmp_path / "values.json").read_text())
    assert record["values"]["top-1"] >= 0.9 and record["classes"] == list(COLOURS)
    assert "  top-1 " in text and "confusion matrix -> " in text
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert len(names) == 6 and names[-1] == "confusion_matrix.png"
    assert names[0].startswith("1_") and names[4].startswith("5_")


def test_predict_names_draws_and_writes(trained, folder, capsys, tmp_path):
    photographs = folder / "sea" / "0.png", folder / "cow" / "1.png"
    command = ("predict", "--weights", trained, *photographs, "--json", "--stages")
    status, text, error = run(capsys, *command, "--out", tmp_path)
    assert status == 0, error
    entries = json.loads((tmp_path / "classifications.json").read_text())
    assert [entry["classes"][0]["name"] for entry in entries] == ["sea", "cow"]
    assert [entry["image_id"] for entry in entries] == ["0.png", "1.png"]
    best = entries[0]["classes"][0]
    assert f"0.png: sea {best['score']:.2f}, " in text
    assert sum(own["score"] for own in entries[0]["classes"]) == pytest.approx(1, abs=1e-4)
    with Image.open(tmp_path / "0_classes.png") as drawn:
        assert drawn.width > 900
    stages = sorted(path.name for path in (tmp_path / "0_stages").iterdir())
    assert [name[3:-4] for name in stages] == [
        "input", "feature_map", "pooled", "class_scores", "overview",
    ]  # fmt: skip


def test_by_the_loss_of_an_svm(folder, capsys, tmp_path):
    train = ("train", "classifier", "--data", f"folder:{folder}", "--out", tmp_path / "run")
    options = ("--epochs", 1, "--batch-size", 9, "--loss", "hinge", "--mirror", "no")
    head = ("--head", "fully_connected", "--units", 32, "--size", 24)
    status, _, error = run(capsys, *train, *options, *head)
    assert status == 0, error
    command = ("predict", "--weights", tmp_path / "run" / "best.npz", folder / "sea" / "0.png")
    status, _, error = run(capsys, *command, "--out", tmp_path / "out", "--stages", "--json")
    assert status == 0, error
    (entry,) = json.loads((tmp_path / "out" / "classifications.json").read_text())
    scores = [own["score"] for own in entry["classes"]]
    assert scores == sorted(scores, reverse=True) and sum(scores) != pytest.approx(1, abs=1e-3)
    stages = [path.name[3:-4] for path in (tmp_path / "out" / "0_stages").iterdir()]
    assert "units" in stages and "class_scores" in stages


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--label-smoothing", "1"), "--label-smoothing: .*label_smoothing=1.0"),
        (("--dropout", "-0.1"), "--dropout: .*dropout=-0.1"),
        (("--size", "0"), "--size: .*size=0"),
        (("--size", "100000"), "--size: .*size=100000; expected numbers from 1 to 10,000"),
        (("--size", "8"), "settings.size is 8, smaller than one cell"),
        (("--least-area", "0"), "--least-area: least_area=0.0"),
        (("--mirror", "maybe"), "yes or no|invalid yes_or_no"),
    ],
)
def test_options_that_cannot_be(folder, options, message, capsys, tmp_path):
    import re

    train = ("train", "classifier", "--data", f"folder:{folder}", "--out", tmp_path / "run")
    try:
        sentence = refused(capsys, *train, *options)
    except SystemExit:  # of argparse
        sentence = capsys.readouterr().err
    assert re.search(message, sentence), sentence


def test_one_class_only(capsys, tmp_path):
    picture(tmp_path / "set" / "cow" / "1.png")
    (tmp_path / "set" / "duck").mkdir()
    train = ("train", "classifier", "--data", f"folder:{tmp_path / 'set'}")
    sentence = refused(capsys, *train, "--out", tmp_path / "run")
    assert "nothing to tell apart" in sentence


@pytest.fixture
def published(monkeypatch, tmp_path):
    """ResNet-18 with fewer layers is none; so one of noise, with as many classes as published."""
    monkeypatch.setitem(
        PUBLISHED,
        "resnet18",
        Published(lambda classes, rng: Tiny(len(classes), rng), IMAGENET_CLASSES, "fc"),
    )
    network = Tiny(1000, np.random.default_rng(0))
    write_safetensors(tmp_path / "tiny.safetensors", network.state_dict())
    return tmp_path / "tiny.safetensors"


class Tiny(ResNet18):
    def __init__(self, count, rng):
        from minicv.nn import Linear

        self.fc = Linear(3, count, rng=rng)

    def feature_map(self, x):
        return x


def test_a_published_classifier_names_a_thousand_classes(published, capsys, tmp_path):
    named = ("--model", "resnet18", "--weights", published)
    out = tmp_path / "out"
    status, text, error = run(capsys, "predict", *named, picture(tmp_path / "a.png"), "--out", out)
    assert status == 0, error
    said = text.partition(": ")[2].partition(" (")[0].split(", ")
    assert len(said) == 5
    assert all(own.rpartition(" ")[0] in IMAGENET_CLASSES for own in said)


def test_folders_called_by_wordnets_ids_are_judged_by_name(published, capsys, tmp_path):
    for name in ("n01440764", "n02123045"):
        picture(tmp_path / "set" / name / "1.png")
    judge = ("eval", "--model", "resnet18", "--weights", published, "--split", "train")
    file = tmp_path / "values.json"
    status, text, error = run(
        capsys, *judge, "--data", f"folder:{tmp_path / 'set'}", "--json", file
    )
    assert status == 0, error
    record = json.loads(file.read_text())
    assert record["classes"] == ["tench", "tabby"] and record["images"] == 2
    assert "and 968 more" in text  # classes that this set does not label
    assert record["values"]["top-1 tench"] in (0, 1) and record["values"]["top-1 goldfish"] is None
