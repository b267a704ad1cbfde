"""skeleton_of: the limbs of known sets from the names alone, other names, other spellings."""

import pytest

from minicv.inspection import COCO_SKELETON, LSP_SKELETON
from minicv.inspection.palette import ORANGE, SKY_BLUE, WHITE
from minicv.inspection.skeletons import skeleton_of
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS

COCO_JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip


@pytest.mark.parametrize(
    ("names", "known"), [(LEEDS_SPORTS_JOINTS, LSP_SKELETON), (COCO_JOINTS, COCO_SKELETON)]
)
def test_known_sets_have_their_skeletons(names, known):
    found = skeleton_of(names)
    assert set(found.limbs) == {(min(limb), max(limb)) for limb in known.limbs}
    assert (found.joints, found.right, found.left) == (known.joints, known.right, known.left)
    assert skeleton_of((), known.joints) is known


def test_order_and_spelling_do_not_matter():
    found = skeleton_of(("AnkleL", "R-knee", "lKnee", "right_ankle"))
    assert found.limbs == ((0, 2), (1, 3))
    assert found.limb_colour(0, 2) == SKY_BLUE and found.limb_colour(1, 3) == ORANGE


def test_a_joint_of_another_name_is_a_dot_without_lines():
    found = skeleton_of(("beak", "left wing", "right wing"))
    assert found.limbs == () and found.joints == 3
    assert [found.limb_colour(j, j) for j in range(3)] == [WHITE, SKY_BLUE, ORANGE]


def test_shoulders_are_joined_through_a_neck_where_there_is_one():
    shoulders = ("left shoulder", "right shoulder")
    assert skeleton_of(shoulders).limbs == ((0, 1),)
    assert skeleton_of((*shoulders, "neck")).limbs == ((0, 2), (1, 2))


def test_without_names():
    assert skeleton_of((), 0).joints == 0
    assert skeleton_of((), 3).limbs == ()
    with pytest.raises(ValueError, match="there are no names"):
        skeleton_of(())
    with pytest.raises(ValueError, match="2 names for 3 joints"):
        skeleton_of(("a", "b"), 3)
