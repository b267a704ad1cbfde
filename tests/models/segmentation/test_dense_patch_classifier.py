"""The dense patch classifier equals the sliding window at every pixel, border and all."""

import numpy as np
import pytest
from device_of_the_host import check_losses_and_gradients, check_on_the_host, install_device
from hypothesis import given, settings
from hypothesis import strategies as st
from segmenter_checks import random_image, random_labels

from minicv.models.segmentation import DensePatchClassifier, PatchClassifier
from minicv.vision.label_maps import VOID


def make_model(scales, **options):
    return PatchClassifier(
        ("cow", "sky", "grass"), patch_size=14, channels=(4, 6), kernel_size=3, units=8,
        scales=scales, **options, rng=np.random.default_rng(0),
    )  # fmt: skip


@pytest.mark.parametrize("scales", [1, 3])
@settings(max_examples=10)
@given(height=st.integers(1, 19), width=st.integers(1, 19))
def test_equals_the_sliding_window_at_every_pixel(scales, height, width):
    model = make_model(scales)
    image = np.random.default_rng(1).random((3, height, width), dtype=np.float32)
    slow, fast = model.stages(image)["logits"], DensePatchClassifier(model).stages(image)["logits"]
    assert fast.shape == (3, height, width)
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-5)


def test_takes_over_the_options_and_copies_the_weights():
    weights = np.float32([1, 2, 3])
    model = make_model(2, class_weights=weights, min_size=20, max_size=40)
    dense = DensePatchClassifier(model)
    assert dense.classes == model.classes
    np.testing.assert_array_equal(dense.class_weights, weights)
    assert (dense.min_size, dense.max_size) == (20, 40)
    for parameter in dense.parameters():
        parameter.data += 1
    assert all(np.abs(p.data).max() < 1 for p in model.parameters())


def test_its_loss_counts_every_pixel():
    model = make_model(2)
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


def test_on_a_device_it_gives_the_same(monkeypatch):
    install_device(monkeypatch)
    host, moved = (
        DensePatchClassifier(make_model(2)),
        DensePatchClassifier(make_model(2)).to("cuda"),
    )
    check_on_the_host(moved.stages(random_image(14, 9)), host.stages(random_image(14, 9)))
    images = [random_image(14, 9, seed) for seed in range(2)]
    targets = [random_labels(14, 9, seed) for seed in range(2)]
    check_losses_and_gradients(host, moved, images, targets)
