"""How far a learner is: one small file beside the answers."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from minicv.files import write_whole

FOLDER = ".minicv_exercises"  # in the folder of the answers; also what hypothesis notes down
FILE = f"{FOLDER}/progress.json"


@dataclass(frozen=True)
class Record:
    """What is known of one exercise.

    Attributes:
        solved: the last check found everything right.
        step: what the last check found wrong; "" before the first one.
        hints: how many have been shown.
    """

    solved: bool = False
    step: str = ""
    hints: int = 0


class Progress:
    """The records of a folder, read once and written at each change.

    Raises:
        ValueError: the file is there, but is not what was written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> Progress(folder).change("conv2d", hints=1)
    Record(solved=False, step='', hints=1)
    >>> Progress(folder).record("conv2d").hints
    1
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.records: dict[str, Record] = {}
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except UnicodeDecodeError:
            text = ""
        try:
            for name, values in json.loads(text).items():
                self.records[name] = _record(values)
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise ValueError(
                f"{self.path}: this is no record of exercises any more; delete it and check your "
                "files again: what you wrote is in them"
            ) from None

    def record(self, name: str) -> Record:
        """Of one exercise."""
        return self.records.get(name, Record())

    def change(self, name: str, **values: bool | str | int) -> Record:
        """Change some of its values, and write the file."""
        changed = dataclasses.replace(self.record(name), **values)  # type: ignore[arg-type]
        self.records[name] = changed
        content = {name: dataclasses.asdict(record) for name, record in self.records.items()}
        write_whole(self.path, (json.dumps(content, indent=2) + "\n").encode())
        return changed


def _record(values: object) -> Record:
    if not isinstance(values, dict):
        raise ValueError
    wanted = {"solved": bool, "step": str, "hints": int}
    found = {key: values[key] for key in wanted if key in values}
    if not all(isinstance(value, wanted[key]) for key, value in found.items()):
        raise ValueError
    return Record(**found)
