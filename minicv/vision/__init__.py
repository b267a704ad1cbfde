"""Floor 1, arrays: boxes, anchors, matching, sampling, suppression, masks and label maps.

No Tensor comes in here.
"""

from minicv.vision.anchors import AnchorGrid, CornerAnchorGrid, generate_anchors
from minicv.vision.boxes import (
    batched_nms,
    box_area,
    box_intersection_over_area,
    box_iou,
    clip_boxes_to_image,
    decode_boxes,
    encode_boxes,
    flip_boxes,
    nms,
    remove_small_boxes,
    scale_boxes,
)
from minicv.vision.heatmaps import heatmaps_to_keypoints, joint_positions
from minicv.vision.keypoints import (
    COCO_JOINTS,
    LEEDS_SPORTS_JOINTS,
    flip_keypoints,
    scale_keypoints,
)
from minicv.vision.label_maps import (
    VOID,
    check_label_map,
    class_frequencies,
    median_frequency_weights,
)
from minicv.vision.levels import assign_levels
from minicv.vision.linear_models import (
    LinearSVM,
    RidgeRegression,
    fit_linear_svm,
    fit_ridge_regression,
)
from minicv.vision.mask_pasting import paste_masks, paste_masks_expanded
from minicv.vision.mask_targets import mask_targets, resize_masks
from minicv.vision.masks import mask_iou, masks_to_boxes
from minicv.vision.matching import IGNORED, NEGATIVE, POSITIVE, Matcher, Matches, balanced_sample
from minicv.vision.warp import warp_boxes

__all__ = [
    "COCO_JOINTS",
    "IGNORED",
    "LEEDS_SPORTS_JOINTS",
    "NEGATIVE",
    "POSITIVE",
    "VOID",
    "AnchorGrid",
    "CornerAnchorGrid",
    "LinearSVM",
    "Matcher",
    "Matches",
    "RidgeRegression",
    "assign_levels",
    "balanced_sample",
    "batched_nms",
    "box_area",
    "box_intersection_over_area",
    "box_iou",
    "check_label_map",
    "class_frequencies",
    "clip_boxes_to_image",
    "decode_boxes",
    "encode_boxes",
    "fit_linear_svm",
    "fit_ridge_regression",
    "flip_boxes",
    "flip_keypoints",
    "generate_anchors",
    "heatmaps_to_keypoints",
    "joint_positions",
    "mask_iou",
    "mask_targets",
    "masks_to_boxes",
    "median_frequency_weights",
    "nms",
    "paste_masks",
    "paste_masks_expanded",
    "remove_small_boxes",
    "resize_masks",
    "scale_boxes",
    "scale_keypoints",
    "warp_boxes",
]
