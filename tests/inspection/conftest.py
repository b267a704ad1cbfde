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
    "code": "code",
    "label_map": "label map",
    "anchors_of_levels": "anchors of levels",
    "objectness_of_levels": "objectness of levels",
    "region_levels": "levels",
    "mask_probabilities": "mask probabilities",
    "heatmaps": "heat maps",
    "instances": "instances",
    "joints": "pose",
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
        flat_anchors = np.concatenate([anchors.reshape(-1, 4), grid.generate(1, 1)])
        of_levels = {
            "anchors": flat_anchors,
            "levels": np.repeat([0, 1], [anchors.size // 4, len(flat_anchors) - anchors.size // 4]),
            "strides": np.array([16, 32, 64]),  # a level without anchors, too
        }
        joints = rng.uniform(0, width, (detections, 3, 3))
        instances = {
            "masks": rng.uniform(size=(detections, height, width)) < 0.5,
            "keypoints": joints,
            "keypoint_scores": rng.normal(2, 2, (detections, 3)),
        }
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
            "anchors_of_levels": of_levels,
            "objectness_of_levels": {
                **of_levels, "objectness": rng.uniform(size=len(flat_anchors)),
            },
            "region_levels": {
                "boxes": proposals, "levels": rng.integers(0, 3, regions),
                "strides": np.array([16, 32, 64]),
            },
            "mask_probabilities": {
                **found, "mask_probabilities": rng.uniform(size=(detections, 28, 28)),
            },
            "heatmaps": {
                "boxes": found["boxes"],
                "heatmaps": rng.dirichlet(np.ones(64), (detections, 3)).reshape(-1, 3, 8, 8),
                "joint_names": ("nose", "left eye", "right eye"),
            },
            "instances": {"image": image, **found, **instances},
            "joints": {
                "image": image, "joints": rng.uniform(0, width, (3, 2)),
                "joint_names": ("nose", "left eye", "right eye"),
            },
            "code": {"code": rng.normal(size=9)},
        }  # fmt: skip
        return [
            Stage(name, f"{name}\nexplained", NAMES[name], arrays[name], 0.01) for name in NAMES
        ]

    return stages
