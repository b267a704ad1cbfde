"""The variational autoencoder: what its two terms do to codes, how gradients pass the draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from digits import NAMES, SIDE, draw_digits, train
from PIL import Image
from sheet import Sheet, paler

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.inspection.canvas import Canvas
from minicv.inspection.generation import picture_grid
from minicv.inspection.palette import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    VERMILLION,
    WHITE,
    class_palette,
)
from minicv.models.generative import VAE, VAESettings

BETAS = (0.0, 1.0, 30.0)
DIGITS = "0147"
PANEL = 440  # pixels of a plane of codes
LINES = np.linspace(-1.8, 1.8, 9)


def draw(out: Path) -> None:
    known, labels = draw_digits(1500, np.random.default_rng(0), DIGITS, moved=0.4)
    models = [trained(known, beta) for beta in BETAS]
    two_terms(out / "21_vae.png", models, known[:400], labels[:400])
    plane_of_digits(out / "21_vae_plane.png", models[1])
    reparameterisation(out / "21_vae_reparameterisation.png")


def trained(known: np.ndarray, beta: float) -> VAE:
    """A code of two numbers, from some hundred steps: enough for a figure, not for a result."""
    settings = VAESettings(SIDE, 1, code=2, filters=6, beta=beta)
    model = VAE(NAMES, settings, rng=np.random.default_rng(0))

    def loss(x: np.ndarray, rng: np.random.Generator) -> Tensor:
        noise = rng.standard_normal((len(x), 2), np.float32)
        terms = model.terms(Tensor(x), Tensor(noise))
        return F.mean(terms.reconstruction) + beta * F.mean(terms.kl)

    train(model, loss, known, 300, 6e-3)
    return model


def two_terms(path: Path, models: list[VAE], pictures: np.ndarray, labels: np.ndarray) -> None:
    """Clouds of codes: reconstruction alone, both terms, too much of the KL term."""
    sheet = Sheet(760)
    titles = ("reconstruction alone", "both terms", "KL term times 30")
    for number, (title, model) in enumerate(zip(titles, models, strict=True)):
        with no_grad():
            x = Tensor(pictures)
            mean, logvar = (own.data for own in model.distribution(x))
            noise = Tensor(np.random.default_rng(0).standard_normal(mean.shape).astype(np.float32))
            terms = model.terms(x, noise)
        left = number * 480
        half = 4.0 if number else float(np.abs(mean).max() * 1.15)
        sheet.write(left, 4, title, 32)
        sheet.place(clouds(mean, np.exp(0.5 * logvar), labels, half), left, 56)
        y = 56 + PANEL + 12
        sheet.write(left, y, f"codes from {-half:.0f} to {half:.0f}", 26, GREY)
        sheet.write(left, y + 40, f"reconstruction {terms.reconstruction.data.mean():.0f} nats", 28)
        sheet.write(left, y + 78, f"KL {terms.kl.data.mean():.1f} nats", 28)
    note = (
        "Each ellipse is one picture: mean and deviation of its codes, coloured by digit (0, 1, 4 "
        "or 7). The circles are one and two deviations of the standard normal distribution."
    )
    sheet.write(0, 640, note, 25, GREY, width=1390)
    sheet.save(path)


def clouds(mean: np.ndarray, deviation: np.ndarray, labels: np.ndarray, half: float) -> Image.Image:
    """An ellipse for each picture, one deviation wide each way."""
    canvas = Canvas(Image.new("RGB", (PANEL, PANEL), WHITE))
    unit = PANEL / (2 * half)
    turn = np.linspace(0, 2 * np.pi, 40)
    for radius in (1, 2):
        points = [
            (PANEL / 2 + radius * unit * np.cos(a), PANEL / 2 + radius * unit * np.sin(a))
            for a in turn
        ]
        canvas.line(points, PALE, 4)
    colours = class_palette(10)
    for centre, spread, label in zip(mean, deviation, labels.tolist(), strict=True):
        x, y = PANEL / 2 + centre[0] * unit, PANEL / 2 - centre[1] * unit
        across, down = max(spread[0] * unit, 2.5), max(spread[1] * unit, 2.5)
        points = [(x + across * np.cos(a), y + down * np.sin(a)) for a in turn[::2]]
        canvas.line([*points, points[0]], (*colours[label], 190), 2.5)
    return canvas.finish()


def plane_of_digits(path: Path, model: VAE) -> None:
    """What the decoder makes of codes on a lattice."""
    codes = np.array([(x, y) for y in LINES[::-1] for x in LINES], np.float32)
    with no_grad():
        logits = model.decode(Tensor(codes)).data
    pictures = 1 / (1 + np.exp(-logits))
    picture_grid(pictures, len(LINES), 700).save(path)


def reparameterisation(path: Path) -> None:
    """The draw as a part of the network, and with the noise beside it."""
    sheet = Sheet(500)
    titles = ("drawn inside the network", "the noise drawn beside it")
    notes = (
        "The gradient (red) ends at the draw: a random choice has no derivative.",
        "z is a sum and a product, so the gradient passes to mean and deviation.",
    )
    for number, (title, note) in enumerate(zip(titles, notes, strict=True)):
        x = number * 730
        sheet.write(x, 4, title, 32)
        sheet.block((x, 80, x + 150, 150), "mean", paler(BLUE), 26, INK)
        sheet.block((x, 190, x + 150, 260), "deviation", paler(BLUE), 26, INK)
        middle = "z of N(mean,\ndeviation)" if number == 0 else "z = mean +\ndev. · noise"
        sheet.block((x + 250, 110, x + 440, 230), middle, PALE, 26, INK)
        sheet.block((x + 530, 110, x + 670, 230), "decoder", BLUE, 26)
        sheet.arrow((x + 156, 115), (x + 242, 148))
        sheet.arrow((x + 156, 225), (x + 242, 192))
        sheet.arrow((x + 446, 150), (x + 524, 150))
        sheet.arrow((x + 524, 192), (x + 446, 192), colour=VERMILLION, width=6, head=20)
        if number:
            sheet.arrow((x + 242, 166), (x + 158, 134), colour=VERMILLION, width=6, head=20)
            sheet.arrow((x + 242, 210), (x + 158, 244), colour=VERMILLION, width=6, head=20)
            sheet.block((x + 250, 300, x + 440, 370), "noise", paler(ORANGE), 26, INK)
            sheet.arrow((x + 345, 294), (x + 345, 238))
        sheet.write(x, 396, note, 26, VERMILLION, width=650)
    sheet.save(path)
