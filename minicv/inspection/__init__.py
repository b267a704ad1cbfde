"""Floor 3: what happens inside, made visible: detections, label maps, stages, heat maps, curves."""

from minicv.inspection.bars import draw_bars
from minicv.inspection.border_window import border_window
from minicv.inspection.class_palette import class_palette
from minicv.inspection.crops import crop_of_box
from minicv.inspection.curves import draw_curves
from minicv.inspection.drawing import draw_detections, draw_ground_truth
from minicv.inspection.feature_maps import draw_feature_map
from minicv.inspection.graph import draw_graph
from minicv.inspection.heatmap import colour_map, feature_tiles, overlay_heatmap
from minicv.inspection.keypoints import COCO_SKELETON, LSP_SKELETON, Skeleton, draw_keypoints
from minicv.inspection.label_map_panels import draw_label_maps
from minicv.inspection.label_maps import draw_segmentation
from minicv.inspection.legend import LegendEntry, draw_legend
from minicv.inspection.masks import draw_masks
from minicv.inspection.moved_boxes import draw_moved_boxes, regions_behind
from minicv.inspection.number_grid import draw_number_grid
from minicv.inspection.panels import contact_sheet
from minicv.inspection.proposals import draw_proposals
from minicv.inspection.pyramid import draw_pyramid
from minicv.inspection.region_scores import draw_region_scores
from minicv.inspection.segmentation_comparison import draw_segmentation_comparison
from minicv.inspection.segments import draw_segments
from minicv.inspection.stages import draw_faster_rcnn_stages

__all__ = [
    "COCO_SKELETON",
    "LSP_SKELETON",
    "LegendEntry",
    "Skeleton",
    "border_window",
    "class_palette",
    "colour_map",
    "contact_sheet",
    "crop_of_box",
    "draw_bars",
    "draw_curves",
    "draw_detections",
    "draw_faster_rcnn_stages",
    "draw_feature_map",
    "draw_graph",
    "draw_ground_truth",
    "draw_keypoints",
    "draw_label_maps",
    "draw_legend",
    "draw_masks",
    "draw_moved_boxes",
    "draw_number_grid",
    "draw_proposals",
    "draw_pyramid",
    "draw_region_scores",
    "draw_segmentation",
    "draw_segmentation_comparison",
    "draw_segments",
    "feature_tiles",
    "overlay_heatmap",
    "regions_behind",
]
