"""``--data`` and what belongs to it: the options of the commands that open a data set."""

from __future__ import annotations

import argparse

from minicv.data.faults import Faults
from minicv.data.sources import Splits, open_data
from minicv.tasks import Task


def add_data_options(parser: argparse.ArgumentParser, help: str) -> None:
    """Describe the options; ``help`` says which sources there are."""
    add = parser.add_argument
    add("--data", required=True, metavar="DATA", help=help)
    add("--classes", metavar="NAMES", help="for a set that does not name its classes: cow,duck")
    add(
        "--skip-unreadable",
        action="store_true",
        help="go on without the pictures that cannot be read",
    )


def opened(options: argparse.Namespace, task: Task) -> Splits:
    """The splits that the options name.

    Raises:
        ValueError: as `minicv.data.sources.open_data`.
    """
    return open_data(
        options.data,
        task.labels_from(options.data),
        classes=class_names(options.classes),
        faults=Faults(skip_unreadable=options.skip_unreadable),
    )


def class_names(text: str | None) -> tuple[str, ...] | None:
    """The names in ``--classes a,b,c``.

    >>> class_names("cow, traffic light"), class_names(None)
    (('cow', 'traffic light'), None)
    """
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if "" in names:
        raise ValueError(f"--classes {text!r}: expected names with commas between them: cow,duck")
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ValueError(f"--classes {text!r}: {name!r} is there twice")
    return names
