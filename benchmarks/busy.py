"""Is the machine ours? How many cores other processes use while all sides are at rest.

A library whose threads wait for each other by spinning loses far more to a busy neighbour than one
whose threads sleep, so on a busy machine even ratios are worth nothing.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

SECONDS = 0.3
TOO_BUSY = 0.3  # cores; above this the table says so

_STAT = Path("/proc/stat")


def cores_used_by_others() -> float | None:
    """Cores in use while this process sleeps for `SECONDS`; None where there is no /proc/stat."""
    if not _STAT.exists():
        return None
    before = _busy_ticks(_STAT.read_text())
    time.sleep(SECONDS)
    after = _busy_ticks(_STAT.read_text())
    return round((after - before) / os.sysconf("SC_CLK_TCK") / SECONDS, 2)


def _busy_ticks(stat: str) -> int:
    """Clock ticks of all cores together that were neither idle nor waiting for a disk.

    >>> _busy_ticks("cpu  100 5 20 4000 30 1 2 0 0 0")
    128
    """
    user, nice, system, _idle, _wait, *interrupts = map(int, stat.splitlines()[0].split()[1:8])
    return user + nice + system + sum(interrupts[:2])
