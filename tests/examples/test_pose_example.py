"""The example of the cascade of poses runs, small; and what it counts is right."""

import dataclasses

import numpy as np
import pytest

from minicv.metrics.pose import JointMetric

NAMES = ["1_stages", "2_crops", "3_errors_and_simulations", "4_pdj", "5_best_to_worst"]


@pytest.fixture(scope="module")
def cascade(load_example):
    return load_example("19_pose_cascade")


def test_pose_cascade(cascade, tmp_path, check_pictures, capsys, monkeypatch):
    small = {"size": 16, "pooled_size": 1, "units": 8, "warp_size": 8, "crop_pooled_size": 1}
    settings = dataclasses.replace(cascade.SETTINGS, **small, crop_units=8, crops=4)
    monkeypatch.setattr(cascade, "SETTINGS", settings)
    monkeypatch.setattr(cascade, "WIDTH", 2)
    recipe = dataclasses.replace(cascade.RECIPE, epochs=3, batch_size=4)
    cascade.run(tmp_path / "new", seed=1, scenes=(8, 5), recipe=recipe)
    check_pictures(tmp_path / "new", [f"{name}.png" for name in NAMES])
    rows = capsys.readouterr().out.splitlines()
    assert [row[:13].strip() for row in rows if row.startswith(("stage ", "the mean"))] == [
        "the mean pose", "stage 1", "stage 2", "stage 3",
    ]  # fmt: skip


def test_the_person_drawn_is_the_one_whom_the_cascade_helps_most(cascade):
    truth = np.random.default_rng(0).uniform(0, 90, (14, 3))
    truth[:, 2] = 1
    ruler = np.linalg.norm(truth[9, :2] - truth[2, :2])
    metric = JointMetric()
    for first, last in ((0.1, 0.1), (0.5, 0.1), (0.9, 0.5), (0.2, 0.1)):
        stages = [truth[:, :2] + (off * ruler, 0) for off in (first, last)]
        metric.add({"joints": stages[1], "joints by stage": stages}, {"joints": truth})
    np.testing.assert_allclose(cascade.gains(metric), [0, 0.4, -1, 0.1], atol=1e-9)
    assert cascade.person_to_draw(metric) == 1
