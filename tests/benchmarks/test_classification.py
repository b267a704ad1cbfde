"""The race on Fashion-MNIST: batches, learning rates, and that a side answers as it should."""

import json
import subprocess
import sys

import numpy as np

from benchmarks import conv_net_side
from benchmarks.classification import ROOT, take_turns
from minicv.optim import CosineAnnealingLR, WarmupThen


def test_batches_are_moved_and_mirrored_pictures_once_an_epoch():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (12, 28, 28), dtype=np.uint8)
    drawn = conv_net_side.batches(pixels, np.arange(12), 4, seed=3)
    seen, moves = [], set()
    padded = np.pad(pixels, ((0, 0), (2, 2), (2, 2)), mode="edge")
    for _ in range(9):
        for image, label in zip(*next(drawn), strict=True):
            seen.append(int(label))
            assert (image[0] == image[1]).all() and image.dtype == np.float32
            grey = np.rint(image[0] * 255).astype(np.uint8)
            for mirrored in (False, True):
                plain = grey[:, ::-1] if mirrored else grey
                moves |= {
                    (down, across, mirrored)
                    for down in range(5)
                    for across in range(5)
                    if (padded[label, down : down + 28, across : across + 28] == plain).all()
                }
    assert sorted(seen) == sorted([*range(12)] * 3)
    assert len(moves) > 15 and {mirrored for *_, mirrored in moves} == {True, False}


def test_rates_are_those_of_the_recipes_schedule():
    schedule = WarmupThen(CosineAnnealingLR(0.1, 4000), 100)
    for step in (0, 1, 50, 99, 100, 2000, 3999):
        expected = schedule.lr(step)
        assert abs(conv_net_side.rate_of(step, 4000, 0.1) - expected) < 1e-12


def test_a_side_trains_and_tests(tmp_path):
    rng = np.random.default_rng(0)
    numbers = {"width": 4, "batch_size": 5, "lr": 0.05, "seed": 0, "steps": 6}
    state = conv_net_side.conv_net(4).state_dict()
    np.savez(
        tmp_path / "race.npz",
        numbers=json.dumps(numbers),
        pixels=rng.integers(0, 256, (10, 28, 28), dtype=np.uint8),
        labels=np.arange(10),
        test_pixels=rng.integers(0, 256, (4, 28, 28), dtype=np.uint8),
        test_labels=np.arange(4),
        **{f"state/{name}": array for name, array in state.items()},
    )
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.conv_net_side", "minicv", str(tmp_path / "race.npz")],
        input='{"train": 2}\n{"test": 3}\n',
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    ready, trained, tested = map(json.loads, done.stdout.splitlines())
    assert "version" in ready and len(trained["losses"]) == 2 and trained["seconds"] > 0
    assert tested["accuracy"] in (0, 0.25, 0.5, 0.75, 1)


def test_the_ratio_is_of_neighbouring_turns(monkeypatch):
    class Side:
        def __init__(self, seconds):
            self.seconds = iter(seconds)

        def ask(self, order):
            if "test" in order:
                return {"accuracy": 0.5}
            return {"seconds": next(self.seconds), "losses": [1.0] * order["train"]}

    monkeypatch.setattr("benchmarks.classification.cores_used_by_others", lambda: 0.0)
    sides = {"minicv": Side([9.0, 1.0, 2.0, 1.0]), "torch": Side([1.0, 2.0, 4.0, 3.0])}
    measured = take_turns(sides, 200)
    assert measured["ratio"] == 2.0 and measured["accuracy"] == {"minicv": 0.5, "torch": 0.5}
    assert measured["seconds_a_step"]["torch"] == 3.0 / 50
