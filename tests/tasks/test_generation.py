"""The task of generation: recipe, judge, what is said and written, the commands, exact resuming."""

import json

import numpy as np
import pytest
from command_line import picture, refused, run

from minicv.models.classification import ClassifierSettings
from minicv.models.generative import DCGANSettings
from minicv.optim import Adam
from minicv.tasks import SYSTEMS, Prediction, Spec, build, save
from minicv.tasks.generation import (
    GENERATION,
    ClassifierJudge,
    GenerationRecipe,
    metric_by,
    without_pictures,
)
from minicv.training import AdversarialStep

SYSTEM = SYSTEMS["dcgan"]
SMALL = ("--size", 8, "--filters", 2, "--latent", 4)


def small_model(**settings):
    own = DCGANSettings(**{"size": 8, "channels": 1, "latent": 4, "filters": 2, **settings})
    return build(Spec("dcgan", ("any",), own), np.random.default_rng(0))


def classifier(classes=("cow", "cat", "duck")):
    settings = ClassifierSettings(size=16, fit="stretch", crop_fraction=1.0)
    return build(Spec("classifier", classes, settings, "small"), np.random.default_rng(0))


def test_it_needs_no_labels_and_is_judged_by_a_distance_that_is_to_be_small():
    assert GENERATION.needs == () and GENERATION.smaller_is_better
    metric = GENERATION.metric(())
    assert {GENERATION.best_by, *GENERATION.watched} <= set(metric.values())


def test_the_recipe_gives_both_players_an_adam_with_a_short_memory():
    model = small_model()
    changes = {"beta1": 0.25, "one_sided_smoothing": 0.1, "discriminator_steps": 2}
    recipe = GenerationRecipe(2, 8, 2e-4, generator_loss="minimax", **changes)
    step = recipe.step(model, 10)
    assert isinstance(step, AdversarialStep) and step.model is model
    assert (step.loss, step.label_smoothing, step.discriminator_steps) == ("minimax", 0.1, 2)
    for optimizer, player in (
        (step.generator_optimizer, model.generator),
        (step.discriminator_optimizer, model.discriminator),
    ):
        assert isinstance(optimizer, Adam)
        (group,) = optimizer.param_groups
        assert group["betas"] == (0.25, 0.999) and group["lr"] == 2e-4
        assert [id(p) for p in group["params"]] == [id(p) for p in player.parameters()]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"beta1": 1.0}, "beta1=1.0"),
        ({"one_sided_smoothing": -0.1}, "one_sided_smoothing=-0.1"),
        ({"generator_loss": "hinge"}, "expected 'non_saturating' or 'minimax'"),
        ({"discriminator_steps": 0}, "at least one step"),
        ({"discriminator_steps": 9}, "of a batch of 8"),
        ({"validation_images": -1}, "validation_images=-1"),
    ],
)
def test_wrong_recipes_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        GenerationRecipe(1, 8, 0.1, **wrong)


def test_a_classifier_judges_by_what_its_last_layer_sees():
    model = classifier()
    pictures = np.random.default_rng(1).random((5, 1, 20, 20), dtype=np.float32)
    features, labels = ClassifierJudge(model).features_and_labels(pictures)
    found = model.predict([np.repeat(p, 3, axis=0) for p in pictures])
    assert labels.tolist() == [result["labels"][0] for result in found]
    weight, bias = model.fc.weight.data, model.fc.bias.data
    logits = features @ weight.T + bias
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scores, [result["scores"] for result in found], rtol=1e-4)
    assert ClassifierJudge(model).features_and_labels(pictures[:0])[0].shape == (
        0,
        features.shape[1],
    )


def test_a_judge_that_is_no_classifier_is_refused():
    with pytest.raises(ValueError, match="--judge: a DCGAN cannot judge pictures; expected"):
        metric_by((), small_model())


def test_without_pictures_there_are_a_grid_and_walks():
    model = small_model()
    drawn, again, other = (
        without_pictures(model, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert set(drawn) == {"samples", "interpolation"}
    for name, own in drawn.items():
        assert np.array_equal(own, again[name]) and not np.array_equal(own, other[name])


def test_what_is_written_of_a_picture():
    result = {
        "picture": np.zeros((1, 8, 8), np.float32),
        "sample": np.ones((1, 8, 8), np.float32),
        "realness": np.float32(0.75),
    }
    prediction = Prediction("a.jpg", np.zeros((3, 9, 9)), result, ("any",), 0.5)
    (entry,) = GENERATION.to_json(prediction)
    assert entry["realness"] == 0.75 and entry["size"] == [1, 8, 8]
    assert GENERATION.draw(prediction, 0.5).width > 600
    assert GENERATION.rank[1](result, {}) == 0.75


def ran(capsys, *arguments):
    """What a command says that ends well."""
    status, said, error = run(capsys, *arguments)
    assert status == 0, error
    return said


def test_the_commands(tmp_path, capsys):
    out, judge = tmp_path / "run", tmp_path / "judge.npz"
    said = ran(capsys, "train", "dcgan", "--data", "farmyard:8", "--out", out, "--epochs", 1,
               "--batch-size", 8, *SMALL)  # fmt: skip
    assert "distance of thumbnails" in said
    model = classifier()
    save(judge, model, Spec("classifier", model.classes, model.settings, "small"))
    report, weights = tmp_path / "values.json", out / "best.npz"
    judged = ("eval", "--weights", weights, "--data", "farmyard:8", "--split", "train")
    ran(capsys, *judged, "--judge", judge, "--json", report, "--pictures", tmp_path / "pictures")
    values = json.loads(report.read_text())["values"]
    assert values["Fréchet distance"] > 0 and 1 <= values["classes among the samples"] <= 3
    assert sum(values[f"share {name}"] for name in model.classes) == pytest.approx(1)
    assert "cannot judge pictures" in refused(capsys, *judged, "--judge", weights)
    ran(capsys, "predict", "--weights", weights, "--out", tmp_path / "drawn", "--seed", 2)
    names = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert names == ["interpolation.png", "samples.png"]
    shown = picture(tmp_path / "a.png")
    ran(capsys, "predict", shown, "--weights", weights, "--out", tmp_path / "beside", "--json")
    (entry,) = json.loads((tmp_path / "beside" / "generations.json").read_text())
    assert 0 < entry["realness"] < 1
