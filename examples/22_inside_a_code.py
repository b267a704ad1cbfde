"""Inside a code: the plane of all codes, walks between two, what single numbers do, no copies.

A variational autoencoder presses the codes of all pictures into one cloud around 0. So every code
near 0 is a picture, and codes can be looked at by drawing what they mean:

- The plane: a code of two numbers has a picture at each point of a plane. The grid has as many
  pictures in each stretch as the normal distribution has codes.
- Walks: from the code of one picture to that of another on a straight line. Beside it the same walk
  through pixels, where one picture only fades into the other.
- Single numbers: one number of a long code changes, the others stay. Numbers that the network does
  not use have no KL term, and change nothing.
- No copies: samples beside the training pictures that are nearest to them. If they were copies, the
  distance would be 0; unseen pictures show which distance is usual.

    python examples/22_inside_a_code.py
    python examples/22_inside_a_code.py --data idx:DIR

It prints how many numbers of the code are in use, and the distances.

Source: Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, figure 4.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np
from PIL import Image

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.data.cut_outs import CutOuts
from minicv.data.one_object import SingleObjectScenes
from minicv.data.sources import open_data
from minicv.inspection import contact_sheet
from minicv.inspection.canvas import Canvas
from minicv.inspection.palette import GREY, PALE, WHITE, class_colour
from minicv.inspection.panels import MARGIN, LegendEntry, mosaic, with_legend
from minicv.inspection.reconstruction import draw_square
from minicv.models.generative import VAE, PictureSettings, VAESettings
from minicv.tasks import SYSTEMS
from minicv.tasks.generative_data import Squares, evenly_spread, measured, squares_of
from minicv.training import fit

CODE = 16
BATCH = 16
SIZE = 28  # pixels of a drawn animal
MOST = (6000, 500)  # pictures to learn from, and unseen, of a set with more
GRID = 13  # pictures in a row of the plane
STEPS = 9  # pictures of a walk
IN_USE = 0.05  # nats of KL from which a number of the code counts as used
SHOWN = 6
SPAN = 2.5  # a single number goes from -2.5 to 2.5
TILE = 84


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/22_inside_a_code")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--data", metavar="DATA", help="pictures, as for minicv train")
    parser.add_argument("--epochs", type=int, default=20, help="of each network; default 20")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    known, unseen = animals(options.seed) if options.data is None else pictures_of(options.data)
    run(options.out, known, unseen, options.seed, options.epochs)


def run(out: Path, known: Squares, unseen: Squares, seed: int, epochs: int) -> None:
    """Train two networks, print, draw.

    Args:
        out: for the pictures.
        known, unseen: pictures.
        seed: of everything random.
        epochs: of each network.
    """
    out.mkdir(parents=True, exist_ok=True)
    print(f"{len(known)} pictures to learn from, {len(unseen)} unseen")
    flat, long = (train(known, code, epochs, seed) for code in (2, CODE))
    pictures = {
        "1_plane": draw_plane(flat, unseen),
        "2_walks": draw_walks(long, unseen),
        "3_single_numbers": draw_numbers(long, unseen),
        "4_no_copies": draw_samples(long, known, unseen, seed),
    }
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}: {', '.join(f'{name}.png' for name in pictures)}")


def animals(seed: int, scenes: tuple[int, int] = (2000, 200)) -> tuple[Squares, Squares]:
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


def train(known: Squares, code: int, epochs: int, seed: int) -> VAE:
    """A variational autoencoder, by the recipe of `minicv train`."""
    settings = VAESettings(known.x.shape[2], known.x.shape[1], code=code, filters=24)
    model = VAE(known.classes, settings, rng=np.random.default_rng(seed))
    recipe = SYSTEMS["vae"].recipes[None].changed(epochs=epochs, batch_size=BATCH)
    step, loader, rng = recipe.begin(model, known, seed=seed)
    fit(step, loader, epochs=epochs, rng=rng, progress=False)
    return model.eval()


def decoded(model: VAE, codes: np.ndarray) -> np.ndarray:
    """(N, D) -> pictures (N, C, S, S)."""
    with no_grad():
        pictures: np.ndarray = F.sigmoid(model.decode(Tensor(codes.astype(np.float32)))).data
    return pictures


def codes_of(model: VAE, pictures: Squares) -> np.ndarray:
    """The means (N, D)."""
    return np.stack([result["code"] for result in model.predict(pictures.images)])


# 1. The plane.


def draw_plane(model: VAE, unseen: Squares) -> Image.Image:
    """The pictures of a grid of codes, and where the codes of unseen pictures lie."""
    shares = (np.arange(GRID) + 0.5) / GRID
    places = np.array([NormalDist().inv_cdf(share) for share in shares.tolist()])
    x, y = np.meshgrid(places, places[::-1])
    grid = decoded(model, np.stack([x.ravel(), y.ravel()], axis=1))
    side = 640 // GRID
    plane = mosaic([draw_square(own, side) for own in grid], GRID, gap=0)
    means = codes_of(model, unseen)
    scatter = draw_codes(means, unseen.labels, plane.width)
    entries = [
        LegendEntry(class_colour(k), name)
        for k, name in enumerate(unseen.classes)
        if (unseen.labels == k).any()
    ]
    captions = [
        "What the codes of the plane mean\neach row and column has as many codes of N(0, 1)",
        "Where unseen pictures lie\non the same axes, as shares of N(0, 1)",
    ]
    sheet = contact_sheet([plane, scatter], captions, 2, "A code of two numbers")
    return with_legend(sheet, entries, margin=MARGIN) if entries else sheet


def draw_codes(codes: np.ndarray, labels: np.ndarray, side: int) -> Image.Image:
    """Points (N, 2) by the share of N(0, 1) that is below each number, coloured by label."""
    canvas = Canvas(Image.new("RGB", (side, side), WHITE))
    canvas.frame((1, 1, side - 1, side - 1), PALE, 2)
    for code, label in zip(codes.tolist(), labels.tolist(), strict=True):
        across, up = (NormalDist().cdf(number) for number in code)
        colour = class_colour(label) if label >= 0 else GREY
        canvas.disc((across * side, (1 - up) * side), 4, WHITE)
        canvas.disc((across * side, (1 - up) * side), 3.2, colour)
    return canvas.finish()


# 2. Walks.


def draw_walks(model: VAE, unseen: Squares) -> Image.Image:
    """Pairs of unseen pictures: the walk through codes, and below it that through pixels."""
    codes = codes_of(model, unseen)
    shares = np.linspace(0, 1, STEPS)[:, None]
    rows, captions = [], []
    for first, second in pairs(unseen):
        walk = decoded(model, (1 - shares) * codes[first] + shares * codes[second])
        ends = unseen.x[first], unseen.x[second]
        for name, between in (
            ("code by code", walk),
            ("pixel by pixel", [(1 - s) * ends[0] + s * ends[1] for s in shares[:, 0].tolist()]),
        ):
            tiles = [ends[0], *between, ends[1]]
            rows.append(mosaic([draw_square(own, TILE) for own in tiles], STEPS + 2, gap=4))
            captions.append(name)
    title = "From one unseen picture (left) to another (right)"
    return contact_sheet(rows, captions, 1, title, gap=10)


def pairs(unseen: Squares, count: int = 3) -> list[tuple[int, int]]:
    """Pictures of two classes each, where there are classes."""
    found: list[tuple[int, int]] = []
    for first in range(0, len(unseen), max(1, len(unseen) // (4 * count))):
        others = np.flatnonzero(unseen.labels != unseen.labels[first])
        second = int(others[len(others) // 2]) if len(others) else (first + 1) % len(unseen)
        classes = {(unseen.labels[a], unseen.labels[b]) for a, b in found}
        if (unseen.labels[first], unseen.labels[second]) not in classes or not len(others):
            found.append((first, second))
    return found[:count]


# 3. Single numbers.


def draw_numbers(model: VAE, unseen: Squares) -> Image.Image:
    """The numbers that say most: each goes from -2.5 to 2.5, the others stay at a picture's."""
    with no_grad():
        mean, logvar = (part.data for part in model.distribution(Tensor(unseen.x)))
    nats = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).mean(axis=0)  # (D,)
    used = int((nats > IN_USE).sum())
    print(f"{used} of {len(nats)} numbers of the code are in use, with {nats.sum():.1f} nats")
    order = np.argsort(-nats, kind="stable")
    shown = [*order[: min(SHOWN, len(order) - 1)].tolist(), int(order[-1])]
    start = mean[len(mean) // 3]
    rows, captions = [], []
    for number in shown:
        codes = np.tile(start, (STEPS, 1))
        codes[:, number] = np.linspace(-SPAN, SPAN, STEPS)
        row = [draw_square(own, TILE) for own in decoded(model, codes)]
        rows.append(mosaic(row, STEPS, gap=4))
        captions.append(f"number {number}: {nats[number]:.2f} nats")
    title = "One number of the code from -2.5 to 2.5; the last row: the one that says least"
    return contact_sheet(rows, captions, 1, title, gap=10)


# 4. No copies.


def draw_samples(model: VAE, known: Squares, unseen: Squares, seed: int) -> Image.Image:
    """Samples, each beside the training picture that is nearest to it."""
    samples = model.sample(200, np.random.default_rng(seed))
    nearest, apart = nearest_of(samples.reshape(len(samples), -1), known.flat)
    _, usual = nearest_of(unseen.flat, known.flat)
    print("root mean squared difference from the nearest training picture (0 for a copy):")
    print(
        f"  of samples {np.sqrt(apart).mean():.3f}, of unseen pictures {np.sqrt(usual).mean():.3f}"
    )
    columns = [
        contact_sheet(
            [draw_square(samples[k], TILE), draw_square(known.x[nearest[k]], TILE)],
            columns=1, margin=0, gap=4,
        )
        for k in range(min(24, len(samples)))
    ]  # fmt: skip
    sheet = mosaic(columns, 12, gap=14)
    caption = "Samples above, the nearest training picture below each"
    return contact_sheet([sheet], [caption], 1, "Drawn, not copied")


def nearest_of(some: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row the nearest row of ``others``, and the mean squared difference.

    >>> nearest_of(np.array([[0.0, 1.0]]), np.array([[4.0, 4.0], [0.0, 2.0]]))
    (array([1]), array([0.5]))
    """
    squares = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * some @ others.T
    nearest = squares.argmin(axis=1)
    differences = some - others[nearest]
    return nearest, np.mean(differences * differences, axis=1)


if __name__ == "__main__":
    main()
