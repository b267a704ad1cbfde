"""GANs: a DCGAN on Fashion-MNIST judged by a classifier, a GAN of points, PyTorch beside it.

    python -m benchmarks gans fashion --data idx:DIR [--seeds 0 1 2] [--vae FILE] [--judge FILE]
    python -m benchmarks gans points [--seeds 0 1 2]
    python -m benchmarks gans race --data idx:DIR [--torch-python PYTHON]

``fashion`` trains by the recipe through the command line, for each seed; every other option goes to
`minicv train dcgan`. The judge is a ConvNet that `minicv train classifier` trains once on the same
set; it stays in runs/gans_judge. From its features come the Fréchet distances to the test pictures
of as many samples: of the trained generator, of the same one before its training, of a VAE
(``--vae``, a best.npz of `minicv train vae`), and, to know what is reachable, of training pictures.
1,000 samples are counted by class, and a grid of the first seed's is docs/dcgan_fashion.png.

``points`` plays the original game on eight Gaussians, and a game in which the generator makes ten
steps for each of the discriminator, for each seed: modes covered by 2,000 points.

``race`` makes the same steps of both networks in minicv and in PyTorch, from the same weights, with
the same pictures and latent vectors. The two take turns of ten steps, and whoever rests is stopped
by the operating system. The ratio is PyTorch's time over minicv's within each round, the median.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import dcgan_side
from benchmarks.busy import cores_used_by_others
from benchmarks.classification import RacingSide
from benchmarks.peers import find_peers
from benchmarks.record import write_record
from benchmarks.train_and_test import CORES, CommandFailed, processor_seconds, train_and_test
from minicv.cli.main import main as minicv
from minicv.data.idx_files import IdxImages
from minicv.data.sources import open_data
from minicv.inspection.generation import picture_grid
from minicv.metrics.frechet import Gaussian, fitted_gaussian, frechet_distance
from minicv.metrics.modes import mode_coverage
from minicv.models.generative import DCGAN, GaussianRing, PointGAN, as_squares
from minicv.optim import Adam
from minicv.tasks import SYSTEMS, Spec, build, load
from minicv.tasks.generation import ClassifierJudge
from minicv.training import AdversarialStep

PICTURE = Path(__file__).parent.parent / "docs" / "dcgan_fashion.png"
JUDGED = 10_000  # samples, and as many test pictures
COUNTED = 1_000  # samples, by class
SEED_OF_SAMPLES = 1234
SETTLING = 40  # batches, until the running statistics of an untrained generator are its own
TURN, TURNS = 10, 25  # steps of the race, and turns of each side
POINT_STEPS, POINT_BATCH, POINTS = 4000, 256, 2000
POINT_LR = 1e-3
COLLAPSED_DRAWS = 10  # steps of the generator for each of the discriminator


def main(arguments: Sequence[str]) -> int:
    """Measure what is named, write the record."""
    measured = {"fashion": fashion, "points": points, "race": race}
    if not arguments or arguments[0] not in measured:
        print(__doc__, file=sys.stderr)
        return 2
    name, *options = arguments
    try:
        record = measured[name](options)
    except CommandFailed as failure:
        return failure.status
    if record is None:
        return 1
    path = write_record(f"gans_{name}", record)
    print(f"kept in {path}")
    return 0


def fashion(options: Sequence[str]) -> dict[str, Any]:
    """Train, and judge by the features of a classifier."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gans fashion", allow_abbrev=False)
    parser.add_argument("--data", required=True, help="idx:DIR of Fashion-MNIST")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--vae", type=Path, metavar="FILE", help="a best.npz of minicv train vae")
    parser.add_argument("--judge", type=Path, metavar="FILE", help="a trained classifier")
    given, rest = parser.parse_known_args(options)
    judge, accuracy = judge_of(given.judge, given.data)
    splits = open_data(given.data, ("label",))
    real, training = (
        judged(judge, squares_of(part, JUDGED)) for part in (splits.test, splits.train)
    )
    record: dict[str, Any] = {
        "judge": {"top-1": accuracy, "features": len(real.mean)},
        "samples": JUDGED,
        "fréchet distance": {"of training pictures": frechet_distance(training, real)},
        "seeds": {},
    }
    if given.vae is not None:
        vae, _ = load(given.vae)
        drawn = vae.sample(JUDGED, np.random.default_rng(SEED_OF_SAMPLES))  # type: ignore[operator]
        record["fréchet distance"]["of the VAE"] = frechet_distance(judged(judge, drawn), real)
        record["vae"] = counted(judge, drawn)
    for seed in given.seeds:
        out = Path("runs") / f"gans_fashion_{seed}"
        own = train_and_test(
            "dcgan", ["--data", given.data, "--seed", str(seed), *rest], out, weights=("best",)
        )
        model, _ = load(out / "best.npz")
        assert isinstance(model, DCGAN)
        drawn = model.sample(JUDGED, np.random.default_rng(SEED_OF_SAMPLES))
        untrained = frechet_distance(judged(judge, untrained_samples(model, seed)), real)
        distance = frechet_distance(judged(judge, drawn), real)
        record["seeds"][str(seed)] = {
            **own,
            "fréchet distance": distance,
            "untrained": untrained,
            "share of the untrained": distance / untrained,
            **counted(judge, drawn),
        }
        print(
            f"seed {seed}: Fréchet distance {distance:.3f}, untrained {untrained:.3f}, classes "
            f"{record['seeds'][str(seed)]['classes']}, {own['minutes']:.2f} minutes",
            flush=True,
        )
        if seed == given.seeds[0]:
            picture_grid(drawn[:100], 10).save(PICTURE)
    print(f"Fréchet distances: {record['fréchet distance']}; grid in {PICTURE}")
    return record


def judge_of(file: Path | None, data: str) -> tuple[ClassifierJudge, float]:
    """The classifier and its accuracy on the test images; it is trained if it is not there."""
    out = Path("runs") / "gans_judge"
    file = out / "best.npz" if file is None else file
    if not file.is_file():
        command = ["train", "classifier", "--backbone", "conv_net", "--data", data]
        status = minicv([*command, "--out", str(out), "--overwrite"])
        if status:
            raise CommandFailed(status)
    report = file.with_name("judge.json")
    status = minicv(["eval", "--weights", str(file), "--data", data, "--json", str(report)])
    if status:
        raise CommandFailed(status)
    values = json.loads(report.read_text(encoding="utf-8"))["values"]
    return ClassifierJudge(load(file)[0]), values["top-1"]


def squares_of(dataset: Any, n: int) -> np.ndarray:
    """n pictures of a grey set, evenly spread: (n, 1, 28, 28)."""
    chosen = (np.arange(n) * len(dataset) // n).tolist()
    return as_squares([dataset[index][0] for index in chosen], 28, 1)


def judged(judge: ClassifierJudge, pictures: np.ndarray) -> Gaussian:
    """The Gaussian of the judge's features."""
    return fitted_gaussian(judge.features_and_labels(pictures)[0])


def counted(judge: ClassifierJudge, drawn: np.ndarray) -> dict[str, Any]:
    """The class histogram of the first 1,000 samples, and how far they are from each other."""
    _, labels = judge.features_and_labels(drawn[:COUNTED])
    counts = np.bincount(labels, minlength=len(judge.classes))
    spread = drawn[:COUNTED].var(axis=0, ddof=1).mean()
    return {
        "classes": int((counts > 0).sum()),
        "histogram": dict(zip(judge.classes, counts.tolist(), strict=True)),
        "distance between samples": float(np.sqrt(2 * spread)),
    }


def untrained_samples(model: DCGAN, seed: int) -> np.ndarray:
    """What the generator drew before it learnt.

    Its running statistics begin at 0 and 1, with which it draws flat grey. So they follow its own
    batches first.
    """
    spec = Spec("dcgan", model.classes, model.settings)
    fresh = build(spec, np.random.default_rng(seed))
    assert isinstance(fresh, DCGAN)
    fresh.train()
    rng = np.random.default_rng(seed)
    for _ in range(SETTLING):
        fresh.generator(fresh.latents(64, rng))
    return fresh.sample(JUDGED, np.random.default_rng(SEED_OF_SAMPLES))


def points(options: Sequence[str]) -> dict[str, Any]:
    """Both games, for each seed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gans points")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=POINT_STEPS)
    given = parser.parse_args(options)
    record: dict[str, Any] = {"steps": given.steps, "batch_size": POINT_BATCH, "points": POINTS}
    started = processor_seconds()
    for name, draws, smoothing in (("recipe", 1, 0.1), ("collapsed", COLLAPSED_DRAWS, 0.0)):
        steps = given.steps // draws
        record[name] = {
            "lr": POINT_LR,
            "label_smoothing": smoothing,
            "steps of the discriminator": steps,
            "steps of the generator for each": draws,
            "seeds": {},
        }
        for seed in given.seeds:
            found = game_of_points(seed, steps, draws, smoothing)
            record[name]["seeds"][str(seed)] = found
            print(
                f"{name}, seed {seed}: {found['modes covered']} of 8 modes, good points "
                f"{found['share of good points']:.2f}",
                flush=True,
            )
    record["minutes"] = round((processor_seconds() - started) / 60 / CORES, 4)
    return record


def game_of_points(seed: int, steps: int, draws: int, smoothing: float) -> dict[str, Any]:
    """One training of a `PointGAN`; the coverage at its end, and the most and least of its second
    half, looked at twenty times.

    Args:
        seed: of everything random.
        steps: of the discriminator.
        draws: steps of the generator for each of them.
        smoothing: of the labels of real points.
    """
    ring, rng = GaussianRing(), np.random.default_rng(seed)
    gan = PointGAN(rng=rng)
    step = AdversarialStep(
        gan,
        Adam(gan.generator.parameters(), POINT_LR, dcgan_side.BETAS),
        Adam(gan.discriminator.parameters(), POINT_LR, dcgan_side.BETAS),
        label_smoothing=smoothing,
    )
    covered = []
    for number in range(1, steps + 1):
        step.learn_to_judge(list(ring.sample(POINT_BATCH, rng)), rng)
        for _ in range(draws):
            step.learn_to_draw(POINT_BATCH, rng)
        if number % max(1, steps // 40) == 0 or number == steps:
            sample = gan.sample(POINTS, np.random.default_rng(SEED_OF_SAMPLES))
            found = mode_coverage(sample, ring.centres, ring.std)
            covered.append(found.covered)
    later = covered[len(covered) // 2 :]
    return {
        "modes covered": found.covered,
        "in the second half": [min(later), max(later)],
        "counts": found.counts.tolist(),
        "share of good points": found.good,
    }


def race(options: Sequence[str]) -> dict[str, Any] | None:
    """The same steps in both libraries, in turns."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gans race")
    parser.add_argument("--data", required=True, help="idx:DIR of Fashion-MNIST")
    parser.add_argument("--torch-python", help="an interpreter that can import torch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=TURNS)
    given = parser.parse_args(options)
    peers = find_peers(["torch"], {"torch": given.torch_python})
    if not peers:
        return None
    pixels = IdxImages(given.data.removeprefix("idx:"), "train").pixels[:6000]
    recipe, settings = SYSTEMS["dcgan"].recipes[None], SYSTEMS["dcgan"].settings[None]
    numbers = {"latent": settings.latent, "filters": settings.filters, "lr": recipe.lr, "seed": 0}
    numbers["batch_size"] = recipe.batch_size
    # Squares of 28, as the recipe sees Fashion-MNIST; and larger ones in colour, as photographs.
    large = np.repeat(np.pad(pixels, ((0, 0), (18, 18), (18, 18)))[:1000, None], 3, axis=1)
    cases = {
        "28 x 28, grey": (pixels[:, None], {**numbers, "size": 28, "channels": 1}),
        "64 x 64, colour": (large, {**numbers, "size": 64, "channels": 3}),
    }
    return {
        "turn": TURN,
        "threads": given.threads,
        "cases": {
            name: one_race(name, *case, peers, given.threads, given.turns)
            for name, case in cases.items()
        },
    }


def one_race(
    name: str,
    pictures: np.ndarray,
    numbers: dict[str, Any],
    peers: dict[str, str],
    threads: int,
    turns: int,
) -> dict[str, Any]:
    """Turns of `TURN` steps of each side."""
    state = dcgan_side.dcgan(numbers).state_dict()
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "race.npz"
        arrays = {f"state/{key}": array for key, array in state.items()}
        np.savez(file, numbers=json.dumps(numbers), pictures=pictures, **arrays)
        pythons = {"minicv": sys.executable, **peers}
        sides = {
            library: RacingSide(library, python, file, threads, "benchmarks.dcgan_side")
            for library, python in pythons.items()
        }
        busy = [cores_used_by_others()]
        rounds: list[dict[str, float]] = []
        losses: dict[str, list[list[float]]] = {library: [] for library in sides}
        try:
            for number in range(turns + 1):
                order = list(sides) if number % 2 == 0 else list(reversed(sides))
                answers = {library: sides[library].ask({"train": TURN}) for library in order}
                rounds.append({key: own["seconds"] / TURN for key, own in answers.items()})
                for library, answer in answers.items():
                    losses[library] += answer["losses"]
        finally:
            for side in sides.values():
                side.close()
        busy.append(cores_used_by_others())
    counted_rounds = rounds[1:]  # the first is a warm-up
    ratio = statistics.median(own["torch"] / own["minicv"] for own in counted_rounds)
    print(f"{name}: ratio {ratio:.2f}", flush=True)
    return {
        "network": numbers,
        "ratio": ratio,
        "seconds_a_step": {
            library: statistics.median(own[library] for own in counted_rounds) for library in sides
        },
        "first_losses": {library: own[:3] for library, own in losses.items()},
        "versions": {library: side.version for library, side in sides.items()},
        "cores_used_by_others": busy,
    }
