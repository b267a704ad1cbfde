"""--storage: what it does to a model, and that the next command knows nothing of it."""

import argparse

import numpy as np
import pytest
from command_line import picture, run

from minicv.backend.storage import current_storage
from minicv.cli.storage_option import add_storage_option, chosen_storage
from minicv.models.segmentation import SegNetSettings
from minicv.nn import Linear
from minicv.tasks import Spec, build, save


def options(*arguments):
    parser = argparse.ArgumentParser()
    add_storage_option(parser)
    return parser.parse_args(arguments)


def test_float16_for_weights_and_activations_and_only_within():
    layer = Linear(2, 3, rng=np.random.default_rng(0))
    with chosen_storage(options("--storage", "float16"), layer):
        assert current_storage() == "float16" and layer.weight.dtype == np.float16
    assert current_storage() == "float32"


def test_without_the_option_nothing_changes():
    layer = Linear(2, 3, rng=np.random.default_rng(0))
    with chosen_storage(options(), layer):
        assert current_storage() == "float32" and layer.weight.dtype == np.float32


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    spec = Spec("segnet", ("cow", "duck"), SegNetSettings(widths=(4, 6), depths=(1, 1)))
    path = tmp_path_factory.mktemp("weights") / "segmenter.npz"
    save(path, build(spec, np.random.default_rng(0)), spec)
    return path


def test_predict_takes_it(tmp_path, capsys, segmenter):
    image = picture(tmp_path / "a.png")
    arguments = ("segment", "--weights", segmenter, image, "--out", tmp_path / "out")
    status, said, error = run(capsys, *arguments, "--storage", "float16")
    assert status == 0, error
    assert "a.png" in said and current_storage() == "float32"
    assert (tmp_path / "out" / "a_segmentation.png").exists()


def test_eval_takes_it(monkeypatch, capsys, segmenter):
    seen = []

    def judge(options, model, *others):
        seen.append((current_storage(), model.score.weight.dtype.name))

    monkeypatch.setattr("minicv.cli.evaluate._run", judge)
    arguments = ("--weights", segmenter, "--data", "farmyard", "--storage", "float16")
    status, _, error = run(capsys, "eval", *arguments)
    assert status == 0, error
    assert seen == [("float16", "float16")]
