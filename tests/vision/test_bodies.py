"""Torso and limbs: which joints they are, in any spelling, and where a limb ends."""

import numpy as np
import pytest

from minicv.vision.bodies import end_of_limb, limbs_of, torso_of
from minicv.vision.keypoints import COCO_JOINTS, LEEDS_SPORTS_JOINTS


@pytest.mark.parametrize("names", [LEEDS_SPORTS_JOINTS, COCO_JOINTS])
def test_the_torso_goes_from_the_left_shoulder_to_the_right_hip(names):
    first, second = torso_of(names)
    assert names[first].replace("_", " ") == "left shoulder"
    assert names[second].replace("_", " ") == "right hip"


def test_leeds_sports_has_the_ten_limbs_and_coco_no_head():
    limbs = limbs_of(LEEDS_SPORTS_JOINTS)
    assert len(limbs) == 10 and limbs["head"] == ((12,), (13,))
    assert limbs["torso"] == ((8, 9), (2, 3))
    assert limbs["left forearm"] == ((11,), (10,))
    of_coco = limbs_of(COCO_JOINTS)
    assert set(limbs) - set(of_coco) == {"head"}
    assert [COCO_JOINTS[j] for (j,) in of_coco["right upper leg"]] == ["right_knee", "right_hip"]


def test_no_limb_without_its_joints():
    assert limbs_of(("nose", "tail")) == {}
    assert torso_of(("left shoulder", "left hip")) is None


def test_the_end_of_a_limb_is_the_middle_of_its_joints():
    people = np.array([[[0.0, 2, 1], [4, 6, 1]], [[0, 2, 1], [4, 6, 0]]])
    places, known = end_of_limb(people, (0, 1))
    assert places.tolist() == [[2, 4], [2, 4]] and known.tolist() == [True, False]
    places, known = end_of_limb(people, (0,))
    assert places.tolist() == [[0, 2], [0, 2]] and known.all()
