"""The networks that a file of weights may be for, by name: which entries each of them needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minicv.models.backbones import BACKBONES, build_backbone
from minicv.models.published import PUBLISHED, Published, our_name
from minicv.models.undrawn import Undrawn
from minicv.nn import Module
from minicv.weights.published import Fit, NameTable, fit_of

Shape = tuple[int, ...]
# A network may have so many numbers more than the file: it may be the nearest without fitting.
_TIMES, _FREE_NUMBERS = 1.25, 10_000
_UNPUBLISHED = ("small", "conv_net")  # of which only minicv train makes files
_DRAWS = 2  # some layers draw their weights a second time, from another distribution


class Candidate(NamedTuple):
    """A network that a file of weights may be for.

    Attributes:
        build: from the number of classes and a generator to the network. 0 stands for the classes
            of the published file.
        our_name: from an entry's name in the file to that in the network.
        scores: the layer with a row for each class, as the network names it; "" for none.
        background: whether one of the rows is the background's.
    """

    build: Callable[[int, np.random.Generator], Module]
    our_name: Callable[[str], str] = str
    scores: str = ""
    background: bool = False


def _published(published: Published) -> Candidate:
    def build(classes: int, rng: np.random.Generator) -> Module:
        names = tuple(str(number) for number in range(classes)) or published.classes
        return published.build(names, rng)

    return Candidate(build, our_name, published.scores, published.background)


def _backbone(name: str) -> Candidate:
    return Candidate(lambda classes, rng: build_backbone(name, (16,), frozen=True, rng=rng))


CANDIDATES: dict[str, Candidate] = {
    **{name: _published(published) for name, published in PUBLISHED.items()},
    **{f"backbone {name}": _backbone(name) for name in BACKBONES if name not in _UNPUBLISHED},
}


def fits(
    found: Mapping[str, Shape], candidates: Mapping[str, Candidate] = CANDIDATES
) -> dict[str, Fit]:
    """How a file's entries fit each candidate: those that fit first, and most entries first.

    A candidate that has far more numbers than the file is left out; no memory is taken for it.

    Args:
        found: shapes by the names in the file.
        candidates: by name.
    """
    numbers = sum(int(np.prod(shape, dtype=object)) for shape in found.values())
    most = int(_TIMES * numbers) + _FREE_NUMBERS
    fitting = {}
    for name, candidate in candidates.items():
        renamed = {candidate.our_name(entry): shape for entry, shape in found.items()}
        wanted = wanted_entries(candidate, most, _classes(candidate, renamed))
        if wanted is not None:
            fitting[name] = fit_of(renamed, wanted)
    nearest = sorted(fitting.items(), key=lambda item: (not item[1].fits, -item[1].there))
    return dict(nearest)


def wanted_entries(
    candidate: Candidate, most: int = 10**12, classes: int = 0
) -> dict[str, Shape] | None:
    """The names and shapes of all that a network holds.

    Args:
        candidate: the network.
        most: numbers that it may have.
        classes: that it tells apart; 0 for those of the published file.

    Returns:
        None if it has more numbers than ``most``.

    >>> wanted_entries(CANDIDATES["resnet18"])["fc.weight"]
    (1000, 512)
    >>> wanted_entries(CANDIDATES["vgg16"], most=1_000_000) is None
    True
    """
    try:
        network = candidate.build(classes, _Limited(most))
    except _TooLargeError:
        return None
    shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
    return {**shapes, **{name: buffer.shape for name, buffer in network.named_buffers()}}


class _TooLargeError(Exception):
    """A network has more numbers than it may have."""


class _Limited(Undrawn):
    """Draws nothing, and no more than so many numbers of it."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most, self._left = most, _DRAWS * most

    def random(self, size: Any = None, *more: Any, **named: Any) -> Any:
        """Zeros of that size."""
        self._count(size)
        return super().random(size, *more, **named)

    def standard_normal(self, size: Any = None, *more: Any, **named: Any) -> Any:
        """Zeros of that size."""
        self._count(size)
        return super().standard_normal(size, *more, **named)

    def _count(self, size: Any) -> None:
        count = int(np.prod(() if size is None else size, dtype=object))
        self._left -= count
        if count > self._most or self._left < 0:
            raise _TooLargeError


def _classes(candidate: Candidate, found: Mapping[str, Shape]) -> int:
    """How many classes the file's scores are of; 0 if it has none."""
    layer = f"{candidate.scores}.weight"
    rows = [s[0] for n, s in found.items() if s and (n == layer or n.endswith(f".{layer}"))]
    if not candidate.scores or not rows:
        return 0
    return max(0, rows[0] - candidate.background)


def translated_shapes(table: NameTable, found: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shapes by our names, after the table has rearranged the entries."""
    # Zeros that take one number's memory have the shapes to rearrange.
    blank = {name: np.broadcast_to(np.float32(0), shape) for name, shape in found.items()}
    return {name: array.shape for name, array in table.translated(blank).items()}


__all__ = ["CANDIDATES", "Candidate", "fits", "translated_shapes", "wanted_entries"]
