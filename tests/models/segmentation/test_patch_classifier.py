"""The patch classifier: what it looks at, what it learns from, and that it learns."""

import numpy as np
import pytest
from device_of_the_host import check_losses_and_gradients, check_on_the_host, install_device
from hypothesis import given, settings
from hypothesis import strategies as st
from segmenter_checks import (
    CLASSES,
    check_gradients,
    check_size,
    check_stages,
    farmyard_scenes,
    random_image,
    random_labels,
)

from minicv import Tensor
from minicv import functional as F
from minicv.data import Farmyard
from minicv.metrics import segmentation_values
from minicv.models.segmentation import DensePatchClassifier, PatchClassifier
from minicv.models.segmentation.patches import cut_patches, draw_pixels, mirror_border
from minicv.optim import Adam

SMALL = {"patch_size": 10, "channels": (4,), "kernel_size": 3, "units": 8}


def make_model(**options):
    return PatchClassifier(CLASSES, **{**SMALL, **options}, rng=np.random.default_rng(0))


@pytest.mark.parametrize("scales", [1, 3])
@settings(max_examples=10)
@given(height=st.integers(1, 23), width=st.integers(1, 23))
def test_logits_have_exactly_the_size_of_the_image(scales, height, width):
    check_size(make_model(scales=scales), height, width)


def test_a_pixel_gets_what_the_net_says_of_the_patch_around_it():
    model, image = make_model(), random_image(20, 31)
    logits = model.stages(image)["logits"]
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
    changed = np.abs(model.stages(spot)["logits"] - model.stages(flat)["logits"]).max(axis=0) > 0
    rows = np.flatnonzero(changed.any(axis=1))
    # Level 1 reaches 5 cells of 2 pixels and a little more by the taps of the pyramid.
    assert 20 <= rows.min() < 25 and 35 < rows.max() <= 42


def test_patches_at_once_do_not_matter(monkeypatch):
    model, image = make_model(scales=2), random_image(13, 17)
    together = model.stages(image)["logits"]
    monkeypatch.setattr("minicv.models.segmentation.patch_classifier._PATCHES_AT_ONCE", 10)
    np.testing.assert_allclose(model.stages(image)["logits"], together, rtol=1e-4, atol=1e-6)


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
        logits.append(model.stages(image)["logits"][:, place[0], place[1]].T)  # (R, K)
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
    check_on_the_host(moved.stages(random_image(14, 9)), host.stages(random_image(14, 9)))
    images = [random_image(14, 9, seed) for seed in range(2)]
    targets = [random_labels(14, 9, seed) for seed in range(2)]
    check_losses_and_gradients(host, moved, images, targets)


@pytest.mark.slow
@pytest.mark.parametrize("scales", [1, 2])
def test_overfits_a_few_farmyard_images(scales):
    images, targets = farmyard_scenes(3, (48, 48))
    rng = np.random.default_rng(0)
    model = PatchClassifier(
        Farmyard.segmentation_classes, patch_size=18, channels=(12, 24), kernel_size=3, units=48,
        scales=scales, rng=rng,
    )  # fmt: skip
    optimizer = Adam(model.parameters(), lr=3e-3)
    for _ in range(120):
        loss = model.loss(images, targets, rng)["loss_pixels"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    predictions = DensePatchClassifier(model).predict(images)  # the same, without the wait
    figures = segmentation_values(predictions, targets, len(model.classes))
    assert figures.mean_accuracy > 0.85
