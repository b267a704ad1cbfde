"""A kernel that slides, fields that grow, a pooling and its gradient, VGG-16, two losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from board import Panel, board, table
from PIL import Image
from sheet import Sheet, cells, paler, pixels, scene

from minicv import Tensor
from minicv import functional as F
from minicv.inspection import draw_bars, draw_curves, draw_number_grid
from minicv.inspection.palette import BLUE, CLASS_COLOURS, ORANGE, VERMILLION, Colour
from minicv.models.backbones.vgg16 import CONFIGURATION_D

STEM = Path(__file__).stem
KERNEL = np.array([[-1, 0, 1]] * 3, np.float32)  # brighter on the right than on the left?
CELL = 76  # of number grids
POOLED_MAP = np.array([[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]], np.float32)
SCORES = np.array([[3.2, 5.1, -1.7]])  # cat, car, frog; it is a cat


def draw(out: Path) -> None:
    draw_sliding().save(out / f"{STEM}_sliding.png")
    draw_fields().save(out / f"{STEM}_fields.png")
    draw_pooling().save(out / f"{STEM}_pooling.png")
    draw_vgg().save(out / f"{STEM}_vgg.png")
    draw_losses().save(out / f"{STEM}_losses.png")
    draw_leads().save(out / f"{STEM}_leads.png")


# --- convolution -----------------------------------------------------------------------------


def convolved(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(H, W) and (3, 3) -> (H - 2, W - 2)."""
    return F.conv2d(Tensor(image[None, None]), kernel[None, None]).data[0, 0]


def draw_sliding() -> Sheet:
    image, _ = scene(3, (96, 96), seed=5)
    grey = image.mean(axis=0)
    response = np.abs(convolved(grey, KERNEL))
    row, column = np.unravel_index(response[2:-4, 2:-4].argmax(), response[2:-4, 2:-4].shape)
    crop = np.floor(grey[row : row + 7, column : column + 7] * 9 + 0.5).astype(np.float32)
    result = convolved(crop, KERNEL)  # (5, 5)
    i, j = np.unravel_index(np.abs(result).argmax(), result.shape)
    window = np.zeros((7, 7), bool)
    window[i : i + 3, j : j + 3] = True
    here = np.arange(25).reshape(5, 5) == 5 * i + j
    products = crop[i : i + 3, j : j + 3] * KERNEL
    terms = " + ".join(f"{v:g}" if v >= 0 else f"({v:g})" for v in products.ravel() if v)
    numbers = [
        Panel(tinted(crop, window, ORANGE), "A piece of a picture", "brightness, 0 to 9"),
        "*",
        Panel(tinted(KERNEL, np.full((3, 3), True), BLUE), "Kernel", "nine weights"),
        "=",
        Panel(tinted(result, here, ORANGE), "Result", f"{terms or 0} = {result[i, j]:g}"),
    ]
    kernels = {
        "Bright to the right?": KERNEL,
        "Bright below?": KERNEL.T.copy(),
        "Brighter than around?": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], np.float32),
    }
    most = max(np.abs(convolved(grey, kernel)).max() for kernel in list(kernels.values())[:2])
    pictures = [Panel(pixels(grey[None], 300), "The whole picture", "96 x 96 pixels")]
    for name, kernel in kernels.items():
        map_ = convolved(grey, kernel)
        pictures.append(Panel(cells(map_, 3, -most, most), name, "94 x 94 numbers"))
    return board([numbers, pictures], gap=16)


def tinted(values: np.ndarray, where: np.ndarray, colour: tuple[int, int, int]) -> Image.Image:
    """Numbers in cells, those ``where`` in that colour."""
    colours = [[[colour] if hit else [] for hit in row] for row in where]
    return draw_number_grid(values, colours, CELL)


# --- receptive fields ------------------------------------------------------------------------


def field(layers: str, side: int) -> np.ndarray:
    """(side, side): how much each pixel can move the middle number of the last map.

    Found by a backward pass. ``layers`` is of c, a 3x3 convolution, and p, a 2x2 pooling; all
    weights are equal and poolings average, so that a gradient reaches whatever is looked at.
    """
    x = Tensor(np.ones((1, 1, side, side)), requires_grad=True)
    y = x
    for layer in layers:
        y = (
            F.conv2d(y, np.full((1, 1, 3, 3), 1 / 9), padding=1)
            if layer == "c"
            else F.avg_pool2d(y, 2)
        )
    one = np.zeros(y.shape)
    one[0, 0, y.shape[2] // 2, y.shape[3] // 2] = 1
    y.backward(one)
    return x.grad[0, 0]


def draw_fields() -> Sheet:
    side, zoom = 32, 12
    rows = []
    for name, stacks in {"": ("c", "cc", "ccc"), "p": ("c", "cpc", "cpcpc")}.items():
        row = []
        for layers in stacks:
            gradient = field(layers, side)
            seen = int((gradient.max(axis=0) > 0).sum())
            convolutions = layers.count("c")
            heading = f"{convolutions} convolution{'s' * (convolutions > 1)}"
            if "p" in layers:
                heading += f", {layers.count('p')} pooling{'s' * (layers.count('p') > 1)}"
            elif name == "p":
                heading += ", no pooling yet"
            picture = cells(np.sqrt(gradient), zoom)
            row.append(Panel(picture, heading, f"sees {seen} x {seen} pixels"))
        rows.append(row)
    return board(rows)


# --- pooling ---------------------------------------------------------------------------------


def draw_pooling() -> Sheet:
    x = Tensor(POOLED_MAP[None, None], requires_grad=True)
    y, places = F.max_pool2d(x, 2, return_indices=True)
    arriving = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)
    y.backward(arriving[None, None])
    holder = {int(place): k for k, place in enumerate(places.ravel())}
    at = [[holder.get(4 * r + c) for c in range(4)] for r in range(4)]
    there = [[[] if k is None else [CLASS_COLOURS[k]] for k in row] for row in at]
    own = [[[CLASS_COLOURS[2 * r + c]] for c in range(2)] for r in range(2)]
    grids = [
        Panel(draw_number_grid(POOLED_MAP, there, CELL), "A map"),
        "→",
        Panel(draw_number_grid(y.data[0, 0], own, CELL), "Pooled"),
        Panel(draw_number_grid(arriving, own, CELL), "Gradient dL/dy", width=210),
        "→",
        Panel(draw_number_grid(np.round(x.grad[0, 0], 3), there, CELL), "Gradient dL/dx"),
    ]
    return board([grids])


# --- VGG-16 ----------------------------------------------------------------------------------


def vgg_costs() -> dict[str, tuple[int, int]]:
    """Weights and multiplications of VGG-16's layers on 224 x 224 pixels, from its table."""
    costs: dict[str, tuple[int, int]] = {}
    side, channels, block = 224, 3, 1
    for width in CONFIGURATION_D:
        if width is None:
            side, block = side // 2, block + 1
            continue
        weights, done = 9 * channels * width, costs.get(f"conv{block}", (0, 0))
        costs[f"conv{block}"] = (done[0] + weights, done[1] + weights * side**2)
        channels = width
    for name, inputs, units in (
        ("fc6", channels * side**2, 4096), ("fc7", 4096, 4096), ("fc8", 4096, 1000),
    ):  # fmt: skip
        costs[name] = (inputs * units, inputs * units)
    return costs


def draw_vgg() -> Image.Image:
    costs = vgg_costs()
    weights, products = (sum(column) for column in zip(*costs.values(), strict=True))
    rows = {
        name: {"weights": percent(own / weights), "multiplications": percent(work / products)}
        for name, (own, work) in costs.items()
    }
    title = (
        f"VGG-16: {weights / 1e6:.0f} million weights, {products / 1e9:.1f} billion multiplications"
    )
    return draw_bars(title, rows, "%", width=760)


def percent(share: float) -> float:
    """In percent, with two digits."""
    return float(f"{100 * share:.2g}")


# --- losses ----------------------------------------------------------------------------------


def draw_losses() -> Sheet:
    label, names = np.array([0]), ["cat", "car", "frog"]
    columns: list[Panel | str] = [Panel(column_of(names), "It is a cat")]
    scores = Tensor(SCORES, requires_grad=True)
    columns.append(Panel(column_of(SCORES[0]), "Scores"))
    margins = np.maximum(0, SCORES[0] - SCORES[0, 0] + 1)
    margins[0] = 0
    hinge = F.multiclass_hinge(scores, label)
    hinge.backward()
    loss = f"together {float(hinge.data):.1f}"
    columns.append(Panel(column_of(margins, BLUE), "SVM: terms", loss))
    columns.append(Panel(column_of(scores.grad[0], BLUE), "Gradient", "1 for each term"))
    scores.grad = None
    probabilities = F.softmax(scores, dim=1).data[0]
    entropy = F.softmax_cross_entropy(scores, label)
    entropy.backward()
    loss = f"-log {probabilities[0]:.2f} = {float(entropy.data):.2f}"
    columns.append(Panel(column_of(probabilities, VERMILLION), "Softmax: p", loss))
    columns.append(Panel(column_of(scores.grad[0], VERMILLION), "Gradient", "p less the truth"))
    return board([columns])


def column_of(values: Sequence, colour: Colour | None = None) -> Image.Image:
    """Three cells below each other; numbers with at most two decimals."""
    texts = [v if isinstance(v, str) else f"{round(float(v), 2) + 0.0:g}" for v in values]
    fill = [] if colour is None else [paler(colour, 0.75)]
    return table([[text] for text in texts], [[fill]] * len(texts))


def draw_leads() -> Image.Image:
    """Both losses over the lead of the true class, of two classes."""
    lead = np.linspace(-2, 4, 121)
    scores = np.stack([lead, np.zeros_like(lead)], axis=1)
    label = np.zeros(len(lead), np.int64)
    curves = {
        "softmax": (lead, F.softmax_cross_entropy(Tensor(scores), label, reduction="none").data),
        "SVM": (lead, F.multiclass_hinge(Tensor(scores), label, reduction="none").data),
    }
    title = "Loss of one picture, of two classes"
    return draw_curves(
        {title: curves}, "lead: score of the true class less that of the other", (720, 400)
    )
