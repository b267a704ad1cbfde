"""The three are trained one after another, each from where the one before ended."""

import numpy as np
import pytest

from minicv.data import Farmyard
from minicv.models.segmentation import FCN8s, FCN16s, FCN32s


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("04_fcn_32s_16s_8s")


def test_it_runs_prints_and_draws(script, tmp_path, check_pictures, capsys):
    script.run(tmp_path / "new", seed=1, scenes=(8, 3), epochs=2, size=64)
    check_pictures(tmp_path / "new", ["borders.png", "scene.png"])
    lines = capsys.readouterr().out.splitlines()
    rows = {line[:24].strip(): line[24:].split()[0] for line in lines if line.startswith("FCN")}
    assert rows == {
        "FCN-32s": "2",
        "FCN-16s, from FCN-32s": "1",
        "FCN-8s, from FCN-16s": "1",
        "FCN-32s, trained on": "2",
    }


def test_each_begins_where_the_one_before_ended(script):
    image = Farmyard(1, size=(64, 64))[0][0]
    before = script.new(FCN32s, seed=0)
    rng = np.random.default_rng(1)
    for parameter in before.score_fr.parameters():
        parameter.data = rng.normal(size=parameter.shape).astype(np.float32)
    for kind in (FCN16s, FCN8s):
        after = script.new(kind, seed=5)
        after.load_state_dict(before.state_dict(), strict=False)
        labels, finer = (m.predict([image])[0]["probabilities"] for m in (before, after))
        # Two enlargements after another interpolate nearly as one at once does.
        assert 0 < np.abs(labels - finer).mean() < 0.1
        before = after
