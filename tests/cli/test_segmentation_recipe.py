"""How a segmenter is trained: the numbers, the survey of the training set, the augmentation."""

import json

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes

from minicv.cli import recipe as recipe_module
from minicv.cli.segmentation_recipe import (
    RECIPES,
    SegmentationRecipe,
    survey,
    train_segmenter,
)
from minicv.data import Cached, Subset
from minicv.models.segmentation import PatchClassifier
from minicv.training import run_segmenter
from minicv.training.segmenter_files import ON_A_TRUNK, SEGMENTERS, TRUNKS
from minicv.vision.label_maps import VOID, class_frequencies, median_frequency_weights

CLASSES = ("dark", "grey", "light")


def train(out, recipe, data=None, **options):
    options = {"window": (4, 8), "description": {"model": "stripes"}, "seed": 0, **options}
    model = BrightnessSegmenter(CLASSES, levels=(0.5, 0.2, 0.6))
    validation = options.pop("validation", Stripes(3, seed=9))
    data = Stripes(5) if data is None else data
    return train_segmenter(model, data, validation, recipe, out=out, **options)


def test_every_system_has_a_recipe():
    assert set(RECIPES) == set(TRUNKS) | (set(SEGMENTERS) - set(ON_A_TRUNK))


def test_survey_weighs_classes_and_finds_the_usual_size():
    data = Stripes(4)  # heights 3, 4, 5, 3 and widths 8, 9, 8, 9
    found = survey(data, 3, progress=False)
    maps = [data[i][1]["segmentation"] for i in range(4)]
    expected = median_frequency_weights(class_frequencies(maps, 3))
    np.testing.assert_array_equal(found.class_weights, expected)
    assert found.class_weights.dtype == np.float32 and found.size == (3, 8)
    # A class that never occurs counts nothing, and does not shift the others.
    np.testing.assert_array_equal(survey(data, 4, progress=False).class_weights, [*expected, 0])
    cached = Cached(data)
    survey(cached, 3, progress=False)
    assert all(cached[i][0] is cached[i][0] for i in range(4))


def test_survey_of_nothing_and_of_a_wrong_label():
    with pytest.raises(ValueError, match="there are no training images"):
        survey(Subset(Stripes(2), []), 3)
    with pytest.raises(ValueError, match=r"label 2 in row 0, column \d"):
        survey(Stripes(2), 2, progress=False)


def test_pictures_are_mirrored_zoomed_cut_and_changed_in_colour():
    image = np.zeros((3, 12, 16), np.float32)
    image[0, :, :8] = 1  # red on the left
    target = {"segmentation": np.repeat(np.repeat([[0, 1]], 8, 1), 12, 0)}
    transform = SegmentationRecipe(1, 1, 0.1).transform((9, 20))
    drawn = [transform(image, target, np.random.default_rng(seed)) for seed in range(24)]
    for changed, labels in drawn:
        assert changed.shape == (3, 9, 20) and changed.dtype == np.float32
        assert changed.min() >= 0 and changed.max() <= 1
        labels = labels["segmentation"]
        red = changed[0] - changed[1]
        if (labels == 0).any() and (labels == 1).any():  # the label still lies on its colour
            assert red[labels == 0].mean() > red[labels == 1].mean() + 0.2
        assert set(np.unique(labels)) <= {0, 1, VOID}
    first = [labels["segmentation"][labels["segmentation"] != VOID][0] for _, labels in drawn]
    assert set(first) == {0, 1}  # mirrored or not
    assert len({changed.tobytes() for changed, _ in drawn}) == 24
    assert any((labels["segmentation"] == VOID).any() for _, labels in drawn)  # zoomed out


def test_optimizer_loader_and_validation_follow_the_recipe(tmp_path, monkeypatch):
    seen = {}

    def fit(model, loader, optimizer, schedule, **options):
        seen.update(loader=loader, optimizer=optimizer, schedule=schedule, **options)
        seen["figures"] = options["validate"](model)
        return []

    monkeypatch.setattr(recipe_module, "fit", fit)
    recipe = SegmentationRecipe(40, 2, 0.5, warmup_steps=20, weight_decay=0.01)
    train(tmp_path, recipe, workers=3, resume=True)
    loader = seen["loader"]
    assert len(loader) == 2 and loader.drop_last and loader.shuffle and loader.workers == 3
    for images, targets in loader:
        assert [image.shape for image in images] == [(3, 4, 8)] * 2
        assert [target["segmentation"].shape for target in targets] == [(4, 8)] * 2
    rates = [seen["schedule"].lr(step) for step in range(81)]
    assert int(np.argmax(rates)) == 20 and rates[-1] == pytest.approx(0)
    assert type(seen["optimizer"]).__name__ == "Adam"
    (group,) = seen["optimizer"].param_groups
    assert (group["lr"], group["weight_decay"]) == (0.5, 0.01)
    assert seen["best_by"] == "mIoU" and seen["resume"] and seen["epochs"] == 40
    assert seen["description"] == {"model": "stripes"}
    assert {"mIoU", "val_loss", "val loss_pixels"} <= set(seen["figures"])


@pytest.mark.parametrize(("few", "looked_at"), [(None, 7), (3, 3), (7, 7), (99, 7)])
def test_slow_systems_look_at_few_validation_images(tmp_path, monkeypatch, few, looked_at):
    seen = []

    class Watched(Stripes):
        def __getitem__(self, index):
            seen.append(index)
            return super().__getitem__(index)

    monkeypatch.setattr(recipe_module, "fit", lambda model, *a, validate, **k: [validate(model)])
    train(tmp_path, SegmentationRecipe(1, 2, 0.1, validation_images=few), validation=Watched(7))
    assert len(set(seen)) == looked_at
    if few == 3:
        assert sorted(set(seen)) == [0, 2, 4]  # spread over the set


def test_a_patch_classifier_is_judged_without_its_sliding_window(tmp_path, monkeypatch):
    model = PatchClassifier(
        CLASSES, patch_size=5, channels=(4,), kernel_size=2, units=6, rng=np.random.default_rng(0)
    )
    validation = Stripes(3, seed=9)
    expected = run_segmenter(model, validation).figures.mean_iou
    monkeypatch.setattr(PatchClassifier, "forward", None)
    monkeypatch.setattr(recipe_module, "fit", lambda model, *a, validate, **k: [validate(model)])
    (figures,) = train_segmenter(
        model,
        Stripes(2),
        validation,
        SegmentationRecipe(1, 2, 0.1),
        window=(4, 8),
        description={},
        out=tmp_path,
        seed=0,
    )
    assert figures["mIoU"] == expected and figures["val_loss"] > 0


def test_history_is_written_and_the_seed_decides(tmp_path):
    recipe = SegmentationRecipe(epochs=2, batch_size=2, lr=0.02)

    def without_seconds(history):
        return [{k: v for k, v in record.items() if k != "seconds"} for record in history]

    first = train(tmp_path / "a", recipe)
    record = json.loads((tmp_path / "a" / "history.json").read_text())
    assert record["epochs"] == first and record["seed"] == 0
    assert record["recipe"]["scale"] == [0.75, 1.5] and record["recipe"]["lr"] == 0.02
    again = train(tmp_path / "b", recipe, workers=2)
    other = train(tmp_path / "c", recipe, seed=1)
    assert without_seconds(first) == without_seconds(again)
    assert without_seconds(first) != without_seconds(other)
    assert (tmp_path / "a" / "best.npz").is_file()
