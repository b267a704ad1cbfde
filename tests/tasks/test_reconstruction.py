"""The task of reconstruction: recipe, what is measured, the commands on every kind of picture."""

import json
import math

import numpy as np
import pytest
from command_line import picture, refused, run
from PIL import Image

from minicv.data import sources
from minicv.data.sources import Splits
from minicv.metrics.reconstruction import ReconstructionMetric
from minicv.tasks import SYSTEMS, Prediction, Spec, build, load
from minicv.tasks.generative_data import squares_kept
from minicv.tasks.reconstruction import RECONSTRUCTION, ReconstructionRecipe, report

NAMES = ("autoencoder", "conv_autoencoder", "denoising_autoencoder", "vae")
SMALL = ("--size", 8, "--code", 3)


def test_it_needs_no_label_and_takes_one_where_there_is():
    assert RECONSTRUCTION.labels_from("idx:DIR") == ("label",)
    assert RECONSTRUCTION.labels_from("pictures:DIR") == ()
    assert RECONSTRUCTION.labels_from("camvid:DIR") == ()
    assert {RECONSTRUCTION.best_by, *RECONSTRUCTION.watched} <= set(
        RECONSTRUCTION.metric(("any",)).values()
    )


def splits_of(dataset):
    return Splits(lambda: dataset, lambda: dataset, lambda: dataset)


def test_the_recipe_measures_size_and_channels_and_spreads_the_validation():
    grey = [(np.full((3, 30, 31), k / 20), {}) for k in range(20)]
    recipe = ReconstructionRecipe(1, 4, 0.1, validation_images=4)
    prepared = recipe.prepare(splits_of(grey), SYSTEMS["vae"].settings[None])
    assert prepared.settings.shape == (1, 32, 32)
    assert [round(float(x[0, 0, 0]) * 20) for x, _ in prepared.validation] == [0, 5, 10, 15]
    assert prepared.train is grey and prepared.transform is None
    with pytest.raises(ValueError, match="validation_images=-1"):
        ReconstructionRecipe(1, 4, 0.1, validation_images=-1)


def test_photographs_are_decoded_and_resized_once(tmp_path):
    Image.new("RGB", (40, 20), (255, 0, 0)).save(tmp_path / "a.png")
    Image.new("RGB", (10, 90), (0, 0, 255)).save(tmp_path / "b.png")
    dataset = sources.open_data(f"pictures:{tmp_path}", ()).train
    kept = squares_kept(dataset, 16)
    assert kept[0][0].shape == (3, 16, 16) and kept[0][0] is kept[0][0]


def test_large_gradients_keep_their_length():
    model = build(
        Spec("vae", ("any",), type(SYSTEMS["vae"].settings[None])(8, 1)), np.random.default_rng(0)
    )
    step = SYSTEMS["vae"].recipes[None].step(model, 8)
    assert math.isinf(step.max_norm)


@pytest.mark.parametrize("name", NAMES)
def test_the_commands(tmp_path, capsys, monkeypatch, name):
    for split in ("VALIDATION", "TEST"):
        monkeypatch.setattr(sources, f"FARMYARD_{split}_SCENES", 2)
    few = ("--units", 8) if name == "autoencoder" else ("--filters", 4)
    train = ("train", name, "--data", "farmyard:4", *SMALL, *few, "--out", tmp_path)
    assert run(capsys, *train, "--epochs", 1)[0] == 0
    code, said, _ = run(capsys, *train, "--epochs", 2, "--resume")
    assert code == 0 and "epoch 2" in said
    weights = ("--weights", tmp_path / "best.npz")
    shown = ("--json", tmp_path / "values.json", "--pictures", tmp_path / "judged")
    code, said, _ = run(capsys, "eval", *weights, "--data", "farmyard:4", *shown)
    assert code == 0 and "PSNR" in said and " dB" in said
    assert ("gain in dB" in said) == (name == "denoising_autoencoder")
    assert ("ELBO" in said) == (name == "vae")
    values = json.loads((tmp_path / "values.json").read_text())["values"]
    assert 0 < values["MSE"] < 1 and len(list((tmp_path / "judged").glob("*.png"))) == 2
    to = ("--json", "--stages", "--out", tmp_path / "drawn")
    code, said, _ = run(capsys, "predict", picture(tmp_path / "given" / "a.png"), *weights, *to)
    assert code == 0 and "code of 3 numbers" in said
    (entry,) = json.loads((tmp_path / "drawn" / "reconstructions.json").read_text())
    assert len(entry["code"]) == 3 and entry["size"] == [3, 8, 8] and 0 < entry["MSE"] < 1
    assert ("ELBO" in entry) == (name == "vae")
    names = {path.name for path in (tmp_path / "drawn").rglob("*.png")}
    assert {"a_reconstruction.png", "02_code.png", "03_reconstruction.png"} <= names


def test_a_folder_of_grey_pictures_of_any_shape(tmp_path, capsys):
    for number in range(3):
        picture(tmp_path / "pictures" / f"{number}.png", (9, 5 + number), "L")
    data = f"pictures:{tmp_path / 'pictures'}"
    out = tmp_path / "run"
    train = ("train", "vae", "--data", data, "--epochs", 1, "--filters", 2, "--out", out)
    assert run(capsys, *train)[0] == 0
    model, system = load(out / "best.npz")
    assert model.shape == (1, 28, 28) and model.classes == ("any",) and system.name == "vae"
    code, said, _ = run(capsys, "eval", "--weights", out / "best.npz", "--data", data)
    assert code == 0 and "no labels" in said and "ELBO" in said
    code, said, _ = run(capsys, "doctor", data)
    assert code == 0 and "no labels" in said
    said = refused(capsys, "train", "classifier", "--data", data, "--out", tmp_path / "c")
    assert "pictures provides no labels, but label is needed" in said


def test_options_that_make_no_model(tmp_path, capsys):
    train = ("train", "denoising_autoencoder", "--data", "farmyard:2", "--out", tmp_path)
    for option, value in (("--code", 0), ("--channels", 2), ("--size", 0), ("--noise", -1)):
        assert option in refused(capsys, *train, option, value)


def test_rank_and_report_of_a_perfect_picture_and_of_none():
    square = np.zeros((1, 2, 2), np.float32)
    result = {"picture": square, "reconstruction": square, "code": np.zeros(2)}
    name, rank = RECONSTRUCTION.rank
    assert name == "PSNR" and rank(result, {}) == 100
    assert rank({**result, "noisy": square, "denoised": square + 0.1}, {}) == pytest.approx(20)
    assert report(ReconstructionMetric()) == ["MSE   -", "PSNR  - dB"]
    drawn = RECONSTRUCTION.draw(Prediction("a", np.zeros((3, 4, 4)), result, ("any",)), 0.5)
    assert drawn.width > 900
