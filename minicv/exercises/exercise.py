"""What an exercise is: functions with a hole, and what the learner's answer is held against.

Each exercise is a file of this room, named as the exercise. It holds the solutions, plain
functions of NumPy arrays, and one ``EXERCISE`` that says what is checked. They are listed in
`minicv.exercises.ORDER`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the extra `learn`, which a check can do without
    from hypothesis.strategies import SearchStrategy

Function = Callable[..., Any]
Arguments = dict[str, Any]  # by name: arrays, numbers, pairs of numbers, words, None


@dataclass(frozen=True)
class Case:
    """Small arguments made by hand. What must come out, the twin says.

    Attributes:
        about: in a few words what this case shows, such as "the lecture's example".
        arguments: by name, small enough to be drawn in a terminal.
    """

    about: str
    arguments: Arguments


@dataclass(frozen=True)
class Slopes:
    """The function gives gradients: those of ``forward``, held against central differences.

    With L = Σ grad · forward(...) for a random ``grad``, the function must return dL/dx for each x
    of ``wrt``, in that order. It is called with those of ``arguments`` that its signature names,
    and with ``grad`` if that is among them; if not, grad is 1 and forward returns one number.

    Attributes:
        forward: one of ours, or the name of a function that the learner writes as well.
        wrt: names of the arguments by which it is differentiated.
        arguments: of ``forward``; floating arrays of float64, a few dozen numbers, off any kink.
    """

    forward: Function | str
    wrt: tuple[str, ...]
    arguments: Arguments


@dataclass(frozen=True)
class Speed:
    """How long the learner's function takes beside ours, and why.

    Attributes:
        arguments: makes those that are timed; plain loops should need less than a second for them.
        ours: the fast one; takes the same arguments by name.
        why: one plain sentence on where the difference comes from.
    """

    arguments: Callable[[], Arguments]
    ours: Function
    why: str


@dataclass(frozen=True)
class Hole:
    """One function that the learner writes.

    Attributes:
        solution: ours, as a good student would write it: NumPy alone, all in one function. Its name
            and signature are the learner's, and `minicv exercise solution` shows its source.
        twin: takes the same arguments by name and returns what must come out: loops one can check
            by eye, usually of `minicv.reference`.
        explained_by: the function of minicv whose docstring explains this one.
        excerpt: which parts of that docstring the skeleton shows, after its first sentence.
            "Forward" shows the paragraph that begins so, with its formulas; "=====" the table of
            shapes; "and x … image." the words from the first to the last of these.
        cases: made by hand, the plainest first.
        drawn: a hypothesis strategy for the arguments; imports hypothesis when it is called.
        note: what is simpler here than in minicv, in a sentence or two.
        results: a name for each array that is returned; of several it is a tuple.
        rtol: how far floating numbers may be off, relative. Whole numbers and booleans are exact.
        slopes: of a function that gives gradients.
        speed: None where a comparison says nothing.
    """

    solution: Function
    twin: Function
    explained_by: Function
    excerpt: tuple[str, ...]
    cases: tuple[Case, ...]
    drawn: Callable[[], SearchStrategy[Arguments]]
    note: str = ""
    results: tuple[str, ...] = ("result",)
    rtol: float = 1e-7
    slopes: Slopes | None = None
    speed: Speed | None = None

    @property
    def name(self) -> str:
        """Of the function, ours and the learner's."""
        return str(self.solution.__name__)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its arguments."""
        return tuple(inspect.signature(self.solution).parameters)

    @property
    def source(self) -> str:
        """Of our solution."""
        return inspect.getsource(self.solution)

    @property
    def header(self) -> str:
        """Its lines from ``def`` to the colon, as they stand in our source."""
        (function,) = ast.parse(self.source).body
        assert isinstance(function, ast.FunctionDef)
        return "".join(self.source.splitlines(keepends=True)[: function.body[0].lineno - 1])


@dataclass(frozen=True)
class Exercise:
    """One or several functions to write, with hints.

    Attributes:
        name: of the exercise and of the learner's file.
        title: a few words for the list.
        holes: the functions, in the order in which one writes them.
        hints: three, from a nudge to almost the answer; each may have several lines.
        example: the script in examples/ where the idea is at work.
        chapter: the page in docs/chapters/ that explains it.
    """

    name: str
    title: str
    holes: tuple[Hole, ...]
    hints: tuple[str, str, str]
    example: str
    chapter: str

    def hole(self, name: str) -> Hole:
        """The function of that name."""
        return next(hole for hole in self.holes if hole.name == name)
