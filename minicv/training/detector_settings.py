"""The settings of each detector that suit a backbone, and the images which that one is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minicv.models.detection import (
    FasterRCNNSettings,
    FastRCNNSettings,
    RCNNSettings,
    SPPNetSettings,
)

# By system and backbone. The backbone's stride sets how small an object can be, its width what a
# CPU bears. The small one is for pictures of 128 pixels, the others are for photographs. Few
# pictures have few true boxes, the only positives of a support vector machine: they weigh more.
SETTINGS: dict[str, Mapping[str, Any]] = {
    "faster_rcnn": {
        "small": FasterRCNNSettings(
            min_size=128,
            max_size=256,
            anchor_sizes=(16.0, 32.0, 64.0),
            rpn_channels=128,
            pre_nms_top_n_train=600,
            pre_nms_top_n_test=600,
            post_nms_top_n_train=200,
            post_nms_top_n_test=100,
            rpn_samples=128,
            head_samples=32,
            head_units=256,
        ),
        "efficientnet_lite0": FasterRCNNSettings(
            min_size=320,
            max_size=512,
            anchor_sizes=(32.0, 64.0, 128.0, 256.0),
            pre_nms_top_n_train=1000,
            pre_nms_top_n_test=500,
            post_nms_top_n_train=300,
            post_nms_top_n_test=100,
            head_samples=64,
            head_units=512,
        ),
        "alexnet": FasterRCNNSettings(head_units=4096),
        "vgg16": FasterRCNNSettings(rpn_channels=512, head_units=4096),
    },
    "fast_rcnn": {
        "small": FastRCNNSettings(
            min_size=128, max_size=256, max_proposals=300, head_samples=32, head_units=256,
            dropout=0.0,
        ),
        "efficientnet_lite0": FastRCNNSettings(
            min_size=320, max_size=512, max_proposals=1000, head_units=512, dropout=0.0
        ),
        "alexnet": FastRCNNSettings(pooled_size=6, head_units=4096),
        "vgg16": FastRCNNSettings(head_units=4096),
    },
    "spp_net": {
        "small": SPPNetSettings(
            scales=(128,), max_size=256, region_side=64.0, max_proposals=300, head_units=256,
            dropout=0.0, svm_positive_weight=10.0,
        ),
        "efficientnet_lite0": SPPNetSettings(
            scales=(320,), max_size=512, max_proposals=1000, head_units=512, dropout=0.0
        ),
        "alexnet": SPPNetSettings(head_units=4096),
        "vgg16": SPPNetSettings(head_units=4096),
    },
    "rcnn": {
        "small": RCNNSettings(
            warp_size=64, context=5, pooled_size=4, max_proposals=300, head_samples=32,
            head_units=256, dropout=0.0, svm_positive_weight=10.0,
        ),
        "efficientnet_lite0": RCNNSettings(
            warp_size=128, context=9, pooled_size=4, max_proposals=300, head_units=512, dropout=0.0
        ),
        "alexnet": RCNNSettings(warp_size=227, pooled_size=6, head_units=4096),
        "vgg16": RCNNSettings(head_units=4096),
    },
}  # fmt: skip
