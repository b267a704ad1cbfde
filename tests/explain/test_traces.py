"""Traces: candidates give what select_detections gives, and anchors stand in their cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.explain.traces import anchors_of, candidates_of, last_of, strong_channels
from minicv.inspection.stage import Stage
from minicv.models.detection.roi_heads import select_detections
from minicv.testing import strategies
from minicv.vision.anchors import generate_anchors
from minicv.vision.boxes import batched_nms


def scored_boxes(seed, regions, classes):
    """Boxes (R, K, 4) that overlap, some without area, and scores (R, K) with equal ones."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 20, (regions, classes, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(-1, 30, corners.shape)], axis=2)
    return boxes.astype(np.float32), rng.integers(0, 20, (regions, classes)).astype("f4") / 20


@given(strategies.seeds(), st.integers(0, 9), st.integers(1, 3), st.sampled_from([3, 10, 99]))
def test_suppression_of_the_candidates_is_that_of_all_boxes(seed, regions, classes, most):
    boxes, scores = scored_boxes(seed, regions, classes)
    found = candidates_of(boxes, scores, lowest=0.1, most=most)
    assert len(found.scores) <= most and found.lowest >= 0.1
    for threshold in (found.lowest, found.lowest + 0.05, 0.6):
        good = found.scores > np.float32(threshold)
        kept = batched_nms(found.boxes[good], found.scores[good], found.labels[good], 0.4)
        right = select_detections(
            scores, boxes, score_threshold=threshold, nms_threshold=0.4, detections_per_image=1000
        )
        for ours, theirs in zip(found, right, strict=False):  # boxes, labels, scores, regions
            np.testing.assert_array_equal(ours[good][kept], theirs)


def features(h, w, stride):
    arrays = {"features": np.zeros((2, h, w)), "stride": stride}
    return Stage(f"map_{stride}", "", "features", arrays, 0.0)


def test_an_anchor_of_one_map_stands_in_its_cell():
    anchors = generate_anchors(3, 5, 8, sizes=(10, 20), aspect_ratios=(0.5, 2))
    stages = [
        features(3, 5, 8),
        Stage("anchors", "", "anchors", {"anchors": anchors.reshape(3, 5, 4, 4)}, 0.0),
    ]
    found = anchors_of(stages, np.array([0, 4 * (2 * 5 + 3) + 1]))
    assert found.cells.tolist() == [[0, 0, 0, 0], [0, 2, 3, 1]]
    assert found.strides == [8.0] and found.per_cell == 4
    np.testing.assert_array_equal(found.boxes, anchors[[0, 53]])


def test_an_anchor_of_a_pyramid_stands_in_the_cell_of_its_level():
    grids = [(4, 6, 3), (2, 3, 3), (1, 2, 3)]
    parts = [
        generate_anchors(h, w, stride, [2 * stride], (0.5, 1, 2))
        for (h, w, _), stride in zip(grids, (8, 16, 32), strict=True)
    ]
    anchors = np.concatenate(parts)
    arrays = {
        "anchors": anchors,
        "levels": np.repeat([0, 1, 2], [len(part) for part in parts]),
        "strides": np.array([8, 16, 32]),
        "grids": np.array(grids),
    }
    stages = [features(4, 6, 8), Stage("anchors", "", "anchors of levels", arrays, 0.0)]
    indices = np.arange(len(anchors))[::-1]
    found = anchors_of(stages, indices)
    for index, box, (level, row, column, _) in zip(
        indices, found.boxes, found.cells.tolist(), strict=True
    ):
        assert level == arrays["levels"][index]
        centre = (box[:2] + box[2:]) / 2
        np.testing.assert_allclose(centre, (np.array([column, row]) + 0.5) * (8 << level))
    assert found.cells[::-1, 3].tolist() == [0, 1, 2] * (len(anchors) // 3)
    del arrays["grids"]
    stages[1] = Stage("anchors", "", "anchors of levels", arrays, 0.0)
    assert anchors_of(stages, indices) is None and anchors_of([], indices) is None


@pytest.mark.parametrize("flat", [False, True])
def test_the_strongest_channels_of_each_region(flat):
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(5, 14, 2, 3)).astype("f4")
    arrays = {"boxes": np.zeros((5, 4)), "region_features": maps}
    if flat:  # as SPP-net has them: the maps first, then coarser ones
        rest = np.full((5, 14), 99.0)
        arrays["region_features"] = np.concatenate([maps.reshape(5, -1), rest], axis=1)
        arrays["maps"] = np.array([14, 2, 3])
    stage = Stage("region_features", "", "region features", arrays, 0.0)
    found = strong_channels(stage, np.array([4, 1]))
    assert found.maps.shape == (2, 10, 2, 3) and found.of == 14
    for row, region in enumerate((4, 1)):
        means = maps[region].mean(axis=(1, 2))
        assert found.channels[row].tolist() == sorted(range(14), key=lambda c: -means[c])[:10]
        chosen = maps[region, found.channels[row]]
        assert found.ends[row].tolist() == [chosen.min(), chosen.max()]
        share = (chosen - chosen.min()) / (chosen.max() - chosen.min())
        np.testing.assert_allclose(found.maps[row] / 255, share, atol=0.5 / 255 + 1e-6)


def test_features_that_are_no_maps_have_no_channels():
    arrays = {"boxes": np.zeros((2, 4)), "region_features": np.zeros((2, 9))}
    stage = Stage("region_features", "", "region features", arrays, 0.0)
    assert strong_channels(stage, np.array([0])) is None
    arrays["region_features"] = np.zeros((2, 3, 2, 2))
    stage = Stage("region_features", "", "region features", arrays, 0.0)
    assert strong_channels(stage, np.array([1])).maps.max() == 0  # equal numbers, no division by 0
    assert strong_channels(stage, np.zeros(0, int)).maps.shape == (0, 3, 2, 2)


def test_the_last_stage_of_a_kind():
    stages = [features(1, 1, 8), features(1, 1, 16)]
    assert last_of(stages, "features") is stages[1] and last_of(stages, "boxes") is None
