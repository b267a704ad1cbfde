"""A DCGAN on pictures: samples through the training, walks through the latent space, no copying.

    python examples/25_dcgan.py                       drawn animals and people, cut out, 32 x 32
    python examples/25_dcgan.py --data idx:DIR        Fashion-MNIST or MNIST, 28 x 28
    python examples/25_dcgan.py --data folder:DIR --size 64

The generator enlarges a vector of random numbers to a picture, by transposed convolutions; the
discriminator reduces a picture to one number, by strided ones. Two and a half minutes show how
shapes come out of noise. For better pictures train longer: `minicv train dcgan`.

Does the generator copy its training pictures? The nearest ones, pixel by pixel, stand below the
samples. It prints how far samples are from the nearest training picture, and how far pictures are
that were never trained on: a copier would be much nearer than these. It also prints how different
samples are from each other, beside real pictures.

The pictures: the same latent vectors through the training, a grid of samples, walks, neighbours.

Source: Radford, Metz & Chintala 2016, sections 4 to 6.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from minicv.data import Dataset
from minicv.data.cut_outs import CutOuts
from minicv.data.sources import open_data
from minicv.inspection import contact_sheet
from minicv.inspection.generation import draw_nearest, picture_grid
from minicv.models.generative import DCGAN, DCGANSettings, as_squares
from minicv.models.generative.gan import between
from minicv.optim import Adam
from minicv.tasks.generation import GENERATION
from minicv.tasks.generative_data import measured
from minicv.training import AdversarialStep

RATE, BETAS = 4e-4, (0.5, 0.999)
BATCH = 32
SIZE_OF_CUT_OUTS = 32
MOST_PICTURES, UNSEEN = 20_000, 200
FOLLOWED, LOOKS = 10, 6  # latent vectors through the training, and how often they are drawn
WALKS, WALK_STEPS = 5, 10
BESIDE, NEIGHBOURS = 8, 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/25_dcgan")
    parser.add_argument("--data", default="farmyard:600", help="default: farmyard:600")
    parser.add_argument("--size", type=int, help="side of a picture; default: by the data")
    parser.add_argument("--filters", type=int, default=16, help="of the largest map; default 16")
    parser.add_argument("--steps", type=int, default=1800, help="of both networks; default 1800")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    given = parser.parse_args(arguments)
    run(given.out, given.seed, given.data, given.size, given.filters, given.steps)


def run(out: Path, seed: int, data: str, size: int | None, filters: int, steps: int) -> None:
    """Train, print, draw.

    Args:
        out: for the pictures.
        seed: of everything random.
        data: a source, as `minicv train dcgan --data` takes it.
        size: of a picture; None is by the data.
        filters, steps: of the networks, of the training.
    """
    out.mkdir(parents=True, exist_ok=True)
    if data.partition(":")[0] == "farmyard":
        size = SIZE_OF_CUT_OUTS if size is None else size
        scenes = open_data(data, ("boxes", "labels", "masks"))
        training, test = CutOuts(scenes.train), CutOuts(scenes.test)
    else:
        splits = open_data(data, GENERATION.labels_from(data))
        training, test = splits.train, splits.test
    settings = measured(DCGANSettings(size, filters=filters), training)
    pictures = squares_of(training, settings, MOST_PICTURES)
    unseen = squares_of(test, settings, UNSEEN)
    gan = DCGAN(("any",), settings, rng=np.random.default_rng(seed))
    print(
        f"{data}: {len(pictures):,} pictures of {settings.size} x {settings.size}; generator "
        f"{weights_of(gan.generator):,} weights, discriminator {weights_of(gan.discriminator):,}"
    )
    looks = train(gan, pictures, steps, seed)
    captions = [f"Step {step:,}" for step in looks]
    grids = [picture_grid(seen, FOLLOWED, 900) for seen in looks.values()]
    contact_sheet(grids, captions, 1, gap=8).save(out / "1_through_training.png")

    rng = np.random.default_rng([seed, 2])
    samples = gan.sample(200, rng)
    picture_grid(samples[:64], 8, 720).save(out / "2_samples.png")
    ends = rng.standard_normal((WALKS, 2, gan.latent))
    walks = np.concatenate([between(first, last, WALK_STEPS) for first, last in ends])
    picture_grid(gan.draw(walks), WALK_STEPS, 900).save(out / "3_walks.png")
    neighbours(samples[:BESIDE], pictures).save(out / "4_nearest.png")

    print("distance, root mean square of the pixels:")
    for name, own in (("samples", samples), ("unseen pictures", unseen)):
        nearest = np.sqrt(distances(own, pictures).min(axis=1))
        print(
            f"  {name:<16}{nearest.mean():.3f} to the nearest training picture, least "
            f"{nearest.min():.3f}; {between_all(own):.3f} to each other"
        )
    print(f"pictures in {out.resolve()}: 1_through_training.png to 4_nearest.png")


def squares_of(dataset: Dataset, settings: DCGANSettings, most: int) -> np.ndarray:
    """Up to so many pictures, evenly spread: (N, C, S, S)."""
    count = min(most, len(dataset))
    chosen = (np.arange(count) * len(dataset) // count).tolist()
    channels, size, _ = settings.shape
    return np.concatenate([as_squares([dataset[k][0]], size, channels) for k in chosen])


def weights_of(network: object) -> int:
    """How many numbers a network learns."""
    return sum(p.size for p in network.parameters())  # type: ignore[attr-defined]


def train(gan: DCGAN, pictures: np.ndarray, steps: int, seed: int) -> dict[int, np.ndarray]:
    """Algorithm 1 on these squares; what the same latent vectors give, by the step.

    Args:
        gan: is trained.
        pictures: (N, C, S, S) in 0..1.
        steps: of both networks.
        seed: of the order and the latent vectors.
    """
    step = AdversarialStep(
        gan,
        Adam(gan.generator.parameters(), lr=RATE, betas=BETAS),
        Adam(gan.discriminator.parameters(), lr=RATE, betas=BETAS),
    )
    rng = np.random.default_rng([seed, 0])
    followed = np.random.default_rng([seed, 1]).standard_normal((FOLLOWED, gan.latent))
    looked_at = {max(1, round(share**2 * steps)) for share in np.linspace(0, 1, LOOKS)}
    looks, losses = {}, []
    for number in range(1, steps + 1):
        chosen = pictures[rng.integers(len(pictures), size=BATCH)]
        images = [np.broadcast_to(own, (3, *own.shape[1:])) for own in chosen]
        losses.append(list(step(images, [{}] * BATCH, rng).values()))
        if number in looked_at:
            looks[number] = gan.draw(followed)
            mean = np.mean(losses[-100:], axis=0)
            print(f"step {number:>5,}: loss of D {mean[0]:.3f}, of G {mean[1]:.3f}", flush=True)
    return looks


def distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N, M) mean squared differences of the pixels of all pairs.

    >>> distances(np.zeros((1, 1, 2, 2)), np.ones((3, 1, 2, 2))).tolist()
    [[1.0, 1.0, 1.0]]
    """
    a, b = (own.reshape(len(own), -1).astype(np.float64) for own in (some, others))
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.maximum(squares, 0) / a.shape[1]


def between_all(pictures: np.ndarray) -> float:
    """The root mean square difference of two pictures, over all pairs.

    >>> between_all(np.array([0.0, 1.0]).reshape(2, 1, 1, 1))
    1.0
    """
    return float(np.sqrt(2 * pictures.astype(np.float64).var(axis=0, ddof=1).mean()))


def neighbours(samples: np.ndarray, pictures: np.ndarray) -> Image.Image:
    """Samples, and below each the nearest training pictures."""
    order = np.argsort(distances(samples, pictures), axis=1, kind="stable")[:, :NEIGHBOURS]
    return draw_nearest(samples, pictures[order])


if __name__ == "__main__":
    main()
