"""DeepPose on a device: the same answers, brought back to the host, and the same gradients."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from device_of_the_host import check_losses_and_gradients, check_on_the_host, install_device

from minicv.models.backbones import SmallBackbone
from minicv.models.pose import DeepPose, DeepPoseSettings
from minicv.models.pose.displacements import ErrorsOfJoints

SETTINGS = DeepPoseSettings(
    stages=2, size=32, pooled_size=2, units=8, warp_size=16, crop_pooled_size=1, crop_units=8,
    crops=6,
)  # fmt: skip
IMAGES = [np.random.default_rng(i).random((3, 50, 30), dtype=np.float32) for i in range(2)]
TARGETS = [
    {"joints": np.column_stack([np.random.default_rng(i).uniform(2, 28, (14, 2)), np.ones(14)])}
    for i in range(2)
]


@pytest.fixture(autouse=True)
def device(monkeypatch):
    install_device(monkeypatch)


def pair(stage):
    """The same network twice, the last of its stages begun or not: on the host, and moved."""
    models = []
    for _ in range(2):
        rng = np.random.default_rng(0)
        model = DeepPose(SmallBackbone(4, rng=rng), ("person",), SETTINGS, rng=rng)
        model.closer[0].head.places.weight.data[:] = rng.normal(0, 0.1, (28, 8))
        models.append(model)
    assert isinstance(next(iter(models[1].to("cuda").parameters())).data, cupy.ndarray)
    if stage == 2:
        errors = ErrorsOfJoints(np.full((14, 2), 0.1), np.tile(0.02 * np.eye(2), (14, 1, 1)))
        for model in models:
            model.begin_stage(2, errors)
    return models


def arrays_of(stages):
    return {f"{s.name}/{name}": array for s in stages for name, array in s.arrays.items()}


@pytest.mark.parametrize("stage", [1, 2])
def test_results_and_stages_come_back_to_the_host(stage):
    host, moved = pair(stage)
    results = [dict(model.predict(IMAGES)[0]) for model in (moved, host)]
    names = [result.pop("joint_names") for result in results]
    assert names[0].tolist() == names[1].tolist()
    check_on_the_host(*results)
    stages = [arrays_of(model.stages(IMAGES[0])) for model in (moved, host)]
    for own in stages:
        for name in [name for name in own if name.endswith(("joint_names", "stride"))]:
            del own[name]
    check_on_the_host(*stages)


@pytest.mark.parametrize("stage", [1, 2])
def test_losses_and_gradients_are_those_of_the_host(stage):
    host, moved = pair(stage)
    check_losses_and_gradients(host, moved, IMAGES, TARGETS)
