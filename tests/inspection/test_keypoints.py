import numpy as np
import pytest

from minicv.inspection import COCO_SKELETON, LSP_SKELETON, draw_keypoints
from minicv.inspection.palette import ORANGE, SKY_BLUE


def person(visible):
    """Joints in a row of 40 pixels distance; only those in ``visible`` are seen."""
    joints = np.zeros((1, 14, 3))
    joints[0, :, 0] = 20 + 40 * np.arange(14)
    joints[0, :, 1] = 300
    joints[0, visible, 2] = 1
    return joints


def black():
    return np.zeros((3, 600, 600), dtype=np.float32)


def test_limbs_join_visible_joints_in_the_colour_of_their_side():
    pixels = np.asarray(draw_keypoints(black(), person([0, 1, 4, 5])))
    assert pixels[300, 40].tolist() == list(ORANGE)  # right ankle to right knee
    assert pixels[300, 200].tolist() == list(SKY_BLUE)  # left knee to left ankle
    assert not pixels[300, 100].any()  # no limb over the unseen hips


def test_invisible_and_unknown_joints_are_left_out():
    joints = person([0, 1])
    joints[0, 1, 0] = np.nan
    pixels = np.asarray(draw_keypoints(black(), joints))
    assert pixels[300, 20].any() and not pixels[:, 40:].any()
    assert not np.asarray(draw_keypoints(black(), person([]))).any()


def test_joints_outside_and_one_pixel_images():
    assert draw_keypoints(np.zeros((3, 1, 1), np.float32), person([0, 1, 2])).size == (512, 512)


@pytest.mark.parametrize("skeleton", [LSP_SKELETON, COCO_SKELETON])
def test_skeletons_are_connected_and_symmetric(skeleton):
    assert not skeleton.right & skeleton.left
    assert len(skeleton.right) == len(skeleton.left)
    reached, waiting = set(), {0}
    while waiting:
        reached |= waiting
        waiting = {b for limb in skeleton.limbs for b in limb if set(limb) & waiting} - reached
    if skeleton is LSP_SKELETON:
        assert reached == set(range(skeleton.joints))
    else:  # COCO has no neck: the face stands alone
        assert reached == set(range(5))
    sides = [skeleton.limb_colour(*limb) for limb in skeleton.limbs]
    assert sides.count(ORANGE) == sides.count(SKY_BLUE)


def test_refuses_another_number_of_joints():
    with pytest.raises(ValueError, match=r"shape \(N, 14, 3\).*\(1, 17, 3\)"):
        draw_keypoints(black(), np.zeros((1, 17, 3)))
    assert draw_keypoints(black(), np.zeros((1, 17, 3)), COCO_SKELETON).size == (600, 600)
