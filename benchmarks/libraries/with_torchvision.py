"""torchvision's operations on regions, with the PyTorch that it was built for."""

from __future__ import annotations

import torch
import torchvision
from torch.nn import functional as F
from torchvision import ops
from torchvision.models.detection._utils import Matcher

from benchmarks import inputs, torchvision_models
from benchmarks.libraries.with_torch import (  # noqa: F401
    faster_rcnn_step,
    forward_and_backward,
    put,
    tensor,
    to_numpy,
    training_step,
)
from benchmarks.seeded_weights import seeded_weights

SEGMENTED_AT = 520  # pixels of the shorter side, at which the published weights were trained
VERSION = f"{torchvision.__version__} with torch {torch.__version__}"


def roi_align(dtype, x, regions, stride):
    def operation(x, boxes):
        return ops.roi_align(x, boxes, 7, 1 / stride, sampling_ratio=2, aligned=True)

    return _of_regions(dtype, x, regions, stride, operation)


def roi_pool(dtype, x, regions, stride):
    return _of_regions(dtype, x, regions, stride, lambda x, b: ops.roi_pool(x, b, 7, 1 / stride))


def _of_regions(dtype, x, regions, stride, operation):
    boxes = [put(inputs.regions(regions, x, stride).astype(dtype))]
    grad = tensor("g", (regions, x[1], 7, 7), dtype)
    return forward_and_backward(lambda x: operation(x, boxes), tensor("x", x, dtype), grad)


def matching(dtype, anchors, objects, image):
    boxes = put(inputs.boxes("anchors", anchors, image, 16.0, 300.0))
    true = put(inputs.boxes("objects", objects, image, 30.0, 200.0))
    matcher = Matcher(0.7, 0.3, allow_low_quality_matches=True)

    def step():
        found = matcher(ops.box_iou(true, boxes))
        # Labels as the proposal network makes them: object, background, neither.
        labels = (found >= 0).to(torch.int8)
        labels[found == Matcher.BETWEEN_THRESHOLDS] = -1
        return [labels]

    return step


def published_detector(dtype, network, size):
    model = torchvision_models.build(network, seeded_weights(network))
    image = put(inputs.picture(tuple(size)))

    def step():
        with torch.inference_mode():
            (found,) = model([image])
        return [found["scores"][:50]]  # of nearly equal scores either box may come first

    return step


def published_segmenter(dtype, size):
    network = "fcn_resnet50"
    model = torchvision_models.build(network, seeded_weights(network))
    image = put(inputs.picture(tuple(size)))[None]
    mean, std = (torch.tensor(v)[:, None, None] for v in torchvision_models.IMAGENET)
    height, width = size
    factor = SEGMENTED_AT / min(size)

    def resized(x, shape):
        return F.interpolate(x, shape, mode="bilinear", align_corners=False)

    def step():
        with torch.inference_mode():
            x = resized(image, (round(height * factor), round(width * factor)))
            logits = resized(model((x - mean) / std)["out"], (height, width))
            probabilities = torch.softmax(logits, 1)[0]
            probabilities.argmax(0)  # the label map, which our side makes as well
        return [probabilities]

    return step


def nms(dtype, count, image, iou_threshold):
    boxes, scores = map(put, inputs.crowded_boxes(count, image))
    return lambda: [ops.nms(boxes, scores, iou_threshold)]
