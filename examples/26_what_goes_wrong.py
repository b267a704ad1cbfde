"""What goes wrong with GANs, on purpose: a generator that collapses, a discriminator that wins.

    python examples/26_what_goes_wrong.py

**Mode collapse.** A DCGAN learns drawn digits of 16 x 16 pixels. Then the discriminator stands
still and the generator learns alone. It needs no more than the few pictures that this discriminator
trusts most, and draws them for more and more latent vectors. Its own loss has never been so good.
A small classifier of digits counts what the samples show. What gives a collapse away: digits that
go missing, and a smaller distance between samples.

**A discriminator that is too strong.** Here points are to be learnt. The generator stands still
while the discriminator learns alone, and after each of its steps the length of the generator's
gradient is measured, by both losses. That of the minimax loss, log(1 - D(G(z))), vanishes where D
is sure: there is nothing to learn from an opponent that always wins. That of the non-saturating
loss, -log D(G(z)), does not. Then the generator takes a hundred plain steps of gradient descent by
each loss: by minimax its points hardly move. (Adam divides a gradient by its usual size, and so
hides that it has vanished, until it is lost in the noise of the batches.)

It prints digits missing and distances, gradients, and how real the moved points seem. The pictures:
samples before and after with their digits as bars, the gradients, and where the points go.

Source: Goodfellow et al. 2014, sections 3 and 6; Arjovsky & Bottou, Towards principled methods for
training GANs, 2017, section 2.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from minicv.inspection import contact_sheet, draw_bars, draw_curves
from minicv.inspection.canvas import font
from minicv.inspection.generation import draw_cloud, picture_grid
from minicv.models.backbones import ConvNetBackbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.models.generative import DCGAN, DCGANSettings, GaussianRing, PointGAN
from minicv.models.generative.gan import GAN, GeneratorLoss, generator_loss
from minicv.optim import SGD, Adam
from minicv.training import AdversarialStep
from minicv.training.adversarial import standing_still

DIGITS = tuple("0123456789")
SIDE = 16
BETAS = (0.5, 0.999)
BATCH = 64
RATE = 5e-4
TOGETHER, ALONE = "both learn", "the generator alone"
SAMPLES = 500  # that are counted
RING = GaussianRing()
POINT_RATE, POINT_BATCH = 1e-3, 256
PLAIN_RATE = 0.02  # of gradient descent
LOSSES: tuple[GeneratorLoss, ...] = ("minimax", "non_saturating")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/26_what_goes_wrong")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(
    out: Path,
    seed: int,
    digits: int = 3000,
    gan_steps: int = 1000,
    gan_alone: int = 500,
    alone: int = 400,
    after: int = 100,
    judge_steps: int = 250,
) -> None:
    """Both parts; print, draw.

    Args:
        out: for the pictures.
        seed: of everything random.
        digits: that are drawn.
        gan_steps: of the game of digits.
        gan_alone: of its generator after that, while the discriminator stands still.
        alone: steps of the discriminator of points while the generator stands still.
        after: steps of both after that.
        judge_steps: of the classifier of digits.
    """
    out.mkdir(parents=True, exist_ok=True)
    collapse(seed, digits, gan_steps, gan_alone, judge_steps).save(out / "1_mode_collapse.png")
    gradients, clouds = too_strong(seed, alone, after)
    gradients.save(out / "2_gradients.png")
    clouds.save(out / "3_after_a_strong_discriminator.png")
    print(
        f"pictures in {out.resolve()}: 1_mode_collapse.png, 2_gradients.png, "
        "3_after_a_strong_discriminator.png"
    )


def draw_digits(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Digits in white on black, moved, turned and of different sizes: (n, 1, 16, 16) and labels."""
    labels = rng.integers(10, size=n)
    pictures = np.empty((n, 1, SIDE, SIDE), np.float32)
    for own, label in zip(pictures, labels, strict=True):
        large = Image.new("L", (4 * SIDE, 4 * SIDE))
        size, angle = 4 * rng.uniform(12, 15), rng.uniform(-12, 12)
        place = 2 * SIDE + 4 * rng.uniform(-1, 1, 2)
        draw = ImageDraw.Draw(large)
        draw.text(tuple(place), DIGITS[label], fill=255, font=font(size), anchor="mm")
        own[0] = np.asarray(large.rotate(angle, Image.Resampling.BILINEAR).reduce(4)) / 255
    return pictures, labels


def in_colour(pictures: np.ndarray) -> list[np.ndarray]:
    """Each (1, S, S) as models take it, (3, S, S)."""
    return [np.repeat(own, 3, axis=0) for own in pictures]


def judge_of(pictures: np.ndarray, labels: np.ndarray, seed: int, steps: int) -> Classifier:
    """A small classifier of these digits."""
    rng = np.random.default_rng([seed, 1])
    settings = ClassifierSettings(size=SIDE, fit="stretch", crop_fraction=1.0)
    judge = Classifier(ConvNetBackbone(8, (8,), rng=rng), DIGITS, settings, rng=rng)
    optimizer = Adam(judge.parameters(), lr=5e-3)
    for _ in range(steps):
        chosen = rng.integers(len(pictures), size=BATCH)
        targets = [{"label": int(label)} for label in labels[chosen]]
        optimizer.zero_grad()
        judge.loss(in_colour(pictures[chosen]), targets)["loss_classifier"].backward()
        optimizer.step()
    return judge.eval()


def play(gan: GAN, rate: float) -> AdversarialStep:
    """The step of a game with this learning rate of both."""
    return AdversarialStep(
        gan,
        Adam(gan.generator.parameters(), lr=rate, betas=BETAS),
        Adam(gan.discriminator.parameters(), lr=rate, betas=BETAS),
    )


def collapse(seed: int, n: int, steps: int, alone: int, judge_steps: int) -> Image.Image:
    """Digits before and after the generator learns alone: what it draws, what that is taken for."""
    pictures, labels = draw_digits(n, np.random.default_rng([seed, 0]))
    unseen, truth = draw_digits(SAMPLES, np.random.default_rng([seed, 5]))
    judge = judge_of(pictures, labels, seed, judge_steps)
    right = (judge.features_and_labels(in_colour(unseen))[1] == truth).mean()
    print(f"digits: the classifier names {right:.1%} of unseen ones")
    print(f"{'':<24}{'G loss':>8}{'missing':>9}{'distance between samples':>26}")
    gan = DCGAN(
        ("any",), DCGANSettings(SIDE, 1, latent=32, filters=16), rng=np.random.default_rng(seed)
    )
    step, rng = play(gan, RATE), np.random.default_rng([seed, 2])
    losses = []
    for _ in range(steps):
        chosen = pictures[rng.integers(n, size=BATCH)]
        losses.append(list(step(in_colour(chosen), [{}] * BATCH, rng).values()))
    ends = np.mean(losses[-100:], axis=0)
    games = [(TOGETHER, gan.sample(SAMPLES, np.random.default_rng([seed, 3])), ends[1])]
    own = [step.learn_to_draw(BATCH, rng) for _ in range(alone)]
    last = float(np.mean(own[-20:]))
    games.append((ALONE, gan.sample(SAMPLES, np.random.default_rng([seed, 3])), last))
    tiles, captions = [], []
    for name, samples, loss in [("real digits", unseen, np.nan), *games]:
        counts = np.bincount(judge.features_and_labels(in_colour(samples))[1], minlength=10)
        missing = int((counts < 0.01 * SAMPLES).sum())  # fewer than one in a hundred
        distance = float(np.sqrt(2 * samples.var(axis=0, ddof=1).mean()))
        print(f"{name:<24}{loss:>8.2f}{missing:>9}{distance:>26.3f}")
        bars = {digit: {name: float(count)} for digit, count in zip(DIGITS, counts, strict=True)}
        tiles.append(picture_grid(samples[:64], 8, 420))
        tiles.append(draw_bars(f"of {SAMPLES} samples", bars, width=420, longest=SAMPLES / 2))
        heading = f"{name[0].upper()}{name[1:]}\n{missing} digits missing, distance {distance:.2f}"
        captions += [heading, ""]
    order = [0, 2, 4, 1, 3, 5]
    return contact_sheet([tiles[k] for k in order], [captions[k] for k in order], 3)


def gradient_norm(gan: PointGAN, kind: GeneratorLoss, rng: np.random.Generator) -> float:
    """The length of the gradient of the generator's loss, over all of its weights."""
    with standing_still(gan.discriminator):
        judged = gan.discriminator(gan.generator(gan.latents(POINT_BATCH, rng)))
        gan.generator.zero_grad()
        generator_loss(judged, kind).backward()
    squares = [float((p.grad**2).sum()) for p in gan.generator.parameters() if p.grad is not None]
    gan.generator.zero_grad()
    return float(np.sqrt(sum(squares)))


def too_strong(seed: int, alone: int, after: int) -> tuple[Image.Image, Image.Image]:
    """The gradients while the discriminator learns alone; and what each generator makes of it."""
    gan, rng = PointGAN(rng=np.random.default_rng(seed)), np.random.default_rng([seed, 4])
    step = play(gan, POINT_RATE)
    steps, norms, sure = [], {kind: [] for kind in LOSSES}, []
    for number in range(alone + 1):
        if number % max(1, alone // 60) == 0:
            steps.append(number)
            for kind, values in norms.items():
                same = np.random.default_rng(7)
                values.append(np.log10(max(gradient_norm(gan, kind, same), 1e-12)))
            sure.append(float(gan.realness(gan.sample(500, np.random.default_rng(8))).mean()))
        if number < alone:
            step.learn_to_judge(list(RING.sample(POINT_BATCH, rng)), rng)
    panels = {
        "Length of the generator's gradient, as a power of ten": {
            kind: (steps, values) for kind, values in norms.items()
        },
        "What the discriminator gives to generated points": {"mean D(G(z))": (steps, sure)},
    }
    picture = draw_curves(panels, x_label="steps of the discriminator alone", size=(900, 340))
    for kind, values in norms.items():
        print(
            f"gradient, {kind:<15} {10 ** values[0]:.1e} at first, {10 ** values[-1]:.1e} at last"
        )
    tiles, captions = [], []
    start, real = gan.state_dict(), RING.sample(400, np.random.default_rng(9))
    for kind in (None, *LOSSES):
        own = PointGAN(rng=np.random.default_rng(seed))
        own.load_state_dict(start)
        if kind is not None:
            descend(own, kind, after)
        sample = own.sample(400, np.random.default_rng(10))
        realness = float(own.realness(sample).mean())
        name = "At the start" if kind is None else f"After {after:,} steps, {kind}"
        print(f"{name:<33} the points seem real with {realness:.3f}")
        tiles.append(draw_cloud(sample, real, own.realness, side=400))
        captions.append(f"{name}\nmean D(G(z)) {realness:.3f}")
    return picture, contact_sheet(tiles, captions, 3)


def descend(gan: PointGAN, kind: GeneratorLoss, steps: int) -> None:
    """Plain steps of the generator down the gradient; the discriminator stands still."""
    rng, optimizer = np.random.default_rng(0), SGD(gan.generator.parameters(), lr=PLAIN_RATE)
    with standing_still(gan.discriminator):
        for _ in range(steps):
            judged = gan.discriminator(gan.generator(gan.latents(POINT_BATCH, rng)))
            optimizer.zero_grad()
            generator_loss(judged, kind).backward()
            optimizer.step()


if __name__ == "__main__":
    main()
