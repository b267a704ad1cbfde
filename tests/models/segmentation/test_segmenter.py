"""What all segmenters share, on the smallest network there is: one 1x1 convolution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from segmenter_checks import (
    CLASSES,
    arrays_of,
    check_gradients,
    check_size,
    check_stages,
    random_image,
    random_labels,
)

from minicv import Tensor, reference
from minicv.models.segmentation import Segmenter, SegmenterSettings
from minicv.nn import Conv2d
from minicv.testing import strategies
from minicv.vision import VOID

K = len(CLASSES)


class ByColour(Segmenter):
    mean = (0.1, 0.4, 0.6)
    std = (0.5, 0.2, 0.3)

    def __init__(self, classes=CLASSES, **options):
        super().__init__(classes, SegmenterSettings(**options))
        self.score = Conv2d(3, len(classes), 1, rng=np.random.default_rng(0))

    def forward(self, x, record=None):
        return self.score(x)


def logits_by_hand(model, image):
    """(3, H, W) -> (H, W, K)."""
    weight, bias = model.score.weight.data[:, :, 0, 0], model.score.bias.data
    normalised = (image.transpose(1, 2, 0) - model.mean) / model.std  # (H, W, 3)
    return normalised @ weight.T + bias


@given(st.integers(1, 9), st.integers(1, 9))
def test_any_size(height, width):
    check_size(ByColour(), height, width)


def test_loss_reaches_every_parameter_and_void_none():
    check_gradients(ByColour())


def test_stages_are_those_of_predict():
    check_stages(ByColour())
    kinds = [stage.kind for stage in ByColour().stages(random_image(3, 4))]
    assert kinds == ["image", "class maps", "label map"]


def test_predicts_the_likeliest_class_of_the_normalised_image():
    model, image = ByColour(), random_image(5, 7)
    result = model.predict([image])[0]
    logits = logits_by_hand(model, image)
    expected = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    np.testing.assert_allclose(result["probabilities"].transpose(1, 2, 0), expected, rtol=1e-4)
    np.testing.assert_array_equal(result["segmentation"], logits.argmax(axis=2))
    assert model.predict([]) == []


# The loss

SIZES = st.tuples(st.integers(1, 6), st.integers(1, 6))


@given(st.lists(SIZES, min_size=1, max_size=3), st.booleans(), strategies.seeds())
def test_loss_is_the_weighted_mean_over_the_labelled_pixels_of_all_images(sizes, weighted, seed):
    """Images of different sizes share a batch, and the margins do not count."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 3, K) if weighted else None
    model = ByColour(class_weights=weights)
    images = [rng.random((3, *size), dtype=np.float32) for size in sizes]
    labels = [rng.choice([*range(K), VOID], size) for size in sizes]
    loss = model.loss(images, [{"segmentation": label_map} for label_map in labels])
    assert list(loss) == ["loss_pixels"]
    logits = np.concatenate([logits_by_hand(model, image).reshape(-1, K) for image in images])
    flat = np.concatenate([label_map.reshape(-1) for label_map in labels])
    kept = flat != VOID
    expected = 0.0
    if kept.any():
        weights = None if weights is None else weights.astype(np.float32)
        expected = reference.softmax_cross_entropy(logits[kept], flat[kept], weights)
    assert loss["loss_pixels"].item() == pytest.approx(float(expected), rel=1e-4, abs=1e-6)


def test_loss_is_the_same_whatever_the_label_maps_dtype():
    model, image, target = ByColour(), random_image(4, 5), random_labels(4, 5)
    target["segmentation"][0] = VOID
    losses = {
        dtype: model.loss([image], [{"segmentation": target["segmentation"].astype(dtype)}])
        for dtype in ("uint8", "int32", "int64")
    }
    assert len({loss["loss_pixels"].item() for loss in losses.values()}) == 1


def test_a_class_of_weight_zero_does_not_count():
    model = ByColour(class_weights=[0, 1, 1])
    target = {"segmentation": np.zeros((4, 5), int)}
    loss = model.loss([random_image(4, 5)], [target])["loss_pixels"]
    loss.backward()
    assert loss.item() == 0
    assert all((parameter.grad == 0).all() for parameter in model.parameters())


@pytest.mark.parametrize("wrong", [K, -1, 254, 256])
def test_a_label_out_of_range_is_refused_by_name(wrong):
    model, image, target = ByColour(), random_image(4, 5), random_labels(4, 5)
    target["segmentation"][2, 3] = wrong
    images, targets = [image, image], [random_labels(4, 5), target]
    message = f"ByColour: image 1: label {wrong} in row 2, column 3"
    with pytest.raises(ValueError, match=message):
        model.loss(images, targets)
    target["image_id"] = "0016E5"
    with pytest.raises(ValueError, match=f"ByColour: image '0016E5': label {wrong}"):
        model.loss(images, targets)


def test_targets_that_do_not_fit_are_refused():
    model, image = ByColour(), random_image(4, 5)
    for images, targets in (([], []), ([image], []), ([image], [random_labels(4, 5)] * 2)):
        with pytest.raises(ValueError, match=r"ByColour: \d images and \d targets; expected as"):
            model.loss(images, targets)
    with pytest.raises(ValueError, match="image 0 has no 'segmentation', only boxes, labels"):
        model.loss([image], [{"labels": [], "boxes": []}])
    with pytest.raises(ValueError, match=r"image 0: the label map is 5 x 4 .* its image is 4 x 5"):
        model.loss([image], [random_labels(5, 4)])
    with pytest.raises(ValueError, match="dtype float64, expected whole numbers"):
        model.loss([image], [{"segmentation": np.zeros((4, 5))}])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 5), np.float32), r"has shape \(4, 5\); expected \(3, height, width\)"),
        (np.zeros((1, 4, 5), np.float32), r"has shape \(1, 4, 5\)"),
        (np.zeros((3, 0, 5), np.float32), "at least one pixel"),
        (np.zeros((3, 4, 5), np.uint8), r"is uint8; expected floats in 0\.\.1.*divide by 255"),
    ],
)
def test_images_that_are_none_are_refused(image, message):
    model = ByColour()
    for run in (
        lambda: model.predict([image]),
        lambda: model.stages(image),
        lambda: model.loss([image], [random_labels(4, 5)]),
    ):
        with pytest.raises(ValueError, match=message):
            run()


# The working size


def test_works_at_the_size_asked_for_and_answers_at_the_size_of_the_image():
    model, image = ByColour(min_size=8, max_size=10), random_image(40, 50)
    shown, result = arrays_of(model.stages(image)), model.predict([image])[0]
    assert shown["input/image"].shape == (3, 8, 10)
    assert shown["class_maps/class_maps"].shape == (K, 8, 10)
    assert shown["label_map/image"] is image
    assert result["probabilities"].shape == (K, 40, 50)
    np.testing.assert_array_equal(shown["label_map/segmentation"], result["segmentation"])
    # A thing of one colour is found where it is.
    image = np.zeros((3, 40, 40), np.float32)
    image[:, :, 20:] = 1
    here = model.predict([image])[0]["segmentation"]
    exact = ByColour().predict([image])[0]["segmentation"]
    assert exact[0, 0] != exact[0, -1]
    assert (here[:, :18] == exact[:, :18]).all() and (here[:, 22:] == exact[:, 22:]).all()


def test_training_works_at_the_size_of_the_images():
    image, target = random_image(12, 9), random_labels(12, 9)
    resizing = ByColour(min_size=4, max_size=4).loss([image], [target])["loss_pixels"].item()
    assert resizing == ByColour().loss([image], [target])["loss_pixels"].item()


# The options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_weights": [1.0, 2.0]}, "2 class_weights, expected one for each of 3 classes"),
        ({"class_weights": [1.0, 2.0, -1.0]}, "class_weights is .* finite numbers from 0 on"),
        ({"class_weights": [1.0, 2.0, np.nan]}, "finite numbers from 0 on"),
        ({"min_size": 5}, "min_size=5, max_size=None; expected two positive sizes, or None"),
        ({"min_size": 5, "max_size": 0}, "expected two positive sizes"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=f"(ByColour|SegmenterSettings): .*{message}"):
        ByColour(**options)


def test_a_segmenter_has_classes_and_a_network():
    with pytest.raises(ValueError, match="ByColour: classes is empty"):
        ByColour(classes=())
    with pytest.raises(NotImplementedError, match="Segmenter: forward is not written"):
        Segmenter(CLASSES, SegmenterSettings())(Tensor(np.zeros((1, 3, 2, 2), np.float32)))
