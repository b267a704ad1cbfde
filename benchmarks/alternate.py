"""Two or more sides take turns, and the ratio is taken within each round.

The machine may be slower this minute than the last. Sides that alternate are slowed alike, so the
ratio of two neighbouring turns says more than two times from different minutes. Every other round
goes backwards, so that no side always comes after the same other.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class Timed(Protocol):
    """What takes turns; `benchmarks.side.Side` is one."""

    seconds: float

    def time(self, calls: int) -> list[float]:
        """Seconds of each of so many calls."""


@dataclass(frozen=True)
class Schedule:
    """How long to measure.

    Attributes:
        rounds: how many turns each side has.
        turn_seconds: a turn makes as many calls as fit in here, but at least one.
        slow_seconds: a side whose call takes longer than this ...
        slow_rounds: ... has only so many turns, in the first rounds.
    """

    rounds: int = 9
    turn_seconds: float = 0.5
    slow_seconds: float = 4.0
    slow_rounds: int = 3


QUICK = Schedule(rounds=3, turn_seconds=0.15, slow_seconds=2.0, slow_rounds=1)
MOST_CALLS = 1000
ENDLESS_SECONDS = 20.0  # a call that takes longer is made once, without warm-up or alternation


def take_turns(sides: Mapping[str, Timed], schedule: Schedule) -> dict[str, list[float]]:
    """The median time of a call in every turn, by side; the shorter lists are of slow sides."""
    endless = {name for name, side in sides.items() if side.seconds > ENDLESS_SECONDS}
    times = {name: [side.seconds] if name in endless else [] for name, side in sides.items()}
    for number in range(schedule.rounds):
        names = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in names:
            side = sides[name]
            late = side.seconds > schedule.slow_seconds and number >= schedule.slow_rounds
            if late or name in endless:
                continue
            calls = int(schedule.turn_seconds / max(side.seconds, 1e-9))
            seconds = side.time(min(max(calls, 1), MOST_CALLS))
            times[name].append(statistics.median(seconds))
    return times


def ratio(peer_times: Sequence[float], own_times: Sequence[float]) -> float:
    """The median over rounds of peer time / own time: above 1 is faster than the peer.

    >>> ratio([2.0, 4.0, 9.0], [1.0, 2.0, 3.0])
    2.0
    >>> ratio([8.0], [2.0, 1.0])
    4.0
    """
    pairs = zip(peer_times, own_times, strict=False)  # a slow side has fewer rounds
    return statistics.median(peer / own for peer, own in pairs)
