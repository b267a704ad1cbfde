"""The examples of GANs run, small; their measures are what they say."""

import numpy as np
import pytest
from PIL import Image


def test_points(load_example, tmp_path, check_pictures, capsys):
    script = load_example("24_gan_on_points")
    script.FRAMES, script.BATCH, script.SHOWN = 3, 16, 40
    script.run(tmp_path, seed=0, steps=6, collapsed_steps=6)
    check_pictures(tmp_path, ["1_game.png", "2_collapse.png", "3_curves.png"])
    for name in ("1_game.gif", "2_collapse.gif"):
        with Image.open(tmp_path / name) as played:
            assert played.n_frames == 3
    rows = capsys.readouterr().out.splitlines()
    numbers = [float(number) for number in rows[2].split()[-4:]]
    assert 0.5 < numbers[0] < 3 and 0 <= numbers[2] <= 8 and 0 <= numbers[3] <= 1


def test_dcgan(load_example, tmp_path, check_pictures, capsys):
    script = load_example("25_dcgan")
    script.SIZE_OF_CUT_OUTS, script.UNSEEN = 8, 4
    script.run(tmp_path, 0, "farmyard:4", None, filters=2, steps=6)
    names = ["1_through_training.png", "2_samples.png", "3_walks.png", "4_nearest.png"]
    check_pictures(tmp_path, names)
    said = capsys.readouterr().out
    assert "pictures of 8 x 8" in said and "unseen pictures" in said


def test_distances_are_of_all_pairs(load_example):
    script = load_example("25_dcgan")
    rng = np.random.default_rng(0)
    some, others = rng.random((3, 1, 4, 4)), rng.random((5, 1, 4, 4))
    expected = [[np.mean((a - b) ** 2) for b in others] for a in some]
    np.testing.assert_allclose(script.distances(some, others), expected)
    assert script.between_all(others) == pytest.approx(
        np.sqrt(script.distances(others, others).sum() / (5 * 4))
    )


def test_what_goes_wrong(load_example, tmp_path, check_pictures, capsys):
    script = load_example("26_what_goes_wrong")
    script.POINT_BATCH, script.SAMPLES = 16, 64
    steps = {"gan_steps": 2, "gan_alone": 2, "alone": 8, "after": 2, "judge_steps": 4}
    script.run(tmp_path, seed=0, digits=64, **steps)
    names = [
        "1_mode_collapse.png", "2_gradients.png", "3_after_a_strong_discriminator.png",
    ]  # fmt: skip
    check_pictures(tmp_path, names)
    said = capsys.readouterr().out
    assert "gradient, minimax" in said and "digits: the classifier" in said


def test_digits_are_white_on_black_and_differ(load_example):
    script = load_example("26_what_goes_wrong")
    pictures, labels = script.draw_digits(40, np.random.default_rng(0))
    assert pictures.shape == (40, 1, 16, 16) and set(labels) <= set(range(10))
    assert pictures.min() == 0 and pictures.max() > 0.9 and pictures[:, :, 0, 0].max() == 0
    ones = pictures[labels == 1]
    assert not np.array_equal(ones[0], ones[1])
    assert pictures.mean(axis=(1, 2, 3)).min() > 0.05  # each shows something
