"""Hold the learner's functions against ours: small cases, drawn cases, slopes, then the speed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicv.exercises.comparison import difference
from minicv.exercises.drawing import Pen, draw_arguments, draw_expected, draw_results
from minicv.exercises.exercise import Arguments, Exercise, Hole
from minicv.exercises.learner import Learner, LearnerError, TimeUpError

DRAWN_CASES = 60
ENOUGH_CASES = 20
DRAWING_SECONDS = 3.0  # after which so many are enough, and a failing one is small enough
STEP = 1e-5  # of a central difference, relative to max(1, |x|)
SLOPE_RTOL = 1e-5
TIMING_SECONDS = 0.1
MOST_PRINTED_LINES = 12
WITHOUT_HYPOTHESIS = (
    "drawn cases: left out, because they need hypothesis: pip install 'minicv-from-scratch[learn]'"
)

Show = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How a check ended.

    Attributes:
        solved: everything was right.
        step: what was not: "file", "hole", "small cases", "drawn cases", "gradient" or "time".
    """

    solved: bool
    step: str = ""


class _WrongError(Exception):
    """What the learner's function returned is not right, or it returned nothing."""

    def __init__(self, sentence: str, arguments: Arguments, picture: list[str]) -> None:
        super().__init__(sentence)
        self.arguments = arguments
        self.picture = picture
        self.outcome = ""


class _EndedError(BaseException):
    """No further case can be tried; hypothesis does not catch it."""


def check(exercise: Exercise, learner: Learner, show: Show, pen: Pen | None = None) -> Outcome:
    """Check each function of the exercise, until one is not right.

    Args:
        exercise: what is to be done.
        learner: the file with the answer, not loaded yet.
        show: prints a line.
        pen: how arrays are drawn; None: without colours.
    """
    pen = pen or Pen(False)
    try:
        learner.load()
    except LearnerError as error:
        _say(str(error), show, pen)
        _show_printed(learner, show, pen)
        return Outcome(False, "time" if isinstance(error, TimeUpError) else "file")
    for hole in exercise.holes:
        show(pen.strong(hole.name))
        for step in (_small_cases, _drawn_cases, _slopes):
            try:
                step(exercise, hole, learner, show, pen)
            except _WrongError as wrong:
                show("")
                _say(str(wrong), show, pen)
                _show_picture(wrong, show, pen)
                _show_printed(learner, show, pen)
                return Outcome(False, wrong.outcome or _NAMES[step])
    for hole in exercise.holes:
        if hole.speed is not None:
            show(f"  speed of {hole.name}: {_speed(hole, learner)}")
    return Outcome(True)


def _small_cases(exercise: Exercise, hole: Hole, learner: Learner, show: Show, pen: Pen) -> None:
    for number, case in enumerate(hole.cases, 1):
        what = f"small case {number}, {case.about}"
        try:
            _compare(hole, learner, case.arguments, pen)
        except _WrongError as wrong:
            show(f"  {what}: {pen.wrong(_verdict(wrong))}")
            raise
        show(f"  {what}: {pen.right('right')}")


def _drawn_cases(exercise: Exercise, hole: Hole, learner: Learner, show: Show, pen: Pen) -> None:
    try:
        import hypothesis
    except ImportError:
        show(f"  {WITHOUT_HYPOTHESIS}")
        return
    wrong: _WrongError | None = None
    count, until = 0, math.inf

    @hypothesis.settings(
        max_examples=DRAWN_CASES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        report_multiple_bugs=False,
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(hole.drawn())
    def attempt(arguments: Arguments) -> None:
        nonlocal wrong, count, until
        if count == 0:
            until = time.monotonic() + DRAWING_SECONDS
        if time.monotonic() > until and (wrong or count >= ENOUGH_CASES):
            raise _EndedError
        count += 1
        try:
            _compare(hole, learner, arguments, pen)
        except _WrongError as error:
            wrong = error  # the last one is the smallest
            if isinstance(error.__cause__, LearnerError) and error.__cause__.ended:
                raise _EndedError from None
            raise

    try:
        attempt()
    except (_WrongError, _EndedError):
        if wrong is not None:
            what = "drawn cases: the smallest that was found"
            show(f"  {what} is {pen.wrong(_verdict(wrong))}")
            raise wrong from None
    show(f"  {count} drawn cases: {pen.right('right')}")


def _slopes(exercise: Exercise, hole: Hole, learner: Learner, show: Show, pen: Pen) -> None:
    slopes = hole.slopes
    if slopes is None:
        return
    if isinstance(slopes.forward, str):
        own = exercise.hole(slopes.forward)
        title = f"your {slopes.forward}"

        def forward(arguments: Arguments) -> np.ndarray:
            return learner.call(own, arguments)[0]

    else:
        ours = slopes.forward
        title = "the forward pass"

        def forward(arguments: Arguments) -> np.ndarray:
            return np.asarray(ours(**arguments))

    arguments = slopes.arguments
    try:
        grad = _random_signs(forward(arguments).shape)
        given = {"grad": grad, **arguments}
        needed = {name: given[name] for name in hole.parameters}
        got = learner.call(hole, needed)
        weight = grad if "grad" in hole.parameters else np.ones(())
        for name, result, gradient in zip(slopes.wrt, hole.results, got, strict=True):
            what = f"gradient with respect to {name}, beside slopes of {title}"
            expected = _central_differences(forward, arguments, name, weight)
            found = difference(result, expected, gradient, SLOPE_RTOL)
            if found is None:
                show(f"  {what}: {pen.right('right')}")
                continue
            show(f"  {what}: {pen.wrong('wrong')}")
            picture = []
            if found.wrong is not None:
                picture = draw_results(result, expected, gradient, found.wrong, pen)
            raise _WrongError(f"{hole.name}: {found.sentence}", needed, picture)
    except LearnerError as error:
        show(f"  gradient beside slopes of {title}: {pen.wrong('wrong')}")
        raise _of_learner(error, arguments) from error


_NAMES = {_small_cases: "small cases", _drawn_cases: "drawn cases", _slopes: "gradient"}


def _compare(hole: Hole, learner: Learner, arguments: Arguments, pen: Pen) -> None:
    """Raise a _WrongError if the learner's function does not return what the twin does."""
    copies = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    expected: Any = hole.twin(**copies)
    names = hole.results
    if len(names) == 1:
        expected = (expected,)
    try:
        got = learner.call(hole, arguments)
    except LearnerError as error:
        wrong = _of_learner(error, arguments)
        if wrong.outcome != "hole":
            wrong.picture = draw_expected(dict(zip(names, expected, strict=True)), pen)
        raise wrong from error
    for name, must, is_ in zip(names, map(np.asarray, expected), got, strict=True):
        found = difference(name, must, is_, hole.rtol)
        if found is not None:
            if found.wrong is None:
                picture = draw_expected({name: must}, pen)
            else:
                picture = draw_results(name, must, is_, found.wrong, pen)
            raise _WrongError(f"{hole.name}: {found.sentence}", arguments, picture)


def _of_learner(error: LearnerError, arguments: Arguments) -> _WrongError:
    wrong = _WrongError(str(error), arguments, [])
    if error.hole_left:
        wrong.outcome = "hole"
        wrong.arguments = {}
    elif isinstance(error, TimeUpError):
        wrong.outcome = "time"
    wrong.__cause__ = error
    return wrong


def _verdict(wrong: _WrongError) -> str:
    return "still a hole" if wrong.outcome == "hole" else "wrong"


def _random_signs(shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.asarray(rng.choice([-1.0, 1.0], shape) * rng.integers(1, 4, shape))


def _central_differences(
    forward: Callable[[Arguments], np.ndarray], arguments: Arguments, name: str, grad: np.ndarray
) -> np.ndarray:
    """dL/dx for L = Σ grad · forward, one element of x = arguments[name] at a time."""
    x = arguments[name]
    slopes = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        step = STEP * max(1.0, abs(float(x[place])))
        right, left = x.copy(), x.copy()
        right[place] += step
        left[place] -= step
        rise = forward({**arguments, name: right}) - forward({**arguments, name: left})
        slopes[place] = float((rise * grad).sum()) / float(right[place] - left[place])
    return slopes


def _speed(hole: Hole, learner: Learner) -> str:
    """The learner's seconds beside ours, in one sentence."""
    assert hole.speed is not None
    arguments = hole.speed.arguments()
    ours = _best_seconds(lambda: hole.speed.ours(**arguments))  # type: ignore[union-attr]
    try:
        theirs = learner.seconds(hole, arguments)
    except TimeUpError:
        return f"minicv needs {_seconds(ours)}, yours more than was left of the time"
    except LearnerError as error:
        return f"minicv needs {_seconds(ours)}; {error}"
    both = f"yours {_seconds(theirs)}, minicv {_seconds(ours)}"
    if theirs > 1.3 * ours:
        return f"{both}, {two_digits(theirs / ours)} times as fast: {hole.speed.why}"
    if theirs < ours / 1.3:
        return (
            f"{both}; yours is {two_digits(ours / theirs)} times as fast: it checks no argument "
            "and serves these cases alone"
        )
    return f"{both}: the same"


def _best_seconds(call: Callable[[], object]) -> float:
    times: list[float] = []
    while sum(times) < TIMING_SECONDS or len(times) < 2:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def _seconds(seconds: float) -> str:
    """A duration with two digits.

    >>> _seconds(0.01234), _seconds(3.21), _seconds(0.0000456)
    ('12 ms', '3.2 s', '0.046 ms')
    """
    return f"{two_digits(seconds)} s" if seconds >= 1 else f"{two_digits(1000 * seconds)} ms"


def two_digits(value: float) -> str:
    """A number above 0, rounded to two digits.

    >>> two_digits(1234.0), two_digits(1.234), two_digits(0.01234)
    ('1,200', '1.2', '0.012')
    """
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def _say(sentence: str, show: Show, pen: Pen) -> None:
    first, *more = sentence.split("\n")
    show(f"  {pen.strong(first)}")
    for line in more:
        show(f"  {line}")


def _show_picture(wrong: _WrongError, show: Show, pen: Pen) -> None:
    for lines in (draw_arguments(wrong.arguments, pen) if wrong.arguments else [], wrong.picture):
        if lines:
            show("")
            for line in lines:
                show(f"    {line}".rstrip())


def _show_printed(learner: Learner, show: Show, pen: Pen) -> None:
    lines = learner.printed().splitlines()
    if not lines:
        return
    show("")
    show(f"  {pen.quiet('your code printed')}")
    for line in lines[-MOST_PRINTED_LINES:]:
        shown = "".join(c if c.isprintable() else " " for c in line[:120])
        show(f"    {shown}")
