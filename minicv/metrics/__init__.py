"""Floor 2: how good are detections (boxes, masks, keypoints), proposals and label maps?

NumPy on the host, whatever device the arrays come from.
"""

from minicv.metrics.average_precision_coco import (
    CocoAveragePrecision,
    coco_average_precision,
    coco_mask_average_precision,
)
from minicv.metrics.average_precision_keypoints import (
    KeypointAveragePrecision,
    coco_keypoint_average_precision,
)
from minicv.metrics.average_precision_voc import VocAveragePrecision, voc_average_precision
from minicv.metrics.instances import InstanceMetric, PoseMetric
from minicv.metrics.keypoints import object_keypoint_similarity, oks_sigmas
from minicv.metrics.metric import DetectionMetric, Metric, SegmentationMetric
from minicv.metrics.proposal_recall import ProposalRecall, proposal_recall
from minicv.metrics.segmentation import (
    BoundaryIoU,
    SegmentationValues,
    boundary_band,
    boundary_iou,
    confusion_matrix,
    segmentation_values,
    values_of_confusion,
)

__all__ = [
    "BoundaryIoU",
    "CocoAveragePrecision",
    "DetectionMetric",
    "InstanceMetric",
    "KeypointAveragePrecision",
    "Metric",
    "PoseMetric",
    "ProposalRecall",
    "SegmentationMetric",
    "SegmentationValues",
    "VocAveragePrecision",
    "boundary_band",
    "boundary_iou",
    "coco_average_precision",
    "coco_keypoint_average_precision",
    "coco_mask_average_precision",
    "confusion_matrix",
    "object_keypoint_similarity",
    "oks_sigmas",
    "proposal_recall",
    "segmentation_values",
    "values_of_confusion",
    "voc_average_precision",
]
