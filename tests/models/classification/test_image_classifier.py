"""What classifiers share: losses against their formulas, results, and what is refused."""

import numpy as np
import pytest

from minicv import reference
from minicv.data.transforms.square import square
from minicv.models.classification import ClassifierSettings, ImageClassifier
from minicv.nn import Parameter

CLASSES = ("cow", "cat", "duck")
SCORES = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 3.0]], np.float32)


class Known(ImageClassifier):
    """Scores that are parameters: row n is that of image n."""

    def __init__(self, settings, scores=SCORES):
        super().__init__(CLASSES, settings)
        self.known = Parameter(scores)
        self.seen = []

    def scores(self, x, record=None):
        self.seen.append(x.data)
        return self.known[: len(x.data)]


def model(**settings):
    return Known(ClassifierSettings(**{"size": 8, **settings}))


def image(seed=0, size=(12, 20)):
    return np.random.default_rng(seed).random((3, *size), dtype=np.float32)


def loss(built, labels=(0, 1)):
    (value,) = built.loss([image(), image(1)], [{"label": k} for k in labels]).values()
    return value


def log_softmax(scores):
    return np.log(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True))


def test_softmax_loss_is_the_mean_surprise():
    log_p = log_softmax(SCORES.astype(float))
    assert loss(model()).item() == pytest.approx(-(log_p[0, 0] + log_p[1, 1]) / 2, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_label_smoothing_spreads_the_truth(smoothing):
    log_p = log_softmax(SCORES.astype(float))
    wanted = np.full((2, 3), smoothing / 3)
    wanted[[0, 1], [0, 1]] += 1 - smoothing
    built = model(label_smoothing=smoothing)
    value = loss(built)
    assert value.item() == pytest.approx(-(wanted * log_p).sum() / 2, rel=1e-6)
    value.backward()  # p - q, over two images
    np.testing.assert_allclose(built.known.grad, (np.exp(log_p) - wanted) / 2, atol=1e-7)


def test_hinge_loss_is_the_multiclass_hinge():
    expected = reference.multiclass_hinge(SCORES.astype(float), np.array([0, 1])).mean()
    assert loss(model(loss="hinge")).item() == pytest.approx(expected, rel=1e-6)
    # Of image 0: max(0, -1 - 2 + 1) + max(0, 0.5 - 2 + 1) = 0; of image 1: 1 + 4.
    assert expected == pytest.approx(2.5)


def test_results_are_probabilities_or_the_scores_of_an_svm_the_best_class_first():
    for kind in ("softmax", "hinge"):
        first, second = model(loss=kind).predict([image(), image(1)])
        assert first["labels"].tolist() == [0, 2, 1] and first["labels"].dtype == np.int64
        assert second["labels"].tolist() == [2, 0, 1]  # equal scores keep their order
        expected = np.exp(log_softmax(SCORES)) if kind == "softmax" else SCORES
        np.testing.assert_allclose([first["scores"], second["scores"]], expected, rtol=1e-6)
        assert first["scores"].dtype == np.float32


@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_the_network_sees_squares_normalised(fit):
    built = model(fit=fit, crop_fraction=0.75, size=8)
    built.predict([image(), image(1, (9, 8))])
    (seen,) = built.seen
    expected = [square(i, 8, fit, 0.75) for i in (image(), image(1, (9, 8)))]
    np.testing.assert_allclose(seen, (np.stack(expected) - 0.5) / 0.25, atol=1e-6)


def test_a_square_of_the_right_size_is_not_cropped_again():
    built = model(size=8)
    exact = image(2, (8, 8))
    built.loss([exact], [{"label": 0}])
    np.testing.assert_allclose(built.seen[0][0], (exact - 0.5) / 0.25, atol=1e-6)


def test_many_images_run_in_parts_with_the_same_results():
    scores = np.random.default_rng(0).normal(size=(1, 3)).astype("f4").repeat(32, axis=0)
    built = Known(ClassifierSettings(size=4), scores)
    results = built.predict([image()] * 70)
    assert [len(part) for part in built.seen] == [32, 32, 6]
    assert len(results) == 70


def test_stages_are_those_of_predict():
    built = model()
    result, stages = built.predict_for_picture(image(), keep_stages=True)
    assert [stage.name for stage in stages] == ["input", "class_scores"]
    np.testing.assert_array_equal(stages[-1].arrays["class_scores"], result["scores"])
    np.testing.assert_allclose(stages[0].arrays["image"], square(image(), 8), atol=1e-6)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"label": 3}, r"Known: image 1: label is 3; expected a whole number 0..2.* 3 classes"),
        ({"label": -1, "image_id": "a.jpg"}, "image 'a.jpg': label is -1"),
        ({"label": 1.0}, "label is 1.0"),
        ({"label": True}, "label is True"),
        ({"boxes": 0}, "image 1: the target has no 'label', only boxes"),
        ({}, "only nothing"),
    ],
)
def test_labels_that_cannot_be_learnt(target, message):
    with pytest.raises(ValueError, match=message):
        model().loss([image(), image()], [{"label": np.int64(0)}, target])


def test_other_numbers_of_targets_than_images():
    with pytest.raises(ValueError, match="Known: 0 images and 0 targets"):
        model().loss([], [])
    with pytest.raises(ValueError, match="1 images and 2 targets"):
        model().loss([image()], [{"label": 0}] * 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0}, "size=0; expected at least 1"),
        ({"units": 0}, "units=0"),
        ({"pooled_size": -1}, "pooled_size=-1"),
        ({"dropout": 1.0}, "dropout=1.0; expected a share from 0 to less than 1"),
        ({"label_smoothing": float("nan")}, "label_smoothing=nan"),
        ({"crop_fraction": 0.0}, "crop_fraction=0.0; expected a share above 0"),
        ({"crop_fraction": 1.5}, "crop_fraction=1.5"),
        ({"loss": "svm"}, "loss='svm'; expected 'softmax' or 'hinge'"),
        ({"head": "none"}, "head='none'; expected 'pooled' or 'fully_connected'"),
        ({"fit": "pad"}, "fit='pad'; expected 'crop' or 'stretch'"),
        ({"resample": "box"}, "resample='box'; expected 'bilinear' or 'bicubic'"),
        ({"loss": "hinge", "label_smoothing": 0.1}, "an SVM has none"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        ClassifierSettings(**settings)


def test_one_class():
    with pytest.raises(ValueError, match="the classes are cow; expected two at least"):
        ImageClassifier(("cow",))


def test_without_a_size_it_is_128():
    built = model(size=None)
    built.predict([image()])
    assert built.seen[0].shape == (1, 3, 128, 128)
