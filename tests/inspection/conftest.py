"""Made-up stages: no model is needed to test how they are drawn."""

import numpy as np
import pytest

from minicv.inspection.stage import Stage
from minicv.vision.anchors import AnchorGrid

NAMES = {
    "input": "image",
    "feature_map": "features",
    "anchors": "anchors",
    "objectness": "objectness",
    "proposals": "boxes",
    "warped_regions": "regions",
    "region_features": "region features",
    "class_scores": "region scores",
    "refined_boxes": "refined boxes",
    "detections": "detections",
    "scores_of_image": "class scores",
    "class_maps": "class maps",
    "label_map": "label map",
}


@pytest.fixture
def make_stages():
    """``make_stages(height, width, ...)``: a stage of every kind, random inside."""

    def stages(height=40, width=56, channels=5, regions=12, detections=3, classes=2, flat=False):
        rng = np.random.default_rng(0)
        grid = AnchorGrid(16, sizes=(8, 16), aspect_ratios=(0.5, 1.0, 2.0))
        h, w = -(-height // 16), -(-width // 16)

        def boxes(count):
            corners = rng.uniform(0, 1, (count, 2, 2)) * (width, height)
            corners.sort(axis=1)
            return corners.reshape(count, 4).astype(np.float32)

        image = rng.uniform(size=(3, height, width)).astype(np.float32)
        anchors = grid.generate(h, w).reshape(h, w, -1, 4)
        proposals = boxes(regions)
        scores = rng.dirichlet(np.ones(classes + 1), regions)[:, 1:].astype(np.float32)
        refined = proposals[:, None] + rng.normal(size=(regions, classes, 4))
        pooled = rng.normal(size=(regions, 30) if flat else (regions, channels, 7, 7))
        found = {"boxes": boxes(detections), "labels": rng.integers(0, classes, detections)}
        found["scores"] = rng.uniform(size=detections)
        arrays = {
            "input": {"image": image},
            "feature_map": {"features": rng.normal(size=(channels, h, w)), "stride": 16},
            "anchors": {"anchors": anchors},
            "objectness": {"anchors": anchors, "objectness": rng.uniform(size=anchors.shape[:3])},
            "proposals": {"boxes": proposals, "scores": np.sort(rng.uniform(size=regions))[::-1]},
            "warped_regions": {"boxes": proposals, "crops": rng.uniform(size=(regions, 3, 8, 8))},
            "region_features": {"boxes": proposals, "region_features": pooled},
            "class_scores": {"boxes": proposals, "class_scores": scores},
            "refined_boxes": {
                "boxes": proposals, "refined_boxes": refined, "class_scores": scores,
            },
            "detections": {"image": image, **found},
            "scores_of_image": {"class_scores": rng.dirichlet(np.ones(classes))},
            "class_maps": {
                "class_maps": rng.dirichlet(np.ones(classes), (h, w)).transpose(2, 0, 1),
            },
            "label_map": {
                "image": image, "segmentation": rng.integers(0, classes, (height, width)),
            },
        }  # fmt: skip
        return [
            Stage(name, f"{name}\nexplained", NAMES[name], arrays[name], 0.01) for name in NAMES
        ]

    return stages
