"""``minicv demo | doctor | train | ...``: reads the arguments, turns errors into sentences."""

from __future__ import annotations

import argparse
import functools
import sys
import warnings
from collections.abc import Sequence

import minicv
from minicv.backend import DeviceError
from minicv.cli import demo, doctor, evaluate, predict, train
from minicv.data import DatasetWarning
from minicv.training import DivergenceError
from minicv.weights import WeightsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. The exit status is 0, 2 after an error, or 130 after an interruption.

    ``minicv doctor`` gives 1 for a data set that would spoil a training.

    Errors and interruptions print one sentence on standard error.

    >>> main(["--version"])
    Traceback (most recent call last):
        ...
    SystemExit: 0
    """
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", DatasetWarning)
            warnings.showwarning = functools.partial(_say_once, options.command, set())
            return options.run(options) or 0
    # Errors of a user's files and options. Any other error is a bug of minicv and shows its trace.
    except (WeightsError, DeviceError, DivergenceError, OSError, ValueError) as error:
        print(f"minicv {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"minicv {options.command}: interrupted", file=sys.stderr)
        return 130


def _say_once(command: str, said: set[str], message: Warning | str, *_: object) -> None:
    """Print a warning as one line; the splits of a data set often repeat each other's."""
    if str(message) not in said:
        said.add(str(message))
        print(f"minicv {command}: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minicv",
        description="Train, evaluate and run systems of computer vision written from scratch in "
        "NumPy and CuPy.",
        epilog="minicv COMMAND --help explains a command and its options.",
    )
    parser.add_argument("--version", action="version", version=f"minicv {minicv.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (demo, doctor, train, evaluate, predict):
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
