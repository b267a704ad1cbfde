"""A GAN where one can watch it: eight heaps of points, and two networks that play against each
other.

The generator turns random numbers into points of the plane. The discriminator says how probable it
is that a point is real: its answer is a field over the whole plane. Each learns from the other:

    discriminator   up the gradient of    log D(x) + log(1 - D(G(z)))
    generator       up the gradient of    log D(G(z)): its points walk up the field

    python examples/24_gan_on_points.py

First, the game as it should go: the cloud spreads to all eight heaps, and in the end the field is
nearly flat, for there is nothing left to tell. It prints the losses beside what the theory says of
a draw, 2 log 2 and log 2, how many heaps the generator covers, and how many of its points are good.

Second, the same game with ten steps of the generator for each of the discriminator: it collapses.
All its points run to the place that the discriminator trusts most; the discriminator learns to
distrust that place, and they all run on.

The pictures: both games as strips and as films (animated GIFs), the losses, the heaps covered.

Source: Goodfellow et al., Generative adversarial nets, 2014; the heaps are of Metz et al. 2017.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from minicv.inspection import contact_sheet, draw_curves
from minicv.inspection.generation import cloud_legend, draw_cloud, film, titled
from minicv.inspection.panels import with_legend
from minicv.metrics.modes import mode_coverage
from minicv.models.generative import GaussianRing, PointGAN
from minicv.optim import Adam
from minicv.training import AdversarialStep

RING = GaussianRing(modes=8, radius=2.0, std=0.1)
BATCH = 256
LR = 1e-3  # of both
SMOOTHING = 0.1  # real points are to have 0.9: it keeps the field from growing steep
POINTS = 2000  # that are counted
SHOWN = 400  # that are drawn
FRAMES = 40
STRIP = 6  # frames of it


@dataclass
class Game:
    """What happened in one game.

    Attributes:
        frames: pictures of the plane.
        steps, covered, good: at each frame.
        losses: of every step, by name.
    """

    frames: list[Image.Image] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    covered: list[int] = field(default_factory=list)
    good: list[float] = field(default_factory=list)
    losses: dict[str, list[float]] = field(
        default_factory=lambda: {"discriminator": [], "generator": []}
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/24_gan_on_points")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, steps: int = 4000, collapsed_steps: int = 300) -> None:
    """Both games; print, draw.

    Args:
        out: for the pictures.
        seed: of everything random.
        steps, collapsed_steps: of the discriminator in the two games.
    """
    out.mkdir(parents=True, exist_ok=True)
    print(f"{'':<22}{'D loss':>8}{'G loss':>8}{'heaps':>7}{'good points':>13}")
    print(f"{'a draw':<22}{2 * math.log(2):>8.3f}{math.log(2):>8.3f}{RING.modes:>7}{0.989:>13.3f}")
    games = {
        "the game": play(seed, steps, 1, SMOOTHING),
        "generator 10 to 1": play(seed, collapsed_steps, 10, 0.0),
    }
    for number, (name, game) in enumerate(games.items(), start=1):
        ends = [np.mean(losses[-200:]) for losses in game.losses.values()]
        print(
            f"{name:<22}{ends[0]:>8.3f}{ends[1]:>8.3f}{game.covered[-1]:>7}{game.good[-1]:>13.3f}"
        )
        kind = "game" if number == 1 else "collapse"
        strip(game).save(out / f"{number}_{kind}.png")
        (out / f"{number}_{kind}.gif").write_bytes(
            film([with_legend(frame, cloud_legend(), margin=8) for frame in game.frames])
        )
    curves(games).save(out / "3_curves.png")
    print(
        f"pictures in {out.resolve()}: 1_game.png and .gif, 2_collapse.png and .gif, 3_curves.png"
    )


def play(seed: int, steps: int, draws: int, smoothing: float) -> Game:
    """One game, looked at more often at its beginning.

    Args:
        seed: of weights, points and latent vectors.
        steps: of the discriminator.
        draws: steps of the generator for each of them.
        smoothing: of the real labels.
    """
    rng = np.random.default_rng(seed)
    gan = PointGAN(rng=rng)
    step = AdversarialStep(
        gan,
        Adam(gan.generator.parameters(), lr=LR, betas=(0.5, 0.999)),
        Adam(gan.discriminator.parameters(), lr=LR, betas=(0.5, 0.999)),
        label_smoothing=smoothing,
    )
    game = Game()
    looked_at = {round(share * steps) for share in np.linspace(0, 1, FRAMES) ** 1.5}
    look(game, gan, 0)
    for number in range(1, steps + 1):
        points = RING.sample(BATCH, rng)
        game.losses["discriminator"].append(step.learn_to_judge(list(points), rng))
        game.losses["generator"].append(
            float(np.mean([step.learn_to_draw(BATCH, rng) for _ in range(draws)]))
        )
        if number in looked_at:
            look(game, gan, number)
    return game


def look(game: Game, gan: PointGAN, step: int) -> None:
    """Count and draw the generator's points; the same latent vectors each time."""
    points = gan.sample(POINTS, np.random.default_rng(1))
    found = mode_coverage(points, RING.centres, RING.std)
    real = RING.sample(SHOWN, np.random.default_rng(2))
    picture = draw_cloud(points[:SHOWN], real, gan.realness, side=420, legend=False)
    heaps = f"step {step:,}: {found.covered} of {RING.modes} heaps, good points {found.good:.0%}"
    game.frames.append(titled(picture, heaps))
    game.steps.append(step)
    game.covered.append(found.covered)
    game.good.append(found.good)


def strip(game: Game) -> Image.Image:
    """Some frames side by side, the first and the last among them."""
    last = len(game.frames) - 1
    chosen = sorted({round(share * last) for share in np.linspace(0, 1, STRIP)})
    sheet = contact_sheet([game.frames[k] for k in chosen], columns=3)
    return with_legend(sheet, cloud_legend(), margin=28)


def curves(games: dict[str, Game]) -> Image.Image:
    """Losses of the first game, and the heaps covered in both."""
    first = next(iter(games.values()))
    losses = {name: (range(1, len(own) + 1), own) for name, own in first.losses.items()}
    covered = {name: (game.steps, game.covered) for name, game in games.items()}
    return draw_curves(
        {"Losses of the game": losses, "Heaps covered, of 8": covered}, size=(900, 340)
    )


if __name__ == "__main__":
    main()
