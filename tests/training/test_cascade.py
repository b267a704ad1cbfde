"""The stages of a cascade learn in turn, from what those before do wrong; a training resumes."""

import numpy as np
import pytest

from minicv.data import DataLoader
from minicv.models.backbones import SmallBackbone
from minicv.models.pose import DeepPose, DeepPoseSettings
from minicv.models.pose.displacements import ErrorsOfJoints
from minicv.optim import Adam, ConstantLR
from minicv.training import GradientStep, fit
from minicv.training.cascade import CascadeStep

NAMES = ("left shoulder", "right hip", "nose")
SETTINGS = DeepPoseSettings(
    stages=3, size=16, pooled_size=1, units=4, warp_size=8, crop_pooled_size=1, crop_units=4,
    crops=3, joint_names=NAMES,
)  # fmt: skip


class People:
    """Pictures of noise, each with the same three joints."""

    classes = ("person",)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        image = np.random.default_rng(index).random((3, 24, 16), dtype=np.float32)
        joints = np.array([[8.0, 4 + index, 1], [6, 16, 1], [7, 2, float(index > 0)]])
        return image, {"joints": joints, "image_id": index}


def training(steps=(2, 2, 2), seed=0):
    """A step on two batches an epoch, and its loader."""
    rng = np.random.default_rng(seed)
    model = DeepPose(SmallBackbone(2, rng=rng), ("person",), SETTINGS, rng=rng)

    def step_of(stage, steps):
        made.append((stage, steps))
        optimizer = Adam(model.part(stage).parameters(), lr=0.01)
        return GradientStep(model, optimizer, ConstantLR(0.01))

    made = []
    step = CascadeStep(model, steps, step_of, lambda stage: DataLoader(People(), 2))
    step.made = made
    loader = DataLoader(People(), 2, shuffle=True, rng=np.random.default_rng(seed + 1))
    return step, loader


def run(step, loader, epochs, **options):
    return fit(step, loader, epochs=epochs, rng=np.random.default_rng(3), progress=False, **options)


def state_of(model, start):
    return {n: a for n, a in model.state_dict().items() if n.startswith(start)}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


def test_each_stage_learns_for_its_steps_and_the_others_stay():
    step, loader = training()
    first = state_of(step.model, ("backbone", "head"))
    second = state_of(step.model, "closer.0")
    history = run(step, loader, 1)
    assert list(history[0]) == ["epoch", "step", "loss_stage_1", "seconds"]
    assert not same(state_of(step.model, ("backbone", "head")), first)
    assert same(state_of(step.model, "closer.0"), second) and step.model.begun == 1
    first = state_of(step.model, ("backbone", "head"))
    third = state_of(step.model, "closer.1")
    for number in range(2):
        images, targets = zip(*(People()[i] for i in (2 * number, 2 * number + 1)), strict=True)
        values = step(list(images), list(targets), np.random.default_rng(0))
        assert list(values) == ["loss_stage_2"]
    assert same(state_of(step.model, ("backbone", "head")), first)  # also its batch statistics
    assert not same(state_of(step.model, "closer.0"), second)
    assert same(state_of(step.model, "closer.1"), third)
    assert step.model.begun == 2 and step.steps == 4 and step.made == [(1, 2), (2, 2)]


def test_the_last_stage_goes_on_to_the_end():
    step, loader = training()
    history = run(step, loader, 5)
    named = [[name for name in record if name.startswith("loss")] for record in history]
    assert named == [["loss_stage_1"], ["loss_stage_2"]] + [["loss_stage_3"]] * 3
    assert step.steps == 10 and step.model.begun == 3


def test_a_stage_learns_from_the_errors_of_the_one_before():
    """Measured by hand: predicted minus true place, in diameters of the torso."""
    step, loader = training()
    run(step, loader, 1)
    model = step.model.eval()
    moved = []
    for index in range(4):
        image, target = People()[index]
        joints = target["joints"]
        apart = model.predict([image])[0]["joints"] - joints[:, :2]
        ruler = max(2.4, np.hypot(*(joints[0, :2] - joints[1, :2])))
        moved.append(np.where(joints[:, 2:] > 0, apart / ruler, np.nan))
    expected = ErrorsOfJoints.of(np.array(moved))
    run_one(step)
    found = model.errors_before(2)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-3, atol=1e-6)


def run_one(step):
    image, target = People()[1]
    return step([image], [target], np.random.default_rng(0))


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_resumed_training_gives_the_same_numbers(tmp_path, stop):
    step, loader = training()
    run(step, loader, 4)
    whole = step.model.state_dict()
    for epochs in (stop, 4):
        step, loader = training()
        run(step, loader, epochs, out=tmp_path, resume=True)
    assert same(step.model.state_dict(), whole)
    assert step.stage == 3 and step.steps == 8


def test_other_steps_of_the_stages_are_refused():
    step, loader = training()
    run(step, loader, 1)
    other, _ = training((4, 2, 2))
    with pytest.raises(ValueError, match=r"for \(2, 2, 2\) steps but this run's for \(4, 2, 2\)"):
        other.load_state_dict(step.state_dict())
    with pytest.raises(ValueError, match="it is in stage 7 of 3"):
        step.load_state_dict({**step.state_dict(), "stage": np.array(7)})


@pytest.mark.parametrize("steps", [(2, 2), (2, 0, 2)])
def test_a_stage_without_a_step_is_refused(steps):
    with pytest.raises(ValueError, match="one step or more for each of 3 stages"):
        training(steps)


def test_nothing_to_measure_on_is_said():
    step, _ = training((1, 1, 1))
    step.measured_on = None
    run_one(step)
    with pytest.raises(ValueError, match="measured_on is not set"):
        run_one(step)
