"""Floor 3: pictures of what happens inside: detections, label maps, stages, heat maps, curves."""

from minicv.inspection.boxes import draw_proposals, regions_behind
from minicv.inspection.charts import draw_bars, draw_curves
from minicv.inspection.detections import draw_detections, draw_ground_truth, draw_masks
from minicv.inspection.graph import RecordedGraph, recorded_graph
from minicv.inspection.graph_pictures import draw_graph, graph_svg
from minicv.inspection.heatmap import colour_map, feature_tiles, overlay_heatmap
from minicv.inspection.instance_comparison import draw_instances_beside_truth
from minicv.inspection.instances import draw_instances
from minicv.inspection.keypoints import COCO_SKELETON, LSP_SKELETON, Skeleton, draw_keypoints
from minicv.inspection.label_maps import (
    border_window,
    draw_label_maps,
    draw_segmentation,
    draw_segmentation_comparison,
    draw_segments,
)
from minicv.inspection.label_pictures import background_labels, palette_picture
from minicv.inspection.number_grid import draw_number_grid
from minicv.inspection.palette import class_palette
from minicv.inspection.panels import LegendEntry, contact_sheet, draw_legend
from minicv.inspection.poses import draw_pose, draw_pose_beside_truth, draw_pose_stages
from minicv.inspection.regions import crop_of_box, draw_pyramid, draw_region_scores
from minicv.inspection.roi_grids import draw_roi_grids
from minicv.inspection.skeletons import skeleton_of
from minicv.inspection.stages import draw_stages

__all__ = [
    "COCO_SKELETON",
    "LSP_SKELETON",
    "LegendEntry",
    "RecordedGraph",
    "Skeleton",
    "background_labels",
    "border_window",
    "class_palette",
    "colour_map",
    "contact_sheet",
    "crop_of_box",
    "draw_bars",
    "draw_curves",
    "draw_detections",
    "draw_graph",
    "draw_ground_truth",
    "draw_instances",
    "draw_instances_beside_truth",
    "draw_keypoints",
    "draw_label_maps",
    "draw_legend",
    "draw_masks",
    "draw_number_grid",
    "draw_pose",
    "draw_pose_beside_truth",
    "draw_pose_stages",
    "draw_proposals",
    "draw_pyramid",
    "draw_region_scores",
    "draw_roi_grids",
    "draw_segmentation",
    "draw_segmentation_comparison",
    "draw_segments",
    "draw_stages",
    "feature_tiles",
    "graph_svg",
    "overlay_heatmap",
    "palette_picture",
    "recorded_graph",
    "regions_behind",
    "skeleton_of",
]
