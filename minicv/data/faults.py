"""What is wrong with a data set: collected while it is read, and then told all at once.

A reader goes through all of its files when it is made. For each fault it calls `Faults.repaired` or
`Faults.error` and reads on; at the end it calls `Faults.settle`, which warns of repairs and raises
if there was an error. So whoever has ten wrong files learns of ten, and before a training begins.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from minicv.data.image_files import AnnotationError, DatasetWarning, ImageError

NAMED = 10  # faults that one message names; of more it says the number
UNREADABLE = "unreadable picture"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: what happened, such as "box without area"; faults of one kind are told together.
        file: the file that is wrong.
        what: the field, what it holds and what was expected: "object 2 (cow): bndbox/xmin is 'x',
            expected a number".
        repair: what the reader did about it, such as "dropped"; empty where it could do nothing, so
            that no training must begin.
        error: the type of exception for a fault without repair.

    >>> print(Fault("box without area", Path("a.xml"), "object 2 (cow) has no area", "dropped"))
    a.xml: object 2 (cow) has no area; dropped
    """

    kind: str
    file: Path
    what: str
    repair: str = ""
    error: type[Exception] = AnnotationError

    def __str__(self) -> str:
        return f"{self.file}: {self.what}" + (f"; {self.repair}" if self.repair else "")


class Faults:
    """The faults of a data set, and what becomes of them.

    Args:
        raises: whether `settle` warns and raises. ``minicv doctor`` sets it to False, to look at
            all faults in `found` itself.
        skip_unreadable: leave pictures out that cannot be read, with a warning, instead of refusing
            the whole set.

    >>> faults = Faults()
    >>> faults.error("missing field", Path("a.xml"), "object 1 has no name")
    >>> faults.error("missing field", Path("b.xml"), "object 4 has no name")
    >>> faults.settle("VOCDetection")
    Traceback (most recent call last):
    ...
    minicv.data.image_files.AnnotationError: VOCDetection: 2 faults:
      a.xml: object 1 has no name
      b.xml: object 4 has no name
    """

    def __init__(self, raises: bool = True, skip_unreadable: bool = False) -> None:
        self.raises, self.skip_unreadable = raises, skip_unreadable
        self._found: dict[Fault, None] = {}  # in order, each once
        self._told: set[Fault] = set()

    @property
    def found(self) -> list[Fault]:
        """Every fault so far, each once, in the order of reading."""
        return list(self._found)

    def repaired(self, kind: str, file: str | Path, what: str, repair: str) -> None:
        """Note a fault that the reader repairs, for example by dropping a box."""
        self._note(Fault(kind, Path(file), what, repair))

    def error(
        self, kind: str, file: str | Path, what: str, error: type[Exception] = AnnotationError
    ) -> None:
        """Note a fault that cannot be repaired. The reader leaves the entry out and reads on."""
        self._note(Fault(kind, Path(file), what, error=error))

    def unreadable(self, picture: str | Path, why: str) -> None:
        """Note a picture that cannot be read. The reader leaves it out and reads on."""
        repair = "left out" if self.skip_unreadable else ""
        self._note(Fault(UNREADABLE, Path(picture), why, repair, ImageError))

    def settle(self, reader: str) -> None:
        """Warn once for each kind of repair; raise for errors. Nothing is told twice.

        Args:
            reader: name of the data set, with which the messages begin.

        Raises:
            AnnotationError, ImageError, FileNotFoundError: as the first error says; the message
                names all of them, up to ten.
        """
        if not self.raises:
            return
        new = [fault for fault in self._found if fault not in self._told]
        self._told.update(new)
        errors = [fault for fault in new if not fault.repair]
        if errors:
            if len(errors) == 1:
                raise errors[0].error(f"{reader}: {errors[0]}")
            raise errors[0].error(f"{reader}: {len(errors)} faults:{_listed(errors)}")
        by_kind: dict[str, list[Fault]] = {}
        for fault in new:
            by_kind.setdefault(fault.kind, []).append(fault)
        for kind, faults in by_kind.items():
            more = f" (and {len(faults) - 1} more: {kind})" if len(faults) > 1 else ""
            warnings.warn(f"{reader}: {faults[0]}{more}", DatasetWarning, stacklevel=3)

    def _note(self, fault: Fault) -> None:
        self._found.setdefault(fault)


def _listed(faults: Iterable[Fault]) -> str:
    lines = [f"\n  {fault}" for fault in faults]
    rest = len(lines) - NAMED
    return "".join(lines[:NAMED]) + (f"\n  and {rest} more" if rest > 0 else "")
