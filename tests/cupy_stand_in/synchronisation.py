"""A record of every moment at which the host would wait for the device.

Operations on a GPU are queued and the program runs on. As soon as it looks at a value, or needs to
know how many elements a mask has kept, it must wait until the queue is empty. A hot path must not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

_log: list[str] = []


def synchronise(reason: str) -> None:
    """The host waits here; ``reason`` says for what."""
    _log.append(reason)


@contextlib.contextmanager
def recorded_synchronisations() -> Iterator[list[str]]:
    """A list that holds, after the block, the reasons for all waits within it."""
    start = len(_log)
    reasons: list[str] = []
    yield reasons
    reasons += _log[start:]
