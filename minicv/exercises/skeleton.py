"""What the learner's file says at first, made of minicv's docstrings so that it cannot drift."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicv.exercises.exercise import Arguments, Exercise, Function, Hole

WIDTH = 96  # of the text in a docstring
MOST_LINES = 14  # of an example's arguments; a larger small case is no example
LONGEST_LINE = 104


def skeleton(exercise: Exercise) -> str:
    """The text of the file: for each function its signature, its meaning, an example and a hole.

    >>> from minicv.exercises import load
    >>> text = skeleton(load("softmax_cross_entropy"))
    >>> [line for line in text.splitlines() if "def " in line]
    ['def softmax_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:',
     'def softmax_cross_entropy_gradient(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:']
    """
    name = exercise.name
    title = exercise.title[0].upper() + exercise.title[1:]
    several = "each hole" if len(exercise.holes) > 1 else "the hole"
    parts = [
        f'"""{title}.\n\n'
        + _wrapped(
            f"Fill {several} with plain NumPy, a loop at first if you like. "
            "What must come out is checked, not how."
        )
        + f"\n\n    minicv exercise check {name}.py\n    minicv exercise hint {name}\n"
        f'"""\n\nimport numpy as np\n',
        *[_function(hole) for hole in exercise.holes],
    ]
    return "\n\n".join(parts)


def _function(hole: Hole) -> str:
    body = textwrap.indent(explanation(hole) + "\n\n" + example(hole), "    ", _has_text).strip()
    quotes = 'r"""' if "\\" in body else '"""'
    return (
        f'{hole.header}    {quotes}{body}\n    """\n'
        f'    raise NotImplementedError("write {hole.name} here")\n'
    )


def explanation(hole: Hole) -> str:
    """What the function is: the first sentence and the excerpt of the docstring, and the note.

    Raises:
        ValueError: the docstring has no such part any more.
    """
    documentation = inspect.getdoc(hole.explained_by) or ""
    first = documentation.partition("\n\n")[0]
    if hole.slopes is not None:
        *some, last = hole.slopes.wrt
        wrt = f"{', '.join(some)} and {last}" if some else last
        first = f"The gradient of `{hole.explained_by.__name__}` with respect to {wrt}."
    parts = [first]
    if hole.note:
        parts.append(_wrapped(hole.note))
    parts += [_part(documentation, words, hole) for words in hole.excerpt]
    return "\n\n".join(parts)


def _part(documentation: str, words: str, hole: Hole) -> str:
    start, several, end = words.partition(" … ")
    if several:
        # Line breaks of the docstring may stand between any two words.
        between = r"\s+".join(map(re.escape, start.split()))
        until = r"\s+".join(map(re.escape, end.split()))
        found = re.search(rf"{between}.*?{until}", documentation, re.DOTALL)
        if found:
            return _paragraphs_wrapped(found.group())
    else:
        for paragraph in _paragraphs(documentation):
            if paragraph.startswith(start):
                return paragraph
    raise ValueError(
        f"the docstring of {hole.explained_by.__name__} has no {words!r} any more, which the "
        f"exercise {hole.name} shows"
    )


def _paragraphs(documentation: str) -> Iterator[str]:
    """The docstring at its blank lines; what is indented belongs to the words before it."""
    kept: list[str] = []
    for block in documentation.split("\n\n"):
        if kept and not block.startswith(" "):
            yield "\n\n".join(kept)
            kept = []
        kept.append(block)
    yield "\n\n".join(kept)


def _paragraphs_wrapped(text: str) -> str:
    """An excerpt that may begin within a line; what is indented stays as it is."""
    blocks = text.split("\n\n")
    return "\n\n".join(b if b.startswith(" ") else _wrapped(b.replace("\n", " ")) for b in blocks)


def example(hole: Hole) -> str:
    """A doctest of the first small case: what goes in, and what our twin says comes out."""
    fitting = (c for c in hole.cases if len(_inputs(c.arguments)) <= MOST_LINES)
    case = next(fitting, hole.cases[0])
    call = f"{hole.name}({', '.join(case.arguments)})"
    result = called(hole.twin, case.arguments)
    about = case.about[0].upper() + case.about[1:]
    lines = [f"{about}:", "", *_inputs(case.arguments)]
    if isinstance(result, tuple):
        lines.append(f">>> for result in {call}:")
        lines.append("...     print(np.round(result, 4).tolist())")
        lines += [_shown(one) for one in result]
    elif np.asarray(result).dtype.kind == "f" and len(call) > LONGEST_LINE - 30:
        lines += [f">>> result = {call}", ">>> np.round(result, 4).tolist()", _shown(result)]
    elif np.asarray(result).dtype.kind == "f":
        lines += [f">>> np.round({call}, 4).tolist()", _shown(result)]
    else:
        lines += [f">>> np.asarray({call}).tolist()", _shown(result)]
    return "\n".join(lines)


def called(function: Function, arguments: Arguments) -> Any:
    """The function's result for copies of the arguments."""
    copies = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    return function(**copies)


def _inputs(arguments: Arguments) -> list[str]:
    lines: list[str] = []
    for name, value in arguments.items():
        before = f">>> {name} = "
        shown = repr(value)
        if isinstance(value, np.ndarray):
            before += "np.array("
            # As one reads it: a line for each row. Blank lines would end the example.
            text = np.array2string(
                value, 100, separator=", ", prefix=before, floatmode="unique", threshold=10**6
            )
            rows = [row for row in text.split("\n") if row.strip()]
            shown = "\n".join([rows[0], *["..." + row[3:] for row in rows[1:]]]) + ")"
        lines += (before + shown).split("\n")
    return lines


def _shown(result: Any) -> str:
    values = np.asarray(result)
    return str((np.round(values, 4) + 0.0 if values.dtype.kind == "f" else values).tolist())


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _has_text(line: str) -> bool:
    return bool(line.strip())
