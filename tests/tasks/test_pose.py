"""The task of poses: recipe, stages in epochs, what is written and said; from the command line."""

import dataclasses
import json

import numpy as np
import pytest
from command_line import picture, refused, run

from minicv.data import DatasetWarning
from minicv.data.sources import Splits
from minicv.metrics.pose import JointMetric
from minicv.models.pose import DeepPoseSettings
from minicv.tasks import SYSTEMS, Prediction, Spec, build
from minicv.tasks.judging import check_joints
from minicv.tasks.pose import (
    DEEP_POSE,
    POSE,
    RECIPES,
    PoseRecipe,
    check_annotated,
    compare,
    pose_results,
    report,
)
from minicv.training import fit
from minicv.vision import LEEDS_SPORTS_JOINTS

TINY = DeepPoseSettings(
    stages=2, size=16, pooled_size=1, units=4, warp_size=8, crop_pooled_size=1, crop_units=4,
    crops=4,
)  # fmt: skip
RECIPE = PoseRecipe(epochs=4, batch_size=2, lr=0.01)


class People:
    """Pictures of noise with one person each."""

    classes = ("person",)
    joint_names = LEEDS_SPORTS_JOINTS

    def __init__(self, count=4, annotated=1.0):
        self.count, self.annotated = count, annotated

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        joints = rng.uniform(2, 18, (14, 3)).astype(np.float32)
        joints[:, 2] = self.annotated
        return rng.random((3, 20, 20), dtype=np.float32), {"joints": joints, "image_id": index}


def splits(people=None):
    people = people or People()
    return Splits(lambda: people, lambda: people, lambda: people)


def prediction(joints, names=LEEDS_SPORTS_JOINTS):
    image = np.zeros((3, 20, 20), np.float32)
    return Prediction("b/a.jpg", image, {"joints": joints}, ("person",), 0.25, joint_names=names)


@pytest.mark.parametrize(
    ("epochs", "stages", "share", "expected"),
    [
        (40, 3, 0.5, (20, 10, 10)),
        (11, 3, 0.5, (6, 3, 2)),
        (3, 3, 0.5, (1, 1, 1)),
        (4, 3, 0.9, (2, 1, 1)),
        (10, 2, 0.01, (1, 9)),
        (7, 1, 0.5, (7,)),
    ],
)
def test_epochs_of_stages(epochs, stages, share, expected):
    recipe = dataclasses.replace(RECIPE, epochs=epochs, first_share=share)
    assert recipe.epochs_of_stages(stages) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first_share": 1.0}, "first_share=1.0"),
        ({"jitter": 2.0}, "jitter=2.0"),
        ({"degrees": -3.0}, "degrees=-3.0"),
        ({"scale": (2.0, 1.0)}, r"scale=\(2.0, 1.0\)"),
        ({"epochs": 0}, "epochs=0"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RECIPE, **change)


def test_preparing_takes_the_names_of_the_joints_and_turns_pictures():
    names = tuple(f"{side} {part}" for side in ("left", "right") for part in "abcdefg")
    people = People()
    people.joint_names = names
    prepared = RECIPE.prepare(splits(people), TINY)
    assert prepared.settings.joint_names == names
    image, target = people[0]
    seen = [
        prepared.transform(image, target, np.random.default_rng(seed))[1]["joints"]
        for seed in range(20)
    ]
    assert not any(np.allclose(joints[:, :2], target["joints"][:, :2]) for joints in seen)
    same = dataclasses.replace(RECIPE, degrees=0.0, scale=(1.0, 1.0), shift=0.0, jitter=0.0)
    mirrored = [
        same.prepare(splits(people), TINY).transform(image, target, np.random.default_rng(seed))
        for seed in range(20)
    ]
    flipped = target["joints"][[*range(7, 14), *range(7)]] * (-1, 1, 1) + (20, 0, 0)
    assert {
        np.allclose(own["joints"], flipped, atol=1e-4)
        or -np.allclose(own["joints"], target["joints"], atol=1e-4)
        for _, own in mirrored
    } == {True, -1}


def test_data_without_names_or_annotations_are_refused():
    people = People()
    people.joint_names = ()
    with pytest.raises(ValueError, match="name no joints"):
        RECIPE.prepare(splits(people), TINY)
    with pytest.raises(ValueError, match="no joint is annotated in 4 training images"):
        RECIPE.prepare(splits(People(annotated=0)), TINY)
    check_annotated(People())


def test_joints_without_partners_are_not_mirrored():
    people = People()
    people.joint_names = ("left eye", *(f"part {c}" for c in "abcdefghijklm"))
    with pytest.warns(DatasetWarning, match="pictures are not mirrored"):
        RECIPE.prepare(splits(people), TINY)


def test_the_recipe_trains_one_stage_after_the_other():
    model = build(Spec("deep_pose", ("person",), TINY, "small"), np.random.default_rng(0))
    step, loader, rng = RECIPE.begin(model, People(), seed=0)
    assert step.steps_of_stages == (4, 4)
    history = fit(step, loader, epochs=4, rng=rng, progress=False)
    assert ["loss_stage_2" in record for record in history] == [False, False, True, True]
    assert model.begun == 2


def test_frozen_backbones_stay_in_every_stage():
    model = build(Spec("deep_pose", ("person",), TINY, "small"), np.random.default_rng(0))
    before = model.backbone.state_dict()
    recipe = dataclasses.replace(RECIPE, freeze=True)
    step, loader, rng = recipe.begin(model, People(), seed=0)
    fit(step, loader, epochs=4, rng=rng, progress=False)
    for stage in (1, 2):
        after = model.part(stage).backbone.state_dict()
        for name in ("layers.0.weight", "layers.1.running_mean"):
            np.testing.assert_array_equal(after[name], before[name])


def test_a_slower_backbone_is_slower_in_every_stage():
    model = build(Spec("deep_pose", ("person",), TINY, "small"), np.random.default_rng(0))
    step, _, _ = dataclasses.replace(RECIPE, backbone_lr_ratio=0.1).begin(model, People(), seed=0)
    for stage in (1, 2):
        groups = step.step_of(stage, 4).optimizer.param_groups
        assert [group.get("lr_ratio", 1) for group in groups] == [1, 0.1]


def test_results_in_cocos_form_and_what_is_said():
    joints = np.array([[1.5, 2.5], [3.14159, 0.5]])
    (record,) = json.loads(json.dumps(pose_results(prediction(joints, ("a", "b")))))
    assert record == {
        "image_id": "b/a.jpg",
        "category_id": 1,
        "category": "person",
        "keypoints": [1.0, 2.0, 1, 2.64, 0.0, 1],
        "joint_names": ["a", "b"],
    }
    assert POSE.summary(prediction(joints, ("a", "b")), 0.5) == "2 joints (0.25 s)"


def test_the_report_says_who_was_left_out():
    _, target = People()[0]
    metric = JointMetric()
    metric.add({"joints": target["joints"]}, target)
    lines = report(metric)
    assert lines[0].split() == ["PCK@0.2", "1.000"] and not any("left out" in li for li in lines)
    target["joints"][2, 2] = 0
    metric.add({"joints": target["joints"]}, target)
    assert report(metric)[-1].startswith("1 image left out of PCK: left shoulder and right hip")


def test_pictures_beside_the_truth():
    _, target = People()[0]
    sheet = compare(prediction(target["joints"][:, :2]), target, People())
    assert sheet.width > 2 * 500
    target["joints"][:, 2] = 0
    assert compare(prediction(target["joints"][:, :2]), target, People()).size == sheet.size


@pytest.mark.parametrize("backbone", SYSTEMS["deep_pose"].backbones)
def test_every_backbone_has_settings_and_a_recipe(backbone):
    assert RECIPES[backbone].epochs >= DEEP_POSE[backbone].stages


def test_from_the_command_line(tmp_path, capsys, monkeypatch):
    """Train, resume, judge with pictures, and run on a picture of one's own."""
    monkeypatch.setattr("minicv.data.sources.FARMYARD_VALIDATION_SCENES", 16)
    data = ("--data", "farmyard:12")
    small = ("--size", 16, "--warp-size", 8, "--stages", 2, "--batch-size", 4)
    train = ("train", "deep_pose", *data, "--out", tmp_path)
    assert run(capsys, *train, *small, "--epochs", 2)[0] == 0
    history = json.loads((tmp_path / "history.json").read_text())["epochs"]
    assert "loss_stage_1" in history[0] and "loss_stage_2" in history[1]
    _, said, _ = run(capsys, *train, "--resume")
    assert "nothing left to do: 2 of 2 epochs are done" in said
    weights = ("--weights", tmp_path / "last.npz")
    status, said, _ = run(
        capsys, "eval", *weights, *data, "--split", "validation", "--pictures", tmp_path / "drawn"
    )
    assert status == 0 and "PCK@0.2 stage 2" in said and "PCP head" in said
    assert 2 <= len(list((tmp_path / "drawn").iterdir())) <= 5
    mine = picture(tmp_path / "a.png", (1, 1))
    status, said, _ = run(capsys, "predict", mine, *weights, "--json", "--out", tmp_path)
    assert status == 0 and "14 joints" in said and (tmp_path / "a_pose.png").is_file()
    (record,) = json.loads((tmp_path / "poses.json").read_text())
    assert len(record["keypoints"]) == 42


def test_a_model_is_not_judged_by_other_joints():
    with pytest.raises(ValueError, match="the model finds the joints left eye, right eye"):
        check_joints(POSE, ("left eye", "right eye"), People())
    check_joints(POSE, [name.replace(" ", "_") for name in LEEDS_SPORTS_JOINTS], People())


def test_fewer_epochs_than_stages_are_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minicv.data.sources.FARMYARD_VALIDATION_SCENES", 2)
    sentence = refused(
        capsys, "train", "deep_pose", "--data", "farmyard:6", "--out", tmp_path, "--epochs", 2
    )
    assert "epochs=2; expected at least 3, one for each stage" in sentence
