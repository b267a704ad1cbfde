"""What the page holds of a label map: scores, fields and spots, as the model has them."""

import base64
import json

import numpy as np
import pytest

from minicv.explain.saliency import in_blocks, side_of_half
from minicv.explain.widgets_label_maps import field_of, pixel_scores
from minicv.models.segmentation import (
    EncoderDecoder,
    EncoderDecoderSettings,
    FullResolution,
    FullResolutionSettings,
    PatchClassifier,
    PatchClassifierSettings,
)

CLASSES = ("sky", "grass", "cow")


def rng():
    return np.random.default_rng(0)


def unpacked(form):
    kind = {"uint8": "u1", "int32": "<i4", "float32": "<f4"}[form["dtype"]]
    return np.frombuffer(base64.b64decode(form["base64"]), kind).reshape(form["shape"])


def data_of(model, image):
    stages = model.stages(image)
    part = pixel_scores(stages, len(stages) - 1, model)
    json.dumps(part, allow_nan=False)
    assert part["name"] == "pixel_scores"
    return part["data"], {stage.name: stage.arrays for stage in stages}


def test_scores_fields_and_spots():
    settings = FullResolutionSettings(width=4, depth=2)
    model = FullResolution(CLASSES, settings, rng=rng())
    image = rng().random((3, 20, 26), dtype="float32")
    data, stages = data_of(model, image)
    maps = stages["class_maps"]["class_maps"]
    assert abs(unpacked(data["scores"]) / 255 - maps).max() <= 0.5 / 255 + 1e-6
    assert (data["step"], data["size"], data["working"]) == (1, [26, 20], [26, 20])
    assert unpacked(data["rows"])[10].tolist() == [8, 13]
    assert unpacked(data["columns"])[0].tolist() == [0, 3]
    assert data["patch"] is None and len(data["colours"]) == 3
    for spot in data["spots"]:
        row, column, label = spot["row"], spot["column"], spot["label"]
        heat = unpacked(spot["heat"])
        assert heat.max() == 255 and heat.shape == (20, 26)
        seen = np.argwhere(heat > 0)
        assert abs(seen - [row, column]).max() <= 2
        assert maps[label, row, column] > 0.8 * maps[label].max()
        assert 1 <= spot["half"] <= 5
    largest = np.bincount(stages["label_map"]["segmentation"].ravel()).argmax()
    assert data["spots"][0]["label"] == largest


def test_an_image_that_is_resized_has_fields_in_the_pixels_of_the_network():
    settings = EncoderDecoderSettings(widths=(4, 4), min_size=16, max_size=32)
    model = EncoderDecoder(CLASSES, settings, rng=rng())
    data, _ = data_of(model, rng().random((3, 32, 48), dtype="float32"))
    assert data["size"] == [48, 32] and data["working"] == [24, 16]
    assert len(unpacked(data["rows"])) == 16 and len(unpacked(data["columns"])) == 24
    assert data["maps"] == [16, 24]


def test_large_maps_are_thinned(monkeypatch):
    monkeypatch.setattr("minicv.explain.widgets_label_maps.MOST_NUMBERS", 300)
    model = FullResolution(CLASSES, FullResolutionSettings(width=2, depth=1), rng=rng())
    data, stages = data_of(model, rng().random((3, 20, 26), dtype="float32"))
    assert data["step"] == 3
    thin = stages["class_maps"]["class_maps"][:, ::3, ::3]
    assert abs(unpacked(data["scores"]) / 255 - thin).max() < 0.003


def test_of_a_patch_classifier_it_is_the_patch():
    settings = PatchClassifierSettings(patch_size=8, channels=(4,), kernel_size=3, units=8)
    model = PatchClassifier(CLASSES, settings, rng=rng())
    data, _ = data_of(model, rng().random((3, 12, 20), dtype="float32"))
    assert data["patch"] == 8 and data["spots"] == []
    assert unpacked(data["rows"])[6].tolist() == [2, 10]  # the pixel is P // 2 from the top
    assert field_of(model, (12, 20)).box(0, 19) == (15, 0, 20, 4)


def test_a_photograph_in_tiles_has_no_part():
    model = FullResolution(CLASSES, FullResolutionSettings(width=2, depth=1), rng=rng())
    model.most_at_once = 100
    stages = model.stages(rng().random((3, 20, 26), dtype="float32"))
    assert any(stage.name == "tile" for stage in stages)
    assert pixel_scores(stages, len(stages) - 1, model) is None


def test_sums_of_blocks_and_the_square_of_half():
    heat = np.arange(12.0).reshape(3, 4)
    assert in_blocks(heat, 2).tolist() == [[10.0, 18.0], [17.0, 21.0]]
    heat = np.zeros((9, 9))
    heat[4, 4], heat[3, 4], heat[0, 0] = 2, 1, 3
    assert [side_of_half(heat, 4, 4), side_of_half(heat, 0, 0)] == [3, 1]
    assert side_of_half(np.ones((9, 5)), 4, 2) == pytest.approx(5)
