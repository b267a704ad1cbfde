"""A step that starts a process: what a user waits for before the first line of work.

The time is that of the whole process, the memory its peak; what the process that waits holds does
not count.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

# The command's own lines, and then its peak: what a parent is told of a child begins with the
# parent's own.
_WRAPPED = """
import sys
try:
    {code}
except SystemExit as end:
    assert not end.code, end.code
sys.stdout.flush()
try:
    status = open("/proc/self/status").read()
    print("peak", int(status.partition("VmHWM:")[2].split()[0]) / 1024)
except OSError:
    print("peak", 0)
"""
ROOT = Path(__file__).resolve().parent.parent


class Start:
    """``step()`` runs Python code in a new process of this interpreter.

    Args:
        code: one statement, or several with semicolons.

    >>> step = Start("print('hello')")
    >>> step()[0].tolist(), step.peak_memory() > 1
    ([0], True)
    """

    def __init__(self, code: str) -> None:
        self._command = [sys.executable, "-c", _WRAPPED.format(code=code)]
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._peak = 0.0

    def __call__(self) -> list[np.ndarray]:
        done = subprocess.run(
            self._command, capture_output=True, text=True, check=False, env=self._environment
        )
        if done.returncode != 0:
            raise RuntimeError(f"starting: {done.stderr.strip().splitlines()[-1:]}")
        self._peak = max(self._peak, float(done.stdout.split()[-1]))
        return [np.array([done.returncode])]

    def peak_memory(self) -> float:
        """Of the processes so far, MiB."""
        return self._peak
