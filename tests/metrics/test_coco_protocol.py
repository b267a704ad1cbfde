"""COCO's matching and accumulation: against one detection and one target at a time, in loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicv.metrics.coco_protocol import (
    RECALL_LEVELS,
    THRESHOLDS,
    Detected,
    Protocol,
    Wanted,
    evaluate,
    mean_of_found,
)

ANY = Protocol({"all": (0.0, 1e10)}, (100,))
SIZED = Protocol({"all": (0.0, 100.0), "low": (0.0, 4.0), "high": (4.0, 100.0)}, (1, 3))


def take_one_after_another(overlaps, threshold, ignored, often):
    """For each detection the target that it takes, or None; as the challenge describes it."""
    taken, result = set(), []
    for of_detection in overlaps:
        best = None
        for wanted in (True, False):  # targets to ignore only if no other will do
            for target, overlap in enumerate(of_detection):
                free = target not in taken or often[target]
                if ignored[target] == wanted or not free or overlap < threshold:
                    continue
                if best is None or overlap >= of_detection[best]:  # of equal ones the last
                    best = target
            if best is not None:
                break
        result.append(best)
        if best is not None:
            taken.add(best)
    return result


def by_loops(detected, wanted, overlaps, classes, protocol):
    shape = len(THRESHOLDS), len(RECALL_LEVELS), classes, len(protocol.area_ranges)
    precision = np.full(shape, -1.0)
    recall = np.full((len(THRESHOLDS), classes, shape[3], len(protocol.max_detections)), -1.0)
    for t, threshold in enumerate(THRESHOLDS):
        for k in range(classes):
            for a, (low, high) in enumerate(protocol.area_ranges.values()):
                for m, most in enumerate(protocol.max_detections):
                    outcomes, targets = [], 0
                    for n, (found, there) in enumerate(zip(detected, wanted, strict=True)):
                        chosen = [i for i in range(len(found.labels)) if found.labels[i] == k]
                        mine = [j for j in range(len(there.labels)) if there.labels[j] == k]
                        chosen = chosen[: protocol.max_detections[-1]]
                        ignored = [
                            there.not_counted[j] or not low <= there.area[j] <= high for j in mine
                        ]
                        targets += ignored.count(False)
                        often = [there.any_number_of_times[j] for j in mine]
                        rows = [[overlaps[n][i, j] for j in mine] for i in chosen]
                        takes = take_one_after_another(rows, threshold, ignored, often)
                        for i, take in list(zip(chosen, takes, strict=True))[:most]:
                            if take is None:
                                counts = low <= found.area[i] <= high
                            else:
                                counts = not ignored[take]
                            outcomes.append((-found.scores[i], counts, take is not None))
                    if targets == 0:
                        continue
                    outcomes.sort(key=lambda outcome: outcome[0])
                    hits, points = 0, []
                    judged = [hit for _, counts, hit in outcomes if counts]
                    for number, hit in enumerate(judged, 1):
                        hits += hit
                        points.append((hits / targets, hits / number))
                    recall[t, k, a, m] = hits / targets
                    if most == protocol.max_detections[-1]:
                        for r, level in enumerate(RECALL_LEVELS):
                            above = [p for reached, p in points if reached >= level]
                            precision[t, r, k, a] = max(above, default=0.0)
    return precision, recall


@settings(max_examples=15)
@given(seed=st.integers(0, 100_000))
def test_against_loops(seed):
    rng = np.random.default_rng(seed)
    detected, wanted, overlaps = [], [], []
    for _ in range(3):
        d, g = rng.integers(0, 6), rng.integers(0, 4)
        scores = np.sort(np.floor(rng.random(d) * 5))[::-1]  # ties
        area = rng.choice([1.0, 4.0, 9.0], d), rng.choice([1.0, 4.0, 9.0], g)
        detected.append(Detected(scores, rng.integers(0, 2, d), area[0]))
        spared = rng.random(g) < 0.3
        often = spared & (rng.random(g) < 0.5)
        wanted.append(Wanted(rng.integers(0, 2, g), area[1], spared, often))
        # Ties between targets, and overlaps that are thresholds.
        overlaps.append(rng.choice([0.0, 0.4, 0.5, THRESHOLDS[4], 0.72, 0.95, 1.0], (d, g)))
    given_overlaps = lambda n, chosen, there: overlaps[n][np.ix_(chosen, there)]  # noqa: E731
    precision, recall = evaluate(detected, wanted, given_overlaps, 3, SIZED)
    expected = by_loops(detected, wanted, overlaps, 3, SIZED)
    np.testing.assert_allclose(precision, expected[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(recall, expected[1], rtol=0, atol=1e-12)
    assert (precision[:, :, 2] == -1).all() and (recall[:, 2] == -1).all()


def one_image(scores, overlaps, protocol=ANY, **marks):
    """Precision (T, R) and recall (T,) of one class in one image."""
    overlaps = np.array(overlaps, float).reshape(len(scores), -1)
    d, g = overlaps.shape
    nothing = np.zeros(g, bool)
    spared, often = (np.array(marks.get(key, nothing), bool) for key in ("spared", "often"))
    precision, recall = evaluate(
        [Detected(np.array(scores, float), np.zeros(d, int), np.ones(d))],
        [Wanted(np.zeros(g, int), np.ones(g), spared, often)],
        lambda n, chosen, there: overlaps[np.ix_(chosen, there)],
        1,
        protocol,
    )
    return precision[:, :, 0, 0], recall[:, 0, 0, -1]


def test_one_hit_before_and_one_after_a_miss():
    """Precision 1 up to recall 1/2 (51 levels), then 2/3."""
    precision, recall = one_image([3, 2, 1], [[1, 0], [0, 0], [0, 1]])
    assert recall.tolist() == [1.0] * 10
    assert precision[0].tolist() == pytest.approx([1.0] * 51 + [2 / 3] * 50)


def test_a_later_better_precision_lifts_the_earlier_one():
    """Hits at ranks 2 and 3: precision 1/2, then 2/3, which counts for all recalls below too."""
    precision, _ = one_image([3, 2, 1], [[0, 0], [1, 0], [0, 1]])
    assert precision[0].tolist() == pytest.approx([2 / 3] * 101)


def test_a_target_that_may_be_ignored_is_taken_once_or_often():
    """The second target need not be found. Taken twice by two detections, or once and a miss."""
    overlaps = [[0, 1], [0, 1], [1, 0]]
    precision, _ = one_image([3, 2, 1], overlaps, spared=[0, 1], often=[0, 1])
    assert precision[0].tolist() == pytest.approx([1.0] * 101)
    precision, _ = one_image([3, 2, 1], overlaps, spared=[0, 1])
    assert precision[0].tolist() == pytest.approx([0.5] * 101)


def test_no_more_than_the_largest_number_counts():
    limited = Protocol({"all": (0.0, 1e10)}, (1, 2))
    overlaps = [[0], [0], [1]]
    assert one_image([3, 2, 1], overlaps, limited)[1].tolist() == [0.0] * 10
    assert one_image([3, 2, 1], overlaps)[1].tolist() == [1.0] * 10


def test_no_images_and_no_classes():
    precision, recall = evaluate([], [], lambda *_: np.zeros((0, 0)), 2, SIZED)
    assert precision.shape == (10, 101, 2, 3) and recall.shape == (10, 2, 3, 2)
    assert (precision == -1).all() and (recall == -1).all()
    assert mean_of_found(precision) == -1
    assert evaluate([], [], lambda *_: np.zeros((0, 0)), 0, ANY)[0].shape == (10, 101, 0, 1)
