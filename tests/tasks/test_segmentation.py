"""The task segmentation: survey of the training set, augmentation, what is drawn and said."""

import dataclasses

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes

from minicv.data import Cached, Subset
from minicv.data.sources import Splits
from minicv.metrics.metric import SegmentationMetric
from minicv.models.segmentation import (
    PatchClassifier,
    PatchClassifierSettings,
    SegNetSettings,
)
from minicv.tasks import Prediction, segmentation
from minicv.tasks.segmentation import SEGMENTATION, SegmentationRecipe, class_shares, survey
from minicv.training import evaluate
from minicv.vision.label_maps import VOID, class_frequencies, median_frequency_weights

CLASSES = ("dark", "grey", "light")


def splits_of(train, validation=None, drawn=False):
    validation = train if validation is None else validation
    return Splits(lambda: train, lambda: validation, lambda: validation, drawn=drawn)


def prepared(recipe, train, settings=None, **options):
    return recipe.prepare(splits_of(train, **options), settings or SegNetSettings())


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


def test_settings_take_the_scale_and_the_weights_of_the_training_images():
    data = Stripes(4)
    weights = survey(data, 3, progress=False).class_weights
    for balance, expected in ((1, weights), (0.5, weights**0.5), (0, None)):
        settings = prepared(SegmentationRecipe(1, 1, 0.1, balance=balance), data).settings
        assert (settings.min_size, settings.max_size) == (3, 16)
        if expected is None:
            assert settings.class_weights is None
        else:
            np.testing.assert_allclose(settings.class_weights, expected, rtol=1e-6)
    with pytest.raises(ValueError, match="balance=-1"):
        SegmentationRecipe(1, 1, 0.1, balance=-1)


def test_images_come_to_the_size_that_the_settings_say():
    settings = dataclasses.replace(SegNetSettings(), min_size=6, max_size=9)
    found = prepared(SegmentationRecipe(1, 1, 0.1), Stripes(2), settings)
    assert [found.train[i][0].shape for i in range(2)] == [(3, 3, 9), (3, 4, 9)]
    assert isinstance(found.train, Cached) and isinstance(found.validation, Cached)
    assert (found.settings.min_size, found.settings.max_size) == (3, 18)


def test_memory_for_decoded_images_is_bounded(monkeypatch):
    monkeypatch.setattr(segmentation, "CACHED_BYTES", 2 * 3 * 8 * 13 + 1)
    assert prepared(SegmentationRecipe(1, 1, 0.1), Stripes(4)).train.most == 2


class TwoColours:
    """Red on the left, black on the right."""

    segmentation_classes = ("left", "right")

    def __len__(self):
        return 1

    def __getitem__(self, index):
        image = np.zeros((3, 12, 16), np.float32)
        image[0, :, :8] = 1
        return image, {"segmentation": np.repeat(np.repeat([[0, 1]], 8, 1), 12, 0)}


def augmented(drawn, count=24, **options):
    data = TwoColours()
    transform = prepared(SegmentationRecipe(1, 1, 0.1, **options), data, drawn=drawn).transform
    return [transform(*data[0], np.random.default_rng(seed)) for seed in range(count)]


def test_pictures_are_mirrored_zoomed_cut_and_changed_in_colour():
    drawn = augmented(False, crop=(9, 20))
    for changed, target in drawn:
        assert changed.shape == (3, 9, 20) and changed.dtype == np.float32
        assert changed.min() >= 0 and changed.max() <= 1
        labels = target["segmentation"]
        red = changed[0] - changed[1]
        if (labels == 0).any() and (labels == 1).any():  # the label still lies on its colour
            assert red[labels == 0].mean() > red[labels == 1].mean() + 0.2
        assert set(np.unique(labels)) <= {0, 1, VOID}
    first = [labels["segmentation"][labels["segmentation"] != VOID][0] for _, labels in drawn]
    assert set(first) == {0, 1}  # mirrored or not
    assert len({changed.tobytes() for changed, _ in drawn}) == 24
    assert any((labels["segmentation"] == VOID).any() for _, labels in drawn)  # zoomed out


def test_drawn_scenes_are_only_mirrored():
    image, _ = TwoColours()[0]
    allowed = {image.tobytes(), np.ascontiguousarray(image[:, :, ::-1]).tobytes()}
    assert {changed.tobytes() for changed, _ in augmented(True)} == allowed
    recipe = prepared(SegmentationRecipe(1, 1, 0.1), TwoColours(), drawn=True).recipe
    assert (recipe.scale, recipe.jitter) == ((1.0, 1.0), 0.0)  # so the record says
    recipe = prepared(SegmentationRecipe(1, 1, 0.1), TwoColours()).recipe
    assert (recipe.scale, recipe.jitter) == ((0.75, 1.5), 0.2)
    asked = SegmentationRecipe(1, 1, 0.1, jitter=0.4)
    assert prepared(asked, TwoColours(), drawn=True).recipe.jitter == 0.4


@pytest.mark.parametrize(("few", "expected"), [(None, range(7)), (3, [0, 2, 4]), (99, range(7))])
def test_slow_systems_look_at_few_validation_images(few, expected):
    recipe = SegmentationRecipe(1, 2, 0.1, validation_images=few)
    validation = prepared(recipe, Stripes(2), validation=Stripes(7)).validation
    names = [validation[i][1]["image_id"] for i in range(len(validation))]
    assert names == [f"stripes{i}" for i in expected]  # spread over the set


def test_a_patch_classifier_is_judged_without_its_sliding_window(monkeypatch):
    settings = PatchClassifierSettings(patch_size=5, channels=(4,), kernel_size=2, units=6)
    model = PatchClassifier(CLASSES, settings, rng=np.random.default_rng(0))
    data = Stripes(3, seed=9)
    expected = evaluate(model, data, SegmentationMetric(CLASSES)).values
    monkeypatch.setattr(PatchClassifier, "forward", None)
    judged = SegmentationRecipe(1, 2, 0.1).validated(model)
    assert evaluate(judged, data, SegmentationMetric(CLASSES)).values == expected
    other = BrightnessSegmenter(CLASSES)
    assert SegmentationRecipe(1, 2, 0.1).validated(other) is other


def test_what_is_written_and_said_of_a_picture():
    labels = np.array([[2, 2, 1], [2, 0, 2]])
    image = np.zeros((3, 2, 3))
    found = Prediction("a.png", image, {"segmentation": labels}, CLASSES, 0.12345, "b.png")
    assert class_shares(np.array([[2, 2], [2, 0]]), CLASSES) == {
        "dark": 0.25,
        "grey": 0.0,
        "light": 0.75,
    }
    (record,) = SEGMENTATION.to_json(found)
    shares = record.pop("shares")
    rest = {"height": 2, "width": 3, "seconds": 0.1235, "picture": "b.png"}
    assert record == {"image_id": "a.png", **rest}
    assert shares == {"dark": 0.166667, "grey": 0.166667, "light": 0.666667}
    assert SEGMENTATION.summary(found, 0.5) == "light 67 %, dark 17 %, grey 17 % (0.12 s)"


def test_the_report_has_a_line_for_each_class_and_the_means():
    metric = SegmentationMetric(("grass", "cow", "duck"))
    metric.confusion += np.array([[6, 2, 0], [0, 2, 0], [0, 0, 0]])
    lines = SEGMENTATION.report(metric)
    assert [line.split() for line in lines[:4]] == [
        ["class", "pixels", "accuracy", "IoU"],
        ["grass", "80", "%", "0.750", "0.750"],
        ["cow", "20", "%", "1.000", "0.500"],
        ["duck", "0", "%", "-", "-"],
    ]
    assert lines[4].split() == ["mIoU", "0.625"] and "IoU cow" not in "".join(lines)


def test_wrong_pixels_are_seen_beside_the_truth():
    data, model = Stripes(4, wrong=0), BrightnessSegmenter(CLASSES)
    orange = []
    for wrong in (0, 3):
        data.wrong = wrong
        image, target = data[1]
        (result,) = model.predict([image])
        picture = SEGMENTATION.compare(Prediction("t", image, result, CLASSES), target, data)
        pixels = np.asarray(picture.convert("RGB")).astype(int)
        is_orange = (pixels[..., 0] > 180) & (pixels[..., 2] < 90) & (pixels[..., 1] < 150)
        orange.append(is_orange.mean())
    assert orange[0] < orange[1]
