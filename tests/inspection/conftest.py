"""Made-up results for the pictures: no model is needed to test how its stages are drawn."""

import numpy as np
import pytest

from minicv.vision.anchors import AnchorGrid


@pytest.fixture
def make_stages():
    """``make_stages(height, width, ...)`` has the form of `FasterRCNN.stages`, random inside."""

    def stages(height=40, width=56, channels=5, proposals=12, detections=3, classes=2, stride=16):
        rng = np.random.default_rng(0)
        grid = AnchorGrid(stride, sizes=(8, 16), aspect_ratios=(0.5, 1.0, 2.0))
        h, w = -(-height // stride), -(-width // stride)

        def boxes(count, scale=1.0):
            corners = rng.uniform(0, 1, (count, 2, 2)) * (width * scale, height * scale)
            corners.sort(axis=1)
            return corners.reshape(count, 4).astype(np.float32)

        scores = rng.uniform(size=(proposals, classes + 1))
        return {
            "image": rng.uniform(size=(3, 2 * height, 2 * width)).astype(np.float32),
            "input": rng.uniform(size=(3, height, width)).astype(np.float32),
            "feature_map": rng.normal(size=(channels, h, w)).astype(np.float32),
            "anchors": grid.generate(h, w),
            "anchors_per_location": grid.anchors_per_cell,
            "objectness": rng.normal(size=(grid.anchors_per_cell, h, w)).astype(np.float32),
            "proposals_before_nms": boxes(2 * proposals),
            "proposal_scores_before_nms": rng.uniform(size=2 * proposals).astype(np.float32),
            "proposals": boxes(proposals),
            "proposal_scores": rng.uniform(size=proposals).astype(np.float32),
            "region_features": rng.normal(size=(proposals, channels, 7, 7)).astype(np.float32),
            "class_scores": (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32),
            "refined_boxes": np.repeat(boxes(proposals)[:, None], classes, axis=1),
            "detections": {
                "boxes": boxes(detections, scale=2),
                "labels": rng.integers(0, classes, detections),
                "scores": rng.uniform(size=detections).astype(np.float32),
            },
        }

    return stages
