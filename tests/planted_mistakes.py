"""Wrong answers to exercises: functions, each with the words that the check must say of it."""

import inspect
import re


def mistake(*words, of=None):
    """Mark a function as a wrong answer.

    Args:
        words: all of them must stand in what the check prints: the step, the argument, the cell.
        of: name of the function that it replaces; None: the first of the exercise.
    """

    def mark(function):
        function.words, function.of = words, of
        return function

    return mark


def mistakes_in(module):
    """The marked functions of a module, in their order."""
    return [f for f in vars(module).values() if inspect.isfunction(f) and hasattr(f, "words")]


def answer_with(wrong, exercise):
    """The text of a learner's file: our solutions, but one function is the wrong one."""
    replaced = wrong.of or exercise.holes[0].name
    source = inspect.getsource(wrong)
    source = source[source.index(f"def {wrong.__name__}(") :]  # without the decorator
    parts = [hole.source for hole in exercise.holes if hole.name != replaced]
    assert len(parts) == len(exercise.holes) - 1, f"{exercise.name} has no {replaced}"
    parts.append(re.sub(r"^def \w+", f"def {replaced}", source))
    return "import numpy as np\n\n\n" + "\n\n".join(parts)
