"""Checkerboards: where the stamps of a transposed convolution overlap unevenly.

A transposed convolution puts its kernel down as a stamp, once for each number of its input and
stride 2 pixels apart, and adds where stamps overlap. With a 3x3 kernel some pixels lie below four
stamps, some below two, some below one: a checkerboard, before anything is learnt. With a 4x4 kernel
each pixel lies below four. The cure that never fails keeps the two steps apart: resize by nearest
neighbour, then a convolution.

    python examples/27_checkerboards.py
    python examples/27_checkerboards.py --data idx:DIR

First it counts the stamps below each pixel. Then three autoencoders, which differ only in how the
decoder doubles its maps, learn the same pictures. A checkerboard repeats every two pixels, so in
the spectrum of a picture its place is the highest frequency there is: 1/2 cycle a pixel, across,
down, or both. It prints the power there, of reconstructions of unseen pictures over that of the
pictures themselves: before any training, and after it. Above 1 are patterns that the pictures do
not have; a code of few numbers blurs, which leaves less than 1.

The pictures: the counts; reconstructions, enlarged; and the power by frequency.

Source: Odena, Dumoulin & Olah, Deconvolution and checkerboard artifacts, Distill 2016.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.data.cut_outs import CutOuts
from minicv.data.one_object import SingleObjectScenes
from minicv.data.sources import open_data
from minicv.inspection import contact_sheet, draw_curves
from minicv.inspection.number_grid import draw_number_grid
from minicv.inspection.palette import BLUE, PALE, mix
from minicv.inspection.reconstruction import draw_square
from minicv.models.generative import AutoencoderSettings, PictureAutoencoder, PictureSettings
from minicv.models.segmentation.upsampling import cut
from minicv.nn import BatchNorm2d, Conv2d, ConvTranspose2d, Linear, Module, ModuleList
from minicv.tasks import SYSTEMS
from minicv.tasks.generative_data import Squares, evenly_spread, measured, squares_of
from minicv.training import fit

THREE, FOUR, RESIZE = WAYS = ("transposed 3x3", "transposed 4x4", "resize, convolve 3x3")
BATCH = 16
SIZE = 32  # pixels of a drawn animal; a power of two, so that no map is cut
CODE = 24
WIDTHS = (48, 24)  # channels of the maps of a quarter and of half the side
MOST = (4000, 400)  # pictures to learn from, and unseen, of a set with more
SHOWN = 5
TILE = 180


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/27_checkerboards")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--data", metavar="DATA", help="pictures, as for minicv train")
    parser.add_argument("--epochs", type=int, default=8, help="of each network; default 8")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    known, unseen = animals(options.seed) if options.data is None else pictures_of(options.data)
    run(options.out, known, unseen, options.seed, options.epochs)


def run(out: Path, known: Squares, unseen: Squares, seed: int, epochs: int) -> None:
    """Count, train, measure, draw.

    Args:
        out: for the pictures.
        known, unseen: pictures.
        seed: of everything random.
        epochs: of each network.
    """
    out.mkdir(parents=True, exist_ok=True)
    draw_counts().save(out / "1_stamps.png")
    print(f"{len(known)} pictures to learn from, {len(unseen)} unseen")
    power = {"pictures": spectrum(unseen.x)}
    print(f"{'power at 1/2 cycle a pixel':<28}{'untrained':>11}{'trained':>9}{'MSE':>9}")
    made = {}
    for way in WAYS:
        model = Model(way, known, rng=np.random.default_rng(seed))
        before = checkerboard(spectrum(reconstructions(model, unseen)), power["pictures"])
        train(model, known, epochs, seed)
        made[way] = reconstructions(model, unseen)
        power[way] = spectrum(made[way])
        after = checkerboard(power[way], power["pictures"])
        error = float(np.mean(np.square(made[way] - unseen.x)))
        print(f"{way:<28}{before:>11.3g}{after:>9.3g}{error:>9.4f}")
    draw_made(made, unseen).save(out / "2_reconstructions.png")
    draw_power(power).save(out / "3_power.png")
    print(f"pictures in {out.resolve()}: 1_stamps.png, 2_reconstructions.png, 3_power.png")


def animals(seed: int, scenes: tuple[int, int] = (1500, 150)) -> tuple[Squares, Squares]:
    """Drawn animals and people, each alone on black: to learn from, and unseen."""
    known, unseen = (
        CutOuts(SingleObjectScenes(count, (96, 96), 2 * seed + part))
        for part, count in enumerate(scenes)
    )
    settings = PictureSettings(SIZE, 3)
    return squares_of(known, settings), squares_of(unseen, settings)


def pictures_of(data: str) -> tuple[Squares, Squares]:
    """Of a set as `minicv train` takes it, some thousand evenly spread."""
    splits = open_data(data, SYSTEMS["vae"].task.labels_from(data))
    known = evenly_spread(splits.train, MOST[0])
    unseen = evenly_spread(splits.test, MOST[1])
    settings = measured(PictureSettings(), known)
    return squares_of(known, settings), squares_of(unseen, settings)


# 1. Stamps.


def stamps(kernel: int, size: int = 4) -> np.ndarray:
    """How many stamps of a transposed convolution with stride 2 lie upon each pixel, (2N, 2N).

    A kernel of ones on a map of ones counts them.

    >>> stamps(3)[2:4, 2:4].tolist(), stamps(4)[2:4, 2:4].tolist()
    ([[1, 2], [2, 4]], [[4, 4], [4, 4]])
    """
    ones = np.ones((1, 1, size, size), np.float32)
    counted = F.conv_transpose2d(
        ones, np.ones((1, 1, kernel, kernel), np.float32), stride=2, padding=1,
        output_padding=kernel % 2,
    )  # fmt: skip
    return counted.data[0, 0].astype(int)


def draw_counts() -> Image.Image:
    """The counts of both kernels."""
    tiles = []
    for kernel in (3, 4):
        counts = stamps(kernel)
        colours = [[(mix(PALE, BLUE, count / 4),) for count in row] for row in counts.tolist()]
        tiles.append(draw_number_grid(counts.tolist(), colours, 48))
    captions = [
        "3x3, stride 2\nuneven: a checkerboard before anything is learnt",
        "4x4, stride 2\neven, but for the edge of the picture",
    ]
    return contact_sheet(tiles, captions, 2, "How many stamps lie upon each pixel")


# 2. Three decoders.


class Up(Module):
    """Twice the side, in one of three ways; the same number of channels in and out for each."""

    def __init__(self, way: str, before: int, after: int, *, rng: np.random.Generator) -> None:
        self.way = way
        kernel = 4 if way == FOUR else 3
        self.conv: Conv2d | ConvTranspose2d = (
            Conv2d(before, after, 3, padding=1, rng=rng)
            if way == RESIZE
            else ConvTranspose2d(
                before, after, kernel, 2, padding=1, output_padding=kernel % 2, rng=rng
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.unpool_nearest(x, 2) if self.way == RESIZE else x)


class Model(PictureAutoencoder):
    """Two strided convolutions to the code, and two steps up of one way."""

    settings: AutoencoderSettings

    def __init__(self, way: str, known: Squares, *, rng: np.random.Generator) -> None:
        channels, size = known.x.shape[1:3]
        super().__init__(known.classes, AutoencoderSettings(size, channels, CODE))
        wide, narrow = WIDTHS
        self.side = -(-size // 4)
        self.down = ModuleList(
            [
                Conv2d(channels, narrow, 3, 2, padding=1, rng=rng),
                Conv2d(narrow, wide, 3, 2, padding=1, rng=rng),
            ]
        )
        self.norms = ModuleList([BatchNorm2d(narrow), BatchNorm2d(wide), BatchNorm2d(narrow)])
        cells = wide * self.side**2
        self.to_code, self.from_code = Linear(cells, CODE, rng=rng), Linear(CODE, cells, rng=rng)
        self.up = ModuleList([Up(way, wide, narrow, rng=rng), Up(way, narrow, channels, rng=rng)])

    def encode(self, x: Tensor) -> Tensor:
        for convolution, norm in zip(self.down, self.norms, strict=False):
            x = norm(convolution(x), "relu")
        return self.to_code(F.flatten(x, 1))

    def decode(self, code: Tensor) -> Tensor:
        h = F.relu(self.from_code(code))
        h = F.reshape(h, (len(code.data), WIDTHS[0], self.side, self.side))
        h = self.norms[2](self.up[0](h), "relu")
        return cut(self.up[1](h), self.shape[1:])


def train(model: Any, known: Squares, epochs: int, seed: int) -> None:
    """By the recipe of `minicv train`."""
    recipe = SYSTEMS["conv_autoencoder"].recipes[None].changed(epochs=epochs, batch_size=BATCH)
    step, loader, rng = recipe.begin(model, known, seed=seed)
    fit(step, loader, epochs=epochs, rng=rng, progress=False)


def reconstructions(model: Model, unseen: Squares) -> np.ndarray:
    """(N, C, S, S); in evaluation mode."""
    with no_grad():
        model.eval()
        return np.stack([result["reconstruction"] for result in model.predict(unseen.images)])


# 3. The spectrum.


def spectrum(pictures: np.ndarray) -> np.ndarray:
    """Mean power of pictures (N, C, S, S) by frequency: (S, S), the mean colour at [0, 0].

    Each picture is windowed towards its edges, so that the edges themselves are no pattern.

    >>> board = np.indices((8, 8)).sum(axis=0) % 2
    >>> power = spectrum(board[None, None].astype(float))
    >>> bool(power[4, 4] > 10 * power[2, 2])
    True
    """
    size = pictures.shape[-1]
    window = np.hanning(size + 2)[1:-1]
    centred = pictures - pictures.mean(axis=(2, 3), keepdims=True)
    waves = np.fft.fft2(centred * window * window[:, None])
    power: np.ndarray = np.square(np.abs(waves)).mean(axis=(0, 1))
    return power


def checkerboard(power: np.ndarray, of_pictures: np.ndarray) -> float:
    """The power at 1/2 cycle a pixel, across, down, or both, over that of the pictures."""
    half = len(power) // 2
    line = [(half, k) for k in range(len(power))] + [(k, half) for k in range(len(power))]
    ours, theirs = (float(sum(own[place] for place in line)) for own in (power, of_pictures))
    return ours / max(theirs, 1e-30)


def draw_power(power: Mapping[str, np.ndarray]) -> Image.Image:
    """The logarithm of the power by frequency across, summed over those down."""
    curves = {}
    for name, own in power.items():
        half = len(own) // 2
        frequencies = np.arange(1, half + 1) / len(own)
        curves[name] = (frequencies, np.log10(own.sum(axis=0)[1 : half + 1] + 1e-12))
    panel = {"Power of unseen pictures and of their reconstructions, log10": curves}
    return draw_curves(panel, x_label="cycles a pixel; 1/2 is a checkerboard", size=(900, 480))


def draw_made(made: Mapping[str, np.ndarray], unseen: Squares) -> Image.Image:
    """Some unseen pictures, and below each its reconstructions."""
    chosen = [index * len(unseen) // SHOWN for index in range(SHOWN)]
    tiles = [draw_square(unseen.x[index], TILE) for index in chosen]
    captions = ["unseen picture", *[""] * (SHOWN - 1)]
    for way, own in made.items():
        tiles += [draw_square(own[index], TILE) for index in chosen]
        captions += [way, *[""] * (SHOWN - 1)]
    return contact_sheet(tiles, captions, SHOWN, "Three ways to double a map", TILE, gap=14)


if __name__ == "__main__":
    main()
