"""The examples on autoencoders run, small: what they print, the pictures, and what they claim."""

import numpy as np
import pytest

from minicv.tasks.generative_data import Squares


def small_set(script, count=12):
    """Grey squares of 8 pixels with a bright block, whose place is the class."""
    rng = np.random.default_rng(0)
    x = 0.1 * rng.random((count, 1, 8, 8), np.float32)
    labels = np.arange(count) % 2
    for own, label in zip(x, labels, strict=True):
        own[:, 2:6, 1 + 3 * label : 4 + 3 * label] = 0.9
    return Squares(x, labels, ("left", "right"))


def test_four_autoencoders(load_example, tmp_path, check_pictures, capsys):
    script = load_example("21_four_autoencoders")
    known = small_set(script, 40)
    script.run(tmp_path, known, small_set(script), seed=1, epochs=1, lengths=(1, 2))
    names = ["1_four_autoencoders.png", "2_length_of_the_code.png", "3_switches.png"]
    check_pictures(tmp_path, names)
    text = capsys.readouterr().out
    assert all(kind in text for kind in (*script.KINDS, script.PCA)) and "bits of switches" in text


def test_inside_a_code(load_example, tmp_path, check_pictures, capsys):
    script = load_example("22_inside_a_code")
    known = small_set(script, 40)
    script.run(tmp_path, known, small_set(script), seed=1, epochs=1)
    names = ["1_plane.png", "2_walks.png", "3_single_numbers.png", "4_no_copies.png"]
    check_pictures(tmp_path, names)
    text = capsys.readouterr().out
    assert "numbers of the code are in use" in text and "of unseen pictures" in text
    nearest, apart = script.nearest_of(known.flat[3:5], known.flat)
    assert nearest.tolist() == [3, 4] and apart.tolist() == [0, 0]


def test_uses_of_autoencoders(load_example, tmp_path, check_pictures, capsys):
    script = load_example("23_uses_of_autoencoders")
    known = small_set(script, 40)
    script.run(tmp_path, known, small_set(script), seed=1, epochs=1, label=1)
    check_pictures(tmp_path, ["1_denoising.png", "2_inpainting.png", "3_odd_ones.png"])
    text = capsys.readouterr().out
    assert "dB with noise" in text and "within the hole" in text and "odd ones beside right" in text


def test_checkerboards(load_example, tmp_path, check_pictures, capsys, monkeypatch):
    script = load_example("27_checkerboards")
    monkeypatch.setattr(script, "WIDTHS", (6, 4))
    known = small_set(script, 40)
    script.run(tmp_path, known, small_set(script), seed=1, epochs=1)
    check_pictures(tmp_path, ["1_stamps.png", "2_reconstructions.png", "3_power.png"])
    text = capsys.readouterr().out
    assert all(way in text for way in script.WAYS)


def test_an_uneven_kernel_has_a_checkerboard_before_it_learns(load_example):
    """Weights of one sign make the stamps visible: the power of the worst is far above the rest."""
    script = load_example("27_checkerboards")
    power = {}
    x = np.random.default_rng(0).random((4, 3, 4, 4), np.float32)
    for way in script.WAYS:
        up = script.Up(way, 3, 1, rng=np.random.default_rng(1))
        up.conv.weight.data[:] = 1 / up.conv.weight.data.size
        made = up(script.Tensor(np.ones_like(x))).data
        inner = made[:, :, 1:-1, 1:-1]
        power[way] = float(inner.std())
    assert power[script.THREE] > 0.01
    assert power[script.FOUR] == pytest.approx(0, abs=1e-6)
    assert power[script.RESIZE] == pytest.approx(0, abs=1e-6)
