"""Every `xp.name(keyword=...)` in the package exists in NumPy and in CuPy, read from the source.

The stand-in finds what a test runs; this finds the rest, such as a branch that no test takes. The
convention it relies on: the variable ``xp`` is the array module, and nothing else is called so.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from cupy_stand_in.api import FUNCTIONS, NAMESPACES, unknown_keyword
from source_tree import SourceFile, source_files

# In CuPy 14 and NumPy 2, but not in NumPy 1.24, which setup.py promises to work with.
NEW_IN_NUMPY_2 = {
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "pow"),
    *("bitwise_count", "bitwise_invert", "bitwise_left_shift", "bitwise_right_shift"),
    *("astype", "bool", "isdtype", "long", "ulong"),
    *("concat", "cumulative_prod", "cumulative_sum", "matrix_transpose", "permute_dims"),
    *("trapezoid", "unstack", "vecdot"),
    *("unique_all", "unique_counts", "unique_inverse", "unique_values"),
    *("linalg.cross", "linalg.diagonal", "linalg.matmul", "linalg.matrix_norm"),
    *("linalg.matrix_transpose", "linalg.outer", "linalg.svdvals", "linalg.tensordot"),
    *("linalg.trace", "linalg.vecdot", "linalg.vector_norm"),
}


def faults(file: SourceFile) -> Iterator[str]:
    """``path:line: what is wrong`` for every use of ``xp`` that one of the two would refuse."""
    calls = {
        id(node.func): [keyword.arg for keyword in node.keywords if keyword.arg]
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Call)
    }
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.Attribute) or not (name := _name_in_xp(node)):
            continue
        place = f"{file.path}:{node.lineno}"
        if name in NEW_IN_NUMPY_2:
            yield f"{place}: xp.{name} is not in NumPy 1.24; use its older name"
        elif name not in FUNCTIONS:
            yield f"{place}: xp.{name} is not in both NumPy and CuPy"
        elif name not in NAMESPACES:
            keywords = dict.fromkeys(calls.get(id(node), ()))
            refused = unknown_keyword(name, FUNCTIONS[name], keywords)
            if refused:
                yield f"{place}: {refused}"


def _name_in_xp(node: ast.Attribute) -> str:
    """``linalg.solve`` for the expression ``xp.linalg.solve``; empty for any other expression."""
    parts = [node.attr]
    inner = node.value
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    is_xp = isinstance(inner, ast.Name) and inner.id == "xp"
    return ".".join(reversed(parts)) if is_xp else ""


def test_package_uses_only_what_numpy_and_cupy_share():
    broken = [fault for file in source_files() for fault in faults(file)]
    assert not broken, "\n" + "\n".join(broken)


def test_package_uses_xp_at_all():
    assert sum(file.text.count("xp.") for file in source_files()) > 20


@pytest.mark.parametrize(
    "line",
    [
        "xp.max(x, axis=1, initial=0.0)",
        "xp.sum(x, where=x > 0)",
        "xp.exp(x, where=x > 0)",
        "xp.argsort(x, stable=True)",
        "xp.clip(x, min=0, max=1)",
        "xp.take(x, i, mode='clip')",
        "xp.einsum('ij->i', x, out=y)",
        "xp.zeros(3, device='cpu')",
        "xp.vecdot(x, x)",
        "xp.exp.at(x, i)",
        "xp.concat([x, x])",
        "xp.linalg.vector_norm(x)",
        "xp.no_such_name",
        "with xp.errstate(divide='ignore'): pass",
        "def f():\n    return [lambda: xp.nditer(x)]",
    ],
)
def test_a_fault_is_seen(line: str):
    assert len(list(faults(SourceFile("minicv/planted.py", line)))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "xp.max(x, axis=1, keepdims=True)",
        "xp.argsort(x, axis=0, kind='stable')",
        "xp.add.at(x, i, y)",
        "xp.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))",
        "xp.linalg.solve(a, b).T",
        "xp.zeros(3, dtype=xp.float32)",
        "xp.where(x > 0, x, xp.inf)",
        "np.errstate(divide='ignore')",
    ],
)
def test_good_code_passes(line: str):
    assert list(faults(SourceFile("minicv/planted.py", line))) == []
