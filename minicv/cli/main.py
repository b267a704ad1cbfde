"""``minicv demo | train | eval | ...``: reads the arguments, turns errors into sentences."""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NamedTuple

import minicv
from minicv.cli.arguments import Parser


class Command(NamedTuple):
    """A command: the module with its ``add_parser``, what it does, and its other names.

    A module is imported when its command is called: help on all of them needs none.
    """

    module: str
    help: str
    aliases: tuple[str, ...] = ()


COMMANDS = {
    "demo": Command(
        "minicv.cli.demo",
        "watch a Faster R-CNN learn and detect, in two minutes, with nothing to download",
    ),
    "doctor": Command("minicv.cli.doctor", "examine a data set before any training"),
    "train": Command("minicv.cli.train", "train a system on a data set"),
    "eval": Command("minicv.cli.evaluate", "how good a trained model is on a data set"),
    "predict": Command(
        "minicv.cli.predict",
        "run a trained model on pictures of your own",
        ("detect", "segment"),
    ),
    "explain": Command(
        "minicv.cli.explain",
        "a page that shows what a trained model does with your photograph, stage by stage",
    ),
    "exercise": Command(
        "minicv.cli.exercise", "write an operation yourself and have it checked, with hints"
    ),
    "export": Command(
        "minicv.cli.export", "write a trained model as an ONNX file, or its weights for PyTorch"
    ),
    "weights": Command(
        "minicv.cli.weights",
        "what is in a file of weights, and for which network it is; or fetch a published one",
    ),
}


class Terminated(KeyboardInterrupt):
    """The process was asked to end, as batch systems ask (SIGTERM)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. The exit status is 0, or

    - what the command returns, such as 1 of ``doctor`` for a data set that would spoil a training;
    - 2 after an error, 130 after an interruption (Ctrl-C), 143 after SIGTERM: each prints one
      sentence on standard error;
    - 141 where nobody reads the output any more, such as ``head``.

    >>> main(["--version"])
    Traceback (most recent call last):
        ...
    SystemExit: 0
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser(words).parse_args(words)
    options.words = words
    try:
        with _ended_by_sigterm():
            return _run(options)
    except KeyboardInterrupt as interruption:
        terminated = isinstance(interruption, Terminated)
        said = str(interruption) or ("terminated" if terminated else "interrupted")
        print(f"minicv {options.command}: {said}", file=sys.stderr)
        return 143 if terminated else 130


def _run(options: argparse.Namespace) -> int:
    from minicv.backend import DeviceError
    from minicv.data import DatasetWarning
    from minicv.training import DivergenceError
    from minicv.weights import WeightsError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", DatasetWarning)
            warnings.showwarning = functools.partial(_say_once, options.command, set())
            status: int | None = options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer goes nowhere, so that Python does not complain at its end.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except MemoryError as error:
        said = str(error) or "nothing more could be allocated"
        print(f"minicv {options.command}: there is not enough memory: {said}", file=sys.stderr)
        return 2
    # Errors of a user's files and options. Any other error is a bug of minicv and shows its trace.
    except (WeightsError, DeviceError, DivergenceError, OSError, ValueError) as error:
        print(f"minicv {options.command}: {error}", file=sys.stderr)
        return 2
    return status or 0


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does, unless the program has an answer of its own."""
    own = threading.current_thread() is threading.main_thread()
    if not own or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _say_once(command: str, said: set[str], message: Warning | str, *_: object) -> None:
    """Print a warning as one line; the splits of a data set often repeat each other's."""
    if str(message) not in said:
        said.add(str(message))
        print(f"minicv {command}: {message}", file=sys.stderr)


def _parser(words: Sequence[str] | None = None) -> Parser:
    """For these words: only the command that they name describes its options; None: all do."""
    parser = Parser(
        prog="minicv",
        description="Train, evaluate and run systems of computer vision written from scratch in "
        "NumPy and CuPy.",
        epilog="minicv COMMAND --help explains a command and its options.",
    )
    parser.add_argument("--version", action="version", version=f"minicv {minicv.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    first = next((word for word in words or () if not word.startswith("-")), None)
    for name, command in COMMANDS.items():
        if words is None or first in (name, *command.aliases):
            importlib.import_module(command.module).add_parser(commands)
            if first in command.aliases:  # messages begin with the word that was typed
                commands.choices[first].prog = f"minicv {first}"
        else:
            commands.add_parser(name, help=command.help, aliases=command.aliases)
    return parser


if __name__ == "__main__":
    sys.exit(main())
