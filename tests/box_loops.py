"""Boxes one at a time, in plain Python numbers: what the detectors' array code is held against."""

import math

MAX_LOG_SCALE = math.log(1000 / 16)


def iou(a, b):
    """Intersection over union of two boxes; 0 where they are apart."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    if shared == 0:
        return 0.0
    area_a, area_b = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
    return shared / (area_a + area_b - shared)


def encode(box, start, weights=(1, 1, 1, 1)):
    """The offsets that lead from ``start`` to ``box``."""
    width, height = start[2] - start[0], start[3] - start[1]
    return [
        weights[0] * ((box[0] + box[2]) / 2 - (start[0] + start[2]) / 2) / width,
        weights[1] * ((box[1] + box[3]) / 2 - (start[1] + start[3]) / 2) / height,
        weights[2] * math.log((box[2] - box[0]) / width),
        weights[3] * math.log((box[3] - box[1]) / height),
    ]


def decode(offsets, start, weights=(1, 1, 1, 1)):
    """The box to which ``offsets`` lead from ``start``."""
    width, height = start[2] - start[0], start[3] - start[1]
    x = (start[0] + start[2]) / 2 + offsets[0] / weights[0] * width
    y = (start[1] + start[3]) / 2 + offsets[1] / weights[1] * height
    half_width = width / 2 * math.exp(min(offsets[2] / weights[2], MAX_LOG_SCALE))
    half_height = height / 2 * math.exp(min(offsets[3] / weights[3], MAX_LOG_SCALE))
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def clip(box, height, width):
    """``box`` cut at the border of an image."""
    x1, y1, x2, y2 = box
    return [
        min(max(x1, 0), width),
        min(max(y1, 0), height),
        min(max(x2, 0), width),
        min(max(y2, 0), height),
    ]


def suppress(boxes, scores, threshold):
    """Numbers of the boxes that no better one overlaps by more than ``threshold``, best first."""
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):  # sorted is stable
        if all(iou(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    return kept


def random_boxes(rng, count, height, width, least=1.0):
    """(count, 4) boxes inside an image with sides of at least ``least``."""
    boxes = []
    for _ in range(count):
        w, h = rng.uniform(least, width), rng.uniform(least, height)
        x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
        boxes.append([x, y, x + w, y + h])
    return boxes
