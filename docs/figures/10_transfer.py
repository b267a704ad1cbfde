"""What learns and what stays, and what few pictures are enough for."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from board import Panel, board, table
from PIL import Image
from sheet import Sheet, paler

from minicv.inspection import draw_curves
from minicv.inspection.palette import BLUE, PALE, SKY_BLUE
from minicv.models.backbones import ResNet18Backbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.nn import Module
from minicv.optim import SGD, ConstantLR
from minicv.training import GradientStep, UnfreezingStep, blocks_of, freeze, learning_groups

STEM = Path(__file__).stem
RECORD = Path(__file__).parents[2] / "benchmarks" / "results" / "transfer.json"
EVERY = 10  # steps from one block to the next


def draw(out: Path) -> None:
    draw_freezing().save(out / f"{STEM}_freezing.png")
    draw_curve().save(out / f"{STEM}_curve.png")


def network() -> Classifier:
    rng = np.random.default_rng(0)
    backbone = ResNet18Backbone((32,), rng=rng)
    return Classifier(
        backbone, ("cow", "cat", "dog", "duck", "person"), ClassifierSettings(64), rng=rng
    )


def learns(part: Module) -> bool:
    """Whether any of its weights gets a gradient."""
    return any(parameter.requires_grad for parameter in part.parameters())


def draw_freezing() -> Sheet:
    """A column for each way, a row for each block: read off the models themselves."""
    columns: dict[str, list[str]] = {}
    model = network()
    parts = [*blocks_of(model.backbone), model.fc]
    sizes = [sum(parameter.size for parameter in part.parameters()) for part in parts]
    freeze(model.backbone)
    columns["frozen"] = ["learns" if learns(part) else "stays" for part in parts]
    for steps in (2 * EVERY, 5 * EVERY):
        model = network()
        parts = [*blocks_of(model.backbone), model.fc]
        step = GradientStep(model, SGD(model.parameters(), lr=0.1), ConstantLR(0.1))
        step.steps = steps
        UnfreezingStep(step, list(parts[:-1]), EVERY)
        columns[f"step {steps}"] = ["learns" if learns(part) else "stays" for part in parts]
    model = network()
    head, backbone = SGD(learning_groups(model, 0.1), lr=1.0).param_groups
    slow = [f"rate x {backbone['lr']:g}"] * (len(parts) - 1) + [f"rate x {head['lr']:g}"]
    columns["slow"] = slow
    columns["whole"] = ["learns"] * len(parts)

    names = [f"block {number}" for number in range(1, len(parts))] + ["new layer"]
    colours = {"learns": paler(BLUE, 0.55), "stays": PALE, "rate x 0.1": paler(SKY_BLUE, 0.75)}
    rows = [["", "weights", *columns]]
    fills: list = [[[]] * len(rows[0])]
    for number, (name, size) in enumerate(zip(names, sizes, strict=True)):
        cells = [column[number] for column in columns.values()]
        rows.append([name, f"{size:,}", *cells])
        fills.append([[], [], *([colours.get(cell, colours["learns"])] for cell in cells)])
    return board([[Panel(table(rows, fills, (186, 56), 26))]])


def draw_curve() -> Image.Image:
    record = json.loads(RECORD.read_text("utf-8"))
    curves, places = {}, {}
    for name, of_counts in record["methods"].items():
        counts = sorted(map(int, of_counts))
        x = [math.log(count) for count in counts]
        places |= dict(zip(x, map(str, counts), strict=True))
        means = [float(np.mean(of_counts[str(c)]["mean class accuracy"])) for c in counts]
        curves[name] = (x, means)
    title = "Crops never seen: mean accuracy of ten classes"
    return draw_curves({title: curves}, "crops of each class to learn from", (760, 440), places)
