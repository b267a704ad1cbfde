"""Is what came what must come? If not: which cells are wrong, and a sentence that says so."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

EQUAL = 1e-12  # floating numbers this near are the same, whatever their size


class Difference(NamedTuple):
    """What is wrong with a result.

    Attributes:
        sentence: names the result, a cell, what came and what must be there.
        wrong: which cells; None where the shapes or the kinds of number differ already.
    """

    sentence: str
    wrong: np.ndarray | None


def difference(name: str, expected: np.ndarray, got: np.ndarray, rtol: float) -> Difference | None:
    """What is wrong with ``got``; None if it is right.

    Args:
        name: of the result.
        expected: what the twin returned.
        got: what the learner's function returned.
        rtol: how far floating numbers may be off, relative to the cell; relative to the greatest
            cell, a hundredth of it.

    >>> found = difference("y", np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0, 3.0]), 1e-7)
    >>> found.sentence
    'y[1] is 5 but must be 2; 1 of 3 cells is wrong'
    >>> difference("y", np.zeros((2, 3)), np.zeros((3, 2)), 1e-7).sentence
    'y has the shape (3, 2) but must have (2, 3): its axes are in another order'
    """
    if got.shape != expected.shape:
        return Difference(_of_shapes(name, expected.shape, got.shape), None)
    wrong_kind = _of_kinds(name, expected.dtype, got.dtype)
    if wrong_kind:
        return Difference(wrong_kind, None)
    wrong = wrong_cells(expected, got, rtol)
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    is_wrong, must = number_pair(got[first], expected[first])
    cell = f"{name}{list(first)}" if first else name
    sentence = f"{cell} is {is_wrong} but must be {must}"
    if expected.size > 1:
        count = int(wrong.sum())
        verb = "is" if count == 1 else "are"
        sentence += f"; {count} of {expected.size} cells {verb} wrong"
    return Difference(sentence + _pattern(expected, got, wrong, rtol), wrong)


def wrong_cells(expected: np.ndarray, got: np.ndarray, rtol: float) -> np.ndarray:
    """A mask of the cells that differ. NaN equals NaN, and infinity equals itself.

    >>> wrong_cells(np.array([1.0, np.nan]), np.array([1.0 + 1e-9, 0.0]), 1e-7).tolist()
    [False, True]
    """
    if expected.dtype.kind != "f":
        return np.asarray(expected != got)
    with np.errstate(all="ignore"):
        finite = np.abs(expected[np.isfinite(expected)])
        allowed = rtol * np.abs(expected) + 0.01 * rtol * finite.max(initial=0) + EQUAL
        near = np.abs(got - expected) <= allowed
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return np.asarray(~(near & np.isfinite(expected) | same))


def number_pair(one: np.generic, other: np.generic) -> tuple[str, str]:
    """Two numbers as texts, with as many digits as it takes to tell them apart.

    >>> number_pair(np.float64(0.123456789), np.float64(0.123456999))
    ('0.1234568', '0.123457')
    """
    for digits in (4, 7, 12, 17):
        texts = number(one, digits), number(other, digits)
        if texts[0] != texts[1]:
            break
    return texts


def number(value: Any, digits: int = 4) -> str:
    """A number of NumPy as a text; whole ones without a point.

    >>> number(np.float64(2)), number(np.float64(1 / 3)), number(np.bool_(True))
    ('2', '0.3333', 'True')
    """
    if value.dtype.kind != "f":
        return str(value)
    plain = float(value)
    if plain == 0:
        return "0"
    if plain == np.floor(plain) and abs(plain) < 1e6:
        return f"{plain:.0f}"
    return f"{plain:.{digits}g}"


def _of_shapes(name: str, expected: tuple[int, ...], got: tuple[int, ...]) -> str:
    sentence = f"{name} has the shape {got} but must have {expected}"
    if sorted(got) == sorted(expected):
        return f"{sentence}: its axes are in another order"
    if len(got) != len(expected):
        return f"{sentence}: {_axes(got)}, not {_axes(expected).split()[0]}"
    off = [g - e for g, e in zip(got, expected, strict=True)]
    axis = next(a for a, by in enumerate(off) if by)
    by = abs(off[axis])
    return f"{sentence}: {by} too {'many' if off[axis] > 0 else 'few'} along axis {axis}"


def _axes(shape: tuple[int, ...]) -> str:
    return f"{len(shape)} ax{'i' if len(shape) == 1 else 'e'}s"


def _of_kinds(name: str, expected: np.dtype, got: np.dtype) -> str | None:
    kinds = {"f": "floating numbers", "i": "whole numbers", "u": "whole numbers", "b": "booleans"}
    wanted, came = kinds[expected.kind], kinds[got.kind]
    if wanted != came:
        why = ""
        if came == "whole numbers" and wanted == "floating numbers":
            why = "; whole numbers lose what stands after the point"
        return f"{name} has the dtype {got}, which is {came}, but must be {expected}{why}"
    if expected.kind == "f" and got.itemsize < expected.itemsize:
        return (
            f"{name} has the dtype {got} but must be {expected}, as the arguments are: it has lost "
            "digits"
        )
    return None


def _pattern(expected: np.ndarray, got: np.ndarray, wrong: np.ndarray, rtol: float) -> str:
    """What all cells have in common, where they have something in common."""
    if expected.dtype.kind != "f" or not (np.isfinite(expected).all() and np.isfinite(got).all()):
        return ""
    some = expected != 0
    if some.sum() > 1 and (wrong | ~some).all():
        factor = float(got[some][0]) / float(expected[some][0])
        if not wrong_cells(expected * factor, got, rtol).any():
            if factor == -1:
                return ": every sign is wrong"
            if factor == 0:
                return ": everything is 0"
            return f": all are {factor:.4g} times what they must be"
    if expected.size > 1 and wrong.all():
        off = float(got.flat[0]) - float(expected.flat[0])
        if not wrong_cells(expected + off, got, rtol).any():
            return f": all are {'larger' if off > 0 else 'smaller'} by {abs(off):.4g}"
    return ""
