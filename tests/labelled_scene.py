"""A picture whose labels can be read off its pixels, for the transforms' tests."""

from __future__ import annotations

import numpy as np


def make_scene(height=24, width=36):
    """Two bright blocks; masks, boxes, keypoints at the blocks' corners, segmentation, area."""
    image = np.random.default_rng(3).uniform(0, 0.2, size=(3, height, width)).astype(np.float32)
    boxes = np.array([[4, 6, 12, 18], [20, 2, 34, 10]], np.float32)
    masks = np.zeros((2, height, width), bool)
    segmentation = np.zeros((height, width), np.int64)
    keypoints = np.zeros((2, 3, 3), np.float32)
    for k, (x1, y1, x2, y2) in enumerate(boxes.astype(int)):
        image[:, y1:y2, x1:x2] = 0.6 + 0.3 * k
        masks[k, y1:y2, x1:x2] = True
        segmentation[y1:y2, x1:x2] = k + 1
        keypoints[k] = [[x1 + 1, y1 + 1, 1], [x2 - 1, y1 + 1, 1], [(x1 + x2) / 2, y2 - 1, 1]]
    return image, {
        "boxes": boxes,
        "labels": np.array([3, 1]),
        "masks": masks,
        "area": masks.sum(axis=(1, 2)).astype(np.float32),
        "keypoints": keypoints,
        "segmentation": segmentation,
        "difficult": np.array([False, True]),
        "iscrowd": np.array([False, False]),
        "image_id": "blocks",
    }


def snapshot(image, target):
    """Copies, to see that a transform left its inputs alone."""
    copies = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in target.items()}
    return image.copy(), copies


def assert_unchanged(image, target, before):
    old_image, old_target = before
    np.testing.assert_array_equal(image, old_image)
    assert target.keys() == old_target.keys()
    for key in target:
        np.testing.assert_array_equal(target[key], old_target[key])


def assert_consistent(image, target):
    """Counts agree, boxes lie in the picture, masks have its size and lie in their boxes."""
    height, width = image.shape[1:]
    count = len(target["boxes"])
    for key in ("labels", "masks", "area", "keypoints", "difficult", "iscrowd"):
        assert len(target[key]) == count, key
    assert image.dtype == np.float32 and image.flags.c_contiguous
    assert target["boxes"].dtype == np.float32
    assert target["masks"].shape == (count, height, width)
    assert target["segmentation"].shape == (height, width)
    boxes = target["boxes"]
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert (boxes >= 0).all() and (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()
    np.testing.assert_array_equal(target["area"], target["masks"].sum(axis=(1, 2)))
    for box, mask in zip(boxes, target["masks"], strict=True):
        rows, columns = np.nonzero(mask)
        assert columns.min() + 0.5 >= box[0] - 0.5 and columns.max() + 0.5 <= box[2] + 0.5
        assert rows.min() + 0.5 >= box[1] - 0.5 and rows.max() + 0.5 <= box[3] + 0.5
