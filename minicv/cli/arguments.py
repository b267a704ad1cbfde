"""A parser whose errors are short: what is wrong, the nearest word, and where to read on."""

from __future__ import annotations

import argparse
import difflib
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

Parsed = Any  # argparse gives back the namespace that it was given, of whatever type


class Parser(argparse.ArgumentParser):
    """`argparse.ArgumentParser` with errors of two lines, and without the whole usage before them.

    >>> parser = Parser(prog="minicv train")
    >>> _ = parser.add_argument("--epochs", type=int)
    >>> parser.misspelt(["--epoks", "3"])
    'there is no option --epoks; did you mean --epochs?'
    """

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is, with exit status 2."""
        self.exit(2, f"{self.prog}: {message}\n{self.prog} --help says more\n")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Parsed = None
    ) -> tuple[Parsed, list[str]]:
        """As argparse; a word that is not known is an error here, which can name the nearest."""
        if args is not None:
            own = itertools.takewhile(lambda word: word.startswith("-"), args)
            wrong = self.misspelt(args if self._subparsers is None else list(own))
            if wrong is not None:
                self.error(wrong)
        namespace, left = super().parse_known_args(args, namespace)
        if left:
            several = "s" if len(left) > 1 else ""
            self.error(f"unexpected word{several}: {' '.join(left)}")
        return namespace, left

    def misspelt(self, words: Sequence[str]) -> str | None:
        """What is wrong with the first option that the parser does not have; None if none is."""
        known = self._option_string_actions
        for word in words:
            if word == "--":  # what follows are no options
                return None
            option = word.partition("=")[0]
            if option.startswith("--") and not any(name.startswith(option) for name in known):
                return f"there is no option {option}{nearest(option, known)}"
        return None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            hint = nearest(str(value), names) or f"; there are {', '.join(names)}"
            raise argparse.ArgumentError(action, f"there is no {value!r}{hint}")


def path(text: str) -> Path:
    """A path of the command line; an empty word, as of a variable that is not set, is none.

    >>> path("runs/farm").name
    'farm'
    """
    if not text:
        raise argparse.ArgumentTypeError("an empty word is no path")
    return Path(text)


def checkpoint(file: Path) -> Path:
    """The path of a checkpoint; for the folder of a training the message names the file in it.

    >>> checkpoint(Path("runs/farm/best.npz")).name
    'best.npz'
    """
    if file.is_dir():
        best = file / "best.npz"
        hint = f"; did you mean {best}?" if best.is_file() else ""
        raise ValueError(f"{file}: no such file, but a folder{hint}")
    return file


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean WORD?`` if a known word is near, else nothing.

    >>> nearest("trian", ["demo", "train"])
    '; did you mean train?'
    >>> nearest("frobnicate", ["demo", "train"])
    ''
    """
    by_small = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_small, n=1)
    return f"; did you mean {by_small[found[0]]}?" if found else ""
