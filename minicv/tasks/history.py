"""A training's values epoch by epoch: as JSON, as a table for a spreadsheet, and as curves."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from minicv.files import WholeFiles
from minicv.inspection import draw_curves
from minicv.tasks.json_files import json_text

History = Sequence[Mapping[str, float]]

LOSS, VALIDATION_LOSS = "loss_", "val loss_"  # what the names of losses begin with
NO_CURVES = ("epoch", "step", "seconds", "val_loss")
FILES = ("history.json", "history.csv", "history.png")


def write_history(folder: Path, about: Mapping[str, Any], history: History) -> None:
    """Write ``history.json``, ``history.csv`` and ``history.png``, each whole or not at all.

    Args:
        folder: of the training; it is made where it is missing.
        about: stands in the JSON before the epochs, such as the seed and the recipe.
        history: one record an epoch, of `minicv.training.fit`.

    Raises:
        OSError: a file cannot be written.
    """
    picture = io.BytesIO()
    history_curves(history).save(picture, "PNG")
    with WholeFiles() as files:
        files.write(folder / "history.json", json_text({**about, "epochs": history}).encode())
        files.write(folder / "history.csv", history_table(history).encode())
        files.write(folder / "history.png", picture.getvalue())


def history_table(history: History) -> str:
    r"""A header and a line for each epoch, with commas between; what an epoch lacks is empty.

    So is a value that is no finite number.

    >>> history_table([{"epoch": 1, "AP": float("nan")}, {"epoch": 2, "AP": 0.5}])
    'epoch,AP\n1,\n2,0.5\n'
    """
    names = list(dict.fromkeys(name for record in history for name in record))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    for record in history:
        values = [record.get(name, math.nan) for name in names]
        table.writerow([value if math.isfinite(value) else "" for value in values])
    return text.getvalue()


def history_curves(history: History) -> Image.Image:
    """Losses and validation values by epoch.

    The first plot has the whole loss, in training and in validation; the second the parts of the
    training loss, where there are several; the third the values of the metric, where it has some.

    >>> history_curves([{"epoch": 1, "loss_pixels": 0.5, "val_loss": 0.6, "mIoU": 0.25}]).size
    (900, 840)
    """
    epochs = [record["epoch"] for record in history]
    names = list(dict.fromkeys(name for record in history for name in record))

    def curve(name: str) -> tuple[list[float], list[float]]:
        return epochs, [record.get(name, math.nan) for record in history]

    parts = {name.removeprefix(LOSS): curve(name) for name in names if name.startswith(LOSS)}
    whole = {"training": (epochs, [_total(record) for record in history])}
    if "val_loss" in names:
        whole["validation"] = curve("val_loss")
    judged = [
        name
        for name in names
        if name not in NO_CURVES and not name.startswith((LOSS, VALIDATION_LOSS))
    ]
    panels = {"Loss": whole}
    if len(parts) > 1:
        panels["Parts of the training loss"] = parts
    if judged:
        panels["On validation images"] = {name: curve(name) for name in judged}
    return draw_curves(panels, x_label="epoch")


def _total(record: Mapping[str, float]) -> float:
    return sum(value for name, value in record.items() if name.startswith(LOSS))
