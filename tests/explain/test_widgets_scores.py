"""Channels, class scores and joints: which are chosen, and what the page gets of them."""

import base64

import numpy as np

from minicv.explain.widgets_channels import channels
from minicv.explain.widgets_scores import class_scores, pose
from minicv.inspection.stage import Stage
from minicv.models.model import Model


def model(*classes):
    made = Model()
    made.classes = classes
    return made


def numbers_of(packed):
    kind = {"float16": "<f2", "float32": "<f4"}[packed["dtype"]]
    return np.frombuffer(base64.b64decode(packed["base64"]), kind).reshape(packed["shape"])


def test_the_ten_largest_channels_whatever_their_sign():
    features = np.zeros((14, 3, 4), np.float32)
    features[:, 1, 2] = [1, -9, 3, 0, 5, -6, 7, 2, 8, 4, 0.5, -10, 11, 12]
    stage = Stage("feature_map", "", "features", {"features": features, "stride": 8}, 0.0)
    data = channels([stage], 0, model())["data"]
    assert data["channels"] == [13, 12, 11, 1, 8, 6, 5, 4, 9, 2] and data["of"] == 14
    assert data["cell"] == 8
    assert (data["least"][2], data["most"][2]) == (-10, 0)
    np.testing.assert_array_equal(numbers_of(data["maps"]), features[data["channels"]])


def test_a_large_map_is_thinned_out_and_its_cells_are_as_much_larger():
    features = np.arange(300 * 200, dtype=np.float32).reshape(1, 300, 200) / 1000
    stage = Stage("feature_map", "", "features", {"features": features, "stride": 1}, 0.0)
    data = channels([stage], 0, model())["data"]
    assert data["maps"]["shape"] == [1, 100, 67] and data["cell"] == 3


def test_a_map_of_one_cell_has_no_channels_to_step_through():
    arrays = {"features": np.ones((5, 1, 1), np.float32), "stride": 32}
    assert channels([Stage("pooled", "", "features", arrays, 0.0)], 0, model()) is None


def scores_of(*scores):
    return [Stage("class_scores", "", "class scores", {"class_scores": np.array(scores)}, 0.0)]


def test_probabilities_come_as_logarithms_the_best_first():
    data = class_scores(scores_of(0.2, 0.0, 0.8), 0, model("cow", "cat", "dog"))["data"]
    assert data["classes"] == ["dog", "cow", "cat"]
    np.testing.assert_allclose(numbers_of(data["logs"])[:2], np.log([0.8, 0.2]), rtol=1e-6)
    assert numbers_of(data["logs"])[2] < -60


def test_scores_that_are_no_probabilities_have_no_temperature():
    assert class_scores(scores_of(1.5, -0.5), 0, model("cow", "cat")) is None
    assert class_scores(scores_of(1.0), 0, model("cow")) is None


def test_joints_have_names_and_the_place_of_the_stage_before():
    image = np.zeros((3, 20, 30), np.float32)

    def joints(*places, **more):
        arrays = {"image": image, "joints": np.array(places), **more}
        return Stage(f"joints_{len(more)}", "", "pose", arrays, 0.0)

    names = np.array(["head", "neck"])
    first, second = joints((1.0, 2.0), (3.0, 4.126), joint_names=names), joints((5.0, 6), (7, 8))
    data = pose([first, second], 0, model())["data"]
    assert data == {"names": ["head", "neck"], "joints": [[1, 2], [3, 4.13]], "from": None}
    data = pose([first, second], 1, model())["data"]
    assert data["names"] == ["joint 1", "joint 2"] and data["from"] == [[1, 2], [3, 4.13]]
