"""proposal_recall: loops, edges of the domain, what is left out."""

import numpy as np
import pytest
from box_loops import iou
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics import proposal_recall


def random_boxes(rng, count):
    corner = rng.integers(0, 8, (count, 2))
    return np.concatenate([corner, corner + rng.integers(0, 6, (count, 2))], axis=1).astype(float)


@given(st.integers(0, 2**32 - 1), st.integers(0, 4))
def test_equals_the_loops(seed, images):
    rng = np.random.default_rng(seed)
    proposals, targets = [], []
    for _ in range(images):
        there, asked = rng.integers(0, 4), rng.integers(0, 9)
        targets.append(
            {
                "boxes": random_boxes(rng, there),
                "labels": rng.integers(0, 3, there),
                "difficult": rng.random(there) < 0.2,
                "iscrowd": rng.random(there) < 0.2,
            }
        )
        proposals.append((random_boxes(rng, asked), -np.arange(asked)))
    counts, thresholds = (1, 3, 20), (0.25, 0.5, 1.0)
    found = proposal_recall(proposals, targets, counts, thresholds)

    for column, count in enumerate(counts):
        best = {}  # class -> the best IoU of each of its objects
        for (boxes, _), target in zip(proposals, targets, strict=True):
            for g, label in enumerate(target["labels"].tolist()):
                if target["difficult"][g] or target["iscrowd"][g]:
                    continue
                overlaps = [iou(box, target["boxes"][g]) for box in boxes[:count]]
                best.setdefault(label, []).append(max(overlaps, default=0.0))
        every = [value for values in best.values() for value in values]
        assert found.objects == len(every)
        if not every:
            assert np.isnan(found.mabo).all() and np.isnan(found.recall).all()
            continue
        abo = {label: np.mean(values) for label, values in best.items()}
        for label in range(len(found.abo)):
            assert found.abo[label, column] == pytest.approx(abo.get(label, np.nan), nan_ok=True)
        assert found.mabo[column] == pytest.approx(np.mean(list(abo.values())))
        for row, threshold in enumerate(thresholds):
            assert found.recall[row, column] == np.mean(np.array(every) >= threshold)


def test_boxes_are_taken_best_score_first():
    target = {"boxes": np.array([[0, 0, 4, 4]]), "labels": np.array([0])}
    boxes = np.array([[5, 5, 6, 6], [0, 0, 4, 4]])
    for scores, recall in (([1, 2], 1.0), ([2, 1], 0.0)):
        found = proposal_recall([(boxes, np.array(scores))], [target], counts=(1,))
        assert found.recall[0, 0] == recall


def test_a_picture_without_proposals_finds_nothing():
    target = {"boxes": np.array([[0, 0, 4, 4]]), "labels": np.array([1])}
    found = proposal_recall([(np.zeros((0, 4)), np.zeros(0))], [target])
    assert not found.recall.any() and not found.mabo.any()
    assert np.isnan(found.abo[0]).all()  # class 0 has no objects
    assert found.boxes_per_image.tolist() == [0, 0, 0, 0]


def test_boxes_per_image_counts_what_is_there():
    nothing = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0)}
    proposals = [(np.zeros((n, 4)), np.zeros(n)) for n in (2, 6)]
    found = proposal_recall(proposals, [nothing, nothing], counts=(1, 4, 9))
    assert found.boxes_per_image.tolist() == [1, 3, 4]


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="counts holds 0, expected 1"):
        proposal_recall([], [], counts=(0, 5))
    with pytest.raises(ValueError, match="proposal_recall: expected one prediction and one target"):
        proposal_recall([], [{}])
