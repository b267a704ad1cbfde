"""Types of values that came out of JSON."""

from numbers import Real
from typing import Any, Literal

import pytest

from minicv.weights import WeightsError
from minicv.weights.schema import check_value, fits

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        (int, [0, -3, 10**30], [True, 1.0, "1", None, NAN, []]),
        (float, [0, 0.5, -1e308], [True, NAN, INF, 10**400, "1", None]),
        (Real, [0, 0.5, NAN, -INF], [True, "1", None]),
        (bool, [True, False], [0, 1, "true", None]),
        (str, ["", "cow"], [None, 1, ["cow"], b"cow"]),
        (int | None, [None, 3], [0.5, "x"]),
        (list[str], [[], ["cow"]], ["cow", [1], None, {}]),
        (tuple[int, ...], [[], [1, 2], (1, 2)], [[0.5], "12", None, 3]),
        (tuple[float, float], [[1, 2]], [[1], [1, 2, 3], [1, NAN]]),
        (dict[str, Any], [{}, {"a": [NAN]}], [[], None, "a", 3]),
        (dict[str, int], [{"a": 1}], [{"a": 0.5}, {"a": None}]),
        (Literal["svm", "softmax"], ["svm"], ["SVM", None, 0, ["svm"]]),
        (Any, [None, {}], []),
    ],
)
def test_fits(hint, good, bad):
    for value in good:
        assert fits(value, hint), value
        assert check_value("a.npz", "field", value, hint) is value
    for value in bad:
        assert not fits(value, hint), value


@pytest.mark.parametrize(
    ("hint", "value", "words"),
    [
        (int, "x", "'x', expected a whole number"),
        (float | None, INF, "inf, expected a finite number or none"),
        (Real, None, "None, expected a number"),
        (list[str], 3, "3, expected a list, each item a text"),
        (tuple[float, float], [1], "[1], expected a list of 2, each item a finite number"),
        (dict[str, Any], [], "[], expected an object of names and values"),
        (Literal["a", "b"], "c", "'c', expected one of 'a', 'b'"),
        (str, ["a" * 999], "['aaaaaaaaaaaa...aaaaaaaaaaaaa'], expected a text"),
    ],
)
def test_the_sentence_says_what_was_expected(hint, value, words):
    with pytest.raises(WeightsError) as refused:
        check_value("a.npz", "settings/width", value, hint)
    assert str(refused.value) == f"a.npz: its settings/width is {words}"
