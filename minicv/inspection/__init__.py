"""Floor 3: what happens inside, made visible: detections, stages, heat maps, curves, graphs."""

from minicv.inspection.curves import draw_curves
from minicv.inspection.drawing import draw_detections, draw_ground_truth
from minicv.inspection.graph import draw_graph
from minicv.inspection.heatmap import colour_map, feature_tiles, overlay_heatmap
from minicv.inspection.keypoints import COCO_SKELETON, LSP_SKELETON, Skeleton, draw_keypoints
from minicv.inspection.masks import draw_masks
from minicv.inspection.panels import contact_sheet
from minicv.inspection.stages import draw_faster_rcnn_stages

__all__ = [
    "COCO_SKELETON",
    "LSP_SKELETON",
    "Skeleton",
    "colour_map",
    "contact_sheet",
    "draw_curves",
    "draw_detections",
    "draw_faster_rcnn_stages",
    "draw_graph",
    "draw_ground_truth",
    "draw_keypoints",
    "draw_masks",
    "feature_tiles",
    "overlay_heatmap",
]
