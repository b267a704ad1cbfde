"""Autoencoders on real pictures: what a code keeps, what noise leaves, what is odd.

    python -m benchmarks autoencoders conv --data idx:DIR
    python -m benchmarks autoencoders denoising --data idx:DIR
    python -m benchmarks autoencoders vae --data idx:DIR
    python -m benchmarks autoencoders anomaly --data idx:DIR [--cells voc:DIR]

``conv``, ``denoising`` and ``vae`` train by the recipe through the command line, and judge on the
test pictures; further options go to `minicv train`.

- ``conv``: the test error beside that of a principal component analysis with as many numbers, and a
  linear probe on both codes: a softmax regression of the class on nothing but the code.
- ``denoising``: PSNR of the output less that of the noisy input.
- ``vae``: the ELBO in nats with its two parts; samples, docs/vae_samples.png; and how far the KL
  term lies from the integral that it stands for, by Simpson's rule in float64.

``anomaly`` trains an autoencoder on one class alone. Then the test pictures of all classes are
ranked by the error of their reconstructions: the odd ones are to come first. AUROC, 0.5 for chance,
is the probability that an odd picture has a greater error than a known one. Beside it stands the
same by a principal component analysis of the same class with as many numbers, and by the distance
from its mean picture. A bright picture has a greater error whatever it shows, so each error also
counts as a share of the picture's own power, the mean of its squares. With ``--cells`` the same for
crops of blood cells: red ones are known, white ones and platelets are odd.

Minutes are seconds of processor / 60 / 2, for two cores.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import RESULTS, write_record
from benchmarks.train_and_test import CORES, CommandFailed, processor_seconds, train_and_test
from minicv import functional as F
from minicv.autograd import Tensor
from minicv.data import Subset
from minicv.data.sources import Splits, open_data
from minicv.inspection.panels import mosaic
from minicv.inspection.reconstruction import draw_square
from minicv.metrics.ranking import area_under_roc
from minicv.models.generative import ConvAutoencoder, ConvSettings
from minicv.nn import Linear
from minicv.tasks import load
from minicv.tasks.generative_data import Squares, measured, squares_of
from minicv.tasks.reconstruction import ReconstructionRecipe
from minicv.training import Features, fit, fit_head
from minicv.vision.principal_components import fit_principal_components

RUNS = Path("runs")
SAMPLES = Path(__file__).parent.parent / "docs" / "vae_samples.png"
EPOCHS = {"conv": 6, "denoising": 5, "vae": 6}  # unless --epochs is given
SYSTEMS = {"conv": "conv_autoencoder", "denoising": "denoising_autoencoder", "vae": "vae"}
PROBE_STEPS = 4000


def main(arguments: Sequence[str]) -> int:
    """Measure what is named, write the record."""
    measured_by = {"conv": conv, "denoising": denoising, "vae": vae, "anomaly": anomaly}
    if not arguments or arguments[0] not in measured_by:
        print(__doc__, file=sys.stderr)
        return 2
    name, *options = arguments
    try:
        record = measured_by[name](options)
    except CommandFailed as failure:
        return failure.status
    print(f"kept in {write_record(f'autoencoders_{name}', record)}")
    return 0


def by_the_command_line(name: str, options: Sequence[str]) -> tuple[dict[str, Any], Path]:
    """Train and test; the record and the best weights."""
    given = [*options] if "--epochs" in options else [*options, "--epochs", str(EPOCHS[name])]
    out = RUNS / f"autoencoders_{name}"
    record = train_and_test(SYSTEMS[name], given, out, weights=("best",), pictures=True)
    values = ", ".join(f"{k} {v:.4g}" for k, v in record["test"]["best"].items())
    print(f"{values}; {record['minutes']:.2f} minutes")
    return record, out / "best.npz"


def conv(options: Sequence[str]) -> dict[str, Any]:
    """The convolutional autoencoder, PCA beside it, a linear probe on both."""
    record, weights = by_the_command_line("conv", options)
    model, _ = load(weights)
    assert isinstance(model, ConvAutoencoder)
    splits = splits_of(options)
    train, test = (squares_of(part, model.settings) for part in (splits.train, splits.test))
    codes = [codes_of(model, part) for part in (train, test)]
    components = fit_principal_components(train.flat, model.settings.code)
    projected = [components.project(part.flat) for part in (train, test)]
    error = float(np.mean(np.square(components.back(projected[1]) - test.flat)))
    probes = {
        name: linear_probe(own, (train.labels, test.labels), len(model.classes))
        for name, own in (("autoencoder", codes), ("PCA", projected))
    }
    beside = {"test MSE": error, "components": model.settings.code}
    print(f"PCA: {beside}; accuracy of a linear probe on the code: {probes}")
    return {**record, "PCA": beside, "accuracy of a linear probe": probes}


def denoising(options: Sequence[str]) -> dict[str, Any]:
    """The denoising autoencoder; its record has the gain in dB."""
    return by_the_command_line("denoising", options)[0]


def vae(options: Sequence[str]) -> dict[str, Any]:
    """The variational autoencoder: samples, and its KL term beside the integral."""
    record, weights = by_the_command_line("vae", options)
    model, _ = load(weights)
    samples = model.sample(100, np.random.default_rng(0))
    mosaic([draw_square(own, 56) for own in samples], columns=10, gap=4).save(SAMPLES)
    test = squares_of(splits_of(options).test, model.settings)
    model.eval()
    mean, logvar = (t.data.astype(np.float64) for t in model.distribution(Tensor(test.x[:200])))
    closed = F.kl_divergence(mean, logvar, reduction="none").data
    apart = np.abs(closed - kl_by_integration(mean, np.exp(logvar))).max()
    print(f"samples in {SAMPLES}; KL at most {apart:.1e} nats from its integral")
    return {**record, "KL: greatest distance from its integral, nats": float(apart)}


def kl_by_integration(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """(N,) from (N, D): of each number the integral of q log(q / p), by Simpson's rule.

    q is N(mean, variance) and p is N(0, 1), from -12 to 12 deviations around the mean.

    >>> kl_by_integration(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]])).round(9).tolist()
    [2.5]
    """
    steps = np.linspace(-12, 12, 2001)
    simpson = np.full(len(steps), 2.0)
    simpson[1::2], simpson[[0, -1]] = 4, 1
    deviation = np.sqrt(variance)[..., None]
    z = mean[..., None] + deviation * steps  # (N, D, points)
    log_q = -0.5 * (steps**2 + np.log(2 * np.pi)) - np.log(deviation)
    log_p = -0.5 * (z**2 + np.log(2 * np.pi))
    each = (simpson * np.exp(log_q) * (log_q - log_p)).sum(axis=-1)
    width = (steps[1] - steps[0]) * deviation[..., 0]
    sums: np.ndarray = (each * width / 3).sum(axis=1)
    return sums


def splits_of(options: Sequence[str]) -> Splits:
    """Of the set that ``--data`` names."""
    return open_data(options[options.index("--data") + 1], ("label",))


def results_of(model: ConvAutoencoder, table: Squares, name: str) -> np.ndarray:
    """What a prediction has by that name, of each picture."""
    return np.stack([result[name] for result in model.predict(table.images)])


def codes_of(model: ConvAutoencoder, table: Squares) -> np.ndarray:
    """(N, D)."""
    return results_of(model, table, "code")


def linear_probe(codes: Sequence[np.ndarray], labels: Sequence[np.ndarray], classes: int) -> float:
    """Accuracy on the test codes of a softmax regression on the training codes.

    Each number of a code is centred and scaled by what the training codes have.

    Args:
        codes, labels: of training and test.
        classes: K.
    """
    mean, deviation = codes[0].mean(axis=0), codes[0].std(axis=0) + 1e-6
    train, test = (((own - mean) / deviation).astype(np.float32) for own in codes)
    rng = np.random.default_rng(0)
    head = Linear(train.shape[1], classes, rng=rng)
    table = Features(train[:, None], labels[0])
    fit_head(head, table, rng=rng, steps=PROBE_STEPS, batch_size=256, weight_decay=0.0)
    best = (test @ head.weight.data.T + head.bias.data).argmax(axis=1)
    return float(np.mean(best == labels[1]))


def anomaly(options: Sequence[str]) -> dict[str, Any]:
    """Odd classes by the error of an autoencoder that has learnt one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks autoencoders anomaly")
    parser.add_argument("--data", required=True, metavar="DATA", help="pictures with a class each")
    parser.add_argument("--known", nargs="*", metavar="CLASS", help="default: each in turn")
    parser.add_argument("--cells", metavar="DATA", help="BCCD, as voc:DIR")
    parser.add_argument("--code", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=6)
    given = parser.parse_args(options)
    if given.cells is None:  # what was measured before of the cells stays
        file = RESULTS / "autoencoders_anomaly.json"
        kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        cells = kept.get("cells")
    else:
        splits = open_data(given.cells, ("label",))
        cells = {"RBC": odd_ones(splits, "RBC", ConvSettings(32, 3, given.code), given.epochs)}
    splits = open_data(given.data, ("label",))
    settings = measured(ConvSettings(code=given.code), splits.train)
    known = given.known or splits.train.classes
    found = {name: odd_ones(splits, name, settings, given.epochs) for name in known}
    mean = {way: float(np.mean([own["AUROC"][way] for own in found.values()])) for way in WAYS}
    print(f"mean AUROC of {len(found)} classes: {mean}")
    return {
        "command": " ".join(["python -m benchmarks autoencoders anomaly", *options]),
        "settings": dataclasses.asdict(settings),
        "epochs": given.epochs,
        "mean AUROC": mean,
        "known": found,
        **({} if cells is None else {"cells": cells}),
    }


POWER = ", share of the power"
WAYS = ("autoencoder", "PCA", "distance from the mean")
WAYS += tuple(way + POWER for way in WAYS)


def odd_ones(splits: Splits, known: str, settings: ConvSettings, epochs: int) -> dict[str, Any]:
    """Train on the pictures of one class, rank those of all; AUROC of the odd ones."""
    before = processor_seconds()
    label = splits.train.classes.index(known)
    labels = [int(splits.train.labels_of(i)[0]) for i in range(len(splits.train))]
    train = Subset(splits.train, np.flatnonzero(np.array(labels) == label).tolist())
    seen, test = squares_of(train, settings), squares_of(splits.test, settings)
    model = ConvAutoencoder((known,), settings, rng=np.random.default_rng(0))
    recipe = ReconstructionRecipe(epochs, batch_size=32, lr=2e-3)
    step, loader, rng = recipe.begin(model, seen, seed=0)
    fit(step, loader, epochs=epochs, rng=rng, progress=False)
    reconstructed = results_of(model.eval(), test, "reconstruction")
    components = fit_principal_components(seen.flat, min(settings.code, *seen.flat.shape))
    back = components.back(components.project(test.flat))
    errors = [
        np.square(reconstructed - test.x).mean(axis=(1, 2, 3)),
        np.square(test.flat - back).mean(axis=1),
        np.square(test.flat - components.mean).mean(axis=1),
    ]
    power = np.maximum(np.square(test.flat).mean(axis=1), 1e-6)
    errors += [own / power for own in errors]
    odd = test.labels != label
    auroc = {way: area_under_roc(own, odd) for way, own in zip(WAYS, errors, strict=True)}
    minutes = (processor_seconds() - before) / 60 / CORES
    print(f"{known}: {len(train)} to learn from, {odd.sum()} odd of {len(odd)}; AUROC {auroc}")
    return {
        "learnt from": len(train),
        "judged": len(odd),
        "odd": int(odd.sum()),
        "AUROC": auroc,
        "minutes": round(minutes, 3),
    }
