"""Tiles and blocks: large photographs get the scores that they would get whole."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.backbones import build_backbone
from minicv.models.segmentation import (
    DeconvNet,
    DeconvNetSettings,
    DensePatchClassifier,
    EncoderDecoder,
    EncoderDecoderSettings,
    FCN8s,
    FCN32s,
    FullResolution,
    FullResolutionSettings,
    PatchClassifier,
    PatchClassifierSettings,
    SegNet,
    SegNetSettings,
    large_photographs,
    patch_classifier,
    segmenter,
)
from minicv.models.segmentation.large_photographs import label_in_blocks, tiles

CLASSES = ("sky", "grass", "cow")


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of 64 pixels or little more, so that a test picture has many."""
    monkeypatch.setattr(large_photographs, "TILE", 64)
    monkeypatch.setattr(large_photographs, "LEAST_CORE", 32)


@given(
    size=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    reach=st.integers(0, 40),
    step=st.sampled_from([1, 2, 8, 32]),
)
def test_tiles_cover_each_pixel_once_and_see_what_they_depend_on(size, reach, step):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_photographs, "TILE", 64)
        patch.setattr(large_photographs, "LEAST_CORE", 16)
        parts = list(tiles(size, reach, step))
    covered = np.zeros(size, int)
    everywhere = np.arange(size[0] * size[1]).reshape(size)
    for tile in parts:
        covered[tile.core] += 1
        np.testing.assert_array_equal(everywhere[tile.window][tile.inside], everywhere[tile.core])
        for core, window, length in zip(tile.core, tile.window, size, strict=True):
            assert window.start % step == 0 and core.start % step == 0
            assert window.start == 0 or core.start - window.start >= reach
            assert window.stop == length or window.stop - core.stop >= reach
            assert (window.stop - window.start) % step == length % step  # as odd as the image
    assert (covered == 1).all()


def fcn(kind, backbone):
    def make(rng):
        network = build_backbone(backbone, (8, 16, 32), frozen=False, rng=rng)
        return kind(network, CLASSES, rng=rng)

    return make


PATCHES = PatchClassifierSettings(patch_size=8, channels=(4,), kernel_size=3, units=8, scales=3)
SEGMENTERS = {
    "FullResolution": lambda rng: FullResolution(
        CLASSES, FullResolutionSettings(width=4, depth=3), rng=rng
    ),
    "SegNet": lambda rng: SegNet(
        CLASSES, SegNetSettings(widths=(4, 6, 8), depths=(1, 2, 1)), rng=rng
    ),
    **{
        f"EncoderDecoder {way}": lambda rng, way=way: EncoderDecoder(
            CLASSES, EncoderDecoderSettings(widths=(4, 6, 8), upsampling=way), rng=rng
        )
        for way in ("nearest", "bed_of_nails", "max_unpool", "transposed")
    },
    "FCN-8s": fcn(FCN8s, "small"),
    "FCN-32s": fcn(FCN32s, "small"),
    "PatchClassifier": lambda rng: PatchClassifier(CLASSES, PATCHES, rng=rng),
    "DensePatchClassifier": lambda rng: DensePatchClassifier(
        PatchClassifier(CLASSES, PATCHES, rng=rng)
    ),
}


def with_random_scores(model, rng):
    """FCNs start with scores of 0, which no tile could get wrong."""
    for name, parameter in model.named_parameters():
        if "score" in name and "upscore" not in name:
            parameter.data = rng.normal(size=parameter.shape).astype(np.float32)
    return model.eval()


@pytest.mark.parametrize("name", SEGMENTERS)
def test_tiled_is_as_whole(small_tiles, name):
    rng = np.random.default_rng(0)
    model = with_random_scores(SEGMENTERS[name](rng), rng)
    size = (301, 150) if name.startswith("FCN") else (99, 150)
    image = rng.random((3, *size), dtype=np.float32)
    model.most_at_once = 10**9
    (whole,) = model.predict([image])
    model.most_at_once = 0
    assert len(list(tiles(size, model.reach, model.step))) > 3
    (tiled,) = model.predict([image])
    # Everywhere, not only in the interior.
    np.testing.assert_allclose(tiled["probabilities"], whole["probabilities"], atol=2e-6)
    assert (tiled["segmentation"] == whole["segmentation"]).mean() > 0.9999
    assert tiled["segmentation"].dtype == np.int64


@pytest.mark.parametrize("size", [(450, 330), (463, 349)])
def test_tiled_is_as_whole_where_padding_depends_on_the_size(small_tiles, size):
    """EfficientNet pads odd maps on the left and even ones not."""
    rng = np.random.default_rng(0)
    model = with_random_scores(fcn(FCN8s, "efficientnet_lite0")(rng), rng)
    model.reach = 128  # enough to see a shift; the true reach would make the picture slow
    image = rng.random((3, *size), dtype=np.float32)
    model.most_at_once = 10**9
    (whole,) = model.predict([image])
    model.most_at_once = 0
    (tiled,) = model.predict([image])
    np.testing.assert_allclose(tiled["probabilities"], whole["probabilities"], atol=1e-4)


def test_a_reach_that_is_too_short_would_be_seen(small_tiles):
    rng = np.random.default_rng(0)
    model = with_random_scores(SEGMENTERS["FullResolution"](rng), rng)
    image = rng.random((3, 99, 150), dtype=np.float32)
    (whole,) = model.predict([image])
    model.most_at_once, model.reach = 0, model.reach - 2
    (tiled,) = model.predict([image])
    assert np.abs(tiled["probabilities"] - whole["probabilities"]).max() > 1e-4


def test_deconvnet_knows_its_reach():
    settings = DeconvNetSettings(width=1 / 64)
    model = DeconvNet(CLASSES, settings, rng=np.random.default_rng(0))
    # 3x3 convolutions: 2 + 2·2 + 3·4 + 3·8 + 3·16 = 90 pixels down and 90 up; 6 cells of 32
    # between; and less than two cells for the unpoolings.
    assert model.reach == 90 + 90 + 6 * 32 + 64 and model.step == 32


@pytest.mark.parametrize(
    ("backbone", "reach"),
    [
        ("small", 1 + 2 + 4 + 4 + 8 + 8 + 16 + 16 + 32),
        ("vgg16", 2 * 1 + 2 * 2 + 3 * 4 + 3 * 8 + 3 * 16 + 3 * 32),
        ("resnet18", 3 + 2 + 4 * 4 + (4 + 3 * 8) + (8 + 3 * 16) + (16 + 3 * 32)),
        ("resnet50", 3 + 2 + 3 * 4 + (4 + 3 * 8) + (8 + 5 * 16) + (16 + 2 * 32)),
        (
            "efficientnet_lite0",
            1 + 2 + 2 + 4 + 2 * 4 + 2 * 8 + 8 + 2 * 16 + 3 * 32 + 32 + 3 * 64 + 32,
        ),
    ],
)
def test_reaches_are_the_sums_of_half_kernels_times_strides(backbone, reach):
    model = fcn(FCN8s, backbone)(np.random.default_rng(0))
    assert model.reach == reach + 2 * 32 and model.step == 32


@given(
    seed=st.integers(0, 99),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    old=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_blocks_are_parts_of_the_enlarged_map(seed, size, old):
    logits = np.random.default_rng(seed).normal(size=(3, *old)).astype(np.float32) * 3
    enlarged = F.resize_bilinear(Tensor(logits[None]), size)
    expected = F.softmax(enlarged, dim=1).data[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_photographs, "BLOCK", 7)
        found = label_in_blocks(logits.copy(), size, keep_probabilities=True)
        without = label_in_blocks(logits, size, keep_probabilities=False)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    np.testing.assert_array_equal(found["segmentation"], found["probabilities"].argmax(axis=0))
    assert list(without) == ["segmentation"] and without["segmentation"].dtype == np.int64
    np.testing.assert_array_equal(without["segmentation"], found["segmentation"])


def test_scores_are_enlarged_in_blocks_where_they_are_many(monkeypatch):
    rng = np.random.default_rng(0)
    settings = SegNetSettings(widths=(4,), depths=(1,), min_size=24, max_size=48)
    model = SegNet(CLASSES, settings, rng=rng).eval()
    image = rng.random((3, 60, 90), dtype=np.float32)
    (before,) = model.predict([image])
    monkeypatch.setattr(segmenter, "SCORES_AT_ONCE", 0)
    monkeypatch.setattr(large_photographs, "BLOCK", 25)
    (after,) = model.predict([image])
    np.testing.assert_allclose(after["probabilities"], before["probabilities"], atol=1e-6)
    np.testing.assert_array_equal(after["segmentation"], before["segmentation"])


def test_small_photographs_run_whole():
    model = SEGMENTERS["SegNet"](np.random.default_rng(0))
    assert model.most_at_once == 1_500_000 and segmenter.SCORES_AT_ONCE == 1 << 24


def test_the_stages_of_a_tiled_photograph_are_those_of_its_middle_tile(small_tiles):
    rng = np.random.default_rng(0)
    model = SEGMENTERS["SegNet"](rng).eval()
    model.most_at_once = 0
    image = rng.random((3, 99, 150), dtype=np.float32)
    stages = {stage.name: stage for stage in model.stages(image)}
    assert list(stages) == ["input", "tile", "feature_map", "class_maps", "label_map"]
    parts = list(tiles((99, 150), model.reach, model.step))
    tile = parts[len(parts) // 2]
    window = image[(slice(None), *tile.window)]
    np.testing.assert_array_equal(stages["tile"].arrays["image"], window)
    assert f"Tile {len(parts) // 2 + 1} of {len(parts)}" in stages["tile"].caption
    assert stages["class_maps"].arrays["class_maps"].shape == (3, *window.shape[1:])
    (expected,) = model.predict([image])
    shown = stages["label_map"].arrays
    np.testing.assert_array_equal(shown["segmentation"], expected["segmentation"])
    np.testing.assert_array_equal(shown["image"], image)


def test_a_patch_classifier_takes_the_fast_way_for_many_pixels(monkeypatch):
    rng = np.random.default_rng(0)
    settings = dataclasses.replace(PATCHES, scales=1)
    model = PatchClassifier(CLASSES, settings, rng=rng).eval()
    image = rng.random((3, 20, 30), dtype=np.float32)
    (slow,) = model.predict([image])
    monkeypatch.setattr(patch_classifier, "PATCH_BY_PATCH", 599)
    monkeypatch.setattr(model, "_classify", None)  # no patch is cut any more
    (fast,) = model.predict([image])
    np.testing.assert_allclose(fast["probabilities"], slow["probabilities"], atol=1e-5)
    assert patch_classifier.PATCH_BY_PATCH < 1 << 17


def test_scores_of_tiles_are_enlarged_together(small_tiles):
    """Where the network runs at another size than the photograph's."""
    rng = np.random.default_rng(0)
    settings = SegNetSettings(widths=(4, 6), depths=(1, 1), min_size=99, max_size=150)
    model = SegNet(CLASSES, settings, rng=rng).eval()
    image = rng.random((3, 120, 180), dtype=np.float32)
    (whole,) = model.predict([image])
    model.most_at_once = 0
    (tiled,) = model.predict([image])
    np.testing.assert_allclose(tiled["probabilities"], whole["probabilities"], atol=2e-6)
    assert tiled["segmentation"].shape == (120, 180)
