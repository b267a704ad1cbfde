"""Proposals in the page: a network's before suppression, any other's as they are."""

import dataclasses

import numpy as np
from tiny_detector import tiny_detector

from minicv.explain.widgets_proposals import MOST_PROPOSALS, proposals
from minicv.inspection.stage import Stage


def test_boxes_of_a_network_stand_as_before_suppression_with_their_levels():
    model = tiny_detector(("cow",), pre_nms_top_n_test=70)
    stages = model.stages(np.random.default_rng(0).random((3, 48, 40), dtype=np.float32))
    parts = [proposals(stages, i, model) for i, stage in enumerate(stages) if stage.kind == "boxes"]
    assert parts[0] is None
    data = parts[1]["data"]
    assert data["boxes"]["shape"] == [70, 4] and data["levels"]["shape"] == [70]
    assert (data["nms"], data["most"]) == (0.7, 10) and data["size"] == [40, 48]


def test_any_other_boxes_are_only_counted_and_of_many_the_best_are_here():
    image = Stage("input", "", "image", {"image": np.zeros((3, 8, 9), np.float32)}, 0.0)
    boxes = np.arange(4.0 * 3000).reshape(3000, 4)
    arrays = {"boxes": boxes, "scores": np.arange(3000.0)[::-1]}
    stages = [image, Stage("proposals", "", "boxes", arrays, 0.0)]
    data = proposals(stages, 1, None)["data"]
    assert "nms" not in data and data["of"] == 3000
    assert data["boxes"]["shape"] == [MOST_PROPOSALS, 4]
    none = {name: array[:0] for name, array in arrays.items()}
    assert proposals([image, dataclasses.replace(stages[1], arrays=none)], 1, None) is None
    assert proposals(stages[1:], 0, None) is None  # no picture to draw on
