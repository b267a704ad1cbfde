"""torchvision's operations on regions, with the PyTorch that it was built for."""

from __future__ import annotations

import torch
import torchvision
from torchvision import ops

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


def published_detector(dtype, network, size):
    model = torchvision_models.build(network, seeded_weights(network))
    image = put(inputs.picture(tuple(size)))

    def step():
        with torch.inference_mode():
            (found,) = model([image])
        return [found["scores"][:50]]  # of nearly equal scores either box may come first

    return step


def nms(dtype, count, image, iou_threshold):
    boxes, scores = map(put, inputs.crowded_boxes(count, image))
    return lambda: [ops.nms(boxes, scores, iou_threshold)]
