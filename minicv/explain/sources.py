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

import minicv
from minicv.inspection.stage import StageSource
from minicv.models.model import Model

PACKAGE = Path(minicv.__file__).resolve().parent
MOST_METHODS = 3  # whose code stands below the statements that call them
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


def excerpts(source: StageSource | None, model: Model) -> list[Excerpt]:
    """The statements of a stage, then the code of the methods of the model that they call.

    Of the statements that make a record none is shown: they do nothing to the result. The list is
    empty where the code cannot be read, as that of an interactive session.

    Args:
        source: of the stage.
        model: whose methods are shown.
    """
    if source is None:
        return []
    file = _read(source.file)
    function = None if file is None else file.function_at(source.last)
    if file is None or function is None:
        return []
    statements = list(_statements_between(function.body, source.first, source.last))
    if not statements:
        return []
    own = file.excerpt(statements[0].lineno, statements[-1].end_lineno or source.last)
    return [own, *_methods_called(statements, model, function.name)]


def _statements_between(
    body: Sequence[ast.stmt], first: int, last: int
) -> Iterator[ast.stmt]:
    """The statements that begin in these lines, without docstring and without the record itself;
    of a block that the record stands in only those inside."""
    for statement in body:
        start, end = statement.lineno, statement.end_lineno or statement.lineno
        if end < first or start > last:
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring
        if isinstance(statement, ast.Expr) and _is_record(statement.value):
            continue
        inner = [block for name in ("body", "orelse", "finalbody")
                 for block in getattr(statement, name, ())]  # fmt: skip
        if inner and start < last <= end and not _whole(statement):
            yield from _statements_between(inner, first, last)
        elif start >= first:
            yield statement


def _whole(statement: ast.stmt) -> bool:
    """Whether a block is shown whole although the record stands in it: a loop makes its stages."""
    return isinstance(statement, (ast.For, ast.While))


def _is_record(node: ast.expr) -> bool:
    """Whether an expression only notes a stage."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.lstrip("_").startswith("record")


def _methods_called(
    statements: Sequence[ast.stmt], model: Model, caller: str
) -> list[Excerpt]:
    """The model's own methods that the statements call as ``self.NAME(...)``, in order."""
    found: dict[str, Excerpt] = {}
    for node in (node for statement in statements for node in ast.walk(statement)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        on, name = node.func.value, node.func.attr
        if not (isinstance(on, ast.Name) and on.id == "self") or name in found or name == caller:
            continue
        excerpt = _method(model, name)
        if excerpt is not None:
            found[name] = excerpt
    return list(found.values())[:MOST_METHODS]


def _method(model: Model, name: str) -> Excerpt | None:
    """The code of a method that a class of ``minicv.models`` defines, as the model has it."""
    for of_class in type(model).__mro__:
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
            return Excerpt(head.file, head.first, f"{head.text}\n{indented}", name)
        if last - function.lineno > MOST_LINES:
            return None
        whole = file.excerpt(function.lineno, last)
        return Excerpt(whole.file, whole.first, whole.text, name)
    return None


class _File:
    """A file of Python: its lines, its tree."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        self.tree = ast.parse(self.text)
        resolved = path.resolve()
        inside = resolved.is_relative_to(PACKAGE)
        self.name = resolved.relative_to(PACKAGE.parent).as_posix() if inside else path.name

    def function_at(self, line: int, name: str | None = None) -> ast.FunctionDef | None:
        """The innermost function that has this line, and that name."""
        found = None
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.FunctionDef) or (name is not None and node.name != name):
                continue
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first <= line <= (node.end_lineno or node.lineno):
                found = node  # ast.walk goes from the outside to the inside
        return found

    def excerpt(self, first: int, last: int) -> Excerpt:
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
