"""The learner's file follows the docstring that it is made of, and says when that has changed."""

import dataclasses

import numpy as np
import pytest

from minicv.exercises import load
from minicv.exercises.exercise import Case
from minicv.exercises.skeleton import example, explanation, skeleton

EXERCISE = load("max_unpool2d")
HOLE = EXERCISE.holes[0]


def described(docstring):
    """The hole, explained by a function with this docstring."""

    def function():
        pass

    function.__doc__ = docstring
    return dataclasses.replace(HOLE, explained_by=function, note="Here it is small.")


DOCSTRING = """Put it there.

    Forward::

        y = x

    and so on. Then comes
    more of it.

    ====  =====
    x     (N,)
    ====  =====
    """


def test_parts_of_the_docstring():
    hole = dataclasses.replace(described(DOCSTRING), excerpt=("Forward", "Then comes … it.", "==="))
    assert explanation(hole).split("\n\n") == [
        "Put it there.",
        "Here it is small.",
        "Forward::",
        "    y = x",
        "Then comes more of it.",
        "====  =====\nx     (N,)\n====  =====",
    ]


@pytest.mark.parametrize("words", ["Backward", "Then comes … nothing.", "y = x"])
def test_a_part_that_is_gone_is_named(words):
    hole = dataclasses.replace(described(DOCSTRING), excerpt=(words,))
    with pytest.raises(ValueError, match=r"docstring of function has no '.*' any more, which"):
        explanation(hole)


def test_gradients_begin_with_what_they_are_the_gradient_of():
    hole = load("conv2d_gradients").holes[0]
    first = explanation(hole).split("\n")[0]
    assert first == "The gradient of `conv2d` with respect to x, weight and bias."


def test_an_example_shows_arrays_row_by_row():
    lines = example(HOLE).split("\n")
    assert lines[2:6] == [
        ">>> x = np.array([[[[1., 2.],",
        "...                 [3., 4.]]]])",
        ">>> indices = np.array([[[[ 5,  2],",
        "...                       [12, 15]]]])",
    ]


def test_a_large_case_is_no_example():
    large = Case("large", {**HOLE.cases[0].arguments, "x": np.zeros((20, 1, 2, 2))})
    hole = dataclasses.replace(HOLE, cases=(large, *HOLE.cases))
    assert example(hole) == example(HOLE)


def test_a_backslash_makes_the_docstring_raw():
    hole = described("A set A \\ B.\n")
    exercise = dataclasses.replace(EXERCISE, holes=(dataclasses.replace(hole, excerpt=()),))
    text = skeleton(exercise)
    assert 'r"""A set A \\ B.' in text
    compile(text, "f", "exec")
