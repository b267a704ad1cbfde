"""A record of what passes between host and device: every wait, and every array that is sent.

Operations on a GPU are queued and the program runs on. As soon as it looks at a value, or needs to
know how many elements a mask has kept, it must wait until the queue is empty. A hot path must not.
"""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import minicv
from cupy_stand_in.cuda import not_while_capturing

_PACKAGE = str(Path(minicv.__file__).parent)
_waits: list[tuple[str, str]] = []  # (reason, place)
_sent: list[str] = []  # places


def synchronise(reason: str) -> None:
    """The host waits here; ``reason`` says for what."""
    not_while_capturing(reason)
    _waits.append((reason, _place()))


def send(shape: tuple[int, ...]) -> None:
    """An array of the host comes to the device. A single number is none."""
    if shape:
        _sent.append(_place())


@contextlib.contextmanager
def recorded_synchronisations() -> Iterator[list[str]]:
    """A list that holds, after the block, the reasons for all waits within it."""
    start = len(_waits)
    reasons: list[str] = []
    yield reasons
    reasons += [reason for reason, _ in _waits[start:]]


@contextlib.contextmanager
def recorded_places() -> Iterator[tuple[Counter[str], Counter[str]]]:
    """Two counts that hold, after the block, in which file of minicv the host has waited how often,
    and which has sent how many arrays.
    """
    waits_before, sent_before = len(_waits), len(_sent)
    waits: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    yield waits, sent
    waits.update(place for _, place in _waits[waits_before:])
    sent.update(_sent[sent_before:])


def _place() -> str:
    """The file of minicv that is at work, such as ``vision/sampling.py``, but not the one that
    moves arrays for others.
    """
    frame = sys._getframe()
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(_PACKAGE) and not path.endswith(str(Path("backend", "device.py"))):
            return Path(path).relative_to(_PACKAGE).as_posix()
        frame = frame.f_back
    return "elsewhere"
