"""DeconvNet: the published layers, any size, the encoder, and the ensemble of proposals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segmenter_checks import (
    CLASSES,
    check_gradients,
    check_size,
    check_stages,
    logits_of,
    random_image,
)

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.models.photographs import resize_image
from minicv.models.segmentation import DeconvNet, DeconvNetSettings
from minicv.models.segmentation.deconvnet import (
    VGG16Encoder,
    aggregate_scores,
    proposal_windows,
)
from minicv.nn import BatchNorm2d, Conv2d, ConvTranspose2d
from minicv.testing import strategies
from minicv.weights import WeightsError, load_published


def make_model(width=1 / 64, classes=CLASSES, **options):
    settings = DeconvNetSettings(width=width, **options)
    return DeconvNet(classes, settings, rng=np.random.default_rng(0))


@settings(max_examples=8)
@given(st.integers(1, 260), st.integers(1, 260))
def test_logits_have_the_size_of_the_image(height, width):
    check_size(make_model(), height, width)


@pytest.mark.parametrize("size", [(1, 1), (193, 1), (192, 194), (225, 250)])
def test_sizes_at_the_edge(size):
    check_size(make_model(), *size)


def test_loss_reaches_every_parameter_and_void_none():
    check_gradients(make_model(1 / 16), (230, 200))


def test_stages_are_those_of_predict():
    check_stages(make_model(), maps=["feature_map"])


def test_layers_are_those_of_the_paper(weights_cost_nothing):
    """At full width, with weights that cost neither time nor memory."""
    model = make_model(1.0, classes=[str(k) for k in range(21)])
    assert model.fc6.conv.weight.shape == (4096, 512, 7, 7)
    assert model.fc7.conv.weight.shape == (4096, 4096, 1, 1)
    deconvolutions = [
        (layer.in_channels, layer.out_channels, layer.kernel_size[0])
        for part in (model.fc6_back, *reversed(list(model.decoder)))
        for layer in part.modules()
        if isinstance(layer, ConvTranspose2d)
    ]
    assert deconvolutions == [
        (4096, 512, 7),
        *[(512, 512, 3)] * 3,
        *[(512, 512, 3)] * 2, (512, 256, 3),
        *[(256, 256, 3)] * 2, (256, 128, 3),
        (128, 128, 3), (128, 64, 3),
        *[(64, 64, 3)] * 2,
    ]  # fmt: skip
    assert model.score.weight.shape == (21, 64, 1, 1)
    assert round(sum(p.size for p in model.parameters()) / 1e6) == 252


def test_a_small_image_is_padded_with_its_mean_colour_at_the_bottom_and_the_right():
    model = make_model().eval()
    x = np.random.default_rng(0).normal(size=(1, 3, 50, 230)).astype(np.float32)
    padded = np.zeros((1, 3, 193, 230), np.float32)
    padded[:, :, :50] = x
    with no_grad():
        whole = model(Tensor(padded)).data
        np.testing.assert_array_equal(model(Tensor(x)).data, whole[:, :, :50])
    assert np.abs(whole[:, :, 50:]).max() > 0


def test_wrong_options_are_refused():
    for options in ({"width": 0}, {"width": -1.0}, {"proposal_size": 0}):
        with pytest.raises(ValueError, match=r"DeconvNetSettings: width=.*, proposal_size="):
            make_model(**options)


# The encoder


def make_encoder(width=1 / 32, seed=0):
    return VGG16Encoder(width, rng=np.random.default_rng(seed))


def test_names_and_shapes_are_those_of_vgg16_bn(weights_cost_nothing):
    state = {name: array.shape for name, array in make_encoder(1.0).state_dict().items()}
    convolutions = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected = {f"features.{i}.{part}" for i in convolutions for part in ("weight", "bias")}
    expected |= {f"features.{i + 1}.{part}" for i in convolutions for part in norm}
    assert set(state) == expected
    assert state["features.0.weight"] == (64, 3, 3, 3)
    assert state["features.24.weight"] == (512, 256, 3, 3)
    assert state["features.41.running_var"] == (512,)


def test_published_weights_load_and_those_without_normalisation_are_refused():
    published = {
        **{name: array + 1 for name, array in make_encoder().state_dict().items()},
        "classifier.0.weight": np.zeros((4, 4), np.float32),
    }
    encoder = make_encoder(seed=1)
    load_published(encoder, published, "vgg16_bn")
    for name, array in encoder.state_dict().items():
        np.testing.assert_array_equal(array, published[name], err_msg=name)
    plain = {name: array for name, array in published.items() if ".running" not in name}
    with pytest.raises(WeightsError, match=r"no entry 'features\.1\.running_mean'"):
        load_published(encoder, plain, "vgg16")


@given(st.integers(1, 70), st.integers(1, 70))
def test_five_halvings_round_up(height, width):
    encoder = make_encoder().eval()
    with no_grad():
        x, switches = encoder(Tensor(np.zeros((1, 3, height, width), np.float32)))
    sizes = [(height, width)]
    for _ in range(5):
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    assert [places.size for places in switches] == sizes[:-1]
    assert x.shape == (1, 16, *sizes[-1])
    for places, channels, after in zip(switches, (2, 4, 8, 16, 16), sizes[1:], strict=True):
        assert places.indices.shape == (1, channels, *after)


@pytest.mark.parametrize("training", [True, False])
def test_equals_its_layers_one_after_the_other(training):
    rng = np.random.default_rng(0)
    encoder = make_encoder().astype("float64").train(training)
    for layer in encoder.features:
        if isinstance(layer, BatchNorm2d):
            layer.bias.data = rng.normal(size=layer.bias.shape)
            layer.running_mean.data = rng.normal(size=layer.bias.shape)
    image = Tensor(rng.normal(size=(2, 3, 40, 37)))
    fused, _ = encoder(image)
    x = image
    for layer in encoder.features:
        if isinstance(layer, (Conv2d, BatchNorm2d)):
            x = layer(x)
        elif layer.__class__.__name__ == "ReLU":
            x = F.relu(x)
        else:
            x = F.max_pool2d(x, 2, ceil_mode=True)
    np.testing.assert_allclose(fused.data, x.data, rtol=1e-9, atol=1e-9)


def test_levels_are_the_channels_of_configuration_d(weights_cost_nothing):
    assert make_encoder(1.0).levels == [
        (3, 64, 64),
        (64, 128, 128),
        (128, 256, 256, 256),
        (256, 512, 512, 512),
        (512, 512, 512, 512),
    ]
    assert make_encoder(1e-9).levels[-1] == (1, 1, 1, 1)


# Windows, and their scores put together

SIZE, K = (9, 12), 3


@given(strategies.boxes(st.integers(0, 6), width=SIZE[1], height=SIZE[0]))
def test_a_window_is_the_pixels_that_its_box_touches(boxes):
    windows = proposal_windows(boxes, SIZE)
    expected = []
    for x1, y1, x2, y2 in boxes:
        columns = [j for j in range(SIZE[1]) if x1 < j + 1 and x2 > j and x1 < x2]
        rows = [i for i in range(SIZE[0]) if y1 < i + 1 and y2 > i and y1 < y2]
        if rows and columns:
            expected.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    assert windows.tolist() == expected
    assert windows.shape == (len(expected), 4) and windows.dtype == np.int64


def test_wrong_boxes_have_no_windows():
    with pytest.raises(ValueError, match=r"proposal_windows: boxes expects shape \(N, 4\)"):
        proposal_windows(np.zeros(4), SIZE)
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, np.nan, 2.0, 2.0]])
    with pytest.raises(ValueError, match=r"box 1 is \[0\.0, nan, 2\.0, 2\.0\], expected finite"):
        proposal_windows(boxes, SIZE)
    boxes[0, 2] = np.inf
    with pytest.raises(ValueError, match="box 0 is"):
        proposal_windows(boxes, SIZE)


@given(strategies.boxes(st.integers(1, 6), width=SIZE[1], height=SIZE[0]), strategies.seeds())
@pytest.mark.parametrize("aggregate", ["max", "mean"])
def test_equals_the_loops(aggregate, boxes, seed):
    windows = proposal_windows(boxes, SIZE)
    rng = np.random.default_rng(seed)
    scores = [rng.normal(size=(K, y2 - y1, x2 - x1)) for x1, y1, x2, y2 in windows.tolist()]
    expected = np.zeros((K, *SIZE))
    for k, i, j in np.ndindex(K, *SIZE):
        values = [
            of[k, i - y1, j - x1] if y1 <= i < y2 and x1 <= j < x2 else 0.0
            for (x1, y1, x2, y2), of in zip(windows.tolist(), scores, strict=True)
        ]
        if values:
            expected[k, i, j] = max(values) if aggregate == "max" else sum(values) / len(values)
    result = aggregate_scores(windows, iter(scores), (K, *SIZE), aggregate)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_without_windows_all_scores_are_zero():
    none = proposal_windows(np.zeros((0, 4)), SIZE)
    assert none.shape == (0, 4)
    result = aggregate_scores(none, [], (K, *SIZE), "mean")
    assert result.shape == (K, *SIZE) and not result.any()


def test_unknown_aggregate_is_refused():
    with pytest.raises(ValueError, match="aggregate is 'median', expected 'max' or 'mean'"):
        aggregate_scores(np.zeros((0, 4), int), [], (K, *SIZE), "median")


# The ensemble of proposals


def scores_of(model, image, x1, y1, x2, y2):
    """What the network says of one crop, in the crop's own pixels."""
    side = model.settings.proposal_size
    crop = resize_image(image[:, y1:y2, x1:x2], side, side)
    logits = logits_of(model, crop)
    return F.resize_bilinear(logits[None], (y2 - y1, x2 - x1)).data[0]


@pytest.fixture(scope="module")
def model():
    """One that has seen something, so that its scores differ from place to place."""
    model = make_model(proposal_size=200)
    images, labels = [random_image(200, 200, seed) for seed in range(2)], np.zeros((200, 200), int)
    for _ in range(3):
        model.loss(images, [{"segmentation": labels}] * 2)  # moves the running statistics
    for norm in (m for m in model.modules() if hasattr(m, "running_var")):
        norm.bias.data = norm.bias.data + 0.5  # keeps units alive
    model.score.weight.data = 50 * model.score.weight.data
    return model


@pytest.mark.parametrize("aggregate", ["max", "mean"])
@pytest.mark.parametrize("whole_image", [True, False])
def test_scores_go_back_to_their_places_and_are_combined(model, aggregate, whole_image):
    image = random_image(40, 60)
    boxes = np.array([[0.0, 0.0, 20.0, 10.0], [10.5, 5.0, 59.5, 39.0]])
    windows = [(0, 0, 20, 10), (10, 5, 60, 39)] + [(0, 0, 60, 40)] * whole_image
    placed = np.zeros((len(windows), len(CLASSES), 40, 60), np.float32)
    for layer, (x1, y1, x2, y2) in zip(placed, windows, strict=True):
        layer[:, y1:y2, x1:x2] = scores_of(model, image, x1, y1, x2, y2)
    combined = placed.max(axis=0) if aggregate == "max" else placed.mean(axis=0)
    expected = F.softmax(combined[None], dim=1).data[0]
    result = model.predict_with_proposals(
        image, boxes, aggregate=aggregate, whole_image=whole_image
    )
    assert expected.std() > 0.01
    np.testing.assert_allclose(result["probabilities"], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(result["segmentation"], result["probabilities"].argmax(axis=0))


@settings(max_examples=6)
@given(strategies.boxes(st.integers(0, 4), width=30, height=20))
def test_any_boxes(model, boxes):
    result = model.predict_with_proposals(random_image(20, 30), boxes)
    assert result["segmentation"].shape == (20, 30)
    assert result["probabilities"].dtype == np.float32
    np.testing.assert_allclose(result["probabilities"].sum(axis=0), 1, rtol=1e-5)


def test_no_boxes_and_boxes_that_hold_nothing(model):
    image = random_image(20, 30)
    none = np.zeros((0, 4))
    nothing = np.array([[4.0, 4, 4, 9], [9, 9, 3, 3], [30, 0, 40, 9], [-9, -9, -1, -1]])
    alone = model.predict_with_proposals(image, none)
    whole = scores_of(model, image, 0, 0, 30, 20)
    np.testing.assert_array_equal(alone["segmentation"], whole.argmax(axis=0))
    for boxes in (none, nothing):
        result = model.predict_with_proposals(image, boxes)
        np.testing.assert_array_equal(result["probabilities"], alone["probabilities"])
        result = model.predict_with_proposals(image, boxes, whole_image=False)
        np.testing.assert_allclose(result["probabilities"], 1 / len(CLASSES), rtol=1e-6)
        assert not result["segmentation"].any()


def test_ensemble_leaves_the_network_as_it_was(model):
    before = model.train().state_dict()
    model.predict_with_proposals(random_image(20, 30), np.array([[1.0, 1.0, 9.0, 9.0]]))
    assert all(module.training for module in model.modules())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_ensemble_refuses_what_is_wrong(model):
    with pytest.raises(ValueError, match=r"DeconvNet: image has shape \(1, 8, 8\)"):
        model.predict_with_proposals(np.zeros((1, 8, 8), np.float32), np.zeros((0, 4)))
    with pytest.raises(ValueError, match=r"boxes expects shape \(N, 4\)"):
        model.predict_with_proposals(random_image(8, 8), np.zeros((0, 5)))
    with pytest.raises(ValueError, match="expected 'max' or 'mean'"):
        model.predict_with_proposals(random_image(8, 8), np.zeros((0, 4)), aggregate="sum")
