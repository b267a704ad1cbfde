"""Case: one thing to time, said so that every library can do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One line of a table.

    Attributes:
        name: shown in the table; unique within a benchmark.
        row: the heading that it belongs to; ratios are summarised for each.
        operation: a function of this name in each library's file in benchmarks/libraries/.
        parameters: its keyword arguments, all plain JSON.
        peers: the libraries that can do it, beside minicv.
        per: how many operations one call makes; times are given for one.
        accuracy: whether to compare the result with the same in float64.
        tolerance: how far the results of two libraries may lie apart before the comparison is
            refused as one of different things; see `benchmarks.fingerprint`.
    """

    name: str
    row: str
    operation: str
    parameters: dict[str, Any] = field(default_factory=dict)
    peers: tuple[str, ...] = ("torch", "chainer")
    per: int = 1
    accuracy: bool = False
    tolerance: float = 1e-3


@dataclass(frozen=True)
class Wanted:
    """What a row should reach against one peer, as peer time / minicv time.

    Attributes:
        mean: the geometric mean over the row's cases.
        least: each single case.
    """

    mean: float
    least: float = 0.0
