"""Train by the command line, test on held-out images, and collect what there is to keep."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minicv.cli.main import main as minicv

CORES = 2  # minutes of a record: seconds of processor / 60 / CORES, since other work may run beside


class CommandFailed(Exception):
    """A command of minicv ended with another status than 0, and has said why."""

    def __init__(self, status: int) -> None:
        super().__init__(f"exit status {status}")
        self.status = status


def train_and_test(
    system: str,
    options: Sequence[str],
    out: Path,
    *,
    weights: Sequence[str] = ("best", "last"),
    split: str = "test",
    pictures: bool = False,
) -> dict[str, Any]:
    """Run `minicv train SYSTEM OPTIONS`, then `minicv eval` on images held out.

    Args:
        system: what to train.
        options: of `minicv train`; ``--data`` is among them.
        out: folder of the run. Whatever stands in it is overwritten.
        weights: which checkpoints to test.
        split: on which part of the data; ``"train"`` shows whether it was learnt by heart.
        pictures: whether the first of them draws these images beside the truth, in
            ``out``/pictures.

    Returns:
        the command; its seconds, and its minutes of two processors; under the name of the split,
        for each checkpoint the number of images, seconds per image and metrics; and what the run's
        history.json holds.

    Raises:
        CommandFailed: one of the commands did.
    """
    data = options[options.index("--data") + 1]
    started, before = time.perf_counter(), processor_seconds()
    _run(["train", system, *options, "--out", str(out), "--overwrite"])
    seconds = time.perf_counter() - started
    minutes = (processor_seconds() - before) / 60 / CORES
    tested = {}
    for which in weights:
        report, checkpoint = out / f"{which}.json", str(out / f"{which}.npz")
        evaluate = ["eval", "--weights", checkpoint, "--data", data, "--split", split]
        if pictures and which == weights[0]:
            evaluate += ["--pictures", str(out / "pictures")]
        _run([*evaluate, "--json", str(report)])
        result = json.loads(report.read_text(encoding="utf-8"))
        tested[which] = {
            "images": result["images"],
            "seconds_per_image": result["seconds_per_image"],
            **result["values"],
        }
    history = json.loads((out / "history.json").read_text(encoding="utf-8"))
    return {
        "command": " ".join(["minicv train", system, *options]),
        "seconds_of_the_training_command": round(seconds, 1),
        "minutes": round(minutes, 4),
        split: tested,
        **history,
    }


def processor_seconds() -> float:
    """That this process has used, in all of its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _run(command: Sequence[str]) -> None:
    status = minicv(command)
    if status:
        raise CommandFailed(status)
