"""Small trainings that can be stopped and resumed, and what they leave behind."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from brightness_segmenter import BrightnessSegmenter, Stripes
from PIL import Image

from minicv.data import DataLoader, Farmyard, Subset
from minicv.data.sources import Splits
from minicv.files import locked
from minicv.optim import Adam, ConstantLR
from minicv.tasks import SYSTEMS, train
from minicv.tasks.folders import check_folder
from minicv.tasks.history import write_history
from minicv.training import GradientStep, fit
from minicv.weights import load_checkpoint

FILES = {"last.npz", "best.npz", "history.json", "history.csv", "history.png"}
SCORES = (0.2, 0.5, 0.5, 0.1)  # the third epoch is the best: of equal ones the latest


def toy(out: Path, resume: bool = False) -> None:
    """Four epochs of a segmenter of three numbers, with checkpoints and history."""
    model = BrightnessSegmenter(("dark", "grey", "light"))
    step = GradientStep(model, Adam(model.parameters(), lr=0.02), ConstantLR(0.02))
    check_folder(out)
    with locked(out):
        fit(
            step,
            DataLoader(Stripes(2), 1, shuffle=True, rng=np.random.default_rng(1)),
            epochs=len(SCORES),
            rng=np.random.default_rng(2),
            validate=lambda model: {"mIoU": SCORES[step.steps // 2 - 1]},
            best_by="mIoU",
            out=out,
            resume=resume,
            on_epoch=functools.partial(write_history, out, {}),
            progress=False,
        )


def detector(system: str, out: Path, resume: bool = False, **options: Any) -> None:
    """Two epochs of a detector on four scenes, with all that `train` does, such as SVMs."""
    scenes = Farmyard(4, size=(32, 32), seed=3)
    splits = Splits(lambda: scenes, lambda: Subset(scenes, [0]), lambda: None, drawn=True)
    proposals = "sliding_window" if SYSTEMS[system].on_proposals else None
    changes = {"epochs": 2, "batch_size": 2, "lr": 0.01}
    train(
        SYSTEMS[system], splits, out, changes=changes, proposals=proposals, resume=resume,
        say=lambda sentence: None, **options,
    )  # fmt: skip


def gan(out: Path, resume: bool = False) -> None:
    """Three epochs of a small DCGAN: two optimizers, latent vectors, batch statistics."""
    scenes = Farmyard(6, size=(32, 32), seed=3)
    splits = Splits(lambda: scenes, lambda: Subset(scenes, [0, 1]), lambda: None, drawn=True)
    changes = {"epochs": 3, "batch_size": 3, "size": 8, "filters": 2, "latent": 3}
    train(SYSTEMS["dcgan"], splits, out, changes=changes, resume=resume, say=lambda sentence: None)


def whole(out: Path) -> list[str]:
    """The files of a training that stand in the folder; each must be complete, or this fails."""
    names = sorted(path.name for path in out.iterdir() if path.name in FILES)
    for name in names:
        if name.endswith(".npz"):
            load_checkpoint(out / name)
    if "history.json" in names:
        json.loads((out / "history.json").read_text())
    if "history.csv" in names:
        assert (out / "history.csv").read_text().endswith("\n")
    if "history.png" in names:
        Image.open(out / "history.png", formats=("PNG",)).load()
    return names


def unfinished(out: Path) -> list[str]:
    """What is neither a file of a training nor its cache of proposals."""
    return sorted(path.name for path in out.iterdir() if path.name not in {*FILES, "proposals"})


def left(out: Path) -> dict[str, Any]:
    """All that a training says in its files, but for the seconds; NaN as a text."""
    found: dict[str, Any] = {"names": {path.name for path in out.iterdir()} - {"proposals"}}
    for name in ("last.npz", "best.npz"):
        arrays, description = load_checkpoint(out / name)
        found[name] = {key: (a.dtype.str, a.shape, a.tobytes()) for key, a in arrays.items()}
        found[f"{name}: description"] = json.dumps(_timeless(description), sort_keys=True)
    found["history"] = json.dumps(_timeless(json.loads((out / "history.json").read_text())))
    found["lines"] = (out / "history.csv").read_text().count("\n")
    return found


def best_is_the_best(out: Path, best_by: str) -> bool:
    """Whether ``best.npz`` is of the epoch that the history calls the best, or the last of them.

    The least is the best where a task says so of this value.
    """
    tasks = [system.task for system in SYSTEMS.values()]
    sign = -1 if any(t.smaller_is_better and t.best_by == best_by for t in tasks) else 1
    history = load_checkpoint(out / "last.npz")[1]["training"]["history"]
    description = load_checkpoint(out / "best.npz")[1]
    of = description.get("training", {}).get("history") or description["chosen_from"]
    values = [sign * record[best_by] for record in history]
    wanted = max(range(len(values)), key=lambda i: (values[i], i)) + 1
    return len(of) == wanted and of == history[:wanted]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key != "seconds"}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":  # OUT NUMBER: a toy training that ends before that call, for good
    from hardening.stopping import EXIT, Stop

    with Stop(sys.argv[1], int(sys.argv[2]), EXIT).placed():
        toy(Path(sys.argv[1]))
