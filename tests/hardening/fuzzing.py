"""Reads damaged files, and says what comes of it that no documentation promises.

A mutation passes if the reading works, or raises an error that is documented, a ValueError (such as
AnnotationError, ImageError, WeightsError) or an OSError, whose sentence names the file. Anything
else, a reading of more than ten seconds or of more than a gigabyte, is a finding.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import sys
import threading
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import numpy as np
from hardening.mutations import Mutator, flip

from minicv.data import DatasetWarning

DOCUMENTED = (ValueError, OSError)
SECONDS = 10
MEGABYTES = 1000


class Overtime(BaseException):
    """A reading took too long. (No Exception, so that no reader takes it for a damaged file.)"""


@dataclass(frozen=True)
class Target:
    """A reader with small files that it reads, of which one is damaged each time.

    Attributes:
        name: of the reader and the form.
        files: contents by the path in the folder.
        damaged: by the path of each file that is damaged, how.
        read: reads all that is in the folder.
        names_file: whether an error must name the file; a function of bytes knows none.
    """

    name: str
    files: Mapping[str, bytes]
    damaged: Mapping[str, Sequence[Mutator]]
    read: Callable[[Path], object]
    names_file: bool = True


@dataclass(frozen=True)
class Finding:
    """What no documentation promises. ``target`` and ``number`` say how to see it again."""

    target: str
    number: int
    file: str
    what: str
    place: str = ""


@dataclass
class Outcome:
    """Counts of a run: readings that worked, errors by type, and findings."""

    works: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    slowest: float = 0.0

    @property
    def mutations(self) -> int:
        """All readings."""
        return self.works + sum(self.errors.values()) + len(self.findings)


class Bench:
    """A folder with the files of a target, one of which is damaged at a time."""

    def __init__(self, target: Target, folder: Path, seed: int = 0) -> None:
        self.target, self.folder, self.seed = target, folder, seed
        for name, content in target.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        self._key = (seed, zlib.crc32(target.name.encode()))
        self._peak = peak_megabytes()

    def mutation(self, number: int) -> tuple[str, bytes]:
        """The file that is damaged in the mutation of that number, and its content."""
        rng = np.random.default_rng((*self._key, number))
        names = sorted(self.target.damaged)
        name = names[int(rng.integers(len(names)))]
        mutators = self.target.damaged[name]
        content = self.target.files[name]
        others = [self.target.files[other] for other in sorted(self.target.files)]
        for _ in range(1 if rng.random() < 0.7 else 2):
            mutate = mutators[int(rng.integers(len(mutators)))]
            try:
                content = mutate(content, rng, others)
            except Exception:  # what is damaged already is no archive any more, say
                content = flip(content, rng, others)
        return name, content

    def run(self, number: int, outcome: Outcome) -> None:
        """Read with one file damaged, and count what comes of it."""
        name, content = self.mutation(number)
        path = self.folder / name
        path.write_bytes(content)
        started = time.perf_counter()
        what = place = ""
        try:
            with at_most(SECONDS), warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", DatasetWarning)
                warnings.simplefilter("ignore", DeprecationWarning)  # Python shows it to nobody
                self.target.read(self.folder)
            outcome.works += 1
        except DOCUMENTED as error:
            sentence = str(error)
            named = str(self.folder) in sentence or not self.target.names_file
            if isinstance(error, UnicodeError) or not sentence.strip() or not named:
                what, place = f"{type(error).__name__}: {sentence:.200}", _place(error)
            else:
                kind = type(error).__name__
                outcome.errors[kind] = outcome.errors.get(kind, 0) + 1
        except Overtime as error:
            what, place = f"took more than {SECONDS} s", _place(error)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            what, place = f"{type(error).__name__}: {error!s:.200}", _place(error)
        finally:
            path.write_bytes(self.target.files[name])
        outcome.slowest = max(outcome.slowest, time.perf_counter() - started)
        grown = peak_megabytes() - self._peak
        if grown > MEGABYTES:
            self._peak += grown
            what = what or f"took {grown:.0f} MB"
        if what:
            outcome.findings.append(Finding(self.target.name, number, name, what, place))


def peak_megabytes() -> float:
    """The most memory that this process has had so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def _place(error: BaseException) -> str:
    """Where in minicv it happened."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/minicv/" in f.filename]
    return f"{frames[-1].filename.split('/minicv/')[-1]}:{frames[-1].lineno}" if frames else ""


@contextlib.contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raise Overtime after so many seconds; where no alarm can be set, never."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise Overtime

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
