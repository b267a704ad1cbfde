"""The patch classifier: what it looks at, what it learns from, and that it learns."""

import numpy as np
import pytest
from device_of_the_host import check_losses_and_gradients, check_on_the_host, install_device
from hypothesis import given, settings
from hypothesis import strategies as st
from segmenter_checks import (
    CLASSES,
    arrays_of,
    check_gradients,
    check_size,
    check_stages,
    farmyard_scenes,
    logits_of,
    random_image,
    random_labels,
    values_of,
)

from minicv import Tensor
from minicv import functional as F
from minicv.data import Farmyard
from minicv.models.segmentation import (
    DensePatchClassifier,
    PatchClassifier,
    PatchClassifierSettings,
)
from minicv.models.segmentation.patches import cut_patches, draw_pixels, mirror_border
from minicv.optim import Adam
from minicv.vision.label_maps import VOID

SMALL = {"patch_size": 10, "channels": (4,), "kernel_size": 3, "units": 8}


def make_model(**options):
    settings = PatchClassifierSettings(**{**SMALL, **options})
    return PatchClassifier(CLASSES, settings, rng=np.random.default_rng(0))


@pytest.mark.parametrize("scales", [1, 3])
@settings(max_examples=10)
@given(height=st.integers(1, 23), width=st.integers(1, 23))
def test_logits_have_exactly_the_size_of_the_image(scales, height, width):
    check_size(make_model(scales=scales), height, width)


def test_a_pixel_gets_what_the_net_says_of_the_patch_around_it():
    model, image = make_model(), random_image(20, 31)
    logits = logits_of(model, image)
    pixels = (image - 0.5) / 0.25
    inside = pixels[None, :, 4:14, 9:19]  # around row 9, column 14: no border is involved
    np.testing.assert_allclose(logits[:, 9, 14], model.patch_net(Tensor(inside)).data[0], rtol=1e-5)
    corner = cut_patches(mirror_border(pixels, 10), np.array([0]), np.array([30]), 10)
    np.testing.assert_allclose(logits[:, 0, 30], model.patch_net(Tensor(corner)).data[0], rtol=1e-5)


def test_every_scale_sees_the_patch_around_the_cell_over_the_pixel():
    """Where the image is constant but for one pixel, only patches that hold it differ."""
    model = make_model(scales=2)
    flat = np.full((3, 60, 60), 0.5, np.float32)
    spot = flat.copy()
    spot[:, 30, 30] = 1
    changed = np.abs(logits_of(model, spot) - logits_of(model, flat)).max(axis=0) > 0
    rows = np.flatnonzero(changed.any(axis=1))
    # Level 1 reaches 5 cells of 2 pixels and a little more by the taps of the pyramid.
    assert 20 <= rows.min() < 25 and 35 < rows.max() <= 42


def test_patches_at_once_do_not_matter(monkeypatch):
    model, image = make_model(scales=2), random_image(13, 17)
    together = logits_of(model, image)
    monkeypatch.setattr("minicv.models.segmentation.patch_classifier._PATCHES_AT_ONCE", 10)
    np.testing.assert_allclose(logits_of(model, image), together, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weights", [None, [0.0, 1.0, 3.0]])
@pytest.mark.parametrize("scales", [1, 3])
def test_the_loss_is_that_of_the_drawn_pixels(scales, weights):
    """The mean cross entropy of the pixels drawn, read off the logits of the whole images."""
    model = make_model(scales=scales, patches_per_image=20, class_weights=weights)
    images = [random_image(15, 22, seed=1), random_image(9, 12, seed=2)]
    targets = [random_labels(15, 22), random_labels(9, 12)]
    loss = model.loss(images, targets, np.random.default_rng(5))["loss_pixels"]
    maps = [target["segmentation"] for target in targets]
    positions = draw_pixels(maps, 40, np.random.default_rng(5), model.class_weights)
    logits, truth = [], []
    for image, label_map, place in zip(images, maps, positions, strict=True):
        logits.append(logits_of(model, image)[:, place[0], place[1]].T)  # (R, K)
        truth.append(label_map[place])
    expected = F.softmax_cross_entropy(Tensor(np.concatenate(logits)), np.concatenate(truth))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_none_draws_the_same_patches_at_every_call():
    model = make_model()
    first, second = (
        model.loss([random_image(20, 20)], [random_labels(20, 20)])["loss_pixels"].item()
        for _ in range(2)
    )
    other = model.loss([random_image(20, 20)], [random_labels(20, 20)], np.random.default_rng(9))
    assert first == second != other["loss_pixels"].item()


@pytest.mark.parametrize("scales", [1, 2])
def test_loss_reaches_every_parameter_and_void_none(scales):
    check_gradients(make_model(scales=scales))


def test_a_label_out_of_range_is_refused_by_name():
    target = {"segmentation": np.full((12, 15), 3), "image_id": "meadow"}
    with pytest.raises(ValueError, match=r"PatchClassifier: image 'meadow': label 3 .*0..2"):
        make_model().loss([random_image(12, 15)], [target])


def test_options_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"map of 3x3 for a 2x2 pooling.*2 levels, try 10 or 14"):
        make_model(patch_size=12, channels=(4, 4))
    with pytest.raises(ValueError, match="3 levels, try 22 or 30"):
        make_model(patch_size=5, channels=(4, 4, 4))
    with pytest.raises(ValueError, match="scales=0"):
        make_model(scales=0)
    with pytest.raises(ValueError, match="patch_net is for one scale, and this model has 2"):
        _ = make_model(scales=2).patch_net


def test_stages_are_those_of_predict():
    check_stages(make_model())


def test_on_a_device_it_gives_the_same(monkeypatch):
    install_device(monkeypatch)
    host, moved = make_model(scales=2), make_model(scales=2).to("cuda")
    image = random_image(14, 9)
    check_on_the_host(arrays_of(moved.stages(image)), arrays_of(host.stages(image)))
    images = [random_image(14, 9, seed) for seed in range(2)]
    targets = [random_labels(14, 9, seed) for seed in range(2)]
    check_losses_and_gradients(host, moved, images, targets)


# The dense form


def make_deep_model(scales, **options):
    return make_model(scales=scales, patch_size=14, channels=(4, 6), **options)


@pytest.mark.parametrize("scales", [1, 3])
@settings(max_examples=10)
@given(height=st.integers(1, 19), width=st.integers(1, 19))
def test_equals_the_sliding_window_at_every_pixel(scales, height, width):
    model = make_deep_model(scales)
    image = np.random.default_rng(1).random((3, height, width), dtype=np.float32)
    slow, fast = logits_of(model, image), logits_of(DensePatchClassifier(model), image)
    assert fast.shape == (3, height, width)
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-5)


def test_takes_over_the_options_and_copies_the_weights():
    weights = np.float32([1, 2, 3])
    model = make_deep_model(2, class_weights=weights, min_size=20, max_size=40)
    dense = DensePatchClassifier(model)
    assert dense.classes == model.classes
    assert dense.settings == model.settings
    np.testing.assert_array_equal(dense.class_weights, weights)
    for parameter in dense.parameters():
        parameter.data += 1
    assert all(np.abs(p.data).max() < 1 for p in model.parameters())


def test_its_loss_counts_every_pixel():
    model = make_deep_model(2)
    dense = DensePatchClassifier(model)
    rng = np.random.default_rng(0)
    images = [rng.random((3, 12, 9), dtype=np.float32), rng.random((3, 8, 11), dtype=np.float32)]
    maps = [rng.integers(0, 3, image.shape[1:]) for image in images]
    maps[0][2:5] = VOID
    loss = dense.loss(images, [{"segmentation": labels} for labels in maps])["loss_pixels"]
    assert 0 < loss.item() < 2
    loss.backward()
    for name, parameter in dense.named_parameters():
        assert np.abs(parameter.grad).max() > 0, name
    void = dense.loss(images[:1], [{"segmentation": np.full((12, 9), VOID)}])["loss_pixels"]
    assert void.item() == 0


def test_dense_on_a_device_it_gives_the_same(monkeypatch):
    install_device(monkeypatch)
    host, moved = (
        DensePatchClassifier(make_deep_model(2)),
        DensePatchClassifier(make_deep_model(2)).to("cuda"),
    )
    image = random_image(14, 9)
    check_on_the_host(arrays_of(moved.stages(image)), arrays_of(host.stages(image)))
    images = [random_image(14, 9, seed) for seed in range(2)]
    targets = [random_labels(14, 9, seed) for seed in range(2)]
    check_losses_and_gradients(host, moved, images, targets)


@pytest.mark.slow
@pytest.mark.parametrize("scales", [1, 2])
def test_overfits_two_farmyard_scenes(scales):
    images, targets = farmyard_scenes(2, (40, 40))
    rng = np.random.default_rng(0)
    options = {"patch_size": 18, "channels": (12, 24), "kernel_size": 3, "units": 48}
    settings = PatchClassifierSettings(**options, scales=scales, patches_per_image=32)
    model = PatchClassifier(Farmyard.segmentation_classes, settings, rng=rng)
    untrained = values_of(DensePatchClassifier(model), images, targets).mean_accuracy
    optimizer = Adam(model.parameters(), lr=5e-3)
    for _ in range(80):
        loss = model.loss(images, targets, rng)["loss_pixels"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # By the dense form, which says the same without the wait.
    trained = values_of(DensePatchClassifier(model), images, targets).mean_accuracy
    assert untrained < 0.2
    assert trained > 0.8
