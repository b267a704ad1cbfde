"""``minicv train`` of segmenters, ``minicv eval`` of what came of it, and what is refused."""

import dataclasses
import json

import numpy as np
import pytest
from command_line import refused, run
from label_map_folders import camvid_folder, voc_segmentation_folder

from minicv.cli import data_sources, segmentation_recipe, train_segmenter
from minicv.data import Cached
from minicv.training import load_segmenter
from minicv.training.segmenter_files import SEGMENTERS
from minicv.weights import load_checkpoint

TINY = ("--epochs", 1, "--batch-size", 2)


def description(path):
    return load_checkpoint(path)[1]


def test_train_resume_eval(tmp_path, capsys):
    source, out = camvid_folder(tmp_path / "CamVid"), tmp_path / "run"
    command = ("train", "fcn8s", "--data", source, "--out", out, *TINY, "--balance", 0)
    status, text, error = run(capsys, *command)
    assert status == 0, error
    assert "fcn8s on small" in text and "4 training and 2 validation images" in text
    assert "about 24 x 32" in text and f"next: minicv eval --weights {out / 'best.npz'}" in text
    status, _, error = run(capsys, *command, "--resume", "--epochs", 2)
    assert status == 0, error
    history = json.loads((out / "history.json").read_text())
    assert [record["epoch"] for record in history["epochs"]] == [1, 2]
    assert {"mIoU", "val_loss", "loss_pixels"} <= set(history["epochs"][0])
    model = load_segmenter(out / "best.npz")
    assert (model.min_size, model.max_size) == (24, 64) and model.class_weights is None

    figures, pictures = tmp_path / "new" / "f.json", tmp_path / "pictures"
    command = ("eval", "--weights", out / "last.npz", "--data", source)
    status, text, error = run(capsys, *command, "--json", figures, "--pictures", pictures)
    assert status == 0, error
    record = json.loads(figures.read_text())
    assert record["images"] == 3 and record["seconds_per_image"] > 0 and record["split"] == "test"
    for name in ("IoU Sky", "pixel accuracy", "mean accuracy", "fwIoU"):
        assert name in record["figures"]
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith("  ")}
    assert rows["class"] == ["class", "pixels", "accuracy", "IoU"]
    assert rows["mIoU"] == ["mIoU", f"{record['figures']['mIoU']:.3f}"]
    iou = record["figures"]["IoU Car"]
    assert rows["Car"][-1] == ("-" if iou is None else f"{iou:.3f}")
    assert len(list(pictures.iterdir())) == 3 and "3 pictures, best to worst" in text


def test_the_same_seed_gives_the_same_weights_and_resuming_is_exact(tmp_path, capsys, monkeypatch):
    source = camvid_folder(tmp_path / "CamVid")
    base = ("train", "segnet", "--data", source, "--batch-size", 2, "--seed", 4, "--epochs", 3)
    assert run(capsys, *base, "--out", tmp_path / "whole")[0] == 0

    class Interrupted(Exception):
        pass

    def interrupt(model):
        raise Interrupted  # in the validation after the second epoch, which is thus not saved

    validator = segmentation_recipe.segmentation_validator
    with monkeypatch.context() as patch:
        calls = []

        def once(*arguments):
            def validate(model):
                calls.append(1)
                return validator(*arguments)(model) if len(calls) < 2 else interrupt(model)

            return validate

        patch.setattr(segmentation_recipe, "segmentation_validator", once)
        with pytest.raises(Interrupted):
            run(capsys, *base, "--out", tmp_path / "parts")
    assert description(tmp_path / "parts" / "last.npz")["training"]["epoch"] == 1
    status, _, error = run(capsys, *base, "--out", tmp_path / "parts", "--resume", "--workers", 2)
    assert status == 0, error
    whole, parts = (load_checkpoint(tmp_path / name / "last.npz")[0] for name in ("whole", "parts"))
    for name, array in whole.items():
        np.testing.assert_array_equal(array, parts[name], err_msg=name)


def test_class_weights_come_from_the_training_set(tmp_path, capsys):
    source, out = camvid_folder(tmp_path / "CamVid"), tmp_path / "run"
    command = ("train", "segnet", "--data", source, "--out", out, *TINY)
    assert run(capsys, *command, "--balance", 1)[0] == 0
    weights = np.array(description(out / "last.npz")["class_weights"])
    assert weights.shape == (11,) and weights.max() > 0 and (weights == 0).any()  # absent classes
    assert np.median(weights[weights > 0]) == pytest.approx(1, rel=0.5)
    assert run(capsys, *command, "--balance", 0.5)[0] == 0
    damped = np.array(description(out / "last.npz")["class_weights"])
    np.testing.assert_allclose(damped**2, weights, rtol=1e-5)
    assert run(capsys, *command, "--balance", 0)[0] == 0
    assert description(out / "last.npz")["class_weights"] is None


def test_drawn_scenes_are_only_mirrored(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(data_sources, "FARMYARD_HELD_OUT", 1)
    seen = []
    for source in ("farmyard:2", camvid_folder(tmp_path / "CamVid", train=2, val=1, test=1)):
        out = tmp_path / source[:4]
        status, _, error = run(capsys, "train", "fcn32s", "--data", source, "--out", out, *TINY)
        assert status == 0, error
        recipe = json.loads((out / "history.json").read_text())["recipe"]
        seen.append((recipe["scale"], recipe["jitter"]))
    assert seen == [([1.0, 1.0], 0.0), ([0.75, 1.5], 0.2)]


def test_images_of_different_sizes_window_and_working_size(tmp_path, capsys, monkeypatch):
    source = voc_segmentation_folder(tmp_path / "VOC", train=3, val=2)
    seen = {}
    real = train_segmenter.train_segmenter

    def watched(model, train, validation, recipe, **options):
        seen.update(train=train, validation=validation, window=options["window"])
        return real(model, train, validation, recipe, **options)

    monkeypatch.setattr(train_segmenter, "train_segmenter", watched)
    command = ("train", "segnet", "--data", source, "--out", tmp_path / "a", *TINY)
    assert run(capsys, *command)[0] == 0
    assert seen["window"] == (21, 29)  # the median height and width
    assert isinstance(seen["train"], Cached) and isinstance(seen["validation"], Cached)
    options = ("--crop", 8, 12, "--min-size", 10, "--max-size", 14, "--out", tmp_path / "b")
    assert run(capsys, *command, *options)[0] == 0
    assert seen["window"] == (8, 12)
    assert [seen["train"][i][0].shape for i in range(3)] == [(3, 9, 14), (3, 10, 14), (3, 10, 13)]
    assert (load_segmenter(tmp_path / "b" / "last.npz").min_size) == 10


def test_memory_for_decoded_images_is_bounded(tmp_path, capsys, monkeypatch):
    source = camvid_folder(tmp_path / "CamVid")
    kept = {}
    monkeypatch.setattr(train_segmenter, "KEPT_BYTES", 2 * 24 * 32 * 13 + 1)
    monkeypatch.setattr(
        train_segmenter,
        "train_segmenter",
        lambda model, train, *a, **k: kept.update(most=train.most),
    )
    status, _, error = run(
        capsys, "train", "segnet", "--data", source, "--out", tmp_path / "run", *TINY
    )
    assert status == 0, error
    assert kept["most"] == 2


def test_options_of_one_system(tmp_path, capsys):
    source, out = camvid_folder(tmp_path / "CamVid"), tmp_path / "run"
    command = ("train", "encoder_decoder", "--data", source, "--out", out, *TINY)
    assert run(capsys, *command, "--upsampling", "nearest")[0] == 0
    assert load_segmenter(out / "last.npz").upsampling == "nearest"
    command = ("train", "patch_classifier", "--data", source, "--out", out, *TINY)
    assert run(capsys, *command, "--scales", 2)[0] == 0
    assert load_segmenter(out / "last.npz").scales == 2
    command = ("train", "deconvnet", "--data", source, "--out", out, *TINY)
    assert run(capsys, *command, "--width", 1 / 64)[0] == 0
    assert load_segmenter(out / "last.npz").width == 1 / 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("faster_rcnn", "--data", "camvid:DIR"), "but a detector learns from boxes"),
        (("fcn8s", "--data", "pennfudan:DIR"), "but a segmenter learns from a class for every"),
        (("fcn8s", "--data", "camvid:absent"), "there is no folder absent"),
        (("fcn8s", "--data", "camvid:EMPTY"), "there is no folder"),
        (("fcn8s", "--data", "vocseg:EMPTY"), "has no folder SegmentationClass"),
        (("segnet", "--backbone", "small"), "backbone 'small': segnet is one piece"),
        (("segnet", "--backbone-weights", "x.pth"), "segnet stands on no backbone"),
        (("fcn8s", "--backbone-weights", "absent.pth"), "absent.pth"),
        (
            ("segnet", "--upsampling", "nearest"),
            "segnet has no such option; encoder_decoder has",
        ),
        (("segnet", "--scales", "2"), "--scales: segnet has no such option; patch_classifier has"),
        (("patch_classifier", "--scales", "0"), "scales=0"),
        (("segnet", "--max-size", "9"), "--max-size: for a segmenter it needs --min-size"),
        (("segnet", "--crop", "0", "9"), "expected (height, width) of at least 1"),
        (("segnet", "--min-size", "0"), "expected at least 1"),
        (("segnet", "--balance", "-1"), "balance=-1.0; expected a number from 0 on"),
        (("segnet", "--lr", "0"), "a positive rate"),
        (("faster_rcnn", "--data", "farmyard:2", "--crop", "9", "9"), "--crop: faster_rcnn has no"),
    ],
)
def test_what_cannot_be_trained(tmp_path, capsys, arguments, message):
    source = camvid_folder(tmp_path / "CamVid", train=2, val=1, test=1)
    (tmp_path / "empty").mkdir()
    words = [
        word.replace("DIR", str(tmp_path)).replace("EMPTY", str(tmp_path / "empty"))
        for word in arguments
    ]
    data = [] if "--data" in words else ["--data", source]
    assert message in refused(capsys, "train", *words, *data, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_truncated_photograph_and_a_wrong_label_are_named(tmp_path, capsys):
    source = camvid_folder(tmp_path / "CamVid")
    path = tmp_path / "CamVid" / "train" / "train1.png"
    path.write_bytes(path.read_bytes()[:60])
    command = ("train", "segnet", "--data", source, "--out", tmp_path / "run", *TINY)
    assert "train1.png" in refused(capsys, *command)
    source = camvid_folder(tmp_path / "other")
    labels = tmp_path / "other" / "trainannot" / "train2.png"
    labels.write_bytes((tmp_path / "other" / "train" / "train2.png").read_bytes())
    assert "train2.png" in refused(capsys, *command[:3], source, *command[4:])


def test_eval_of_another_data_set_and_of_a_detector(tmp_path, capsys):
    source, out = camvid_folder(tmp_path / "CamVid"), tmp_path / "run"
    assert run(capsys, "train", "segnet", "--data", source, "--out", out, *TINY)[0] == 0
    evaluate = ("eval", "--weights", out / "last.npz")
    sentence = refused(capsys, *evaluate, "--data", "farmyard")
    assert "knows Sky, Building" in sentence and "use weights trained on these" in sentence
    assert "but a segmenter learns" in refused(capsys, *evaluate, "--data", f"voc:{tmp_path}")
    detector = ("--data", "farmyard:2", "--out", tmp_path / "d", "--min-size", 32, *TINY)
    monkey = ("train", "faster_rcnn", *detector)
    assert run(capsys, *monkey)[0] == 0
    evaluate = ("eval", "--weights", tmp_path / "d" / "last.npz")
    sentence = refused(capsys, *evaluate, "--data", "farmyard", "--pictures", tmp_path / "p")
    assert "--pictures: " in sentence and "minicv detect draws" in sentence
    assert "but a detector learns from boxes" in refused(capsys, *evaluate, "--data", source)


def test_every_system_trains_by_its_name(tmp_path, capsys, monkeypatch):
    source = camvid_folder(tmp_path / "CamVid", train=2, val=1, test=1)
    for name, recipe in segmentation_recipe.RECIPES.items():
        monkeypatch.setitem(
            segmentation_recipe.RECIPES, name, dataclasses.replace(recipe, epochs=1, batch_size=2)
        )
    for name in SEGMENTERS:
        out = tmp_path / name
        smaller = ("--width", 1 / 64) if name == "deconvnet" else ()  # not 252 million weights
        status, _, error = run(capsys, "train", name, "--data", source, "--out", out, *smaller)
        assert status == 0, error
        assert type(load_segmenter(out / "best.npz")) is SEGMENTERS[name]
