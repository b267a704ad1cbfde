"""The task of one object: recipe, who learns when, what is said and written, the commands."""

import json

import numpy as np
import pytest
from command_line import picture, run

from minicv.data import sources
from minicv.data.one_object import SingleObjectScenes
from minicv.data.sources import Splits
from minicv.metrics.localization import LocalizationMetric
from minicv.models.localization import SingleObjectDetector
from minicv.tasks import SYSTEMS, Prediction, Spec, build
from minicv.tasks.localization import LOCALIZATION, LocalizationRecipe, report
from minicv.training import GradientStep
from minicv.training.in_turn import StepsInTurn

LOCALIZER = SYSTEMS["localizer"]
CLASSES = ("cow", "cat", "duck")
SMALL = ("--size", 32, "--units", 8)


def small_model(**settings):
    sizes = {"size": 32, "pooled_size": 2, "units": 8, "dropout": 0.0}
    own = type(LOCALIZER.settings["small"])(**{**sizes, **settings})
    return build(Spec("localizer", CLASSES, own, "small"), np.random.default_rng(0))


def splits_of(dataset):
    return Splits(lambda: dataset, lambda: dataset, lambda: dataset, drawn=True)


def test_it_needs_one_object_and_is_judged_by_class_and_box():
    assert LOCALIZATION.needs == ("label", "box")
    metric = LOCALIZATION.metric(CLASSES)
    assert {LOCALIZATION.best_by, *LOCALIZATION.watched} <= set(metric.values())


def test_training_sees_the_box_alone_mirrored_and_zoomed():
    scenes = SingleObjectScenes(8, (48, 48), seed=4)
    recipe = LocalizationRecipe(1, 4, 0.1, jitter=0.1, scale=(0.5, 2.0))
    transform = recipe.prepare(splits_of(scenes), None).transform
    rng = np.random.default_rng(0)
    for image, target in scenes:
        changed, learnt = transform(image, target, rng)
        assert changed.shape == image.shape and set(learnt) == {"label", "box", "image_id"}
        x1, y1, x2, y2 = learnt["box"]
        assert 0 <= x1 < x2 <= 48 and 0 <= y1 < y2 <= 48 and learnt["label"] == target["label"]
    plain = LocalizationRecipe(1, 4, 0.1).prepare(splits_of(scenes), None).transform
    image, target = scenes[0]
    x1, y1, x2, y2 = target["box"].tolist()
    boxes = {tuple(plain(image, target, rng)[1]["box"].tolist()) for _ in range(20)}
    assert boxes == {(x1, y1, x2, y2), (48 - x2, y1, 48 - x1, y2)}


@pytest.mark.parametrize(
    ("share", "epochs", "turn"),
    [(0.5, 4, 20), (0.6, 4, 20), (0.01, 4, 10), (0.99, 4, 30), (0.5, 1, 20), (0.25, 1, 10)],
)
def test_the_class_first_for_whole_epochs(share, epochs, turn):
    recipe = LocalizationRecipe(epochs, 2, 0.01, warmup_steps=4, class_first=share)
    step = recipe.step(small_model(), 40)
    assert isinstance(step, StepsInTurn) and step.turn == turn
    # Each has a schedule of its own, and both come to their end.
    assert step.first.schedule.lr(turn) < 1e-9 and step.second.schedule.lr(40 - turn) < 1e-9
    assert max(step.second.schedule.lr(k) for k in range(40 - turn)) > 0.009


def test_at_once_there_is_one_learner():
    step = LocalizationRecipe(2, 2, 0.01).step(small_model(), 8)
    assert isinstance(step, GradientStep) and not isinstance(step, StepsInTurn)


@pytest.mark.parametrize("head", ["shared", "own"])
def test_class_first_moves_the_box_head_last_and_alone(head):
    model = small_model(box_head=head)
    assert isinstance(model, SingleObjectDetector)
    box = {id(p) for part in model.box_parts for p in part.parameters()}
    # A weight decay moves also what has no gradient, if the optimizer holds it.
    recipe = LocalizationRecipe(1, 2, 0.01, warmup_steps=0, class_first=0.5, weight_decay=0.1)
    step = recipe.step(model.train(), 2)
    scenes = SingleObjectScenes(2, (32, 32))
    images, targets = zip(*scenes, strict=True)
    targets = [{"label": t["label"] % 3, "box": t["box"]} for t in targets]
    for learnt in ("loss_classifier", "loss_box_reg"):
        before = {id(p): p.data.copy() for p in model.parameters()}
        buffers = [own.data.copy() for own in model.buffers()]
        assert list(step(images, targets, np.random.default_rng(0))) == [learnt]
        of_box = learnt == "loss_box_reg"
        for parameter in model.parameters():
            moved = (parameter.data != before[id(parameter)]).any()
            if (id(parameter) in box) != of_box:
                assert not moved
        assert any((p.data != before[id(p)]).any() for p in model.parameters())
        stayed = [(a == b.data).all() for a, b in zip(buffers, model.buffers(), strict=True)]
        assert all(stayed) == of_box


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_first": 1.0}, "class_first=1.0; expected the share"),
        ({"class_first": -0.1}, "class_first=-0.1"),
        ({"class_first": float("nan")}, "class_first=nan"),
        ({"scale": (2.0, 1.0)}, "scale="),
        ({"jitter": 1.5}, "jitter=1.5"),
    ],
)
def test_numbers_that_make_no_recipe(changes, message):
    with pytest.raises(ValueError, match=message):
        LocalizationRecipe(1, 1, 0.1, **changes)


def found():
    return {
        "boxes": np.array([[2.0, 4, 12, 9]] * 3),
        "labels": np.array([2, 0, 1]),
        "scores": np.array([0.3, 0.25, 0.2]),
    }


def test_what_is_said_drawn_and_written_of_a_picture():
    image = np.zeros((3, 20, 30), np.float32)
    prediction = Prediction("b/a.jpg", image, found(), CLASSES, 0.25)
    said = LOCALIZATION.summary(prediction, 0.9)
    assert said == "duck 0.30, 10 x 5 pixels from (2, 4) on; next cow 0.25 (0.25 s)"
    alone = Prediction("a", image, {n: v[:1] for n, v in found().items()}, CLASSES)
    assert "next" not in LOCALIZATION.summary(alone, 0.5)
    drawn = [np.asarray(LOCALIZATION.draw(prediction, threshold)) for threshold in (0.0, 0.9)]
    assert (drawn[0] == drawn[1]).all() and drawn[0].std() > 5
    entries = LOCALIZATION.to_json(prediction)
    assert [entry["category"] for entry in entries] == ["duck", "cow", "cat"]
    assert entries[0]["bbox"] == [2, 4, 10, 5] and entries[0]["score"] == 0.3


def test_pictures_are_ranked_by_the_iou():
    name, rank = LOCALIZATION.rank
    truth = {"label": 0, "box": np.array([2.0, 4, 12, 14])}
    assert "IoU" in name and rank(found(), truth) == 0.5


def test_the_report_has_a_line_for_each_class_and_the_errors():
    metric = LocalizationMetric(CLASSES)
    for label in (2, 2, 0, 2):
        metric.add(found(), {"label": label, "box": np.array([2.0, 4, 12, 9])})
    lines = [line.split() for line in report(metric)]
    assert lines[1:5] == [
        ["cow", "1", "0.000", "0.000", "1.000"],
        ["cat", "0", "-", "-", "-"],
        ["duck", "3", "1.000", "1.000", "1.000"],
        ["all", "4", "0.750", "0.750", "1.000"],
    ]
    assert [line[-1] for line in lines[5:]] == ["0.250", "0.000"]


def test_the_commands(tmp_path, capsys, monkeypatch):
    for split in ("VALIDATION", "TEST"):
        monkeypatch.setattr(sources, f"FARMYARD_{split}_SCENES", 6)
    out, staged = tmp_path / "run", ("--class-first", 0.5, "--box-of", "class")
    train = ("train", "localizer", "--data", "farmyard:16", "--out", out, *SMALL)
    assert run(capsys, *train, *staged, "--epochs", 2)[0] == 0
    history = json.loads((out / "history.json").read_text())["epochs"]
    assert ["loss_box_reg" in epoch for epoch in history] == [False, True]
    assert {"top-1", "mean IoU", LOCALIZATION.best_by} <= set(history[0])
    code, text, _ = run(capsys, *train, "--epochs", 3, "--resume")
    assert code == 0 and "epoch 3" in text
    weights = ("--weights", out / "last.npz")
    shown = ("--pictures", tmp_path / "shown", "--json", tmp_path / "values.json")
    code, text, _ = run(capsys, "eval", *weights, "--data", "farmyard", *shown)
    values = json.loads((tmp_path / "values.json").read_text())["values"]
    assert code == 0 and f"{values['top-1 localization error']:.3f}" in text
    assert len(list((tmp_path / "shown").glob("*.png"))) == 5
    to = ("--json", "--stages", "--out", tmp_path / "predicted")
    code, text, _ = run(capsys, "predict", picture(tmp_path / "a.png"), *weights, *to)
    records = json.loads((tmp_path / "predicted" / "localizations.json").read_text())
    assert code == 0 and len(records) == 5 and records[0]["category"] in text
    names = {path.name for path in (tmp_path / "predicted").rglob("*.png")}
    assert {
        "a_localization.png",
        "01_input.png",
        "03_class_scores.png",
        "04_detections.png",
    } <= names


def test_options_that_cannot_work(tmp_path, capsys):
    train = ("train", "localizer", "--data", "farmyard:4", "--out", tmp_path)
    for option, value, message in (
        ("--class-first", 1, "--class-first: class_first=1.0; expected the share"),
        ("--size", 0, "--size"),
        ("--box-weight", -1, "box_weight=-1.0"),
    ):
        code, _, error = run(capsys, *train, option, value)
        assert code == 2 and message in error
