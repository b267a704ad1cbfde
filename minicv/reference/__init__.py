"""Loop-level twins of every layer, of boxes, masks and joints: slow, obvious, for reading."""

from minicv.reference.adaptive_avg_pool2d import adaptive_avg_pool2d
from minicv.reference.adaptive_max_pool2d import adaptive_max_pool2d
from minicv.reference.anchors import generate_anchors
from minicv.reference.avg_pool2d import avg_pool2d
from minicv.reference.batch_norm import batch_norm, frozen_batch_norm
from minicv.reference.binary_cross_entropy_with_logits import binary_cross_entropy_with_logits
from minicv.reference.binary_hinge import binary_hinge
from minicv.reference.box_coding import decode_boxes, encode_boxes
from minicv.reference.box_iou import box_iou
from minicv.reference.conv2d import conv2d
from minicv.reference.conv_norm_relu import conv_norm_relu
from minicv.reference.conv_transpose2d import conv_transpose2d
from minicv.reference.dropout import dropout
from minicv.reference.elu import elu
from minicv.reference.gelu import gelu
from minicv.reference.group_norm import group_norm, instance_norm
from minicv.reference.heatmaps import heatmaps_to_keypoints, joint_positions
from minicv.reference.kl_divergence import kl_divergence
from minicv.reference.l1_loss import l1_loss
from minicv.reference.l2_loss import l2_loss
from minicv.reference.layer_norm import layer_norm
from minicv.reference.leaky_relu import leaky_relu
from minicv.reference.linear import linear
from minicv.reference.local_response_norm import local_response_norm
from minicv.reference.log_softmax import log_softmax
from minicv.reference.mask_pasting import paste_masks, paste_masks_expanded
from minicv.reference.mask_targets import mask_targets, resize_masks
from minicv.reference.matmul import matmul
from minicv.reference.max_pool2d import max_pool2d
from minicv.reference.max_unpool2d import max_unpool2d
from minicv.reference.multiclass_hinge import multiclass_hinge
from minicv.reference.nms import nms
from minicv.reference.prelu import prelu
from minicv.reference.relu import relu
from minicv.reference.relu6 import relu6
from minicv.reference.resize_bilinear import resize_bilinear
from minicv.reference.roi_align import roi_align
from minicv.reference.roi_pool import roi_pool
from minicv.reference.sigmoid import sigmoid
from minicv.reference.silu import silu
from minicv.reference.smooth_l1 import smooth_l1
from minicv.reference.softmax import softmax
from minicv.reference.softmax_cross_entropy import softmax_cross_entropy
from minicv.reference.spatial_pyramid_pool import spatial_pyramid_pool
from minicv.reference.tanh import tanh
from minicv.reference.unpool_bed_of_nails import unpool_bed_of_nails
from minicv.reference.unpool_nearest import unpool_nearest

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "binary_hinge",
    "box_iou",
    "conv2d",
    "conv_norm_relu",
    "conv_transpose2d",
    "decode_boxes",
    "dropout",
    "elu",
    "encode_boxes",
    "frozen_batch_norm",
    "gelu",
    "generate_anchors",
    "group_norm",
    "heatmaps_to_keypoints",
    "instance_norm",
    "joint_positions",
    "kl_divergence",
    "l1_loss",
    "l2_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log_softmax",
    "mask_targets",
    "matmul",
    "max_pool2d",
    "max_unpool2d",
    "multiclass_hinge",
    "nms",
    "paste_masks",
    "paste_masks_expanded",
    "prelu",
    "relu",
    "relu6",
    "resize_bilinear",
    "resize_masks",
    "roi_align",
    "roi_pool",
    "sigmoid",
    "silu",
    "smooth_l1",
    "softmax",
    "softmax_cross_entropy",
    "spatial_pyramid_pool",
    "tanh",
    "unpool_bed_of_nails",
    "unpool_nearest",
]
