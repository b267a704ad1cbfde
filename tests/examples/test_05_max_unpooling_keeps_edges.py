"""The pair differs in the upsampling alone; pictures and values are there."""

import numpy as np
import pytest

from minicv.models.segmentation import EncoderDecoder, EncoderDecoderSettings


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("05_max_unpooling_keeps_edges")


def test_it_runs_prints_and_draws(script, tmp_path, check_pictures, capsys):
    script.run(tmp_path / "new", seed=1, pairs=2, scenes=(8, 3), epochs=1, size=48)
    check_pictures(tmp_path / "new", ["borders.png", "scene.png"])
    text = capsys.readouterr().out
    for words in (
        "seed 1, nearest",
        "seed 2, max_unpool",
        "max_unpool - nearest",
        "standard error",
    ):
        assert words in text


def test_both_begin_with_the_same_weights(script):
    nearest, unpooling = (
        EncoderDecoder(
            script.CLASSES,
            EncoderDecoderSettings(upsampling=way, widths=script.WIDTHS),
            rng=np.random.default_rng(0),
        )
        for way in script.WAYS
    )
    first, second = nearest.state_dict(), unpooling.state_dict()
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])
