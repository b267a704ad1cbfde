"""Which lines of code ran between two records, so that a stage can show its own."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FrameType
from typing import NamedTuple

# Functions that run, each with the line that it is at; the one that was called last comes last.
Stack = list[tuple[CodeType, int]]


class StageSource(NamedTuple):
    """Some lines of one function that ran for a stage; the record itself may be among them.

    Attributes:
        file: path of the file.
        first: number of the first line, from 1.
        last: number of the last line.
        resumed: whether the first line had begun before: it called what has returned since.
    """

    file: str
    first: int
    last: int
    resumed: bool = False


class SourceTrail:
    """Follows a run from record to record, and tells what lay between.

    A function whose name begins with "record" only notes a stage for the function that called it;
    its lines are never shown.

    >>> def run(trail):
    ...     first = 1 + 1
    ...     stage1 = trail.to_here(sys._getframe())
    ...     second = 2 + 2
    ...     stage2 = trail.to_here(sys._getframe())
    ...     return stage1, stage2
    >>> import sys
    >>> (stage1,), (stage2,) = run(SourceTrail())
    >>> stage1.last - stage1.first, stage2.last - stage2.first  # from "def" on; both lines below
    (2, 1)
    """

    def __init__(self) -> None:
        self._before: Stack = []  # the functions that ran at the last record
        self._sources: tuple[StageSource, ...] = ()

    def to_here(self, frame: FrameType | None) -> tuple[StageSource, ...]:
        """The lines from the last record to this one, function by function as they ran.

        Two records of one line, as in a loop, have the same lines.

        Args:
            frame: in which the record happens.
        """
        now: Stack = [
            (own.f_code, own.f_lineno) for own in _frames(frame) if not _only_notes(own.f_code)
        ]
        now.reverse()
        before, self._before = self._before, now
        if before != now:
            self._sources = tuple(own for own in _between(before, now) if own.first <= own.last)
        return self._sources


def _between(before: Stack, now: Stack) -> Iterator[StageSource]:
    """The lines from one state of a run to a later one."""
    if not before:
        yield StageSource(now[-1][0].co_filename, now[-1][0].co_firstlineno, now[-1][1])
        return
    pairs = zip(before, now, strict=False)
    shorter = min(len(before), len(now))
    alike = next((depth for depth, (old, new) in enumerate(pairs) if old != new), shorter)
    old, new = before[alike:], now[alike:]
    moved = bool(old and new) and old[0][0] is new[0][0]  # a function that runs still
    # The line of a record is done; a line that called what has returned has its result now.
    for depth, (code, line) in reversed([*enumerate(old)]):
        done = depth == len(old) - 1
        last = new[0][1] if moved and depth == 0 else _end(code)  # at its end it has returned
        if moved and depth == 0 and last < line + done:  # it has been called again
            yield StageSource(code.co_filename, code.co_firstlineno, last)
        else:
            yield StageSource(code.co_filename, line + done, last, not done)
    for code, line in new[moved:]:  # was called
        yield StageSource(code.co_filename, code.co_firstlineno, line)


def _frames(frame: FrameType | None) -> list[FrameType]:
    """The frame and those that called it, the innermost first."""
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _only_notes(code: CodeType) -> bool:
    """Whether a function notes the stage of its caller, has no name, as that of a list, or is
    one of Python's own, as ``__call__``."""
    name = code.co_name
    return name.startswith(("<", "__")) or name.lstrip("_").startswith("record")


def _end(code: CodeType) -> int:
    """The last line of a function that does something."""
    return max(line for *_, line in code.co_lines() if line is not None)
