"""What a bad input is: how it is made, who reads it, and what must be said of it."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardening.fuzzing import MEGABYTES, SECONDS, at_most, peak_megabytes
from hardening.small_sets import Files

from minicv.cli.main import main
from minicv.data import DatasetWarning

Read = Callable[[Path], object]


@dataclass(frozen=True)
class Family:
    """Good files, and who reads them.

    Attributes:
        name: the first word of its cases' names.
        files: contents by the path in a folder.
        read: reads them; a `Command` for a command line.
    """

    name: str
    files: Mapping[str, bytes]
    read: Read


@dataclass(frozen=True)
class Case:
    """A bad input.

    Attributes:
        family: the good files and their reader.
        name: what is wrong.
        sentence: a part of what must be said, with the field, what it holds and what was expected.
        file: the file, or the option, that must be named.
        changes: the contents that are others; None for a file that is missing.
        read: instead of the family's reader.
        repaired: whether a warning says it and the reading goes on.
    """

    family: Family
    name: str
    sentence: str
    file: str
    changes: Mapping[str, bytes | None] = field(default_factory=dict)
    read: Read | None = None
    repaired: bool = False

    @property
    def title(self) -> str:
        """Family and name."""
        return f"{self.family.name}: {self.name}"


class Said(Exception):
    """What a command printed on standard error, and its exit status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def command(*words: str) -> Read:
    """A reader that runs minicv with these words, in which {} is the folder."""

    def run(folder: Path) -> None:
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            try:
                status = main([word.replace("{}", str(folder)) for word in words])
            except SystemExit as end:  # of argparse
                status = int(end.code or 0)
        if status or said.getvalue():
            raise Said(status, said.getvalue())

    return run


def outcome(case: Case, folder: Path) -> str:
    """What is said of a case whose family's files stand in ``folder``; they stand there afterwards.

    Raises:
        AssertionError: nothing is said, an error is raised that is not documented, or the reading
            takes too long or too much memory.
    """
    for name, content in case.changes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
    read = case.family.read if case.read is None else case.read
    before = peak_megabytes()
    try:
        with at_most(SECONDS), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("error")
            warnings.simplefilter("always", DatasetWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                read(folder)
                said = "\n".join(str(warning.message) for warning in caught)
                assert said, f"{case.title}: nothing is said"
                assert case.repaired, f"{case.title}: only a warning: {said}"
            except Said as result:
                said = str(result)
                expected = (0,) if case.repaired else (1, 2)
                assert result.status in expected, f"{case.title}: status {result.status}: {said}"
                assert "Traceback" not in said
            except (ValueError, OSError) as error:
                said = str(error)
                assert not case.repaired, f"{case.title}: an error instead of a warning: {said}"
    finally:
        for name in case.changes:
            if name in case.family.files:
                (folder / name).write_bytes(case.family.files[name])
            else:
                (folder / name).unlink(missing_ok=True)
    grown = peak_megabytes() - before
    assert grown < MEGABYTES, f"{case.title}: it took {grown:.0f} MB"
    return said


def everything(dataset: Any) -> None:
    """Read every sample."""
    for index in range(len(dataset)):
        dataset[index]


def replaced(content: bytes, old: str, new: str | bytes, count: int = 1) -> bytes:
    """The content with another text somewhere."""
    assert old.encode() in content, old
    return content.replace(old.encode(), new if isinstance(new, bytes) else new.encode(), count)


def with_value(content: bytes | Any, path: Sequence[str | int], value: Any) -> bytes:
    """A JSON text with another value at that place; ``...`` for none."""
    root = json.loads(content)
    holder = root
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return json.dumps(root).encode("utf-8", "surrogatepass")


def written(folder: Path, files: Files | Mapping[str, bytes]) -> None:
    """Write the files of a family."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
