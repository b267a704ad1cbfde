"""A side of a comparison, seen from the harness: start a worker, give it turns, let it rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.case import Case
from benchmarks.fingerprint import Fingerprint

ROOT = Path(__file__).resolve().parent.parent


class WorkerError(RuntimeError):
    """A worker died; the message ends with what it said last."""


class Side:
    """A worker process (`benchmarks.worker`), stopped while it is not its turn.

    Thread pools spin for a while after their work (OpenMP's, BLAS's), and a spinning neighbour on
    two cores takes half of the machine. So a side at rest is stopped by the operating system:
    whatever its threads were about to do, they do nothing. The settings of its library stay those
    that its users have.

    Attributes:
        process_id: of the worker.
        version: of the library.
        seconds: of one call, at the end of the warm-up.
        fingerprint: of the first result.
    """

    def __init__(self, library: str, python: str, case: Case, threads: int) -> None:
        self.library = library
        number = str(threads)
        names = ("OMP", "OPENBLAS", "MKL", "MINICV")
        environment = {**os.environ, **{f"{name}_NUM_THREADS": number for name in names}}
        order = json.dumps({"operation": case.operation, "parameters": case.parameters})
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", library, order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        self.process_id = self._process.pid
        try:
            ready = self._answer()
        except WorkerError:
            self.close()
            raise
        self.version: str = ready["version"]
        self.seconds: float = ready["seconds"]
        self.fingerprint: Fingerprint = ready["fingerprint"]

    def time(self, calls: int) -> list[float]:
        """Seconds of each of so many calls."""
        return self._ask({"do": "time", "calls": calls})["seconds"]

    def memory(self) -> dict[str, float]:
        """MiB held at the "start", before the first call, and at the "peak"."""
        return self._ask({"do": "memory"})

    def error(self) -> float:
        """Relative L2 error of the result against the same in float64."""
        return self._ask({"do": "accuracy"})["error"]

    def close(self) -> None:
        """End the process."""
        self._process.kill()  # also one that is stopped
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died; reading the answer says why
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            said = "".join(self._errors.readlines()[-5:]).strip()
            raise WorkerError(f"{self.library}: the worker ended without an answer: {said}")
        self._process.send_signal(signal.SIGSTOP)
        return json.loads(line)
