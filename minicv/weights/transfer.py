"""The way of one file from its server: going on after cuts, and the look at its SHA-256."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable

from tqdm import tqdm

from minicv.weights.errors import WeightsError
from minicv.weights.part_file import PartFile, part_and_note
from minicv.weights.server import Interrupted, Unreachable, Unsatisfiable, asked
from minicv.weights.urls import shown

WAITS = (1.0, 2.0, 4.0, 8.0)  # seconds before each further try
_PROGRESS = 1_000_000  # bytes; where so many more have come, tries are counted anew
_MOST = 10_000_000_000  # bytes; no file of weights that minicv reads is as large


class Transfer:
    """One file on its way.

    Args:
        part: what is here of it; more is added.
        url: as `minicv.weights.urls.check_url` gives it.
        expected: the SHA-256 or its beginning; "" if nothing is known.
        say, timeout: see `minicv.weights.download.fetch`.
        bar: shows how far it has come.
    """

    def __init__(
        self,
        part: PartFile,
        url: str,
        expected: str,
        *,
        say: Callable[[str], object],
        timeout: float,
        bar: tqdm,
    ) -> None:
        self.part, self.url, self.expected = part, url, expected
        self.timeout, self.bar = timeout, bar
        self.say = say
        noted = part.came_from(url)
        if noted is None or not self._can_go_on(noted[0]):
            self._start_anew()
        else:
            self.validator, self.size = noted
            self.digest = part.sha256()
        self.left_over = part.size > 0  # by an earlier run
        self.joined = self.left_over  # of more than one answer
        self.came = False  # at least one byte, in this run

    def _say(self, text: str) -> None:
        self.say(f"{self.part.path.name}: {text}")

    def _can_go_on(self, validator: str) -> bool:
        """Whether somebody would notice, if the rest were of another version of the file."""
        return bool(validator or self.expected)

    def run(self) -> None:
        """Fetch what is missing, look at the sum, give the file its name.

        Raises:
            WeightsError: the sum is another one; nothing of the file stays.
            OSError: see `minicv.weights.download.fetch`.
        """
        self._fetch_rest()
        if self.joined and not self._fits():
            self._say("the pieces that came do not fit together; starting anew")
            self._start_anew()
            self._fetch_rest()
        if not self._fits():
            found, size = self.digest.hexdigest(), self.part.size
            self._start_anew()
            raise WeightsError(
                f"{shown(self.url)}: the SHA-256 of the {size:,} bytes that came is "
                f"{found[: len(self.expected)]}, expected {self.expected}: damaged on the way, or "
                "another file; nothing of it was kept"
            )
        self.part.finish()

    def _fits(self) -> bool:
        return self.digest.hexdigest().startswith(self.expected)

    def _start_anew(self) -> None:
        self.part.empty()
        self.digest = hashlib.sha256()
        self.validator, self.size = "", None
        self.joined = False

    def _fetch_rest(self) -> None:
        """Ask until all has come; after a cut a few times more, with waits."""
        furthest, failures = self.part.size, 0
        while self.size is None or self.part.size != self.size:
            asked_from = self.part.size
            try:
                self._fetch_once()
                if self.part.size == 0:
                    raise OSError(f"{shown(self.url)}: the server sends an empty file")
                if self.size is None:  # nobody knows better than the server, which has ended
                    return
            except Unsatisfiable as answer:
                if asked_from and answer.size == asked_from:
                    return
                if not asked_from:
                    raise OSError(
                        f"{shown(self.url)}: the server sends other bytes than it was asked for"
                    ) from None
                self._start_anew()
            except (Interrupted, Unreachable) as cut:
                if isinstance(cut, Unreachable) and not self.came:
                    here = self.part.path
                    raise OSError(
                        f"{cut}; or fetch it by other means and put it at {here}"
                    ) from None
                failures = 1 if self.part.size > furthest + _PROGRESS else failures + 1
                furthest = max(furthest, self.part.size)
                if self.part.size and not self._can_go_on(self.validator):
                    self._start_anew()
                if failures > len(WAITS):
                    raise self._given_up(cut, failures) from None
                seconds = max(WAITS[failures - 1], getattr(cut, "wait", 0.0))
                self._say(f"{cut}; trying again in {seconds:g} s")
                time.sleep(seconds)

    def _fetch_once(self) -> None:
        with asked(self.url, self.part.size, self.validator, timeout=self.timeout) as answer:
            if answer.start and self.size is not None and answer.size not in (None, self.size):
                raise Unsatisfiable(None)  # of a file that has changed
            if answer.start != self.part.size:
                self._start_anew()
            elif answer.start:
                self.joined = True
                if self.left_over:
                    self._say(f"going on from {answer.start / 1e6:.1f} MB")
            self.left_over = False
            size = self.size if answer.size is None else answer.size
            if (answer.validator, size) != (self.validator, self.size) or not answer.start:
                self.validator, self.size = answer.validator, size
                self.part.note_source(self.url, self.validator, self.size)
            self._check_room()
            self.bar.total, self.bar.initial = self.size, self.part.size
            self.bar.n = self.part.size
            for piece in answer.pieces():
                if self.part.size + len(piece) > _MOST:
                    raise self._too_large()
                self.part.write(piece)
                self.digest.update(piece)
                self.came = True
                self.bar.update(len(piece))

    def _check_room(self) -> None:
        if self.size is None:
            return
        if self.size > _MOST:
            raise self._too_large()
        folder = self.part.path.parent
        needed, free = self.size - self.part.size, shutil.disk_usage(folder).free
        if needed > free:
            raise OSError(
                f"{folder}: {needed / 1e6:,.0f} MB are needed for {self.part.path.name}, and "
                f"{free / 1e6:,.0f} MB are free; free some space, or name another folder"
            )

    def _too_large(self) -> WeightsError:
        self.part.empty()
        return WeightsError(
            f"{shown(self.url)}: more than {_MOST / 1e9:g} GB; that is no file of weights"
        )

    def _given_up(self, cut: Exception, tries: int) -> OSError:
        stays = (
            f"; {self.part.size / 1e6:.1f} MB stay in {part_and_note(self.part.path)[0]}, and the "
            "next time goes on from there"
            if self.part.size
            else ""
        )
        return OSError(f"{shown(self.url)}: {cut}; given up after {tries} tries{stays}")
