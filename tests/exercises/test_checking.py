"""What a check says step by step, on an exercise of a few lines."""

import math
import sys

import numpy as np
import pytest
from hypothesis import strategies as st

from minicv.exercises.checking import Outcome, check, two_digits
from minicv.exercises.exercise import Case, Exercise, Hole, Slopes, Speed
from minicv.exercises.learner import Learner, LearnerError, TimeUpError
from minicv.functional import relu


def scaled(x: np.ndarray, factor: float) -> np.ndarray:
    """Each number times a factor."""
    return x * factor


def scaled_gradient(grad: np.ndarray, factor: float) -> np.ndarray:
    """dL/dx."""
    return grad * factor


def drawn():
    def draw(size, factor):
        return {"x": np.arange(float(size)), "factor": factor}

    return st.builds(draw, st.integers(1, 9), st.integers(0, 9).map(float))


CASES = (Case("two numbers", {"x": np.array([1.0, 2.0]), "factor": 3.0}),)
SPEED = Speed(lambda: {"x": np.ones(3), "factor": 2.0}, scaled, "it is written in C")
EXERCISE = Exercise(
    name="scaled",
    title="scaled",
    holes=(
        Hole(scaled, scaled, relu, (), CASES, drawn, speed=SPEED),
        Hole(
            scaled_gradient,
            scaled_gradient,
            relu,
            (),
            (Case("one number", {"grad": np.array([1.0]), "factor": 3.0}),),
            lambda: st.just({"grad": np.array([1.0]), "factor": 3.0}),
            results=("dL/dx",),
            slopes=Slopes("scaled", ("x",), {"x": np.array([1.0, -2.0, 3.0]), "factor": 4.0}),
        ),
    ),
    hints=("", "", ""),
    example="",
    chapter="",
)
RIGHT = """
def scaled(x, factor):
    return x * factor
def scaled_gradient(grad, factor):
    return grad * factor
"""


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """``checked(text)``: (outcome, what the check of this file says)."""
    monkeypatch.setattr("minicv.exercises.checking.TIMING_SECONDS", 0)
    monkeypatch.setattr("minicv.exercises.learner.ENOUGH", 0)
    monkeypatch.setattr("minicv.exercises.checking.DRAWING_SECONDS", math.inf)
    monkeypatch.setattr("minicv.exercises.checking.DRAWN_CASES", 25)

    def run(text, learner=Learner):
        file = tmp_path / "scaled.py"
        file.write_text(text)
        lines = []
        return check(EXERCISE, learner(file), lines.append), lines

    return run


def test_all_is_right(checked):
    outcome, lines = checked(RIGHT)
    assert outcome == Outcome(True)
    assert lines[:-1] == [
        "scaled",
        "  small case 1, two numbers: right",
        "  25 drawn cases: right",
        "scaled_gradient",
        "  small case 1, one number: right",
        "  1 drawn cases: right",
        "  gradient with respect to x, beside slopes of your scaled: right",
    ]
    assert lines[-1].startswith("  speed of scaled: yours ") and "minicv " in lines[-1]


def test_the_smallest_failing_case_is_found(checked, monkeypatch):
    monkeypatch.setattr("minicv.exercises.checking.DRAWN_CASES", 100)
    text = RIGHT.replace("x * factor", "x * (factor if len(x) < 3 or factor < 5 else 9)", 1)
    outcome, lines = checked(text)
    assert outcome == Outcome(False, "drawn cases")
    at = lines.index("  drawn cases: the smallest that was found is wrong")
    assert lines[at + 2].startswith(
        "  scaled: result[1] is 9 but must be 5; 2 of 3 cells are wrong"
    )
    assert lines[at + 4].split() == ["x,", "(3,)", "factor"]
    assert lines[at + 5].split() == [*"012", "5.0"]


def test_a_gradient_that_is_right_for_the_twin_alone(checked):
    """Small cases and drawn ones hide it; the slopes of the learner's own forward pass do not."""
    outcome, lines = checked(RIGHT.replace("grad * factor", "grad * 3.0"))
    assert outcome == Outcome(False, "gradient")
    assert "  gradient with respect to x, beside slopes of your scaled: wrong" in lines
    wrong = next(line for line in lines if "dL/dx[0]" in line)
    assert "all are 0.75 times what they must be" in wrong


def test_a_gradient_that_raises(checked):
    wrong = "grad * factor if len(grad) == 1 else {}[0]"
    outcome, lines = checked(RIGHT.replace("grad * factor", wrong))
    assert outcome == Outcome(False, "gradient")
    assert any("scaled_gradient stops at line 5 with" in line for line in lines)


def test_the_second_hole_is_left(checked):
    outcome, lines = checked(RIGHT.replace("return grad * factor", "raise NotImplementedError"))
    assert outcome == Outcome(False, "hole")
    assert "  small case 1, one number: still a hole" in lines
    assert not any("must be" in line for line in lines)


def test_what_must_come_out_is_drawn_where_nothing_came(checked):
    for returned in ("1 / 0", "None", "x[:1]"):
        outcome, lines = checked(RIGHT.replace("x * factor", returned))
        assert outcome == Outcome(False, "small cases")
        assert [line.split() for line in lines[-2:]] == [["result", "must", "be,", "(2,)"], [*"36"]]


def test_a_file_that_does_not_run(checked):
    assert checked("import")[0] == Outcome(False, "file")


class Printing(Learner):
    """A learner whose code prints."""

    def printed(self):
        return "".join(f"line {k}\x1b[2J\n" for k in range(40))


def test_what_was_printed_is_shown_at_its_end(checked):
    _, lines = checked(RIGHT.replace("x * factor", "x"), Printing)
    assert "  your code printed" in lines and lines[-1] == "    line 39 [2J"
    assert len(lines) < 30 and "line 5 [2J" not in "\n".join(lines)


def test_without_hypothesis(checked, monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    outcome, lines = checked(RIGHT)
    assert outcome.solved
    assert any("pip install 'minicv-from-scratch[learn]'" in line for line in lines)
    assert not any("drawn cases: right" in line for line in lines)


class Dying(Learner):
    """Its process is gone at the ninth call."""

    calls = 0

    def call(self, hole, arguments):
        self.calls += 1
        if self.calls == 9:
            raise LearnerError("gone at last", ended=True)
        assert self.calls < 9, "called again though it is gone"
        return super().call(hole, arguments)


def test_no_case_is_made_smaller_when_the_process_is_gone(checked):
    outcome, lines = checked(RIGHT, Dying)
    assert outcome == Outcome(False, "drawn cases") and "  gone at last" in lines


class Late(Learner):
    """Too slow, for the check of the file or for the timing."""

    step = "load"

    def load(self):
        super().load()
        if self.step == "load":
            raise TimeUpError("the time is up", ended=True)

    def seconds(self, hole, arguments):
        raise TimeUpError("the time is up", ended=True)


def test_the_time_is_up(checked, monkeypatch):
    assert checked(RIGHT, Late)[0] == Outcome(False, "time")
    monkeypatch.setattr(Late, "step", "timing")
    outcome, lines = checked(RIGHT, Late)
    assert outcome.solved and lines[-1].endswith("yours more than was left of the time")


@pytest.mark.parametrize(
    ("theirs", "said"),
    [(3.0, "times as fast: it is written in C"), (1e-9, "yours is"), (None, ": the same")],
)
def test_speed_in_a_sentence(checked, monkeypatch, theirs, said):
    monkeypatch.setattr("minicv.exercises.checking._best_seconds", lambda call: 0.5)
    monkeypatch.setattr(Learner, "seconds", lambda *_: theirs or 0.5)
    assert said in checked(RIGHT)[1][-1]


def test_a_hopeless_learner_is_not_drawn_for_too_long(checked, monkeypatch):
    monkeypatch.setattr("minicv.exercises.checking.DRAWING_SECONDS", -math.inf)
    _, lines = checked(RIGHT)
    assert "  20 drawn cases: right" in lines


def test_two_digits():
    assert [two_digits(v) for v in (9.96, 123456.0, 0.5)] == ["10", "120,000", "0.5"]
