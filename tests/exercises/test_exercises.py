"""Every exercise: its skeleton fails, its solution passes, five wrong answers are told apart.

The answers are run in this process, which is fast; `test_learner` runs them in one of their own.
"""

import doctest
import importlib.util
import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest
from planted_mistakes import answer_with, mistakes_in

from minicv.exercises import ORDER, load
from minicv.exercises.checking import check
from minicv.exercises.learner import Learner
from minicv.exercises.skeleton import explanation, skeleton

REPOSITORY = Path(__file__).parents[2]
MISTAKES = Path(__file__).parent / "mistakes"


def test_they_come_in_the_order_of_the_chapters():
    chapters = [load(name).chapter for name in ORDER]
    assert chapters == sorted(chapters) and len(ORDER) == len(set(ORDER)) >= 20


def planted(name):
    """The wrong answers to an exercise."""
    spec = importlib.util.spec_from_file_location(f"mistakes_{name}", MISTAKES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return mistakes_in(module)


def checked(exercise, folder, text):
    """(outcome, everything that the check prints)"""
    file = folder / f"{exercise.name}.py"
    file.write_text(text, encoding="utf-8")
    lines = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a learner's process they are only printed
        outcome = check(exercise, Learner(file), lines.append)
    return outcome, "\n".join(lines)


@pytest.fixture
def untimed(monkeypatch):
    """Nothing is timed: what takes how long, one test of its own shows."""
    monkeypatch.setattr("minicv.exercises.checking.TIMING_SECONDS", 0)
    monkeypatch.setattr("minicv.exercises.learner.ENOUGH", 0)
    monkeypatch.setattr("minicv.exercises.checking.DRAWN_CASES", 25)


@pytest.mark.parametrize("name", ORDER)
def test_solution_passes_and_is_what_the_skeleton_asks_for(name, tmp_path, untimed):
    exercise = load(name)
    text = "import numpy as np\n\n\n" + "\n\n".join(hole.source for hole in exercise.holes)
    outcome, said = checked(exercise, tmp_path, text)
    assert outcome.solved, said
    assert "wrong" not in said and "no " not in said.split("speed")[0], said
    for hole in exercise.holes:
        # The twin takes what the learner's function takes, and nobody is asked for too much.
        assert set(hole.parameters) <= {*inspect.signature(hole.twin).parameters}
        assert all(set(case.arguments) == set(hole.parameters) for case in hole.cases)
        assert len(hole.cases) >= 2


@pytest.mark.parametrize("name", ORDER)
def test_skeleton_is_python_with_holes(name, tmp_path):
    exercise = load(name)
    text = skeleton(exercise)
    outcome, said = checked(exercise, tmp_path, text)
    assert (outcome.solved, outcome.step) == (False, "hole")
    assert f"{exercise.holes[0].name} is still a hole at line" in said
    assert max(map(len, text.splitlines())) <= 110
    for hole in exercise.holes:
        assert hole.header in text and explanation(hole).split("\n")[0] in text
        assert ">>> " in text and "\n\n\n\n" not in text
    assert [len(hint) > 30 for hint in exercise.hints] == [True] * 3
    assert (REPOSITORY / "examples" / exercise.example).is_file()
    # The chapter says so too.
    assert name in (REPOSITORY / "docs" / "chapters" / exercise.chapter).read_text("utf-8")


@pytest.mark.parametrize("name", ORDER)
def test_solution_makes_the_examples_of_the_skeleton_true(name, tmp_path):
    """Doctests of the skeleton, run on our functions."""
    exercise = load(name)
    written = {"np": np}
    exec(skeleton(exercise), written)
    ours = {hole.name: hole.solution for hole in exercise.holes} | {"np": np}
    for hole in exercise.holes:
        words = inspect.getdoc(written[hole.name])
        test = doctest.DocTestParser().get_doctest(words, dict(ours), hole.name, name, 0)
        assert len(test.examples) >= 2
        said = []
        doctest.DocTestRunner(verbose=False).run(test, out=said.append)
        assert not said, "".join(said)


@pytest.mark.parametrize("name", ORDER)
def test_there_are_five_mistakes(name):
    assert len(planted(name)) >= 5


@pytest.mark.parametrize(
    ("name", "wrong"),
    [pytest.param(n, w, id=f"{n}-{w.__name__}") for n in ORDER for w in planted(n)],
)
def test_mistake_is_named(name, wrong, tmp_path, monkeypatch):
    exercise = load(name)
    if not any("drawn" in words for words in wrong.words):  # a small case tells it
        monkeypatch.setattr("minicv.exercises.checking.DRAWN_CASES", 3)
    outcome, said = checked(exercise, tmp_path, answer_with(wrong, exercise))
    assert not outcome.solved
    missing = [words for words in wrong.words if words not in said]
    assert not missing, f"{missing} not in what was said:\n{said}"
