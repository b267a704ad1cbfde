"""The code of a stage: the statements that made it, and the methods that they call."""

from __future__ import annotations

import ast
import functools
import html
import io
import keyword
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from minicv.inspection.stage_source import StageSource
from minicv.models.model import Model
from minicv.nn import Module

PACKAGE = Path(__file__).resolve().parents[1]
MOST_METHODS = 4  # whose code stands below the statements that call them
RECORDERS = ("record", "shown")  # names of what a method is given to make records with
MOST_LINES = 60  # of a method; a longer one is named alone


@dataclass(frozen=True)
class Excerpt:
    """Some lines of a file.

    Attributes:
        file: path of the file, from the repository if it is one of minicv's.
        first: number of the first line.
        text: the lines, without the indentation that all of them have.
        what: "" for the statements of a stage, else the method's name.
    """

    file: str
    first: int
    text: str
    what: str = ""

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + self.text.count("\n")

    def place(self) -> str:
        """
        >>> Excerpt("minicv/a.py", 7, "a = 1\\nb = 2").place()
        'minicv/a.py, lines 7 to 8'
        """
        if self.first == self.last:
            return f"{self.file}, line {self.first}"
        return f"{self.file}, lines {self.first} to {self.last}"


def excerpts(sources: Sequence[StageSource], model: Model) -> list[Excerpt]:
    """The statements of a stage, function by function, then the methods of the model they call.

    A statement that makes a record is shown only where there is no other, and a method that makes
    records is not: it shows in the stages that it makes. The list is empty where the code cannot
    be read, as that of an interactive session.

    Args:
        sources: of the stage.
        model: whose methods are shown.
    """
    own: list[Excerpt] = []
    called: dict[str, Excerpt] = {}
    for source in sources:
        file = _read(source.file)
        function = None if file is None else file.function_at(source.last)
        if file is None or function is None:
            continue
        statements = list(_statements_between(function.body, source.first, source.last))
        if source.resumed and statements and _only_calls_what_records(statements[0]):
            del statements[0]  # it stands in the stages of what it called
        if not statements and len(sources) == 1:
            statements = _innermost_at(source.last, function.body)
        if all(_returns_what_is_there(statement) for statement in statements):
            continue
        first = file.with_comments(statements[0].lineno, source.first)
        own.append(file.excerpt(first, statements[-1].end_lineno or source.last))
        called |= _methods_called(statements, model)
    return [*own, *list(called.values())[:MOST_METHODS]]


def _statements_between(body: Sequence[ast.stmt], first: int, last: int) -> Iterator[ast.stmt]:
    """The statements of these lines, without docstring and without the record itself.

    Of a block that begins before them, or in which the record stands, only the branch that ran is
    entered. A loop is shown whole: it made the stage in each of its turns.
    """
    for statement in body:
        start, end = statement.lineno, statement.end_lineno or statement.lineno
        if end < first or start > last:
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring
        if isinstance(statement, ast.Expr) and _is_record(statement.value):
            continue
        if start < first and hasattr(statement, "body"):
            branch = _branch_with(first - 1, statement)
            yield from _statements_between(branch, first, last)
            if branch and isinstance(branch[-1], ast.Return):
                return  # what follows did not run
        elif last <= end and not isinstance(statement, (ast.For, ast.While)):
            branch = _branch_with(last, statement)
            yield from _statements_between(branch, first, last) if branch else [statement]
        else:
            yield statement


def _branch_with(line: int, statement: ast.stmt) -> Sequence[ast.stmt]:
    """The block of a compound statement in which the line stands; empty for another statement."""
    for name in ("body", "orelse", "finalbody"):
        block: list[ast.stmt] = getattr(statement, name, [])
        if block and block[0].lineno <= line <= (block[-1].end_lineno or 0):
            return block
    return []


def _innermost_at(line: int, body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statement at this line, as a list; empty where there is none."""
    for statement in body:
        if statement.lineno <= line <= (statement.end_lineno or statement.lineno):
            return _innermost_at(line, _branch_with(line, statement)) or [statement]
    return []


def _returns_what_is_there(statement: ast.stmt) -> bool:
    """Whether it only hands on, as ``return scores`` does."""
    calls = any(isinstance(node, ast.Call) for node in ast.walk(statement))
    return isinstance(statement, ast.Return) and not calls


def _only_calls_what_records(statement: ast.stmt) -> bool:
    """Whether all that it does is to call functions that make records."""
    calls: list[ast.Call] = []
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            calls.append(node)
        else:
            waiting += ast.iter_child_nodes(node)
    return all(_is_given_record(call) for call in calls)


def _is_given_record(call: ast.Call) -> bool:
    return any(isinstance(own, ast.Name) and own.id in RECORDERS for own in call.args)


def _is_record(node: ast.expr) -> bool:
    """Whether an expression only notes a stage."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.lstrip("_").startswith("record")


def _methods_called(
    statements: Sequence[ast.stmt], model: Model, deeper: int = 1
) -> dict[str, Excerpt]:
    """The model's own methods that the statements call as ``self.NAME(...)``, by name, each
    followed by those that it calls itself, ``deeper`` times."""
    found: dict[str, Excerpt] = {}
    for node in (node for statement in statements for node in ast.walk(statement)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        on, name = node.func.value, node.func.attr
        if not (isinstance(on, ast.Name) and on.id == "self") or name in found:
            continue
        if _is_given_record(node):
            continue
        if name.lstrip("_").startswith("record"):
            continue
        method = _method(model, name)
        if method is not None:
            found[name] = method[1]
            inner = _methods_called(method[0].body, model, deeper - 1) if deeper else {}
            found |= {name: own for name, own in inner.items() if name not in found}
    return found


def _method(model: Model, name: str) -> tuple[ast.FunctionDef, Excerpt] | None:
    """A method of the model as the nearest of its classes writes it; not one of every module."""
    for of_class in type(model).__mro__:
        if of_class in (Model, Module):
            return None
        method = of_class.__dict__.get(name)
        code = getattr(method, "__code__", None)
        if code is None:
            continue
        file = _read(code.co_filename)
        function = None if file is None else file.function_at(code.co_firstlineno, name)
        if file is None or function is None:
            return None
        body = function.body
        documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        last = function.end_lineno or function.lineno
        if documented and len(body) > 1:  # the signature and the work; the docstring is long
            if last - body[1].lineno > MOST_LINES:
                return None
            head = file.excerpt(function.lineno, body[0].lineno - 1)
            work = file.excerpt(body[1].lineno, last)
            indented = "\n".join(f"    {line}" if line else "" for line in work.text.split("\n"))
            return function, Excerpt(head.file, head.first, f"{head.text}\n{indented}", name)
        if last - function.lineno > MOST_LINES:
            return None
        whole = file.excerpt(function.lineno, last)
        return function, Excerpt(whole.file, whole.first, whole.text, name)
    return None


class _File:
    """A file of Python: its lines, its functions."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        tree = ast.parse(self.text)
        # ast.walk goes from the outside to the inside.
        self.functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        resolved = path.resolve()
        inside = resolved.is_relative_to(PACKAGE)
        self.name = resolved.relative_to(PACKAGE.parent).as_posix() if inside else path.name

    def function_at(self, line: int, name: str | None = None) -> ast.FunctionDef | None:
        """The innermost function that has this line, and that name."""
        found = None
        for node in self.functions:
            if name is not None and node.name != name:
                continue
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first <= line <= (node.end_lineno or node.lineno):
                found = node
        return found

    def with_comments(self, line: int, least: int) -> int:
        """The first line of the comments right above a line, but none before ``least``."""
        while line > least and self.lines[line - 2].lstrip().startswith("#"):
            line -= 1
        return line

    def excerpt(self, first: int, last: int) -> Excerpt:
        """The lines from ``first`` to ``last``."""
        lines = self.lines[first - 1 : last]
        indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
        common = min(indents, default=0)
        return Excerpt(self.name, first, "\n".join(line[common:] for line in lines))


@functools.lru_cache(256)
def _read(path: str) -> _File | None:
    """A file, or None where there is none, or no Python."""
    try:
        return _File(Path(path))
    except (OSError, SyntaxError, ValueError):
        return None


def highlighted(code: str) -> str:
    """Code as HTML: keywords, strings, comments and numbers in elements of their own.

    >>> highlighted("return x  # done")
    '<b>return</b> x  <i># done</i>'
    """
    places = []  # (line, column), (line, column), element
    try:
        for token in tokenize.generate_tokens(io.StringIO(code + "\n").readline):
            element = _element_of(token)
            if element:
                places.append((token.start, token.end, element))
    except (tokenize.TokenError, SyntaxError):  # an excerpt need not be a whole program
        pass
    lines = code.split("\n")
    out, line, column = [], 1, 0

    def until(end: tuple[int, int]) -> str:
        nonlocal line, column
        text = []
        while line < end[0]:
            text.append(lines[line - 1][column:] + "\n")
            line, column = line + 1, 0
        text.append(lines[line - 1][column : end[1]])
        column = end[1]
        return html.escape("".join(text), quote=False)

    for start, end, element in places:
        out.append(until(start))
        inner = until(end).replace("\n", f"</{element}>\n<{element}>")  # lines can be taken apart
        out.append(f"<{element}>{inner}</{element}>")
    out.append(until((len(lines), len(lines[-1]))))
    return "".join(out)


def _element_of(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.COMMENT:
        return "i"
    if token.type == tokenize.STRING or tokenize.tok_name[token.type].startswith("FSTRING"):
        return "q"
    if token.type == tokenize.NAME and keyword.iskeyword(token.string):
        return "b"
    return ""
