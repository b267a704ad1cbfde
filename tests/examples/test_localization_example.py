"""The example of localisation runs, small; and both ways begin alike."""

import numpy as np
import pytest

from minicv.data import Cached
from minicv.data.one_object import SingleObjectScenes


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("18_localization")


def test_localization(script, tmp_path, check_pictures, capsys):
    script.run(tmp_path, seed=1, scenes=(8, 4), epochs=2)
    check_pictures(tmp_path, ["1_best_to_worst.png", "2_both_ways.png", "3_training.png"])
    rows = capsys.readouterr().out.splitlines()
    trained = [row for row in rows if row.startswith(script.WAYS)]
    assert len(trained) == 2
    for row in trained:
        of_class, of_both, iou = map(float, row.split()[-3:])
        assert (
            0 <= of_class <= of_both <= 1 and 0 <= iou <= 1
        )  # where the class is wrong, so are both


def test_where_the_network_is_frozen_the_class_stays(script):
    scenes = Cached(SingleObjectScenes(8, seed=3), keep=script.LABELS)
    model, history = script.train(script.CLASS_FIRST, scenes, scenes, 4, seed=0)
    assert ["loss_box_reg" in record for record in history] == [False, False, True, True]
    of_class = [record["class error"] for record in history]
    assert of_class[1] == of_class[2] == of_class[3]
    ious = [record["mean IoU"] for record in history]
    assert ious[3] != ious[1] and np.isfinite(ious).all()
    assert model.settings.box_head == "own"
