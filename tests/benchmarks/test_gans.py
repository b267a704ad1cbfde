"""The measurements of GANs: a side of the race, the game of points, what is counted."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import dcgan_side
from benchmarks.classification import ROOT
from benchmarks.gans import COUNTED, counted, game_of_points, squares_of, untrained_samples
from minicv.models.generative import DCGAN, DCGANSettings
from minicv.optim import Adam
from minicv.training import AdversarialStep

NUMBERS = {
    "size": 8, "channels": 1, "latent": 3, "filters": 2, "batch_size": 4, "lr": 0.001, "seed": 5,
}  # fmt: skip


def test_a_side_makes_the_step_of_the_library(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (10, 1, 8, 8), dtype=np.uint8)
    state = dcgan_side.dcgan(NUMBERS).state_dict()
    file = tmp_path / "race.npz"
    arrays = {f"state/{name}": array for name, array in state.items()}
    np.savez(file, numbers=json.dumps(NUMBERS), pictures=pictures, **arrays)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.dcgan_side", "minicv", str(file)],
        input='{"train": 2}\n', capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    started, answer = map(json.loads, done.stdout.splitlines())
    assert started["version"] and answer["seconds"] > 0

    model = dcgan_side.dcgan(NUMBERS)
    step = AdversarialStep(
        model,
        Adam(model.generator.parameters(), 0.001, (0.5, 0.999)),
        Adam(model.discriminator.parameters(), 0.001, (0.5, 0.999)),
    )
    order, latents = (np.random.default_rng([5, part]) for part in (0, 1))
    for own in answer["losses"]:
        chosen = pictures[order.integers(10, size=4)].astype(np.float32) / 255
        images = [np.repeat(picture, 3, axis=0) for picture in chosen]
        values = step(images, [{}] * 4, latents)
        assert own == pytest.approx(list(values.values()), rel=1e-4)


def test_a_short_game_of_points_is_counted():
    found = game_of_points(0, steps=8, draws=2, smoothing=0.1)
    assert 0 <= found["modes covered"] <= 8 and len(found["counts"]) == 8
    least, most = found["in the second half"]
    assert least <= found["modes covered"] <= most


def test_samples_are_counted_by_class():
    class Judge:
        classes = ("dark", "light")

        def features_and_labels(self, pictures):
            assert len(pictures) == COUNTED
            return None, (pictures.mean(axis=(1, 2, 3)) > 0.5).astype(int)

    levels = np.linspace(0, 1, COUNTED, dtype=np.float32)
    drawn = np.broadcast_to(levels[:, None, None, None], (COUNTED, 1, 4, 4))
    found = counted(Judge(), np.concatenate([drawn, drawn]))
    assert found["classes"] == 2 and found["histogram"] == {"dark": 500, "light": 500}
    assert found["distance between samples"] == pytest.approx(np.sqrt(1 / 6), rel=0.01)


def test_an_untrained_generator_draws_noise_not_flat_grey(monkeypatch):
    monkeypatch.setattr("benchmarks.gans.JUDGED", 12)
    model = DCGAN(("any",), DCGANSettings(8, 1, 3, 2), rng=np.random.default_rng(3))
    fresh = model.sample(12, np.random.default_rng(1234))
    settled = untrained_samples(model, seed=3)
    assert settled.shape == fresh.shape and settled.std() > 3 * fresh.std()


def test_pictures_are_spread_over_the_set():
    images = [(np.full((3, 28, 28), level / 10), {}) for level in range(10)]
    np.testing.assert_allclose(squares_of(images, 5)[:, 0, 0, 0], [0, 0.2, 0.4, 0.6, 0.8])
