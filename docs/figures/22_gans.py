"""GANs: the generator's cloud on the discriminator's field, two losses, checkerboards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sheet import Sheet

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.inspection import draw_curves, draw_number_grid
from minicv.inspection.generation import cloud_legend, draw_cloud
from minicv.inspection.palette import BLUE, GREY, PALE, mix
from minicv.inspection.panels import draw_legend
from minicv.metrics.modes import mode_coverage
from minicv.models.generative import GaussianRing, PointGAN
from minicv.models.generative.gan import generator_loss
from minicv.optim import Adam
from minicv.training import AdversarialStep

RING = GaussianRing(modes=8, radius=2.0, std=0.1)
BATCH = 256
LOOKS = (0, 100, 400, 1600)


def draw(out: Path) -> None:
    game(out / "22_gans.png")
    saturation(out / "22_gans_losses.png")
    checkerboards(out / "22_gans_checkerboards.png")


def game(path: Path) -> None:
    """Four moments of one game."""
    rng = np.random.default_rng(0)
    gan = PointGAN(rng=rng)
    step = AdversarialStep(
        gan,
        Adam(gan.generator.parameters(), lr=1e-3, betas=(0.5, 0.999)),
        Adam(gan.discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999)),
        label_smoothing=0.1,
    )
    sheet = Sheet(1420)
    done = 0
    for number, until in enumerate(LOOKS):
        for _ in range(until - done):
            step(list(RING.sample(BATCH, rng)), [{}] * BATCH, rng)
        done = until
        points = gan.sample(2000, np.random.default_rng(1))
        found = mode_coverage(points, RING.centres, RING.std)
        real = RING.sample(400, np.random.default_rng(2))
        x, y = number % 2 * 720, number // 2 * 670
        sheet.write(
            x,
            y + 4,
            f"step {until:,}: {found.covered} of {RING.modes} heaps, {found.good:.0%} good points",
            30,
        )
        picture = draw_cloud(points[:400], real, gan.realness, side=600, legend=False)
        sheet.place(picture, x, y + 54)
    legend = draw_legend(cloud_legend(), 1400, 26)
    sheet.place(legend, 0, 1340, None)
    sheet.save(path)


def saturation(path: Path) -> None:
    """The generator's two losses over what the discriminator says, and their gradients."""
    logits = np.linspace(-6, 4, 101)
    curves: dict[str, dict] = {"Loss of one example": {}, "Size of its gradient": {}}
    kinds = {"minimax: log(1 - D)": "minimax", "non-saturating: -log D": "non_saturating"}
    for name, kind in kinds.items():
        values, slopes = [], []
        for logit in logits:
            x = Tensor([logit], requires_grad=True)
            loss = generator_loss(x, kind)
            loss.backward()
            values.append(loss.item())
            slopes.append(abs(x.grad.item()))
        curves["Loss of one example"][name] = (logits, values)
        curves["Size of its gradient"][name] = (logits, slopes)
    places = (0.01, 0.1, 0.5, 0.9)
    names = {float(np.log(d / (1 - d))): f"{d:g}" for d in places}
    label = "D, the probability of being real"
    draw_curves(curves, label, (700, 300), names).save(path)


def checkerboards(path: Path) -> None:
    """How many stamps lie upon each pixel, and what a map of ones becomes by random kernels."""
    sheet = Sheet(640)
    for column, kernel in enumerate((3, 4)):
        counts = stamps(kernel)
        colours = [[(mix(PALE, BLUE, count / 4),) for count in row] for row in counts.tolist()]
        x = column * 480
        sheet.write(x, 4, f"{kernel} x {kernel}, stride 2", 32)
        sheet.place(draw_number_grid(counts.tolist(), colours, 54), x, 56, None)
    sheet.write(960, 4, "nearest, then 3 x 3", 32)
    ones = np.ones((1, 1, 4, 4), np.float32)
    enlarged = F.unpool_nearest(ones, 2)
    counted = (
        F.conv2d(enlarged, np.ones((1, 1, 3, 3), np.float32), padding=1).data[0, 0].astype(int)
    )
    colours = [[(mix(PALE, BLUE, count / 9),) for count in row] for row in counted.tolist()]
    sheet.place(draw_number_grid(counted.tolist(), colours, 54), 960, 56, None)
    note = (
        "How often a number of the small map is added to each pixel. In the middle the 3 x 3 "
        "kernel adds 1, 2 and 4 times in turn, a checkerboard before anything is learnt; the "
        "others add as often everywhere."
    )
    sheet.write(0, 510, note, 27, GREY, width=1390)
    sheet.save(path)


def stamps(kernel: int, size: int = 4) -> np.ndarray:
    """How many stamps of a transposed convolution with stride 2 lie upon each pixel, (2N, 2N)."""
    ones = np.ones((1, 1, size, size), np.float32)
    counted = F.conv_transpose2d(
        ones, np.ones((1, 1, kernel, kernel), np.float32), stride=2, padding=1,
        output_padding=kernel % 2,
    )  # fmt: skip
    return counted.data[0, 0].astype(int)
