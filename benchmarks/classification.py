"""Classifiers: a small ConvNet on Fashion-MNIST, PyTorch beside it, and ImageNet's 1,000 names.

    python -m benchmarks classification fashion --data idx:DIR
    python -m benchmarks classification race --data idx:DIR [--torch-python PYTHON] [--epochs 5]
    python -m benchmarks classification imagenet --samples DIR

``fashion`` trains by the recipe through the command line; every option after it goes to
`minicv train classifier`. Test accuracy comes with the processor's minutes of the training.

``race`` trains the same network in minicv and in PyTorch, from the same weights on the same
batches. The two take turns of 50 steps, and whoever rests is stopped by the operating system. The
ratio is PyTorch's time over minicv's within each round, the median of all.

``imagenet`` runs `minicv eval --model efficientnet_lite0` on photographs whose names begin with
WordNet's ids, ``n01440764_tench.jpg``: it lays them out as ImageNet is, a folder for each id.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import conv_net_side
from benchmarks.busy import cores_used_by_others
from benchmarks.peers import find_peers
from benchmarks.record import write_record
from benchmarks.train_and_test import CommandFailed, train_and_test
from minicv.cli.main import main as minicv
from minicv.data.idx_files import IdxImages
from minicv.tasks.classification import RECIPES

ROOT = Path(__file__).resolve().parent.parent
BACKBONE, WIDTH = "conv_net", 16
TURN = 50  # steps
TEST_AT_ONCE = 500


def main(arguments: Sequence[str]) -> int:
    """Measure what is named, write the record."""
    measured = {"fashion": fashion, "race": race, "imagenet": imagenet}
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
    path = write_record(f"classification_{name}", record)
    print(f"kept in {path}")
    return 0


def fashion(options: Sequence[str]) -> dict[str, Any]:
    """Train and test by the command line."""
    given = [*options] if "--backbone" in options else ["--backbone", BACKBONE, *options]
    out = Path("runs") / "classification_fashion"
    record = train_and_test("classifier", given, out, pictures=True)
    for which, values in record["test"].items():
        print(f"{which}: top-1 {values['top-1']:.4f} after {record['minutes']:.2f} minutes")
    return record


def race(options: Sequence[str]) -> dict[str, Any] | None:
    """The same network in both libraries, in turns."""
    recipe = RECIPES[BACKBONE]
    parser = argparse.ArgumentParser(prog="python -m benchmarks classification race")
    parser.add_argument("--data", required=True, help="idx:DIR of Fashion-MNIST")
    parser.add_argument("--torch-python", help="an interpreter that can import torch")
    parser.add_argument("--epochs", type=int, default=recipe.epochs)
    parser.add_argument("--batch-size", type=int, default=recipe.batch_size)
    parser.add_argument("--lr", type=float, default=recipe.lr)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(options)
    peers = find_peers(["torch"], {"torch": given.torch_python})
    if not peers:
        return None
    folder = given.data.removeprefix("idx:")
    train, test = IdxImages(folder, "train"), IdxImages(folder, "test")
    steps = given.epochs * (len(train) // given.batch_size)
    numbers = {"width": WIDTH, "batch_size": given.batch_size, "lr": given.lr, "seed": given.seed}
    numbers["steps"] = steps
    state = conv_net_side.conv_net(WIDTH).state_dict()
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "race.npz"
        np.savez(
            file,
            numbers=json.dumps(numbers),
            pixels=train.pixels,
            labels=np.array(train.labels),
            test_pixels=test.pixels,
            test_labels=np.array(test.labels),
            **{f"state/{name}": array for name, array in state.items()},
        )
        pythons = {"minicv": sys.executable, **peers}
        sides = {
            name: RacingSide(name, python, file, given.threads) for name, python in pythons.items()
        }
        try:
            measured = take_turns(sides, steps)
        finally:
            for side in sides.values():
                side.close()
    print(
        f"accuracy {measured['accuracy']}, seconds {measured['seconds']}, ratio "
        f"{measured['ratio']:.2f}"
    )
    versions = {name: side.version for name, side in sides.items()}
    return {"network": numbers, "epochs": given.epochs, "versions": versions, **measured}


def take_turns(sides: dict[str, RacingSide], steps: int) -> dict[str, Any]:
    """All steps of all sides, `TURN` at a time, then the test."""
    rounds: list[dict[str, float]] = []
    losses: dict[str, list[float]] = {name: [] for name in sides}
    busy = [cores_used_by_others()]
    done = 0
    while done < steps:
        count = min(TURN, steps - done)
        names = list(sides) if len(rounds) % 2 == 0 else list(reversed(sides))
        answers = {name: sides[name].ask({"train": count}) for name in names}
        rounds.append({name: answers[name]["seconds"] / count for name in sides})
        for name, answer in answers.items():
            losses[name] += answer["losses"]
        done += count
        if len(rounds) % 20 == 0:
            shown = ", ".join(f"{name} {np.mean(own[-count:]):.3f}" for name, own in losses.items())
            print(f"{done} of {steps} steps: loss {shown}", flush=True)
    busy.append(cores_used_by_others())
    counted = rounds[1:] or rounds  # the first is a warm-up
    return {
        "accuracy": {name: side.ask({"test": TEST_AT_ONCE})["accuracy"]
                     for name, side in sides.items()},
        "ratio": statistics.median(own["torch"] / own["minicv"] for own in counted),
        "seconds_a_step": {
            name: statistics.median(own[name] for own in counted) for name in sides
        },
        "seconds": {
            name: round(statistics.mean(own[name] for own in rounds) * steps, 1) for name in sides
        },
        "first_losses": {name: own[:5] for name, own in losses.items()},
        "last_loss": {name: float(np.mean(own[-TURN:])) for name, own in losses.items()},
        "cores_used_by_others": busy,
    }  # fmt: skip


class RacingSide:
    """A process of `benchmarks.conv_net_side` or another side, stopped while it has no order."""

    def __init__(
        self,
        library: str,
        python: str,
        file: Path,
        threads: int,
        module: str = "benchmarks.conv_net_side",
    ) -> None:
        names = ("OMP", "OPENBLAS", "MKL", "MINICV")
        environment = {**os.environ, **{f"{name}_NUM_THREADS": str(threads) for name in names}}
        self._process = subprocess.Popen(
            [python, "-m", module, library, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        self.version: str = self._answer()["version"]

    def ask(self, order: dict[str, int]) -> dict[str, Any]:
        """The answer to an order, while which the process runs."""
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        self._process.kill()  # also one that is stopped
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a side of the race ended without an answer")
        self._process.send_signal(signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        return answer


def imagenet(options: Sequence[str]) -> dict[str, Any]:
    """Top-1 of the published EfficientNet-Lite0 on photographs, by `minicv eval`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks classification imagenet")
    parser.add_argument("--samples", required=True, type=Path, metavar="DIR")
    parser.add_argument("--weights", type=Path, metavar="FILE")
    given = parser.parse_args(options)
    out = Path("runs") / "classification_imagenet"
    folders = out / "samples"
    shutil.rmtree(folders, ignore_errors=True)
    for photograph in sorted(given.samples.glob("n*_*.jpg")):
        folder = folders / photograph.name.partition("_")[0]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(photograph, folder)
    command = ["eval", "--model", "efficientnet_lite0", "--data", f"folder:{folders}"]
    command += ["--split", "train"]  # of a set that has no splits, the whole
    command += [] if given.weights is None else ["--weights", str(given.weights)]
    report = out / "values.json"
    status = minicv([*command, "--pictures", str(out / "pictures"), "--json", str(report)])
    if status:
        raise CommandFailed(status)
    result = json.loads(report.read_text(encoding="utf-8"))
    kept = ("top-1", "top-5", "mean class accuracy")
    values = {name: result["values"][name] for name in kept}
    return {
        "eval_command": " ".join(["minicv", *command]),
        "images": result["images"],
        "seconds_per_image": result["seconds_per_image"],
        **values,
    }
