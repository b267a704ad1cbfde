"""Where each peer is installed: an interpreter that can import it, or a line on how to get one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """A library to compare with. Peers want other versions of NumPy, so each has its own Python.

    Attributes:
        module: what it is imported as.
        how: how to install it.
    """

    module: str
    how: str


PEERS = {
    "torch": Peer("torch", "python -m venv T && T/bin/pip install torch==2.13.0 numpy"),
    "torchvision": Peer(
        "torchvision",
        "as torch, then T/bin/pip install --no-deps torchvision==0.28.0 and T/bin/python "
        "benchmarks/torchvision_on_cpu.py T/bin/torchvision-python; or an old one for "
        "/usr/bin/python3 by apt-get install python3-torchvision",
    ),
    "chainer": Peer(
        "chainer",
        "python -m venv C && C/bin/pip install 'setuptools<66' wheel 'numpy<1.24' six "
        "protobuf==3.20.3 && C/bin/pip install --no-build-isolation chainer==7.8.1",
    ),
    "hips": Peer("autograd", "python -m venv H && H/bin/pip install autograd"),
    "mygrad": Peer("mygrad", "python -m venv M && M/bin/pip install mygrad"),
}
# Not a side of `benchmarks.speed`, but a proposer beside ours in `benchmarks.proposals`.
PROPOSING_PEERS = {
    "opencv": Peer(
        "cv2", "python -m venv O && O/bin/pip install opencv-contrib-python-headless==5.0.0.93"
    ),
}


def option_of(name: str) -> str:
    """The command line option with a peer's interpreter.

    >>> option_of("torch")
    '--torch-python'
    """
    return f"--{name}-python"


def variable_of(name: str) -> str:
    """The environment variable with a peer's interpreter.

    >>> variable_of("torch")
    'MINICV_TORCH_PYTHON'
    """
    return f"MINICV_{name.upper()}_PYTHON"


def find_peers(names: list[str], given: Mapping[str, str | None]) -> dict[str, str]:
    """The interpreter of each peer that is there; a printed line for each that is not.

    Args:
        names: keys of `PEERS` or `PROPOSING_PEERS`.
        given: interpreters by name, from the command line. Where there is none the environment
            variable is asked, and last this interpreter itself.
    """
    found = {}
    peers = {**PEERS, **PROPOSING_PEERS}
    for name in names:
        python = given.get(name) or os.environ.get(variable_of(name)) or sys.executable
        if _can_import(python, peers[name].module):
            found[name] = python
        else:
            print(
                f"{name} is left out: {python} cannot import {peers[name].module}. To install: "
                f"{peers[name].how}; then {option_of(name)} PYTHON or {variable_of(name)}=PYTHON"
            )
    return found


def _can_import(python: str, module: str) -> bool:
    # Looking for it is enough, and quicker than importing it.
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, check=False)
    except OSError:  # there is no such interpreter
        return False
    return done.returncode == 0
