"""``minicv exercise``: write an operation yourself, and have it checked case by case."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from minicv.cli.arguments import nearest, path
from minicv.exercises import ORDER, Exercise, load
from minicv.exercises.checking import Outcome, check
from minicv.exercises.drawing import Pen
from minicv.exercises.learner import LearnerProcess
from minicv.exercises.progress import FOLDER, Progress
from minicv.exercises.skeleton import skeleton
from minicv.files import write_whole

HINTS = 3
STATES = {
    "file": "does not run",
    "hole": "begun",
    "small cases": "small cases wrong",
    "drawn cases": "drawn cases wrong",
    "gradient": "gradient wrong",
    "time": "takes too long",
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "exercise",
        help="write an operation yourself and have it checked, with hints",
        description="Exercises in the lecture's order. Each is a file with a hole, which a check "
        "holds against minicv's own operation: first on small arrays, drawn with the wrong cells "
        "marked, then on many that hypothesis draws, then the gradient, then the speed. "
        "How far you are is kept in the folder of your files.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="all exercises, and how far you are")
    listed.add_argument(
        "--folder", type=path, default=Path(), metavar="DIR", help="of your files; default: here"
    )
    listed.set_defaults(run=run_list)

    start = actions.add_parser("start", help="write a file with a hole")
    _add_name(start)
    start.add_argument(
        "--out", type=path, metavar="FILE", help="the file, or its folder; default: NAME.py here"
    )
    start.add_argument(
        "--overwrite", action="store_true", help="begin again: what you wrote is lost"
    )
    start.set_defaults(run=run_start)

    checked = actions.add_parser(
        "check",
        help="is the answer right?",
        description="Check an answer. Its file is run in a process of its own, which is ended "
        "when the time is up. The exit status is 0 if everything is right, 1 if not.",
    )
    checked.add_argument("file", type=path, metavar="FILE", help="named as the exercise")
    checked.add_argument(
        "--seconds",
        type=_seconds,
        default=10.0,
        metavar="S",
        help="the longest that your code may run; default: 10",
    )
    checked.set_defaults(run=run_check)

    hint = actions.add_parser("hint", help="the next of three hints, from a nudge to the answer")
    _add_name(hint)
    hint.add_argument("--step", type=int, choices=range(1, HINTS + 1), help="this one")
    hint.add_argument(
        "--folder", type=path, default=Path(), metavar="DIR", help="of your files; default: here"
    )
    hint.set_defaults(run=run_hint)

    solution = actions.add_parser("solution", help="how we would write it")
    _add_name(solution)
    solution.set_defaults(run=run_solution)


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", choices=ORDER, metavar="NAME", help="minicv exercise list shows all"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.1 and 3600 seconds")
    return seconds


def run_list(options: argparse.Namespace) -> int:
    """Print the exercises with the learner's progress."""
    progress = Progress(_folder(options.folder))
    rows = [("", "exercise", "what you write", "chapter", "example", "state")]
    for number, name in enumerate(ORDER, 1):
        exercise = load(name)
        state = _state(progress, options.folder / f"{name}.py")
        chapter, example = (f.partition("_")[0] for f in (exercise.chapter, exercise.example))
        rows.append((str(number), name, exercise.title, chapter, example, state))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    pen = _pen()
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        cells[0] = row[0].rjust(widths[0])
        if row[-1] == "solved":
            cells[-1] = pen.right(cells[-1])
        print("  ".join(cells).rstrip())
    solved = sum(progress.record(name).solved for name in ORDER)
    print(f"\n{solved} of {len(ORDER)} solved. {_next(progress)}")
    return 0


def _state(progress: Progress, file: Path) -> str:
    record = progress.record(file.stem)
    if record.solved:
        return "solved"
    return STATES.get(record.step) or ("begun" if file.exists() else "")


def _next(progress: Progress, after: str = ORDER[-1]) -> str:
    """The next one that is not solved, from there on."""
    place = ORDER.index(after) + 1
    coming = ORDER[place:] + ORDER[:place]
    name = next((name for name in coming if not progress.record(name).solved), None)
    return f"Next: minicv exercise start {name}" if name else "That is all of them."


def run_start(options: argparse.Namespace) -> int:
    """Write the file with the hole.

    Raises:
        ValueError: the file is there already, or its name is not the exercise's.
    """
    name, file = options.name, options.out or Path()
    if file.is_dir():
        file = file / f"{name}.py"
    if file.name != f"{name}.py":
        raise ValueError(
            f"--out {file}: the file must be named {name}.py, because check takes the exercise "
            f"from the file's name; a folder will do, --out {file.parent}"
        )
    if file.exists() and not options.overwrite:
        raise ValueError(
            f"{file} is there already, perhaps with work of yours: minicv exercise check {file} "
            "goes on with it, --overwrite begins again"
        )
    write_whole(file, skeleton(load(name)).encode())
    if options.overwrite:
        Progress(file.parent).change(name, solved=False, step="")
    exercise = load(name)
    holes = "holes" if exercise.holes[1:] else "hole"
    print(f"{file} is written: {exercise.title}. Fill the {holes}, then")
    print(f"  minicv exercise check {file}")
    print(f"  minicv exercise hint {name}")
    read = f"docs/chapters/{exercise.chapter} and examples/{exercise.example}"
    print(f"Read about it in {read}.")
    return 0


def run_check(options: argparse.Namespace) -> int:
    """Check a file: 0 if it is right, 1 if it is not.

    Raises:
        ValueError: there is no such file or exercise.
    """
    file = options.file
    exercise = _exercise_of(file)
    progress = Progress(file.parent)
    with (
        _hypothesis_keeps_its_notes(file.parent),
        LearnerProcess(file, options.seconds) as learner,
    ):
        outcome = check(exercise, learner, _show, _pen())
    progress.change(exercise.name, solved=outcome.solved, step=outcome.step)
    print()
    for line in _advice(exercise, outcome, progress, file):
        print(line)
    return 0 if outcome.solved else 1


@contextlib.contextmanager
def _hypothesis_keeps_its_notes(folder: Path) -> Iterator[None]:
    """It notes down what makes its next run faster: beside the progress, not in the open."""
    name = "HYPOTHESIS_STORAGE_DIRECTORY"
    before = os.environ.get(name)
    os.environ[name] = before or str((folder / FOLDER / "hypothesis").resolve())
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]


def _exercise_of(file: Path) -> Exercise:
    name = file.stem
    if not file.is_file():
        with_ending = file.with_suffix(".py")
        hint = f"; did you mean {with_ending}?" if with_ending.is_file() else ""
        if not hint and name in ORDER:
            hint = f"; minicv exercise start {name} writes it"
        raise ValueError(f"{file}: there is no such file{hint}")
    if name not in ORDER:
        raise ValueError(
            f"{file}: there is no exercise {name!r}{nearest(name, ORDER)}; a file is named as its "
            "exercise"
        )
    return load(name)


def _advice(exercise: Exercise, outcome: Outcome, progress: Progress, file: Path) -> Iterator[str]:
    if outcome.solved:
        yield f"{exercise.name} is solved. minicv exercise solution {exercise.name} shows ours."
        yield _next(progress, after=exercise.name)
        return
    shown = progress.record(exercise.name).hints
    left = f"shows hint {HINTS} again" if shown >= HINTS else f"shows hint {shown + 1} of {HINTS}"
    yield f"Change {file} and check again; minicv exercise hint {exercise.name} {left}."


def run_hint(options: argparse.Namespace) -> int:
    """Print the next hint, or the one that is asked for."""
    exercise, progress = load(options.name), Progress(_folder(options.folder))
    shown = progress.record(options.name).hints
    step = options.step or min(shown + 1, HINTS)
    print(f"hint {step} of {HINTS}")
    for line in exercise.hints[step - 1].split("\n"):
        print(textwrap.fill(line, 92, initial_indent="  ", subsequent_indent="  "))
    if step > shown:
        progress.change(options.name, hints=step)
    return 0


def run_solution(options: argparse.Namespace) -> int:
    """Print our own answer."""
    print("import numpy as np")
    for hole in load(options.name).holes:
        print(f"\n\n{hole.source}", end="")
    return 0


def _folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise ValueError(f"--folder {folder}: there is no such folder")
    return folder


def _pen() -> Pen:
    return Pen(sys.stdout.isatty() and "NO_COLOR" not in os.environ)


def _show(line: str) -> None:
    print(line, flush=True)
