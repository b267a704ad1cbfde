"""The source files of minicv as syntax trees, for tests that read code instead of running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Import:
    """One imported module, e.g. ``minicv.backend.device`` or ``numpy``."""

    module: str
    line: int
    when_loaded: bool  # False inside a function: imported only when it is called


class SourceFile:
    """One file of the package; ``path`` begins at the repository: ``minicv/vision/nms.py``."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """``minicv.vision.nms``; a package's ``__init__.py`` is the package itself."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def room(self) -> str:
        """The top-level package: ``vision``; empty for ``minicv/__init__.py``."""
        return room_of(self.module)

    @property
    def is_private(self) -> bool:
        return any(
            part.startswith("_") and part != "__main__" for part in self.module.split(".")[1:]
        )

    def imports(self) -> Iterator[Import]:
        """Every module imported anywhere in the file, also through ``import_module("name")``."""
        yield from self._imports(self.tree, when_loaded=True)

    def _imports(self, parent: ast.AST, when_loaded: bool) -> Iterator[Import]:
        for node in ast.iter_child_nodes(parent):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                # `from minicv.vision import nms` may name a module or a function: keep both parts.
                origin = self._absolute(node)
                names = [f"{origin}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Call) and _called_name(node) in _IMPORTERS:
                names = [str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant)]
            for name in names:
                yield Import(name, node.lineno, when_loaded)
            inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from self._imports(node, when_loaded and not inside)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        package = self.module if self.path.endswith("__init__.py") else _parent(self.module)
        for _ in range(node.level - 1):
            package = _parent(package)
        return f"{package}.{node.module}" if node.module else package


_IMPORTERS = ("import_module", "__import__")


def room_of(module: str) -> str:
    """``vision`` for ``minicv.vision.nms``; empty for ``minicv`` itself.

    >>> room_of("minicv.vision.nms")
    'vision'
    """
    return module.split(".")[1] if "." in module else ""


@cache
def source_files() -> tuple[SourceFile, ...]:
    """Every Python file of the package, in order of its path; read and parsed once."""
    return tuple(
        SourceFile(path.relative_to(REPOSITORY).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted((REPOSITORY / "minicv").rglob("*.py"))
    )


def _called_name(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _parent(module: str) -> str:
    return module.rpartition(".")[0]
