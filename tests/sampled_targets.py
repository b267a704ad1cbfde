"""Which boxes may be drawn to learn from, one box at a time; and smooth L1 of one number."""

import math

import box_loops
import numpy as np

from minicv.vision.matching import TIE_TOLERANCE

HEIGHT, WIDTH = 48, 64


def labelled(boxes, targets, matcher):
    """For each box (1 object, 0 background, -1 neither; number of its target), pair by pair."""
    overlaps = [[box_loops.iou(target, box) for target in targets] for box in boxes]
    best_of_target = [max(row[g] for row in overlaps) for g in range(len(targets))]
    answers = []
    for row in overlaps:
        best = max(row, default=0.0)
        label = 1 if best >= matcher.high_threshold else -1 if best >= matcher.low_threshold else 0
        if targets and best < matcher.background_floor:
            label = -1
        if matcher.allow_low_quality_matches and any(
            value > 0 and value >= most - TIE_TOLERANCE
            for value, most in zip(row, best_of_target, strict=True)
        ):
            label = 1
        answers.append((label, row.index(best) if row else None))
    return answers


def random_targets(seed, count):
    boxes = box_loops.random_boxes(np.random.default_rng(seed), count, HEIGHT, WIDTH, least=2.0)
    return np.array(boxes).reshape(-1, 4)


def check_draw(drawn_positive, drawn_negative, labels, count, fraction):
    """Right labels, nobody twice, and as many as there should be."""
    positive = {i for i, label in enumerate(labels) if label == 1}
    negative = {i for i, label in enumerate(labels) if label == 0}
    assert len(set(drawn_positive)) == len(drawn_positive)
    assert len(set(drawn_negative)) == len(drawn_negative)
    assert set(drawn_positive) <= positive and set(drawn_negative) <= negative
    assert len(drawn_positive) == min(len(positive), math.floor(count * fraction + 0.5))
    assert len(drawn_negative) == min(len(negative), count - len(drawn_positive))


def smooth_l1(difference, beta):
    size = abs(difference)
    return size**2 / (2 * beta) if size < beta else size - beta / 2
