"""The head looks again: where regions are moved to, the mean of scores, and both in a model."""

from dataclasses import replace

import numpy as np
import pytest
from short_training import make_image

from minicv.autograd import no_grad
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FasterRCNN, FasterRCNNSettings
from minicv.models.detection.head_rounds import mean_logits, moved_regions
from minicv.models.photographs import ImageBatch
from minicv.nn import evaluating
from minicv.vision import clip_boxes_to_image, decode_boxes

BATCH = ImageBatch(
    [np.zeros((3, 50, 60), "float32")] * 2, np.zeros((2, 3, 50, 60), "float32"), [(50, 60)] * 2
)
SETTINGS = FasterRCNNSettings(
    min_size=64,
    max_size=96,
    anchor_sizes=(12.0, 32.0),
    rpn_channels=16,
    head_units=16,
    post_nms_top_n_test=30,
    score_threshold=0.0,
)
UNITS = FasterRCNNSettings(box_weights=(1.0, 1.0, 1.0, 1.0))


def test_each_region_is_moved_by_its_likeliest_class():
    regions = [np.array([[10.0, 10, 20, 30]]), np.array([[0.0, 0, 40, 20], [50, 40, 60, 50]])]
    logits = np.array([[9.0, 1, 0], [0, 2, 5], [0, 1, 3]])  # the background is never the likeliest
    offsets = np.full((3, 3, 4), np.nan)
    offsets[0, 1] = [0.5, 0, 0, 0]  # half a width to the right
    offsets[1, 2] = [0, 0.25, np.log(2), np.log(0.5)]  # down by 5, twice as wide, half as high
    offsets[2, 2] = [2, 0, 0, 0]  # out of the image: nothing of it would be left
    first, second = moved_regions(logits, offsets, regions, BATCH, UNITS)
    np.testing.assert_allclose(first, [[15, 10, 25, 30]])
    np.testing.assert_allclose(second, [[0, 10, 60, 20], [50, 40, 60, 50]])


def test_no_regions():
    none = moved_regions(np.zeros((0, 3)), np.zeros((0, 3, 4)), [np.zeros((0, 4))], BATCH, UNITS)
    assert none[0].shape == (0, 4)
    assert mean_logits([np.zeros((0, 3)), np.zeros((0, 3))]).shape == (0, 3)


def test_scores_are_the_mean_and_one_round_is_left_as_it_is():
    logits = np.array([[1000.0, 0.0], [0.0, 0.0]])
    assert mean_logits([logits]) is logits
    other = np.array([[0.0, 1000.0], [0.0, np.log(3)]])
    powers = np.exp(mean_logits([logits, other]))
    np.testing.assert_allclose(powers, [[0.5, 0.5], [0.375, 0.625]])
    assert np.isfinite(mean_logits([logits, logits])).all()


@pytest.mark.parametrize("rounds", [2, 3])
def test_a_model_runs_its_head_on_the_moved_regions(rounds):
    image, rng = make_image(60, 90), np.random.default_rng(0)
    model = FasterRCNN(SmallBackbone(width=4, rng=rng), ("cow", "duck"), SETTINGS, rng=rng)
    for layer in (model.box_predictor.bbox_pred, model.box_predictor.cls_score):
        layer.weight.data = rng.normal(0, 0.3, layer.weight.shape).astype("float32")
    stages = {stage.name: stage.arrays for stage in model.stages(image)}
    boxes = stages["proposals"]["boxes"]
    refined, scores = stages["refined_boxes"]["refined_boxes"], stages["class_scores"]
    expected = [scores["class_scores"]]
    with no_grad(), evaluating(model):
        batch = model._stage1_batch([image])
        features = model._stage2_features(batch)
        for _ in range(rounds - 1):
            likeliest = expected[-1].argmax(axis=1)
            boxes = refined[np.arange(len(boxes)), likeliest]
            pooled = model.pool(features, [boxes], SETTINGS.pooled_size)
            logits, offsets = (own.data for own in model._stage7_head(pooled))
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            expected.append((powers / powers.sum(axis=1, keepdims=True))[:, 1:])
            refined = decode_boxes(offsets[:, 1:], boxes, SETTINGS.box_weights)
            refined = clip_boxes_to_image(refined, batch.sizes[0])

    model.settings = replace(SETTINGS, head_rounds=rounds)
    again = {stage.name: stage.arrays for stage in model.stages(image)}
    np.testing.assert_array_equal(again["proposals"]["boxes"], stages["proposals"]["boxes"])
    np.testing.assert_allclose(again["class_scores"]["boxes"], boxes, rtol=1e-5, atol=1e-4)
    mean = sum(expected) / rounds
    np.testing.assert_allclose(again["class_scores"]["class_scores"], mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        again["refined_boxes"]["refined_boxes"], refined, rtol=1e-4, atol=1e-3
    )
    moved = np.abs(boxes - stages["proposals"]["boxes"]).max()
    assert moved > 1
