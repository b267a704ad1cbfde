"""The four ways agree, the counts agree, and a way that does not is found out."""

import numpy as np
import pytest

from minicv.data import Cached, Farmyard


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("01_sliding_window_vs_fully_convolutional")


@pytest.fixture(scope="module")
def model(script):
    scenes = Cached(Farmyard(4, size=(40, 40)), keep=("segmentation",))
    return script.train_patch_classifier(scenes, epochs=1, rng=np.random.default_rng(0))


def test_it_runs_prints_and_draws(script, tmp_path, check_pictures, capsys):
    script.run(tmp_path / "new", seed=3, scenes=(8, 3), epochs=1, size=32, repeats=1)
    check_pictures(tmp_path / "new", ["labels.png"])
    text = capsys.readouterr().out
    assert "sliding window" in text and "mean IoU on 3 unseen scenes" in text


def test_the_ways_agree_on_an_image_that_no_stride_divides(script, model):
    scene, target = Farmyard(1, size=(32, 32), seed=1)[0]
    image = scene[:, :13, :18]
    ways = script.compare(model, image, repeats=1)
    slow, stitched, holes, coarse = ways.values()
    assert slow.scores.shape == stitched.scores.shape == holes.scores.shape == (8, 13, 18)
    assert coarse.scores.shape == (8, 4, 5)
    assert [way.derived == way.counted for way in ways.values()] == [True] * 4
    assert slow.counted > stitched.counted > holes.counted > coarse.counted
    assert max(way.difference for way in ways.values()) < 1e-4 * np.abs(slow.scores).max()
    assert len(script.table(ways).splitlines()) == 5
    script.draw(image, target["segmentation"][:13, :18], ways)


def test_a_way_with_other_scores_is_refused(script, model, monkeypatch):
    def wrong(dense, x, patch_size):
        return right(dense, x, patch_size) + 0.1

    right = script.shift_and_stitch
    monkeypatch.setattr(script, "shift_and_stitch", wrong)
    image = Farmyard(1, size=(32, 32), seed=1)[0][0][:, :9, :9]
    with pytest.raises(AssertionError, match="shift and stitch gives other scores"):
        script.compare(model, image, repeats=1)
