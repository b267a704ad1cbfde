"""DeepPose: what its losses are, where its crops lie, what a closer look corrects, odd pictures."""

import dataclasses

import numpy as np
import pytest

from minicv.autograd import Tensor
from minicv.models.backbones import SmallBackbone
from minicv.models.pose import DeepPose, DeepPoseSettings, MeanPose
from minicv.models.pose.deep_pose import spread_over
from minicv.models.pose.displacements import ErrorsOfJoints
from minicv.models.pose.targets import check_joints_of, pictures_of_people
from minicv.nn import Module

TINY = DeepPoseSettings(
    size=32, pooled_size=2, units=8, warp_size=16, crop_pooled_size=1, crop_units=8, crops=28
)
NAMES = ("left shoulder", "right hip", "nose")


def model_of(settings=TINY, seed=0):
    rng = np.random.default_rng(seed)
    return DeepPose(SmallBackbone(4, rng=rng), ("person",), settings, rng=rng)


def photograph(height=60, width=40, seed=0):
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


def person(joints=14, height=60, width=40, seed=1):
    found = np.random.default_rng(seed).uniform(0, 1, (joints, 3)) * (width, height, 0)
    return found + (0, 0, 1)


def no_errors(joints=14):
    return ErrorsOfJoints(np.zeros((joints, 2)), np.zeros((joints, 2, 2)))


class FixedPlaces(Module):
    """A network that gives the same places whatever it sees."""

    def __init__(self, places):
        self.places = places

    def forward(self, pixels):
        return Tensor(np.repeat(self.places[None], pixels.shape[0], axis=0).astype(np.float32))


def fix(model, stage, places):
    """From now on a stage gives these (J, 2)."""
    if stage == 1:
        model.head = FixedPlaces(places)
    else:
        model.closer[stage - 2].head = FixedPlaces(places)


def test_the_first_stage_learns_fractions_of_the_picture():
    """By hand: of two pictures, all outputs are 0, the middle; one joint is not annotated."""
    model = model_of(dataclasses.replace(TINY, joint_names=NAMES))
    fix(model, 1, np.zeros((3, 2)))
    joints = [np.array([[40.0, 60, 1], [0, 30, 1], [99, 99, 0]]), np.zeros((3, 3))]
    joints[1][2] = 10, 5, 1
    images = [photograph(60, 40), photograph(20, 20)]
    losses = model.loss(images, [{"joints": j} for j in joints])
    squares = [0.5**2, 0.5**2, 0.5**2, 0, 0, 0.25**2]
    assert losses["loss_stage_1"].item() == pytest.approx(sum(squares) / 6, rel=1e-5)


def test_a_later_stage_learns_where_in_its_crop_the_joint_is():
    """Each joint is always simulated half a diameter to the right of its place."""
    model = model_of(dataclasses.replace(TINY, joint_names=NAMES, sigma=2.0))
    errors = no_errors(3)
    errors.mean[:] = 0.5, 0
    model.begin_stage(2, errors)
    wrong = np.array([[0.0, 0], [-0.25, 0], [0, 0]])
    fix(model, 2, wrong)
    target = {"joints": person(3)}
    loss = model.loss([photograph()], [target], np.random.default_rng(0))["loss_stage_2"]
    # Truth: -0.5 / sigma = -0.25 in x. 28 crops of 3 joints: 10 of two of them and 8 or 9 ...
    share = loss.item() / (0.25**2 / 2)
    assert share == pytest.approx(2 / 3, abs=0.03)
    fix(model, 2, np.array([[-0.25, 0]] * 3))
    assert model.loss([photograph()], [target])["loss_stage_2"].item() == pytest.approx(0, abs=1e-9)


def test_a_crop_shows_what_is_around_the_simulated_joint():
    """A ramp of brightness says where in the picture each pixel of a crop was."""
    model = model_of(dataclasses.replace(TINY, warp_size=8))
    ramp = np.tile(np.arange(40, dtype=np.float32) + 0.5, (60, 1)) / 40
    image = np.stack([ramp] * 3)
    crops = model._stage3_crops(image, np.array([[20.0, 30.0], [12.0, 30.0]]), 16.0).data
    seen = (crops[:, 0] * model.backbone.std[0] + model.backbone.mean[0]) * 40
    columns = np.arange(8) * 2 + 1.0  # each pixel of a crop is two of the picture
    np.testing.assert_allclose(seen[0, 4], columns + 12, atol=0.01)
    np.testing.assert_allclose(seen[1, 0], columns + 4, atol=0.01)


def test_beyond_the_picture_a_crop_has_the_mean_colour():
    model = model_of()
    crops = model._stage3_crops(np.ones((3, 10, 10), np.float32), np.array([[-30.0, 5.0]]), 8.0)
    assert (crops.data == 0).all()


def test_prediction_runs_the_stages_that_began_and_moves_each_joint_by_its_own_row():
    model = model_of(dataclasses.replace(TINY, joint_names=NAMES, sigma=1.5)).eval()
    first = np.array([[-0.25, -0.25], [0.25, 0.25], [0.0, 0.0]])
    fix(model, 1, first)
    fix(model, 2, np.array([[0.1, 0.0], [0.0, 0.2], [0.3, -0.3]]))
    image = photograph(60, 40)
    (found,) = model.predict([image])
    in_pixels = np.array([[10.0, 15], [30, 45], [20, 30]])
    np.testing.assert_allclose(found["joints"], in_pixels, rtol=1e-6)
    assert found["joints by stage"].shape == (1, 3, 2)
    model.begin_stage(2, no_errors(3))
    fix(model, 2, np.array([[0.1, 0.0], [0.0, 0.2], [0.3, -0.3]]))
    (found,) = model.predict([image])
    side = 1.5 * np.hypot(20, 30)  # left shoulder to right hip
    moved = in_pixels + side * np.array([[0.1, 0.0], [0.0, 0.2], [0.3, -0.3]])
    np.testing.assert_allclose(found["joints"], moved, rtol=1e-6)
    np.testing.assert_allclose(found["joints by stage"][0], in_pixels, rtol=1e-6)
    assert found["joint_names"].tolist() == list(NAMES)


def test_a_stage_that_has_not_learnt_changes_nothing_and_begins_with_the_first_ones_backbone():
    model = model_of().eval()
    weight = model.backbone.layers[0].weight.data
    weight += 1
    assert not np.array_equal(model.part(2).backbone.layers[0].weight.data, weight)
    (before,) = model.predict([photograph()])
    model.begin_stage(2, no_errors())
    assert np.array_equal(model.part(2).backbone.layers[0].weight.data, weight)
    (after,) = model.predict([photograph()])
    np.testing.assert_array_equal(after["joints"], before["joints"])
    assert len(after["joints by stage"]) == 2


def test_gradients_go_to_the_stage_that_learns_alone():
    model = model_of().train()
    model.begin_stage(2, no_errors())
    loss = model.loss([photograph()], [{"joints": person()}], np.random.default_rng(0))
    loss["loss_stage_2"].backward()
    having = {n.partition(".")[0] for n, p in model.named_parameters() if p.grad is not None}
    assert having == {"closer"}
    stages = {n.split(".")[1] for n, p in model.named_parameters() if p.grad is not None}
    assert stages == {"0"}


def test_displacements_are_in_diameters_and_unknown_where_nothing_is_annotated():
    model = model_of(dataclasses.replace(TINY, joint_names=NAMES)).eval()
    fix(model, 1, np.zeros((3, 2)))  # (20, 30)
    joints = np.array([[20.0, 10, 1], [20, 50, 1], [0, 0, 0]])
    (moved,) = model.displacements([photograph()], [{"joints": joints}])
    np.testing.assert_allclose(moved[:2], [[0, 0.5], [0, -0.5]], atol=1e-7)
    assert np.isnan(moved[2]).all()


def test_the_loss_draws_the_same_without_a_generator():
    model = model_of()
    errors = ErrorsOfJoints(np.zeros((14, 2)), np.tile(0.04 * np.eye(2), (14, 1, 1)))
    model.begin_stage(2, errors)
    given = [photograph()], [{"joints": person()}]
    first, again, other = (
        model.loss(*given, *rng)["loss_stage_2"].item()
        for rng in ((), (), (np.random.default_rng(5),))
    )
    assert first == again != other


def test_boxes_are_cut_out_and_joints_come_back_in_the_pixels_of_the_image():
    model = model_of().eval()
    image = photograph(80, 90)
    box = np.array([20.4, 10.0, 59.7, 70.0])
    (inside,) = model.predict([image[:, 10:70, 20:60]])
    (found,) = model.predict([image], boxes=[box])
    np.testing.assert_allclose(found["joints"], inside["joints"] + (20, 10))
    np.testing.assert_allclose(found["joints by stage"][0], found["joints"])


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([], "1 images but 0 boxes"),
        ([np.array([50.0, 10, 45, 20])], "no pixel of its image, which is 40 wide"),
        ([np.array([50.0, 10, 60, 20])], "no pixel of its image"),
        ([np.array([0.0, 1, np.nan, 3])], "expected the four numbers"),
        ([np.zeros((1, 4))], "expected the four numbers"),
    ],
)
def test_boxes_that_hold_nobody_are_refused(boxes, message):
    with pytest.raises(ValueError, match=message):
        model_of().predict([photograph()], boxes=boxes)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1)])
def test_the_smallest_pictures(size):
    model = model_of()
    model.begin_stage(2, no_errors())
    image = photograph(*size)
    assert np.isfinite(model.eval().predict([image])[0]["joints"]).all()
    loss = model.loss([image], [{"joints": person(14, *size)}])["loss_stage_2"]
    assert np.isfinite(loss.item())


@pytest.mark.parametrize("stage", [1, 2])
def test_a_person_without_a_joint_is_no_loss(stage):
    model = model_of().train()
    if stage == 2:
        model.begin_stage(2, ErrorsOfJoints(np.full((14, 2), 0.1), np.zeros((14, 2, 2))))
    nobody = {"joints": np.full((14, 3), np.nan) * (1, 1, 0)}
    nobody["joints"][:, 2] = 0
    loss = model.loss([photograph()], [nobody])[f"loss_stage_{stage}"]
    assert loss.item() == 0
    loss.backward()
    both = model.loss([photograph(), photograph()], [nobody, {"joints": person()}])
    assert both[f"loss_stage_{stage}"].item() > 0


@pytest.mark.parametrize("joints", [1, 17])
def test_other_numbers_of_joints(joints):
    names = tuple(f"corner {number}" for number in range(joints))
    model = model_of(dataclasses.replace(TINY, joint_names=names))
    model.begin_stage(2, no_errors(joints))
    assert model.eval().predict([photograph()])[0]["joints"].shape == (joints, 2)
    loss = model.loss([photograph()], [{"joints": person(joints)}])
    assert np.isfinite(loss["loss_stage_2"].item())


def test_stages_can_be_looked_at():
    model = model_of().eval()
    model.begin_stage(2, no_errors())
    stages = model.stages(photograph())
    names = ["input", "feature_map", "joints_1", "crops_2", "joints_2"]
    assert [stage.name for stage in stages] == names
    assert stages[3].arrays["crops"].shape == (14, 3, 16, 16)


def test_the_state_holds_where_the_cascade_is():
    model, other = model_of(), model_of(seed=5)
    errors = ErrorsOfJoints(np.full((14, 2), 0.1), np.tile(np.eye(2), (14, 1, 1)))
    model.begin_stage(2, errors)
    other.load_state_dict(model.state_dict())
    assert other.begun == 2
    np.testing.assert_allclose(other.errors_before(2).mean, errors.mean, rtol=1e-6)
    found, again = (own.eval().predict([photograph()])[0]["joints"] for own in (model, other))
    np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"boxes": 1, "image_id": "im7"}, "image im7: the target has no joints.*it has boxes"),
        ({"joints": person(17)}, r"image 0: joints have shape \(17, 3\), expected \(14, 3\)"),
        ({"joints": person()[:, :2]}, "expected"),
        ({"joints": person() * (np.inf, 1, 1)}, "an annotated joint is at NaN or infinity"),
    ],
)
def test_joints_that_cannot_be_learnt_are_named(target, message):
    with pytest.raises(ValueError, match=message):
        model_of().loss([photograph()], [target])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stages": 0}, "stages=0; expected from 1 to 8"),
        ({"stages": 9}, "stages=9"),
        ({"sigma": 0.0}, "sigma=0.0"),
        ({"joint_names": ()}, "joint_names is empty"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DeepPoseSettings(**settings)


def test_more_classes_than_one_are_refused():
    with pytest.raises(ValueError, match=r"classes is \('cow', 'cat'\); expected one"):
        DeepPose(SmallBackbone(4, rng=np.random.default_rng(0)), ("cow", "cat"), TINY,
                 rng=np.random.default_rng(0))  # fmt: skip


def test_crops_are_spread_over_the_joints():
    drawn = spread_over(np.array([1, 4, 6]), 11, np.random.default_rng(0))
    assert sorted(np.bincount(drawn, minlength=7)[[1, 4, 6]].tolist()) == [3, 4, 4]
    assert len(spread_over(np.arange(14), 5, np.random.default_rng(0))) == 5


def test_targets_without_an_annotation_may_hold_anything():
    joints = np.array([[np.nan, np.nan, 0], [3.0, 4, 1]])
    (found,) = check_joints_of([photograph()], [{"joints": joints}], ("a", "b"))
    assert found.tolist() == [[0, 0, 0], [3, 4, 1]] and np.isnan(joints[0, 0])


def test_a_box_that_reaches_out_is_cut_off():
    (cut,), (corner,) = pictures_of_people([photograph(20, 30)], [np.array([-5.0, 3.2, 99, 99])])
    assert cut.shape == (3, 17, 30) and corner.tolist() == [0, 3]


def test_the_mean_pose_is_the_mean_of_fractions_over_annotated_joints():
    samples = [
        (photograph(20, 10), {"joints": np.array([[5.0, 10, 1], [0, 0, 1]])}),
        (photograph(40, 40), {"joints": np.array([[40.0, 40, 1], [1, 1, 0]])}),
    ]
    mean = MeanPose.of(samples, ("knee", "hip"))
    np.testing.assert_allclose(mean.fractions, [[0.25, 0.25], [-0.5, -0.5]])
    (found,) = mean.predict([photograph(100, 200)])
    np.testing.assert_allclose(found["joints"], [[150, 75], [0, 0]])
