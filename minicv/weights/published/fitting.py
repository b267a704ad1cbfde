"""Whether the entries of a file are those that a network needs, by name and shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from minicv.weights.published.starting import is_needed, same_numbers

Shape = tuple[int, ...]
_DEEPEST = 6  # parts of a name that a prefix may have


class OtherShape(NamedTuple):
    """An entry that is there, with another shape than the network's."""

    name: str
    found: Shape
    wanted: Shape


class Fit(NamedTuple):
    """What a file has of the entries that a network needs.

    Attributes:
        needed: how many those are.
        missing: those that are not there, by name and shape.
        others: those of another shape.
        prefix: before the names in the file, such as ``module.``; or "".
    """

    needed: int
    missing: dict[str, Shape]
    others: list[OtherShape]
    prefix: str

    @property
    def fits(self) -> bool:
        """Whether the network can be loaded from the file."""
        return self.needed > 0 and not self.missing and not self.others

    @property
    def there(self) -> int:
        """How many of the needed entries are there, with the right shape."""
        return self.needed - len(self.missing) - len(self.others)


def fit_of(found: Mapping[str, Shape], wanted: Mapping[str, Shape]) -> Fit:
    """Compare the shapes in a file with those of a network, by name.

    Counters of batch normalisation are not needed. A fully connected layer fits a convolution of
    the same numbers, see `minicv.weights.published.as_convolution`. The names in the file may be
    longer by a prefix; of several prefixes that with the most entries counts.

    >>> fit_of({"module.w": (3, 2)}, {"w": (3, 2), "b": (3,)})
    Fit(needed=2, missing={'b': (3,)}, others=[], prefix='module.')
    """
    needed = {name: shape for name, shape in wanted.items() if is_needed(name)}
    prefix = _prefix(found, needed)
    missing, others = {}, []
    for name, shape in needed.items():
        there = found.get(prefix + name)
        if there is None:
            missing[name] = shape
        elif not same_numbers(there, shape):
            others.append(OtherShape(name, there, shape))
    return Fit(len(needed), missing, others, prefix)


def _prefix(found: Iterable[str], needed: Mapping[str, Shape]) -> str:
    counts: Counter[str] = Counter()
    for name in found:
        start = 0
        for _ in range(_DEEPEST):
            if name[start:] in needed:
                counts[name[:start]] += 1
            dot = name.find(".", start)
            if dot < 0:
                break
            start = dot + 1
    return min(counts, key=lambda prefix: (-counts[prefix], len(prefix)), default="")


__all__ = ["Fit", "OtherShape", "fit_of"]
