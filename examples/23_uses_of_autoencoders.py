"""What autoencoders are good for: noise away, holes filled, odd ones found.

An autoencoder has learnt what pictures of one kind look like, and can say nothing else. That is its
use where something is wrong with a picture:

- Denoising: it sees a picture with noise, and is to give the clean one. What is no noise in it, but
  could be part of such a picture, stays.
- Inpainting: it sees a picture with a black square, and is to give the whole one. What belongs
  there it knows from the rest.
- Odd ones: trained on one class alone, it reconstructs that class well and others badly. So the
  error of the reconstruction says how odd a picture is; nobody has labelled an odd one before.

    python examples/23_uses_of_autoencoders.py
    python examples/23_uses_of_autoencoders.py --data idx:DIR --known Trouser

It prints PSNR with noise and without it again; the error within the hole, beside filling it with
the mean of all pictures there; and the AUROC of the odd ones: how often an odd picture has the
greater error, of two that are drawn at random. 0.5 is chance. Beside it stands the same by the
distance from the mean picture of the class. A bright picture has a greater error whatever it shows,
so the error counts best as a share of the picture's own power, the mean of its squares.

Source: Vincent et al., ICML 2008; Pathak et al., Context encoders, CVPR 2016; Japkowicz, Myers &
Gluck, A novelty detection approach to classification, IJCAI 1995.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.data.cut_outs import CutOuts
from minicv.data.one_object import SingleObjectScenes
from minicv.data.sources import open_data
from minicv.inspection import contact_sheet
from minicv.inspection.palette import BLUISH_GREEN, VERMILLION
from minicv.inspection.panels import mosaic
from minicv.inspection.reconstruction import draw_square
from minicv.metrics.ranking import area_under_roc
from minicv.metrics.reconstruction import ReconstructionMetric
from minicv.models.generative import (
    ConvAutoencoder,
    ConvSettings,
    DenoisingAutoencoder,
    DenoisingSettings,
    PictureSettings,
)
from minicv.models.model import Target
from minicv.tasks import SYSTEMS
from minicv.tasks.generative_data import Squares, evenly_spread, measured, squares_of
from minicv.training import fit

BATCH = 16
SIZE = 28  # pixels of a drawn animal
MOST = (6000, 1000)  # pictures to learn from, and unseen, of a set with more
HOLE = 0.4  # side of the black square, as a share of the picture's
SHOWN = 8
TILE = 96


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/23_uses_of_autoencoders")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--data", metavar="DATA", help="pictures with a class each")
    parser.add_argument(
        "--known", metavar="CLASS", help="of the odd ones' task; default: the first"
    )
    parser.add_argument("--epochs", type=int, default=15, help="of each network; default 15")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    known, unseen = animals(options.seed) if options.data is None else pictures_of(options.data)
    name = options.known or ("cat" if "cat" in known.classes else known.classes[0])
    if name not in known.classes:
        parser.error(f"--known {name}: expected one of {', '.join(known.classes)}")
    label = known.classes.index(name)
    run(options.out, known, unseen, options.seed, options.epochs, label)


def run(out: Path, known: Squares, unseen: Squares, seed: int, epochs: int, label: int = 0) -> None:
    """Train three networks, print, draw.

    Args:
        out: for the pictures.
        known, unseen: pictures with labels.
        seed: of everything random.
        epochs: of each network; of that which learns one class alone as many steps.
        label: the class of which the others are odd.
    """
    out.mkdir(parents=True, exist_ok=True)
    print(f"{len(known)} pictures to learn from, {len(unseen)} unseen")
    pictures = {
        "1_denoising": denoising(known, unseen, seed, epochs),
        "2_inpainting": inpainting(known, unseen, seed, epochs),
        "3_odd_ones": odd_ones(known, unseen, seed, epochs, label),
    }
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}: {', '.join(f'{name}.png' for name in pictures)}")


def animals(seed: int, scenes: tuple[int, int] = (2000, 300)) -> tuple[Squares, Squares]:
    """Drawn animals and people, each alone on black: to learn from, and unseen."""
    known, unseen = (
        CutOuts(SingleObjectScenes(count, (96, 96), 2 * seed + part))
        for part, count in enumerate(scenes)
    )
    settings = PictureSettings(SIZE, 3)
    return squares_of(known, settings), squares_of(unseen, settings)


def pictures_of(data: str) -> tuple[Squares, Squares]:
    """Of a set with classes, some thousand evenly spread."""
    splits = open_data(data, ("label",))
    known = evenly_spread(splits.train, MOST[0])
    unseen = evenly_spread(splits.test, MOST[1])
    settings = measured(PictureSettings(), known)
    return squares_of(known, settings), squares_of(unseen, settings)


def train(model: Any, known: Squares, epochs: int, seed: int) -> Any:
    """By the recipe of `minicv train`."""
    recipe = SYSTEMS["conv_autoencoder"].recipes[None].changed(epochs=epochs, batch_size=BATCH)
    step, loader, rng = recipe.begin(model, known, seed=seed)
    fit(step, loader, epochs=epochs, rng=rng, progress=False)
    return model.eval()


def square_of(known: Squares) -> dict[str, Any]:
    """The settings that say what a picture is."""
    return {"size": known.x.shape[2], "channels": known.x.shape[1]}


def spread(count: int) -> list[int]:
    """The numbers of some pictures, evenly spread.

    >>> spread(16)
    [0, 2, 4, 6, 8, 10, 12, 14]
    """
    return [index * count // SHOWN for index in range(SHOWN)]


def draw_rows(rows: Sequence[np.ndarray], names: Sequence[str], title: str) -> Image.Image:
    """Rows of pictures (N, C, S, S), each below its name."""
    drawn = [mosaic([draw_square(own, TILE) for own in row], len(row), gap=6) for row in rows]
    return contact_sheet(drawn, names, 1, title, gap=14)


# 1. Denoising.


def denoising(known: Squares, unseen: Squares, seed: int, epochs: int) -> Image.Image:
    """The system `denoising_autoencoder`, on unseen pictures with noise."""
    settings = DenoisingSettings(**square_of(known), code=64)
    model = DenoisingAutoencoder(known.classes, settings, rng=np.random.default_rng(seed))
    results = train(model, known, epochs, seed).predict(unseen.images)
    metric = ReconstructionMetric()
    for result in results:
        metric.add(result, {})
    values = metric.values()
    before, after = values["PSNR of the noisy input"], values["PSNR"]
    print(f"denoising: {before:.1f} dB with noise, {after:.1f} dB without it again")
    rows = [
        np.stack([results[index][name] for index in spread(len(results))])
        for name in ("picture", "noisy", "denoised")
    ]
    names = ("Unseen pictures", f"With noise\n{before:.1f} dB", f"Denoised\n{after:.1f} dB")
    return draw_rows(rows, names, "Noise away")


# 2. Inpainting.


class Inpainter(ConvAutoencoder):
    """An autoencoder that sees pictures with a hole and is to give the whole ones."""

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        whole = self.squares(images, "loss", targets)
        seen, _ = with_holes(whole, np.random.default_rng(0) if rng is None else rng)
        _, logits = self(self.tensor(seen))
        return {"loss_reconstruction": F.l2_loss(F.sigmoid(logits), self.tensor(whole))}


def with_holes(x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, C, S, S) with a black square each, and where it is: (N, 1, S, S) bool.

    The square has a place of its own in each picture, near the middle more often.

    >>> seen, hole = with_holes(np.ones((1, 1, 5, 5)), np.random.default_rng(0))
    >>> int(seen.sum()), int(hole.sum())
    (21, 4)
    """
    size = x.shape[-1]
    side = max(1, int(HOLE * size + 0.5))
    room = size - side
    hole = np.zeros((len(x), 1, size, size), bool)
    corners = np.floor(rng.beta(3, 3, (len(x), 2)) * (room + 1)).astype(int)
    for own, (top, left) in zip(hole, corners.tolist(), strict=True):
        own[:, top : top + side, left : left + side] = True
    return np.where(hole, 0, x).astype(x.dtype), hole


def inpainting(known: Squares, unseen: Squares, seed: int, epochs: int) -> Image.Image:
    """Holes in unseen pictures, filled by the network and by the mean picture."""
    settings = ConvSettings(**square_of(known), code=64)
    model = Inpainter(known.classes, settings, rng=np.random.default_rng(seed))
    train(model, known, epochs, seed)
    seen, hole = with_holes(unseen.x, np.random.default_rng(seed + 1))
    with no_grad():
        made = np.concatenate(
            [
                F.sigmoid(model(Tensor(seen[start : start + 128]))[1]).data
                for start in range(0, len(seen), 128)
            ]
        )
    filled = {
        "by the network": np.where(hole, made, seen),
        "by the mean picture": np.where(hole, known.x.mean(axis=0), seen),
    }
    within = np.broadcast_to(hole, seen.shape)
    errors = {
        name: float(np.mean(np.square(own - unseen.x)[within])) for name, own in filled.items()
    }
    print("inpainting: mean squared error within the hole")
    for name, error in errors.items():
        print(f"  filled {name:<20} {error:.4f}")
    chosen = spread(len(seen))
    rows = [unseen.x[chosen], seen[chosen], *(own[chosen] for own in filled.values())]
    names = ["Unseen pictures", "With a hole"]
    names += [f"Filled {name}\nMSE within the hole {errors[name]:.4f}" for name in filled]
    return draw_rows(rows, names, "Holes filled")


# 3. Odd ones.


def odd_ones(known: Squares, unseen: Squares, seed: int, epochs: int, label: int) -> Image.Image:
    """An autoencoder of one class; unseen pictures of all classes, the oddest first."""
    own = known.part(known.labels == label)
    name = known.classes[label]
    settings = ConvSettings(**square_of(known), code=12)
    model = ConvAutoencoder((name,), settings, rng=np.random.default_rng(seed))
    train(model, own, round(epochs * len(known) / len(own)), seed)
    made = np.stack([result["reconstruction"] for result in model.predict(unseen.images)])
    error = np.square(made - unseen.x).mean(axis=(1, 2, 3))
    from_mean = np.square(own.x.mean(axis=0) - unseen.x).mean(axis=(1, 2, 3))
    share = error / np.maximum(np.square(unseen.x).mean(axis=(1, 2, 3)), 1e-6)
    odd = unseen.labels != label
    auroc = {
        "the error as a share of the picture's power": area_under_roc(share, odd),
        "the error alone": area_under_roc(error, odd),
        "the distance from the mean picture": area_under_roc(from_mean, odd),
    }
    print(f"odd ones beside {name}: {odd.sum()} of {len(odd)} unseen pictures; AUROC by")
    for way, own_auroc in auroc.items():
        print(f"  {way:<44}{own_auroc:.3f}")
    order = np.argsort(-share, kind="stable")
    ranks = np.linspace(0, len(order) - 1, 24).round().astype(int)
    tiles = []
    for index in order[ranks].tolist():
        colour = VERMILLION if odd[index] else BLUISH_GREEN
        pair = mosaic([draw_square(p[index], TILE) for p in (unseen.x, made)], 1, gap=4)
        tiles.append(ImageOps.expand(pair, 5, colour))
    sheet = mosaic(tiles, 8, gap=10)
    caption = (
        f"Learnt from {name} alone: from the greatest share of error to the least\n"
        f"above the picture, below its reconstruction; green frame: {name}, red: another class; "
        f"AUROC {next(iter(auroc.values())):.2f}"
    )
    return contact_sheet([sheet], [caption], 1, "Odd ones first")


if __name__ == "__main__":
    main()
