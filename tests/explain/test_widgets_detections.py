"""What the page of a detector holds: the boxes before suppression, and how each came."""

import base64
import dataclasses
import json

import numpy as np
import pytest

from minicv.explain.widgets_detections import detections
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.detection import (
    RCNN,
    FasterRCNN,
    FasterRCNNSettings,
    FastRCNN,
    FastRCNNSettings,
    MaskRCNN,
    MaskRCNNSettings,
    RCNNSettings,
    SlidingWindowDetector,
    SPPNet,
    SPPNetSettings,
)
from minicv.models.localization import SingleObjectDetector
from minicv.proposals import SlidingWindow

NAMES = ("cow", "duck", "person")
WINDOWS = SlidingWindow(sizes=(12.0, 24.0), step=0.5)
FASTER = FasterRCNNSettings(
    min_size=64, max_size=96, anchor_sizes=(12.0, 32.0), rpn_channels=8, head_units=8,
    post_nms_top_n_test=30, pre_nms_top_n_test=50,
)  # fmt: skip
MASKS = MaskRCNNSettings(
    **dataclasses.asdict(FASTER), mask_channels=(4,), mask_predictor_channels=4,
    joint_names=("nose", "left_eye"), joint_classes=("person",), keypoint_channels=(4,),
)  # fmt: skip
IMAGE = np.random.default_rng(1).random((3, 40, 60), dtype=np.float32)


def made(kind, settings=None, proposer=None, pyramid=False):
    rng = np.random.default_rng(0)
    backbone = SmallBackbone(4, rng=rng)
    if pyramid:
        backbone = FPN(backbone, 12, rng=rng)
    between = () if proposer is None else (proposer,)
    after = () if settings is None else (settings,)
    return kind(backbone, NAMES, *between, *after, rng=rng)


MODELS = {
    "one map": lambda: made(FasterRCNN, FASTER),
    "pyramid": lambda: made(FasterRCNN, FASTER, pyramid=True),
    "two looks": lambda: made(FasterRCNN, dataclasses.replace(FASTER, head_rounds=2, vote_iou=0.5)),
    "masks and joints": lambda: made(MaskRCNN, MASKS, pyramid=True),
    "Fast R-CNN": lambda: made(FastRCNN, FastRCNNSettings(64, 96, head_units=8), WINDOWS),
    "SPP-net": lambda: made(
        SPPNet, SPPNetSettings(head_units=8, scales=(64,), region_side=32.0), WINDOWS
    ),
    "R-CNN": lambda: made(
        RCNN, RCNNSettings(head_units=8, warp_size=16, context=2, pooled_size=2), WINDOWS
    ),
    "sliding window": lambda: made(SlidingWindowDetector, proposer=WINDOWS),
}


def read(packed):
    """The array that `packed` wrote."""
    numbers = np.frombuffer(base64.b64decode(packed["base64"]), packed["dtype"])
    return numbers.reshape(packed["shape"])


def part_of(model, image=IMAGE):
    """The data of the last stage's part, and the stages by name."""
    stages = model.stages(image)
    found = [detections(stages, index, model) for index in range(len(stages))
             if stages[index].kind in ("detections", "instances")]  # fmt: skip
    assert [part is not None for part in found] == [False] * (len(found) - 1) + [True]
    json.dumps(found[-1], allow_nan=False)
    return found[-1]["data"], {stage.name: stage.arrays for stage in stages}


@pytest.mark.parametrize("name", MODELS)
def test_candidates_are_all_boxes_with_a_score_and_know_their_region(name):
    model = MODELS[name]()
    data, stages = part_of(model)
    scores_of_regions = stages["class_scores"]["class_scores"]
    assert scores_of_regions.dtype == np.float32  # else the page would decide otherwise
    boxes, labels, scores = (read(data[key]) for key in ("boxes", "labels", "scores"))
    assert len(scores) == (scores_of_regions > data["lowest"]).sum() > 20
    numbers = read(data["of_regions"]["numbers"])[read(data["regions"])]
    np.testing.assert_array_equal(scores, scores_of_regions[numbers, labels])
    regions = stages["class_scores"]["boxes"]
    refined = stages.get("refined_boxes", {"refined_boxes": np.repeat(regions[:, None], 3, 1)})
    assert refined["refined_boxes"].dtype == np.float32
    np.testing.assert_array_equal(boxes, refined["refined_boxes"][numbers, labels])
    assert data["size"] == list(stages["input"]["image"].shape[:0:-1])
    height, width = stages["input"]["image"].shape[1:]
    assert (boxes >= 0).all() and (boxes <= [width, height] * 2).all()
    best = scores.max()
    assert data["start"] == (model.settings.score_threshold if best <= 0.5 else 0.5)


@pytest.mark.parametrize("name", MODELS)
def test_each_region_knows_where_it_came_from(name):
    data, stages = part_of(MODELS[name]())
    known = data["of_regions"]
    numbers, proposals = read(known["numbers"]), stages["proposals"]
    assert len(set(numbers.tolist())) == len(numbers) and known["of"] == len(proposals["boxes"])
    np.testing.assert_array_equal(read(known["boxes"]), proposals["boxes"][numbers])
    np.testing.assert_array_equal(
        read(known["scores"]), proposals["scores"][numbers].astype(np.float32)
    )
    class_scores = stages["class_scores"]["class_scores"][numbers]
    best = class_scores.max(axis=1)
    assert (np.diff(best) <= 0).all()  # the surest first
    np.testing.assert_array_equal(read(known["best_scores"]), -np.sort(-class_scores, axis=1))
    np.testing.assert_allclose(read(known["background"]), 1 - class_scores.sum(axis=1), atol=1e-6)
    assert ("moved" in known) == (name == "two looks")
    if name == "two looks":
        moved = stages["class_scores"]["boxes"][numbers]
        np.testing.assert_array_equal(read(known["moved"]), moved)
        assert not np.array_equal(moved, read(known["boxes"]))
    of_a_network = name in ("one map", "pyramid", "two looks", "masks and joints")
    assert ("anchors" in known) == of_a_network
    if of_a_network:
        anchors = known["anchors"]
        indices = proposals["anchor_indices"][numbers]
        assert read(anchors["numbers"]).tolist() == indices.tolist()
        all_anchors = stages["anchors"]["anchors"].reshape(-1, 4)
        np.testing.assert_array_equal(read(anchors["boxes"]), all_anchors[indices])
    if name == "sliding window":
        assert known["features"] is None
    else:
        assert read(known["features"]["maps"]).shape[:2] == (len(numbers), 10)
    assert (known["crops"] is not None) == (name in ("R-CNN", "sliding window"))


def test_scores_of_fitted_svms_stand_beside_those_of_the_prediction():
    model = MODELS["R-CNN"]()
    rng = np.random.default_rng(2)
    model.svms.take(rng.normal(size=(3, 8)), rng.normal(size=3))
    known = part_of(model)[0]["of_regions"]
    assert "background" not in known  # three SVMs do not share out a sum of 1
    raw, scores = read(known["svm_scores"]), read(known["best_scores"])
    np.testing.assert_allclose(1 / (1 + np.exp(-raw)), scores, rtol=1e-5)


def test_masks_and_joints_belong_to_the_models_own_detections():
    data, stages = part_of(MODELS["masks and joints"]())
    found, shown = stages["detections"], stages["instances"]
    own = data["masks"]["candidates"]
    assert len(own) == len(found["boxes"]) > 3
    numbers = read(data["of_regions"]["numbers"])[read(data["regions"])]
    assert numbers[own].tolist() == found["region_indices"].tolist()
    assert read(data["labels"])[own].tolist() == found["labels"].tolist()
    probabilities = stages["mask_probabilities"]["mask_probabilities"]
    np.testing.assert_allclose(
        read(data["masks"]["maps"]) / 255, probabilities[: len(own)], atol=0.5 / 255 + 1e-6
    )
    bodies = data["bodies"]
    jointed = np.flatnonzero(found["labels"] == 2)[:12]  # persons
    assert bodies["candidates"] == np.array(own)[jointed].tolist() and len(jointed) > 3
    assert bodies["names"] == ["nose", "left eye"]
    heat = stages["heatmaps"]["heatmaps"][jointed]  # (B, 2, 56, 56), each joint by its peak
    maps = read(bodies["maps"])
    assert maps.shape == (len(jointed), 2, 28, 28) and (maps.max(axis=(2, 3)) == 255).all()
    at = np.unravel_index(heat[3, 1].argmax(), (56, 56))
    assert maps[3, 1, at[0] // 2, at[1] // 2] == 255
    scale = np.array(data["size"]) / shown["image"].shape[:0:-1]
    np.testing.assert_allclose(
        read(bodies["joints"]), shown["keypoints"][jointed, :, :2] * scale, rtol=2e-3
    )


@pytest.mark.parametrize("own, lowest", [(0.0, 0.0), (0.3, 0.01)])
def test_the_page_reaches_down_to_the_models_own_threshold(own, lowest):
    data, _ = part_of(made(FasterRCNN, dataclasses.replace(FASTER, score_threshold=own)))
    assert data["lowest"] == lowest and data["settings"]["score"] == own
    assert read(data["scores"]).max() < 0.5 and data["start"] == own  # nothing is sure


def test_a_detection_that_no_region_was_has_no_part():
    rng = np.random.default_rng(0)
    model = SingleObjectDetector(SmallBackbone(4, rng=rng), NAMES, rng=rng)
    stages = model.stages(IMAGE)
    assert detections(stages, len(stages) - 1, model) is None


def test_a_page_without_any_box_above_a_score():
    model = MODELS["one map"]()
    model.box_predictor.cls_score.bias.data[0] = 50.0  # all is background
    data, _ = part_of(model)
    assert read(data["scores"]).shape == (0,) and read(data["boxes"]).shape == (0, 4)
    assert data["of_regions"]["features"]["maps"]["shape"][0] == 0
