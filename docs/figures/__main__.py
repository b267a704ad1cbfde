"""Draws the figures of the guide: ``python docs/figures``, or ``python docs/figures 05`` for some.

A figure is a script ``docs/figures/NN_name.py`` with a function ``draw(out: Path) -> None``. It
makes its arrays with minicv, in a few seconds and with the same result each time, and saves
``out / "NN_name.png"``, or several pictures (.png, .webp, .gif, .svg) whose names begin with its
own. They end in ``docs/figures/out``, which git ignores; a chapter shows one as
``../figures/out/NN_name.png``.

Each script runs in a process of its own with one thread. One whose pictures are there is skipped,
unless something has changed that it read: its own text, a module, a file of the repository, or the
versions of NumPy and Pillow. A warning is an error, as in the tests.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
OUT = HERE / "out"
KINDS = (".png", ".webp", ".gif", ".svg")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MINICV_NUM_THREADS")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python docs/figures", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="scripts, or how their names begin; all of them")
    parser.add_argument("--again", action="store_true", help="draw also what has not changed")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    chosen = scripts(options.names)
    if options.in_this_process:
        return draw(chosen[0])
    OUT.mkdir(exist_ok=True)
    due = [script for script in chosen if options.again or not is_current(script)]
    for script in chosen:
        if script not in due:
            print(f"{script.stem}: unchanged")
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # a thread waits for each process
        failed = [name for name in pool.map(_in_its_own_process, due) if name]
    if failed:
        print(f"not drawn: {', '.join(failed)}", file=sys.stderr)
    return min(len(failed), 1)


def scripts(names: Iterable[str] = ()) -> list[Path]:
    """The scripts whose names begin with one of ``names``; all of them for none."""
    everything = sorted(HERE.glob("[0-9]*_*.py"))
    wanted = [Path(name).stem for name in names]
    for name in wanted:
        if not any(script.stem.startswith(name) for script in everything):
            there = ", ".join(script.stem for script in everything)
            raise SystemExit(f"no figure begins with {name!r}; there are {there}")
    if not wanted:
        return everything
    return [script for script in everything if script.stem.startswith(tuple(wanted))]


def is_current(script: Path) -> bool:
    """The pictures of ``script`` are there, and nothing that it read has changed since."""
    try:
        record = json.loads(_record(script).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    there = all((OUT / name).is_file() for name in record["pictures"])
    same = record["versions"] == _versions() and record["read"] == _sums(record["read"])
    return there and same


def draw(script: Path) -> int:
    """Run ``script`` here, move its pictures to OUT, and record what it read."""
    started = time.process_time()
    opened = {script.relative_to(REPOSITORY).as_posix()}

    def notice(event: str, details: tuple) -> None:
        if event == "open" and isinstance(details[0], str):
            opened.add(details[0])

    sys.addaudithook(notice)
    sys.path.insert(0, str(HERE))  # what several figures share: docs/figures/NAME.py
    spec = importlib.util.spec_from_file_location(f"figure_{script.stem}", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    OUT.mkdir(exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{script.stem}-", dir=OUT))  # of this run alone
    try:
        module.draw(fresh)
        return _keep(script, fresh, opened, started)
    finally:
        shutil.rmtree(fresh)


def _keep(script: Path, fresh: Path, opened: set[str], started: float) -> int:
    """Move the pictures of ``fresh`` to OUT and write the record; 0, or 1 if they are none."""
    pictures = sorted(path.name for path in fresh.iterdir())
    odd = [n for n in pictures if not (n.startswith(script.stem) and n.endswith(KINDS))]
    if odd or not pictures:
        print(
            f"{script.name}: draw(out) should save pictures named {script.stem}*, "
            f"ending in {', '.join(KINDS)}, but saved {', '.join(odd) or 'none'}",
            file=sys.stderr,
        )
        return 1
    for old in (*OUT.glob(f"{script.stem}.*"), *OUT.glob(f"{script.stem}_*")):
        old.unlink(missing_ok=True)
    for name in pictures:
        (fresh / name).rename(OUT / name)
    loaded = [getattr(other, "__file__", None) for other in list(sys.modules.values())]
    read = _sums(_of_the_repository({*opened, *filter(None, loaded)}))
    seconds = round(time.process_time() - started, 1)  # of the processor
    record = {"pictures": pictures, "versions": _versions(), "seconds": seconds, "read": read}
    _record(script).write_text(json.dumps(record, indent=1), "utf-8")
    print(f"{script.stem}: {', '.join(pictures)} in {seconds} s", flush=True)
    return 0


def _in_its_own_process(script: Path) -> str:
    """The name of ``script`` if it failed, else an empty text."""
    command = [sys.executable, "-W", "error", str(HERE / "__main__.py"), "--in-this-process"]
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
    status = subprocess.run([*command, script.stem], env=environment, cwd=REPOSITORY).returncode
    return script.stem if status else ""


def _of_the_repository(paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that are sources or data here, relative to the repository."""
    found = set()
    for path in paths:
        whole = (REPOSITORY / path).resolve()
        if not whole.is_relative_to(REPOSITORY) or whole.is_relative_to(OUT):
            continue
        name = whole.relative_to(REPOSITORY)
        if whole.is_file() and whole.suffix != ".pyc" and not name.parts[0].startswith((".", "_")):
            found.add(name.as_posix())
    return sorted(found)


def _sums(names: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of each file, empty where there is none any more."""
    paths = {name: REPOSITORY / name for name in names}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for name, path in paths.items()
    }


def _versions() -> dict[str, str]:
    return {package: importlib.metadata.version(package) for package in ("numpy", "pillow")}


def _record(script: Path) -> Path:
    return OUT / f"{script.stem}.json"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
