"""How far a loop has come: a bar on a terminal, and elsewhere a line every ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Generic, TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 10.0


class Progress(Generic[T]):
    """Iterate over ``items`` and show on standard error how far the loop has come.

    On a terminal there is a bar, which goes away at the end. A log file or a pipe would keep every
    state of a bar, so there a line is written every ten seconds, and none by a loop that is done
    sooner.

    Args:
        items: what the loop runs over.
        title: what the loop does.
        total: number of items; None asks ``len(items)``, where there is one.
        shown: False shows nothing.
        clock: gives seconds.

    >>> sum(Progress([1, 2, 3], "adding"))
    6
    """

    def __init__(
        self,
        items: Iterable[T],
        title: str,
        *,
        total: int | None = None,
        shown: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.items, self.title, self.shown = items, title, shown
        self.total = len(items) if total is None and isinstance(items, Sized) else total
        self._clock = clock
        self._bar: tqdm | None = None
        self._values = ""

    def __iter__(self) -> Iterator[T]:
        if not self.shown:
            yield from self.items
        elif is_terminal(sys.stderr):
            self._bar = tqdm(self.items, self.title, self.total, leave=False)
            yield from self._bar
        else:
            yield from self._with_lines()

    def note(self, values: Mapping[str, float]) -> None:
        """Show these values from now on, such as the mean losses of an epoch so far."""
        named = {name: f"{value:.3f}" for name, value in values.items()}
        if self._bar is not None:
            self._bar.set_postfix(named)
        else:
            self._values = "".join(f", {name} {value}" for name, value in named.items())

    def _with_lines(self) -> Iterator[T]:
        started = said = self._clock()
        for done, item in enumerate(self.items, start=1):
            yield item
            now = self._clock()
            if now - said >= SECONDS_BETWEEN_LINES and done != self.total:
                said = now
                of = "" if self.total is None else f" of {self.total}"
                text = f"{self.title}: {done}{of}, {now - started:.0f} s{self._values}"
                print(text, file=sys.stderr, flush=True)


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody watches that stream; one that is closed or absent has no reader.

    >>> import io
    >>> is_terminal(io.StringIO())
    False
    """
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False
