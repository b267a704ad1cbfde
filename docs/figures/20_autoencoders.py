"""Autoencoders: a digit, its code and what the decoder makes of it; noise in, no noise out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from digits import NAMES, SIDE, draw_digits, in_colour, train
from sheet import Sheet, pixels

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.inspection.palette import BLUE, GREY
from minicv.inspection.reconstruction import draw_code
from minicv.models.generative import (
    Autoencoder,
    DenoisingAutoencoder,
    DenoisingSettings,
    FullyConnectedSettings,
)
from minicv.models.generative.denoising_autoencoder import damaged

CODE = 16
SHOWN = 6


def draw(out: Path) -> None:
    known, _ = draw_digits(3000, np.random.default_rng(0))
    unseen, labels = draw_digits(60, np.random.default_rng(1))
    first = [int(np.flatnonzero(labels == digit)[0]) for digit in range(SHOWN)]
    through_the_code(out / "20_autoencoders.png", known, unseen[first])
    denoised(out / "20_autoencoders_denoised.png", known, unseen[first])


def through_the_code(path: Path, known: np.ndarray, unseen: np.ndarray) -> None:
    """One digit through the network, and some more beside their reconstructions."""
    settings = FullyConnectedSettings(SIDE, 1, code=CODE, units=128)
    model = Autoencoder(NAMES, settings, rng=np.random.default_rng(0))

    def loss(x: np.ndarray, rng: np.random.Generator) -> Tensor:
        return F.l2_loss(F.sigmoid(model(Tensor(x))[1]), x)

    train(model, loss, known, 1500, 4e-3)
    results = model.predict(in_colour(unseen))
    error = np.mean([np.square(r["reconstruction"] - r["picture"]).mean() for r in results])
    mean = np.square(unseen - known.mean(axis=0)).mean()
    sheet = Sheet(860)
    one = results[3]
    sheet.write(0, 4, "picture", 30)
    sheet.place(pixels(one["picture"], 240), 0, 56)
    sheet.write(0, 310, f"{SIDE * SIDE} numbers", 26, GREY)
    x: float = 256
    for units, height in ((128, 200), (32, 120)):
        x = layer(sheet, x, units, height)
    sheet.arrow((x, 176), (x + 32, 176))
    sheet.write(x + 44, 4, f"code: {CODE} numbers", 30)
    sheet.place(draw_code(one["code"], (250, 240)), x + 44, 56)
    x += 306
    for units, height in ((32, 120), (128, 200)):
        x = layer(sheet, x, units, height)
    sheet.arrow((x, 176), (x + 32, 176))
    sheet.write(x + 44, 4, "reconstruction", 30)
    sheet.place(pixels(one["reconstruction"], 240), x + 44, 56)
    sheet.write(390, 310, "encoder", 28, BLUE, "centre")
    sheet.write(974, 310, "decoder", 28, BLUE, "centre")
    rows(sheet, 380, {"unseen digits": "picture", "from their codes": "reconstruction"}, results)
    note = (
        f"Mean squared error {error:.4f}; of the mean of all pictures, for comparison, {mean:.4f}. "
        "A training of a few seconds."
    )
    sheet.write(0, 770, note, 26, GREY)
    sheet.save(path)


def layer(sheet: Sheet, x: float, units: int, height: float) -> float:
    """An arrow and a layer; returns where the next arrow begins."""
    sheet.arrow((x, 176), (x + 32, 176))
    sheet.block((x + 40, 176 - height / 2, x + 130, 176 + height / 2), str(units), BLUE)
    return x + 138


def rows(sheet: Sheet, y: float, names: dict[str, str], results: list[dict]) -> None:
    """A row of pictures for each name."""
    for name, key in names.items():
        sheet.write(0, y + 52, name, 28, width=180)
        for column, result in enumerate(results):
            sheet.place(pixels(result[key], 176), 200 + column * 204, y)
        y += 192


def denoised(path: Path, known: np.ndarray, unseen: np.ndarray) -> None:
    """Clean, with noise, and what the network makes of the noisy ones."""
    settings = DenoisingSettings(SIDE, 1, filters=8, code=64, noise=0.3)
    model = DenoisingAutoencoder(NAMES, settings, rng=np.random.default_rng(0))

    def loss(x: np.ndarray, rng: np.random.Generator) -> Tensor:
        noisy = damaged(x, settings.noise, rng)
        return F.l2_loss(F.sigmoid(model(Tensor(noisy))[1]), x)

    train(model, loss, known, 450, 6e-3)
    results = model.predict(in_colour(unseen))
    error = {
        key: np.mean([np.square(r[key] - r["picture"]).mean() for r in results])
        for key in ("noisy", "denoised")
    }
    sheet = Sheet(680)
    names = {"clean": "picture", "with noise": "noisy", "noise taken away": "denoised"}
    rows(sheet, 10, names, results)
    note = (
        f"Mean squared error to the clean picture: {error['noisy']:.3f} with noise, "
        f"{error['denoised']:.3f} after the network."
    )
    sheet.write(0, 592, note, 26, GREY)
    sheet.save(path)
