"""ClassificationMetric: by hand, against a loop, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics.classification import ClassificationMetric, Confusion

NAMES = ("cow", "cat", "dog", "duck", "person", "goose", "hen")


def filled(answers, names=NAMES):
    """A metric of (true label, labels best first)."""
    metric = ClassificationMetric(names)
    for label, order in answers:
        metric.add({"labels": np.array(order)}, {"label": label})
    return metric


def test_by_hand():
    metric = filled([
        (0, [0, 1, 2, 3, 4, 5, 6]),
        (0, [1, 2, 3, 4, 0, 5, 6]),  # the fifth best
        (0, [1, 2, 3, 4, 5, 0, 6]),  # the sixth
        (3, [3, 0, 1, 2, 4, 5, 6]),
    ])  # fmt: skip
    values = metric.values()
    assert values["top-1"] == 2 / 4 and values["top-5"] == 3 / 4
    assert values["top-1 cow"] == pytest.approx(1 / 3) and values["top-1 duck"] == 1
    assert values["mean class accuracy"] == pytest.approx((1 / 3 + 1) / 2)
    assert math.isnan(values["top-1 hen"])
    expected = np.zeros((7, 7), int)
    expected[0, 0], expected[0, 1], expected[3, 3] = 1, 2, 1
    np.testing.assert_array_equal(metric.confusion, expected)
    assert metric.confusions() == [Confusion("cow", "cat", 2, pytest.approx(2 / 3))]
    assert metric.judged == 4


@given(st.data())
def test_equals_the_loop(data):
    answers = data.draw(
        st.lists(st.tuples(st.integers(0, 6), st.permutations(range(7))), min_size=1, max_size=20)
    )
    values = filled(answers).values()
    first = [order[0] == label for label, order in answers]
    assert values["top-1"] == pytest.approx(np.mean(first))
    assert values["top-5"] == pytest.approx(
        np.mean([label in order[:5] for label, order in answers])
    )
    of_class = []
    for label, name in enumerate(NAMES):
        own = [right for right, (truth, _) in zip(first, answers, strict=True) if truth == label]
        if own:
            of_class.append(np.mean(own))
            assert values[f"top-1 {name}"] == pytest.approx(of_class[-1])
    assert values["mean class accuracy"] == pytest.approx(np.mean(of_class))


def test_few_classes_have_a_top_5_of_1():
    assert filled([(0, [1, 0])], ("a", "b")).values()["top-5"] == 1


def test_without_images_there_are_no_values():
    assert all(math.isnan(value) for value in filled([]).values().values())
    assert filled([]).confusions() == []


def test_an_image_of_an_unknown_class_is_not_judged():
    metric = filled([(-1, [0, 1, 2]), (0, [0, 1, 2])])
    assert metric.judged == 1 and metric.values()["top-1"] == 1


def test_the_most_frequent_confusions_come_first():
    metric = ClassificationMetric(NAMES)
    metric.confusion[1, 2], metric.confusion[2, 1], metric.confusion[0, 4] = 3, 5, 1
    pairs = [(own.truth, own.taken_for) for own in metric.confusions(most=2)]
    assert pairs == [("dog", "cat"), ("cat", "dog")]


@pytest.mark.parametrize(
    ("result", "target", "message"),
    [
        ({}, {"label": 0}, r"image 0: the result has no 'labels'; it has \[\]"),
        ({"labels": [0]}, {"image_id": "a"}, "image 'a': the target has no 'label'"),
        ({"labels": [0]}, {"label": 7}, "7 is no label; expected whole numbers 0..6"),
        ({"labels": [0]}, {"label": -2}, "-2 is no label"),
        ({"labels": [7, 0]}, {"label": 0}, "7 is no label"),
        ({"labels": [-1]}, {"label": 0}, "-1 is no label"),
        ({"labels": [0.5]}, {"label": 0}, "0.5 is no label"),
        ({"labels": [0]}, {"label": 0.0}, "0.0 is no label"),
        ({"labels": []}, {"label": 0}, r"the shape \(0,\)"),
        ({"labels": [[0]]}, {"label": 0}, r"the shape \(1, 1\)"),
        ({"labels": [0]}, {"label": [0]}, r"the label of the target \(1,\)"),
    ],
)
def test_what_cannot_be_judged(result, target, message):
    metric = ClassificationMetric(NAMES)
    with pytest.raises(ValueError, match=message):
        metric.add(result, target)
    assert metric.judged == 0


def test_a_name_twice():
    with pytest.raises(ValueError, match="classes holds 'cow' more than once"):
        ClassificationMetric(["cow", "cow"])
