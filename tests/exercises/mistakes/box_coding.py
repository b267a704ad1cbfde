"""Typical wrong answers to the exercise box_coding."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "offsets[0, 2] is 1 but must be 0")
def without_a_logarithm(reference_boxes, proposals, weights):
    size = reference_boxes[:, 2:] - reference_boxes[:, :2]
    centre = reference_boxes[:, :2] + size / 2
    size_p = proposals[:, 2:] - proposals[:, :2]
    centre_p = proposals[:, :2] + size_p / 2
    return np.concatenate([(centre - centre_p) / size_p, size / size_p], axis=1) * weights


@mistake("small case 2", "the same centre", "offsets[0, 0] is -0.5 but must be 0")
def corners_in_place_of_centres(reference_boxes, proposals, weights):
    size = reference_boxes[:, 2:] - reference_boxes[:, :2]
    size_p = proposals[:, 2:] - proposals[:, :2]
    moved = (reference_boxes[:, :2] - proposals[:, :2]) / size_p
    return np.concatenate([moved, np.log(size / size_p)], axis=1) * weights


@mistake("small case 3", "moved and larger", "offsets[0, 0] is 0.75 but must be 1.5")
def measured_in_the_wrong_size(reference_boxes, proposals, weights):
    size = reference_boxes[:, 2:] - reference_boxes[:, :2]
    centre = reference_boxes[:, :2] + size / 2
    size_p = proposals[:, 2:] - proposals[:, :2]
    centre_p = proposals[:, :2] + size_p / 2
    return np.concatenate([(centre - centre_p) / size, np.log(size / size_p)], axis=1) * weights


@mistake("small case 1", "moved to the right", "offsets[0, 0] is 0.4545 but must be 0.5")
def widths_with_a_plus_one(reference_boxes, proposals, weights):
    size = reference_boxes[:, 2:] - reference_boxes[:, :2] + 1
    centre = reference_boxes[:, :2] + size / 2
    size_p = proposals[:, 2:] - proposals[:, :2] + 1
    centre_p = proposals[:, :2] + size_p / 2
    return np.concatenate([(centre - centre_p) / size_p, np.log(size / size_p)], axis=1) * weights


@mistake("small case 4", "weights", "offsets[0, 0] is 1 but must be 10")
def encoded_without_weights(reference_boxes, proposals, weights):
    size = reference_boxes[:, 2:] - reference_boxes[:, :2]
    centre = reference_boxes[:, :2] + size / 2
    size_p = proposals[:, 2:] - proposals[:, :2]
    centre_p = proposals[:, :2] + size_p / 2
    return np.concatenate([(centre - centre_p) / size_p, np.log(size / size_p)], axis=1)


@mistake("small case 4", "weights", "boxes[0, 0]", "must be 2", of="decode_boxes")
def decoded_by_times(deltas, proposals, weights):
    offsets = deltas * np.array(weights)
    size_p = proposals[:, 2:] - proposals[:, :2]
    centre = proposals[:, :2] + size_p / 2 + offsets[:, :2] * size_p
    size = size_p * np.exp(np.minimum(offsets[:, 2:], np.log(1000 / 16)))
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


@mistake("small case 5", "before its training", "boxes[0, 0]", of="decode_boxes")
def decoded_without_a_limit(deltas, proposals, weights):
    offsets = deltas / np.array(weights)
    size_p = proposals[:, 2:] - proposals[:, :2]
    centre = proposals[:, :2] + size_p / 2 + offsets[:, :2] * size_p
    size = size_p * np.exp(offsets[:, 2:])
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


@mistake("small case 5", "before its training", "must be -492", of="decode_boxes")
def cut_before_the_weights(deltas, proposals, weights):
    size_p = proposals[:, 2:] - proposals[:, :2]
    centre = proposals[:, :2] + size_p / 2 + deltas[:, :2] / np.array(weights)[:2] * size_p
    size = size_p * np.exp(np.minimum(deltas[:, 2:], np.log(1000 / 16)) / np.array(weights)[2:])
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


@mistake("small case 2", "boxes[0, 0]", "must be 0", of="decode_boxes")
def a_centre_as_corner(deltas, proposals, weights):
    offsets = deltas / np.array(weights)
    size_p = proposals[:, 2:] - proposals[:, :2]
    corner = proposals[:, :2] + offsets[:, :2] * size_p
    size = size_p * np.exp(np.minimum(offsets[:, 2:], np.log(1000 / 16)))
    return np.concatenate([corner, corner + size], axis=1)
