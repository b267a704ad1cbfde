"""Features are what a classifier sees of each image, once; a head on them is the classifier's."""

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F
from minicv.models.backbones import SmallBackbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.models.photographs import normalised_batch
from minicv.nn import Linear
from minicv.training import frozen_features
from minicv.training.frozen_features import Features, features_of, fit_head

SETTINGS = ClassifierSettings(size=16, fit="stretch")


class Pictures:
    """Noise of different sizes; the class is the brighter half, left or right."""

    classes = ("left", "right")

    def __init__(self, length, seed=0):
        self.length, self.seed, self.read = length, seed, 0

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.read += 1
        rng = np.random.default_rng([self.seed, index])
        image = rng.random((3, 14 + index % 5, 20 + index % 3), dtype=np.float32) / 2
        label = index % 2
        image[:, :, 10 * label : 10 * label + 10] += 0.5
        return image, {"label": label, "image_id": index}


def classifier(seed=0, settings=SETTINGS):
    rng = np.random.default_rng(seed)
    return Classifier(SmallBackbone(4, rng=rng), Pictures.classes, settings, rng=rng)


@pytest.mark.parametrize(
    "changes", [{"fit": "crop", "crop_fraction": 0.8}, {"fit": "stretch", "resample": "bicubic"}]
)
def test_the_classifiers_scores_are_its_last_layer_on_the_features(changes):
    model = classifier(settings=ClassifierSettings(size=16, **changes))
    data = Pictures(7)
    features = features_of(model.backbone, data, model.settings, batch_size=3)
    assert features.vectors.shape == (7, 1, 16) and features.vectors.dtype == np.float32
    assert features.labels.tolist() == [0, 1, 0, 1, 0, 1, 0]
    shares = F.softmax(model.fc(Tensor(features.vectors[:, 0])), dim=1).data
    results = model.predict([data[i][0] for i in range(7)])
    np.testing.assert_allclose(shares, [own["scores"] for own in results], rtol=1e-4)


def test_the_second_view_is_the_mirrored_picture():
    """By hand, for pictures that have the network's size."""
    backbone = classifier().backbone.eval()
    image = np.random.default_rng(3).random((3, 16, 16), dtype=np.float32)
    features = features_of(backbone, [(image, {"label": 1})], SETTINGS, flip=True)
    for view, seen in enumerate((image, image[:, :, ::-1])):
        (maps,) = backbone(Tensor(normalised_batch([seen], backbone.mean, backbone.std)))
        expected = maps.data[0].mean(axis=(1, 2))
        np.testing.assert_allclose(features.vectors[0, view], expected, rtol=1e-5, atol=1e-7)
    assert np.abs(features.vectors[0, 0] - features.vectors[0, 1]).max() > 1e-3


def test_a_network_in_training_is_evaluated_and_left_in_training():
    model = classifier().train()
    before = model.state_dict()
    features = features_of(model.backbone, Pictures(4), SETTINGS)
    assert model.backbone.layers[1].training
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    alone = features_of(model.backbone, Pictures(4), SETTINGS, batch_size=1)
    np.testing.assert_allclose(features.vectors, alone.vectors, rtol=1e-4, atol=1e-6)


def test_what_cannot_be_a_table_is_refused():
    model = classifier()
    with pytest.raises(ValueError, match=r"0 images and settings\.size=16"):
        features_of(model.backbone, Pictures(0), SETTINGS)
    with pytest.raises(ValueError, match=r"settings\.size=None"):
        features_of(model.backbone, Pictures(2), ClassifierSettings(size=None))
    head, rng = Linear(4, 2, rng=np.random.default_rng(0)), np.random.default_rng(0)
    for shape in ((0, 1, 4), (3, 1, 5)):
        table = Features(np.zeros(shape, np.float32), np.zeros(shape[0], np.int64))
        with pytest.raises(ValueError, match=f"{shape[0]} images of {shape[2]} .* a head for 4"):
            fit_head(head, table, rng=rng)


# The file.


def test_the_file_has_the_same_numbers_and_spares_the_network(tmp_path, monkeypatch):
    model, data = classifier(), Pictures(11)
    expected = features_of(model.backbone, data, SETTINGS, flip=True)
    file = tmp_path / "new" / "features.npy"
    written = features_of(model.backbone, data, SETTINGS, flip=True, file=file, batch_size=4)
    assert {path.name for path in file.parent.iterdir()} == {"features.npy", "features.npy.labels"}

    def unused(*arguments):
        raise AssertionError("the network runs")

    monkeypatch.setattr(frozen_features, "_pooled", unused)
    data.read = 0
    again = features_of(model.backbone, data, SETTINGS, flip=True, file=file)
    assert data.read == frozen_features.SAMPLES  # of 11
    for features in (written, again):
        assert isinstance(features.vectors, np.memmap)  # in memory only as it is used
        np.testing.assert_allclose(features.vectors, expected.vectors, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(features.labels, expected.labels)


@pytest.mark.parametrize(
    "change", ["weights", "size", "fit", "flip", "images", "length", "damaged", "short", "labels"]
)
def test_features_of_something_else_are_computed_anew(tmp_path, change):
    file = tmp_path / "features.npy"
    features_of(classifier().backbone, Pictures(6), SETTINGS, file=file)
    backbone = classifier(seed=1 if change == "weights" else 0).backbone
    data = Pictures(7 if change == "length" else 6, seed=1 if change == "images" else 0)
    settings = {
        "size": ClassifierSettings(size=24, fit="stretch"),
        "fit": ClassifierSettings(size=16, fit="crop"),
    }.get(change, SETTINGS)
    if change == "damaged":
        file.write_bytes(b"\x93NUMPY no more")
    if change == "short":
        file.write_bytes(file.read_bytes()[:-4])
    if change == "labels":
        (tmp_path / "features.npy.labels").write_bytes(b"PK")
    flip = change == "flip"
    kept = features_of(backbone, data, settings, flip=flip, file=file)
    expected = features_of(backbone, data, settings, flip=flip)
    np.testing.assert_array_equal(kept.vectors, expected.vectors)
    np.testing.assert_array_equal(kept.labels, expected.labels)


# The head.


def test_a_head_that_learns_on_features_makes_the_classifier_right(tmp_path):
    model = classifier()
    features = features_of(model.backbone, Pictures(40), SETTINGS, file=tmp_path / "features.npy")
    losses = fit_head(model.fc, features, rng=np.random.default_rng(0), weight_decay=0.01)
    assert len(losses) == 300 and np.mean(losses[-20:]) < 0.5 * losses[0]
    unseen = Pictures(20, seed=9)
    right = [
        model.predict([unseen[i][0]])[0]["labels"][0] == unseen[i][1]["label"] for i in range(20)
    ]
    assert np.mean(right) >= 0.9


def test_a_linear_head_reaches_the_one_best_answer():
    """Softmax regression is convex: two classes at ±1, and decay, have one minimum.

    With weight w and -w for the two classes and the decay d, the gradient is 0 where
    2 w d = 2 · σ(-2 w): solved by bisection.
    """
    table = Features(np.array([[[1.0]], [[-1.0]]], np.float32), np.array([0, 1]))
    decay = 0.1
    head = Linear(1, 2, rng=np.random.default_rng(0))
    fit_head(head, table, rng=np.random.default_rng(0), steps=600, lr=0.05, weight_decay=decay)
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if 1 / (1 + np.exp(2 * middle)) > middle * decay else (low, middle)
        )
    np.testing.assert_allclose(head.weight.data[:, 0], [low, -low], rtol=1e-3)


def test_an_svm_stops_at_its_margin_and_each_view_is_drawn():
    table = Features(np.array([[[1.0, 0], [0, 1]], [[-1, 0], [0, -1]]], np.float32), np.arange(2))
    head = Linear(2, 2, rng=np.random.default_rng(0))
    options = {"rng": np.random.default_rng(0), "loss": F.multiclass_hinge, "weight_decay": 0.0}
    assert fit_head(head, table, **options)[-1] == 0
    for view in range(2):  # both views lead by the margin
        scores = head(Tensor(table.vectors[:, view])).data
        assert (scores[[0, 1], [0, 1]] - scores[[0, 1], [1, 0]] >= 1).all()


@pytest.mark.parametrize("bias", [True, False])
def test_the_answer_does_not_depend_on_the_units_of_the_features(bias):
    """Features of a hundredth of the size, and where there is a bias, another origin."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((20, 1, 3)).astype(np.float32)
    labels = (vectors[:, 0, 0] > 0).astype(np.int64)
    origin = 5 if bias else 0

    def scores(vectors):
        head = Linear(3, 2, bias=bias, rng=np.random.default_rng(0))
        fit_head(head, Features(vectors, labels), rng=np.random.default_rng(0), steps=100)
        return head(Tensor(vectors[:, 0])).data

    expected = scores(vectors)
    np.testing.assert_allclose(scores(vectors / 100 + origin), expected, atol=1e-3)
    assert (expected.argmax(axis=1) == labels).mean() >= 0.9


def test_the_seed_decides():
    table = Features(np.random.default_rng(0).random((9, 2, 3), np.float32), np.arange(9) % 2)

    def weights(seed):
        head = Linear(3, 2, rng=np.random.default_rng(0))
        fit_head(head, table, rng=np.random.default_rng(seed), steps=5, batch_size=4)
        return head.weight.data

    np.testing.assert_array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))
