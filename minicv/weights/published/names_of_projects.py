"""The tables of names: detectron2, Detectron (Caffe2) and chainercv, for ResNet-50 with a pyramid.

| | detectron2 | Detectron | chainercv |
|---|---|---|---|
| files | ``.pkl`` of ``{"model": ...}``, ``.pth`` | ``.pkl`` of ``{"blobs": ...}`` | ``.npz`` |
| classes | background last | background first | background first |
| boxes, masks | no row for it | a row for it | a row for it |
| offsets | dx, dy, dw, dh | dx, dy, dw, dh | dy, dx, dh, dw |
| input | BGR, 0..255 less the mean | BGR, 0..255 less the mean | RGB, 0..255 less the mean |

Anchors come in the order of height over width 1/2, 1, 2 everywhere, as ours do. What the table does
not say belongs to the detector: detectron2 pools with ``aligned=True`` and pastes masks at pixel
centres, chainercv has the centres of its anchors in the middle of a cell.

Sources: detectron2/modeling and detectron2/checkpoint/c2_model_loading.py (names, and the rows that
are moved); chainercv/links/model/resnet, fpn and mask_rcnn (names); the means stand there too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from minicv.weights.published.name_tables import (
    BACKGROUND_LAST,
    BLUE_FIRST,
    NO_BACKGROUND,
    NO_BACKGROUND_BOXES,
    ROWS_BEFORE_COLUMNS,
    NameTable,
)

_BODY = "backbone.body"
_BOXES, _SCORES = r"box_predictor\.bbox_pred\.(?:weight|bias)", r"box_predictor\.cls_score\..*"
_MASKS = r"mask_predictor\.mask_fcn_logits\.(?:weight|bias)"
_FIRST = r"backbone\.body\.conv1\.weight"
_PER_LEVEL = (1 / 255, 1 / 255, 1 / 255)  # what is subtracted from are values of 0..255


def _plus(number: str, more: int) -> str:
    return str(int(number) + more)


def _of_unit(name: str) -> Callable[[re.Match[str]], str]:
    """Layer i of a keypoint head: a convolution and a ReLU, of which ours has the numbers 2i."""
    return lambda match: f"{name}.{2 * (int(match[1]) - 1)}.{_PARTS[match[2]]}"


_PARTS = {"weight": "weight", "bias": "bias", "w": "weight", "b": "bias", "W": "weight"}
_P2 = r"(weight|bias)"
_STAGE = r"(?:backbone\.)?(?:bottom_up\.)?"

DETECTRON2 = NameTable(
    "detectron2",
    (
        (rf"{_STAGE}stem\.conv1\.(weight|bias)", rf"{_BODY}.conv1.\1"),
        (rf"{_STAGE}stem\.conv1\.norm\.(.*)", rf"{_BODY}.bn1.\1"),
        (
            rf"{_STAGE}res([2-5])\.(\d+)\.conv(\d)\.weight",
            lambda m: f"{_BODY}.layer{_plus(m[1], -1)}.{m[2]}.conv{m[3]}.weight",
        ),
        (
            rf"{_STAGE}res([2-5])\.(\d+)\.conv(\d)\.norm\.(.*)",
            lambda m: f"{_BODY}.layer{_plus(m[1], -1)}.{m[2]}.bn{m[3]}.{m[4]}",
        ),
        (
            rf"{_STAGE}res([2-5])\.(\d+)\.shortcut\.weight",
            lambda m: f"{_BODY}.layer{_plus(m[1], -1)}.{m[2]}.downsample.0.weight",
        ),
        (
            rf"{_STAGE}res([2-5])\.(\d+)\.shortcut\.norm\.(.*)",
            lambda m: f"{_BODY}.layer{_plus(m[1], -1)}.{m[2]}.downsample.1.{m[3]}",
        ),
        (
            rf"backbone\.fpn_(lateral|output)([2-5])\.{_P2}",
            lambda m: (
                f"backbone.fpn.{'inner' if m[1] == 'lateral' else 'layer'}_blocks."
                f"{_plus(m[2], -2)}.{m[3]}"
            ),
        ),
        (rf"proposal_generator\.rpn_head\.conv\.{_P2}", r"rpn.conv.\1"),
        (rf"proposal_generator\.rpn_head\.objectness_logits\.{_P2}", r"rpn.cls_logits.\1"),
        (rf"proposal_generator\.rpn_head\.anchor_deltas\.{_P2}", r"rpn.bbox_pred.\1"),
        (
            rf"roi_heads\.box_head\.fc([12])\.{_P2}",
            lambda m: f"box_head.fc{_plus(m[1], 5)}.{m[2]}",
        ),
        (rf"roi_heads\.box_predictor\.(cls_score|bbox_pred)\.{_P2}", r"box_predictor.\1.\2"),
        (rf"roi_heads\.mask_head\.mask_fcn(\d)\.{_P2}", r"mask_head.mask_fcn\1.\2"),
        (rf"roi_heads\.mask_head\.deconv\.{_P2}", r"mask_predictor.conv5_mask.\1"),
        (rf"roi_heads\.mask_head\.predictor\.{_P2}", r"mask_predictor.mask_fcn_logits.\1"),
        (rf"roi_heads\.keypoint_head\.conv_fcn(\d)\.{_P2}", _of_unit("keypoint_head")),
        (
            rf"roi_heads\.keypoint_head\.score_lowres\.{_P2}",
            r"keypoint_predictor.kps_score_lowres.\1",
        ),
    ),
    (
        (_FIRST, BLUE_FIRST),
        (_SCORES, BACKGROUND_LAST),
        (_BOXES, NO_BACKGROUND_BOXES),
        (_MASKS, NO_BACKGROUND),
    ),
    mean=(123.675 / 255, 116.28 / 255, 103.53 / 255),
    std=_PER_LEVEL,
    eps=1e-5,
    stride_in_1x1=True,
)

_C2 = r"_([wb])"
_C2_NORM = r"_bn_(s|b|rm|riv|running_mean|running_var|gamma|beta)"
_C2_NORMS = {
    **dict.fromkeys(("s", "gamma"), "weight"),
    **dict.fromkeys(("b", "beta"), "bias"),
    **dict.fromkeys(("rm", "running_mean"), "running_mean"),
    **dict.fromkeys(("riv", "running_var"), "running_var"),
}


def _named(name: str) -> Callable[[re.Match[str]], str]:
    """A layer without a number: its last group is w or b."""
    return lambda match: f"{name}.{_PARTS[match[match.lastindex or 0]]}"


def _branch(match: re.Match[str]) -> str:
    block = f"{_BODY}.layer{_plus(match[1], -1)}.{match[2]}"
    number = " abc".index(match[3]) if match[3] else 0
    if match[4] is not None:
        return f"{block}.{f'conv{number}' if number else 'downsample.0'}.{_PARTS[match[4]]}"
    return f"{block}.{f'bn{number}' if number else 'downsample.1'}.{_C2_NORMS[match[5]]}"


def _level(kind: str) -> Callable[[re.Match[str]], str]:
    return lambda match: f"backbone.fpn.{kind}_blocks.{_plus(match[1], -2)}.{_PARTS[match[2]]}"


DETECTRON = NameTable(
    "Detectron (Caffe2)",
    (
        (rf"conv1{_C2}", _named(f"{_BODY}.conv1")),
        (rf"(?:res_)?conv1{_C2_NORM}", lambda m: f"{_BODY}.bn1.{_C2_NORMS[m[1]]}"),
        (rf"res([2-5])_(\d+)_branch(?:1|2([abc]))(?:{_C2}|{_C2_NORM})", _branch),
        (rf"fpn_inner_res([2-5])_\d+_sum(?:_lateral)?{_C2}", _level("inner")),
        (rf"fpn_res([2-5])_\d+_sum{_C2}", _level("layer")),
        (rf"conv_rpn(?:_fpn2)?{_C2}", _named("rpn.conv")),
        (rf"rpn_cls_logits(?:_fpn2)?{_C2}", _named("rpn.cls_logits")),
        (rf"rpn_bbox_pred(?:_fpn2)?{_C2}", _named("rpn.bbox_pred")),
        (rf"fc([67]){_C2}", lambda m: f"box_head.fc{m[1]}.{_PARTS[m[2]]}"),
        (rf"(cls_score|bbox_pred){_C2}", lambda m: f"box_predictor.{m[1]}.{_PARTS[m[2]]}"),
        (rf"_\[mask\]_fcn(\d){_C2}", lambda m: f"mask_head.mask_fcn{m[1]}.{_PARTS[m[2]]}"),
        (rf"conv5_mask{_C2}", _named("mask_predictor.conv5_mask")),
        (rf"mask_fcn_logits{_C2}", _named("mask_predictor.mask_fcn_logits")),
        (rf"conv_fcn(\d){_C2}", _of_unit("keypoint_head")),
        (rf"kps_score_lowres{_C2}", _named("keypoint_predictor.kps_score_lowres")),
    ),
    ((_FIRST, BLUE_FIRST),),
    mean=(122.7717 / 255, 115.9465 / 255, 102.9801 / 255),
    std=_PER_LEVEL,
    eps=1e-5,
    stride_in_1x1=True,
)

_CH = r"/([Wb])"
_CH_NORM = r"/bn/(gamma|beta|avg_mean|avg_var)"
_CH_NORMS = {
    "gamma": "weight",
    "beta": "bias",
    "avg_mean": "running_mean",
    "avg_var": "running_var",
}
_BASE = r"(?:extractor/)?(?:base/)?"


def _bottleneck(match: re.Match[str]) -> str:
    block = f"{_BODY}.layer{_plus(match[1], -1)}.{match[2] or 0}"
    number = match[3]
    if match[4] is not None:
        return f"{block}.{f'conv{number}' if number else 'downsample.0'}.{_PARTS[match[4]]}"
    return f"{block}.{f'bn{number}' if number else 'downsample.1'}.{_CH_NORMS[match[5]]}"


CHAINERCV = NameTable(
    "chainercv",
    (
        (rf"{_BASE}conv1/conv{_CH}", _named(f"{_BODY}.conv1")),
        (rf"{_BASE}conv1{_CH_NORM}", lambda m: f"{_BODY}.bn1.{_CH_NORMS[m[1]]}"),
        (
            rf"{_BASE}res([2-5])/(?:a|b(\d+))/(?:conv(\d)|residual_conv)(?:/conv{_CH}|{_CH_NORM})",
            _bottleneck,
        ),
        (
            rf"extractor/(inner|outer)/(\d){_CH}",
            lambda m: (
                f"backbone.fpn.{'inner' if m[1] == 'inner' else 'layer'}_blocks.{m[2]}."
                f"{_PARTS[m[3]]}"
            ),
        ),
        (rf"rpn/conv{_CH}", _named("rpn.conv")),
        (rf"rpn/conf{_CH}", _named("rpn.cls_logits")),
        (rf"rpn/loc{_CH}", _named("rpn.bbox_pred")),
        (
            rf"(?:bbox_)?head/fc([12]){_CH}",
            lambda m: f"box_head.fc{_plus(m[1], 5)}.{_PARTS[m[2]]}",
        ),
        (rf"(?:bbox_)?head/conf{_CH}", _named("box_predictor.cls_score")),
        (rf"(?:bbox_)?head/loc{_CH}", _named("box_predictor.bbox_pred")),
        (
            rf"mask_head/conv([1-4])(?:/conv)?{_CH}",
            lambda m: f"mask_head.mask_fcn{m[1]}.{_PARTS[m[2]]}",
        ),
        (rf"mask_head/conv5{_CH}", _named("mask_predictor.conv5_mask")),
        (rf"mask_head/seg{_CH}", _named("mask_predictor.mask_fcn_logits")),
        (rf"keypoint_head/conv(\d)(?:/conv)?{_CH}", _of_unit("keypoint_head")),
        (rf"keypoint_head/point{_CH}", _named("keypoint_predictor.kps_score_lowres")),
    ),
    ((r"rpn\.bbox_pred\..*", ROWS_BEFORE_COLUMNS), (_BOXES, ROWS_BEFORE_COLUMNS)),
    mean=(123.15163084 / 255, 115.90288257 / 255, 103.0626238 / 255),
    std=_PER_LEVEL,
    eps=2e-5,
    stride_in_1x1=True,
)

TABLES = (DETECTRON2, DETECTRON, CHAINERCV)

__all__ = ["CHAINERCV", "DETECTRON", "DETECTRON2", "TABLES"]
