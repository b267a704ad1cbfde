"""Docstrings as Sphinx reads them: minicv's are plain text with a little Markdown in it.

Sphinx takes ``|x|`` for a name that stands for something and ``*`` for emphasis; in a formula they
are neither. A table with bars becomes one that it knows. Code between backticks, literal blocks and
examples stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

CODE = re.compile(r"(``.+?``|`[^`]+`)")
SPECIAL = re.compile(r"(?<!\\)[*|]|(?<=\w)_(?!\w)")  # a name with _ behind it is no target either
BULLET = re.compile(r"^\s*[*] ")


def convert(lines: list[str]) -> list[str]:
    """A whole docstring.

    >>> convert(["|x| is 2 * y, not ``a * b``."])
    ['\\\\|x\\\\| is 2 \\\\* y, not ``a * b``.']
    """
    result: list[str] = []
    literal: int | None = None  # the indentation of the paragraph that opened a literal block
    example = False
    for line in lines:
        indentation = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and indentation <= literal:
            literal = None
        if literal is None:
            example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        if literal is not None or example:
            result.append(line)
            continue
        if line.lstrip().startswith("|") and line.rstrip().endswith("|") and line.count("|") > 2:
            result.append(line)  # a row of a table: see below
        else:
            result.append(escaped(line))
        if line.rstrip().endswith("::"):
            literal = indentation
    return tables(result)


def escaped(line: str) -> str:
    """Bars and stars outside of code are themselves; a star that begins a list stays.

    >>> escaped("running_* of |x|")
    'running\\\\_\\\\* of \\\\|x\\\\|'
    """
    head = BULLET.match(line)
    start = head.end() if head else 0
    parts = CODE.split(line[start:])
    parts[::2] = [SPECIAL.sub(r"\\\g<0>", part) for part in parts[::2]]
    return line[:start] + "".join(parts)


def tables(lines: list[str]) -> list[str]:
    """Tables with bars as ``list-table``."""
    result: list[str] = []
    at = 0
    while at < len(lines):
        if at + 1 < len(lines) and re.fullmatch(r"\s*\|[-:| ]+\|\s*", lines[at + 1]):
            end = at
            while end < len(lines) and lines[end].lstrip().startswith("|"):
                end += 1
            margin = " " * (len(lines[at]) - len(lines[at].lstrip()))
            rows = [lines[at], *lines[at + 2 : end]]
            table = [".. list-table::", "   :header-rows: 1", ""]
            for row in rows:
                cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
                table += [f"   {'* -' if n == 0 else '  -'} {c}" for n, c in enumerate(cells)]
            result += ["", *(margin + line for line in table), ""]
            at = end
        else:
            result.append(lines[at])
            at += 1
    return result


def process(app, what, name, obj, options, lines) -> None:
    """For Sphinx's autodoc: convert in place; a constant is described by what it holds."""
    if what == "data":
        lines[:] = [said_of(obj), ""]
    else:
        lines[:] = convert(lines)


def plain_aliases(app, what, name, obj, options, signature, returned):
    """For Sphinx's autodoc: an alias in a union, such as Array, is its name."""
    parts = (signature, returned)
    return tuple(part and re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", part) for part in parts)


def said_of(value: object) -> str:
    """What a constant holds, if that can be said in a line.

    >>> said_of({"small": 1, "large": 2})
    'A mapping with the keys ``small``, ``large``.'
    >>> said_of(255)
    '``255``'
    """
    if isinstance(value, Mapping):
        return f"A mapping with the keys {', '.join(f'``{key}``' for key in value)}."
    text = repr(value)
    return f"``{text}``" if len(text) < 600 and "\n" not in text and "`" not in text else ""


def setup(app):
    app.connect("autodoc-process-docstring", process, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", plain_aliases)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
