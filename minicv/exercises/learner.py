"""The learner's file, seen from our process: call a function in it, get arrays or one sentence."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from minicv.exercises import learner_process
from minicv.exercises.exercise import Arguments, Hole
from minicv.exercises.learner_process import (
    Answering,
    FrameError,
    Header,
    packed,
    read_frame,
    write_frame,
)

MOST_PRINTED = 20_000  # characters that are kept of what the learner's code prints
ENDLESS = 50_000_000  # bytes printed, after which nobody reads on
LONGEST_SAID = 300  # characters of an error's message, or of a line
GRACE = 2.0  # seconds after the limit, for a process that does not end by itself
STARTING = 60.0  # seconds in which a process must be ready; the learner's own time begins then
ENOUGH = 0.2  # seconds of timing


class LearnerError(Exception):
    """The learner's code did not give what can be compared; the message is a sentence for them.

    Attributes:
        ended: its process is gone; nothing more can be called.
        hole_left: the function still holds the skeleton's ``raise NotImplementedError``.
    """

    def __init__(self, sentence: str, ended: bool = False, hole_left: bool = False) -> None:
        super().__init__(sentence)
        self.ended = ended
        self.hole_left = hole_left


class TimeUpError(LearnerError):
    """The time of the check is up, and the learner's code was running."""


Exchange = Callable[[Header, list[np.ndarray]], tuple[Header, list[np.ndarray]]]


class Learner:
    """Functions of a learner's file.

    Args:
        file: it.
        exchange: takes a request and gives the answer; by default from this very process, which is
            for code that one trusts. `LearnerProcess` asks another one.
    """

    def __init__(self, file: Path, exchange: Exchange | None = None) -> None:
        self.file = file
        self.exchange = exchange or Answering(file).answer

    def load(self) -> None:
        """Run the file.

        Raises:
            LearnerError: it cannot be run to its end.
        """
        header, _ = self.exchange({"do": "load"}, [])
        if header.get("kind") != "loaded":
            raise LearnerError(self._sentence(header, self.file.name))

    def call(self, hole: Hole, arguments: Arguments) -> tuple[np.ndarray, ...]:
        """What the learner's function returns, always a tuple.

        Raises:
            LearnerError: it raised, changed an argument, or returned what is no array.
        """
        answer, arrays = self._asked("call", hole, arguments, results=len(hole.results))
        if answer.get("kind") == "result" and len(arrays) == len(hole.results):
            return tuple(arrays)
        hole_left = answer.get("type") == "NotImplementedError"
        raise LearnerError(self._sentence(answer, hole.name, hole), hole_left=hole_left)

    def seconds(self, hole: Hole, arguments: Arguments) -> float:
        """How long one call takes, at its fastest.

        Raises:
            LearnerError: as `call`.
        """
        answer, _ = self._asked("time", hole, arguments, enough=ENOUGH)
        seconds = answer.get("seconds")
        if answer.get("kind") == "timed" and isinstance(seconds, float) and seconds > 0:
            return seconds
        raise LearnerError(self._sentence(answer, hole.name, hole))

    def printed(self) -> str:
        """What the learner's code printed in its last call."""
        return ""

    def _asked(
        self, do: str, hole: Hole, arguments: Arguments, **more: Any
    ) -> tuple[Header, list[np.ndarray]]:
        arrays: list[np.ndarray] = []
        header = {"do": do, "function": hole.name, "arguments": packed(arguments, arrays), **more}
        return self.exchange(header, arrays)

    def _sentence(self, answer: Header, name: str, hole: Hole | None = None) -> str:
        """What went wrong, with the line."""
        kind, said = answer.get("kind"), _clean(answer.get("said", ""))
        at, text = _line(answer), _clean(answer.get("text", ""))
        shown = f"\n    {text}" if text else ""
        if kind == "syntax":
            return f"{self.file.name}{at} is no Python: {said}{shown}"
        if kind == "missing":
            return f"{self.file.name} has no function {name}; the skeleton's name must stay"
        if kind == "signature" and hole is not None:
            return (
                f"{name} takes {_clean(answer.get('takes', ''))} but is called with "
                f"{', '.join(hole.parameters)}; the skeleton's first line must stay"
            )
        if kind == "changed":
            argument = _clean(answer.get("argument", "?"))
            return (
                f"{name} changes its argument {argument} in place{at}, though the array belongs to "
                f"the caller; work on a copy, {argument}.copy(){shown}"
            )
        if kind == "strange":
            number = answer.get("number", 0)
            which = ""
            if hole is not None and len(hole.results) > 1:
                wanted = f"a tuple of {len(hole.results)}: {', '.join(hole.results)}"
                if "results" in answer:
                    returned = _clean(answer.get("returned", ""))
                    return f"{name} must return {wanted}; but it returns {returned}"
                which = f" as {hole.results[number]}" if number in range(len(hole.results)) else ""
            return f"{name} must return an array but returns{which} {_clean(answer['returned'])}"
        if kind == "raised":
            return self._of_exception(answer, name, at, shown)
        return f"the process of {self.file.name} gave an answer that makes no sense"

    def _of_exception(self, answer: Header, name: str, at: str, shown: str) -> str:
        error, said = _clean(answer.get("type", "Error")), _clean(answer.get("said", ""))
        told = f"{error}: {said}" if said else error
        if error == "NotImplementedError":
            return f"{name} is still a hole{at}: {said or 'NotImplementedError'}"
        if error == "SystemExit":
            return f"{name} ends the program{at}, as sys.exit does; return a result instead{shown}"
        if error == "EOFError":
            return f"{name} waits for input{at}, but nobody types during a check{shown}"
        if error == "RecursionError":
            return f"{name} calls itself without end{at} (RecursionError){shown}"
        if error == "MemoryError":
            most = learner_process.MOST_MEMORY >> 30
            return f"{name} asks for more than {most} GB of memory{at}: {told}{shown}"
        return f"{name} stops{at} with {told}{shown}"


class LearnerProcess(Learner):
    """A learner's file in a process of its own, which is killed at the end of the block.

    Args:
        file: the learner's.
        seconds: how long its code may run, all calls together. Then the process is killed.

    >>> file = Path(tempfile.mkdtemp()) / "conv2d.py"
    >>> _ = file.write_text("while True: pass")
    >>> with LearnerProcess(file, seconds=0.3) as learner:
    ...     try:
    ...         learner.load()
    ...     except TimeUpError as error:
    ...         print(error)
    the time is up after 0.3 s: conv2d.py was running at line 1
        while True: pass
    """

    def __init__(self, file: Path, seconds: float) -> None:
        super().__init__(file.resolve(), self._exchanged)
        self.limit = seconds
        self.left = seconds  # of the learner's own time; ours does not count
        self.ready = False
        self.late = False
        self.garbled = False  # something came that is no frame
        self.folder = tempfile.TemporaryDirectory(prefix="minicv-", ignore_cleanup_errors=True)
        self.trace = Path(self.folder.name) / "trace"
        self.number = 0
        self.answers: queue.Queue[tuple[Header, list[np.ndarray]] | None] = queue.Queue()
        self.requests: queue.Queue[tuple[Header, list[np.ndarray]] | None] = queue.Queue()
        self.kept: list[bytes] = []
        self.printed_bytes = 0

    def __enter__(self) -> LearnerProcess:
        words = [learner_process.__file__, str(self.file), str(self.trace)]
        self.process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=os.name == "posix",  # so that what it leaves behind is found
        )
        # Threads, because a pipe that nobody reads or writes would let us wait without end.
        for work in (self._write, self._read, self._collect):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()
        self.requests.put(None)
        self.folder.cleanup()

    def printed(self) -> str:
        """What the learner's code printed in its last call."""
        time.sleep(0.02)  # for what is still on its way
        return b"".join(self.kept).decode("utf-8", "replace")

    def _exchanged(self, header: Header, arrays: list[np.ndarray]) -> tuple[Header, list[Any]]:
        if not self.ready:
            self._answer(0, STARTING)
            self.ready = True
        self.number += 1
        self.kept.clear()
        begun, left = time.monotonic(), max(0.01, self.left)
        self.requests.put(({**header, "number": self.number, "seconds": left}, arrays))
        answer = self._answer(self.number, left + GRACE)
        self.left -= time.monotonic() - begun
        return answer

    def _answer(self, number: int, seconds: float) -> tuple[Header, list[Any]]:
        until = time.monotonic() + seconds
        while True:
            try:
                answer = self.answers.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                answer, self.late = None, self.ready
            if answer is None:
                raise self._ended()
            if answer[0].get("number") == number:
                return answer

    def _ended(self) -> LearnerError:
        """Why the process is gone; it is, after this."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(0.5)
        status = self.process.poll()
        self._kill()
        trace = ""
        with contextlib.suppress(OSError):
            trace = self.trace.read_text(encoding="utf-8", errors="replace")
        late = self.late or trace.startswith("Timeout")
        name, (at, shown) = self.file.name, self._last_line(trace)
        if self.printed_bytes > ENDLESS:
            return LearnerError(f"{name} prints without end{at}{shown}", ended=True)
        if late:
            where = f"{name} was running{at}{shown}"
            return TimeUpError(f"the time is up after {self.limit:g} s: {where}", ended=True)
        if status is not None and status < 0:
            try:
                killer = signal.Signals(-status).name
            except ValueError:
                killer = f"signal {-status}"
            crash = ", a crash of compiled code" if killer == "SIGSEGV" else ""
            said = f"{name} was ended by {killer}{crash}{at}{shown}"
            return LearnerError(said, ended=True)
        did = f"ended its own process with exit status {status}"
        if status is None or self.garbled:
            did = "wrote into the pipe of the check, or closed it"
        return LearnerError(f"{name} {did}{at}{shown}", ended=True)

    def _last_line(self, trace: str) -> tuple[str, str]:
        """Where the learner's file was when the process ended, and that line."""
        with contextlib.suppress(OSError):
            # Of each thread the innermost call comes first; the main thread comes last.
            for thread in reversed(re.split(r"\n(?=Thread|Current)", trace)):
                found = re.search(rf'"[^"\n]*{re.escape(self.file.name)}", line (\d+)', thread)
                if found:
                    lines = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
                    number = int(found.group(1))
                    text = lines[number - 1].strip() if 0 < number <= len(lines) else ""
                    return f" at line {number}", f"\n    {_clean(text)}" if text else ""
        return "", ""

    def _write(self) -> None:
        stream = self.process.stdin
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):
            while (request := self.requests.get()) is not None:
                write_frame(stream, *request)  # type: ignore[arg-type]
        with contextlib.suppress(OSError, ValueError):
            stream.close()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        with contextlib.suppress(OSError, ValueError), stream:
            try:
                while (answer := read_frame(stream)) is not None:  # type: ignore[arg-type]
                    self.answers.put(answer)
            except FrameError:
                self.garbled = True  # before the process meets a closed pipe, and ends
        self.answers.put(None)

    def _collect(self) -> None:
        stream = self.process.stderr
        assert stream is not None
        with contextlib.suppress(OSError, ValueError), stream:
            while piece := os.read(stream.fileno(), 1 << 16):
                self.printed_bytes += len(piece)
                if sum(map(len, self.kept)) < MOST_PRINTED:
                    self.kept.append(piece)
                if self.printed_bytes > ENDLESS:
                    self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)


def _line(answer: Header) -> str:
    line = answer.get("line")
    return f" at line {line}" if isinstance(line, int) else ""


def _clean(text: Any) -> str:
    """Words from the learner's process without what would steer a terminal."""
    shown = "".join(c if c.isprintable() else " " for c in str(text)[: LONGEST_SAID + 1])
    return shown if len(shown) <= LONGEST_SAID else f"{shown[:LONGEST_SAID]}..."
