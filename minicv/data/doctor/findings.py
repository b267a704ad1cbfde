"""What is wrong with a data set, by kind: how often, where first, and whether it spoils a training.

A reader notes its faults in `Faults`; the doctor adds them to what it finds itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from minicv.data.faults import Fault

KEPT = 1000  # places that a finding names; of more it keeps the number


class Kind(NamedTuple):
    """A kind of finding.

    Attributes:
        name: in the singular, such as "tiny box".
        spoils: whether a training must not begin with it; otherwise it is worth a look.
        advice: what it does to a training, or what to do, in a sentence.
    """

    name: str
    spoils: bool
    advice: str


@dataclass(frozen=True)
class Note:
    """One thing that was found in one sample.

    Attributes:
        kind: of the finding.
        what: which object, and what is wrong with it.
        count: how many objects of the sample are meant.
    """

    kind: Kind
    what: str
    count: int = 1


@dataclass
class Finding:
    """All that was found of one kind.

    Attributes:
        kind: of the finding.
        count: how often; a picture with three tiny boxes counts three times.
        places: the first `KEPT` of them, each with the file or the split, and what is wrong there.
        more_places: how many there are beside these.
    """

    kind: Kind
    count: int = 0
    places: list[tuple[str, str]] = field(default_factory=list)
    more_places: int = 0

    def as_json(self) -> dict[str, Any]:
        """For the report's file."""
        return {
            "kind": self.kind.name,
            "spoils_a_training": self.kind.spoils,
            "count": self.count,
            "advice": self.kind.advice,
            "places": [{"where": where, "what": what} for where, what in self.places],
            "more_places": self.more_places,
        }


class Findings:
    """Findings by kind; those that spoil a training come first, then the most frequent.

    >>> findings = Findings()
    >>> findings.add(Kind("tiny box", False, "look at it"), "a.jpg", "object 2 is 1 x 3", count=2)
    >>> [(finding.kind.name, finding.count) for finding in findings]
    [('tiny box', 2)]
    """

    def __init__(self) -> None:
        self._by_kind: dict[tuple[str, bool], Finding] = {}

    def add(self, kind: Kind, where: str, what: str, count: int = 1) -> None:
        """Note one place; ``count`` objects there are meant."""
        finding = self._by_kind.setdefault((kind.name, kind.spoils), Finding(kind))
        finding.count += count
        if len(finding.places) < KEPT:
            finding.places.append((where, what))
        else:
            finding.more_places += 1

    def add_fault(self, fault: Fault) -> None:
        """Note what a reader found; a fault that it could not repair spoils a training."""
        spoils = not fault.repair
        what = fault.what + (f"; {fault.repair}" if fault.repair else "")
        self.add(Kind(fault.kind, spoils, ""), str(fault.file), what)

    def __iter__(self) -> Iterator[Finding]:
        order = sorted(self._by_kind.values(), key=lambda f: (not f.kind.spoils, -f.count))
        return iter(order)

    @property
    def spoil(self) -> bool:
        """Whether one of them spoils a training."""
        return any(finding.kind.spoils for finding in self)
