"""Left and right in the names of joints, as tools and people spell them."""

import pytest

from minicv.data.transforms.joint_names import mirror_permutation
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS


def test_joints_of_known_sets():
    assert mirror_permutation(LEEDS_SPORTS_JOINTS) == (5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13)
    assert mirror_permutation(("nose", "left_eye", "right_eye")) == (0, 2, 1)
    assert mirror_permutation(()) == ()


@pytest.mark.parametrize(
    "names",
    [
        ("Left Eye", "Right Eye"),
        ("left_eye", "right_eye"),
        ("LeftEye", "RightEye"),
        ("l_eye", "r_eye"),
        ("eye.L", "eye.R"),
        ("leye", "reye"),
        ("L Ankle", "R Ankle"),
        ("l-ankle", "r-ankle"),
        ("eye_left", "eye_right"),
        ("LEFT_EYE", "RIGHT_EYE"),
        ("LEFTEYE", "RIGHTEYE"),
        ("LEye", "REye"),
        ("lEye", "rEye"),
        ("eyeL", "eyeR"),
        ("lsho", "rsho"),
        ("L_Eye", "right eye"),
        ("left2", "right2"),
        ("Hand(L)", "Hand(R)"),
        ("lear", "rear"),
        ("eye (left)", "eye (right)"),
        ("lefteye", "right_eye"),
        ("L.Eye", "R.Eye"),
        ("leftFrontPaw", "rightFrontPaw"),
        ("L1", "R1"),
        ("Left  Eye", "RIGHT-EYE"),
        ("eyel", "eyer"),
        ("left", "right"),
        ("l", "r"),
        ("ｌｅｆｔ eye", "ｒｉｇｈｔ eye"),
        ("leftEyeInner", "rightEyeInner"),
        ("kptLeftHip", "kptRightHip"),
        ("lhip", "rhip"),
        ("LSJ", "RSJ"),
        ("leftknee3", "rightknee3"),
        ("left\u00a0eye", "right eye"),
    ],
)
def test_every_spelling_pairs(names):
    assert mirror_permutation(names) == (1, 0)
    assert mirror_permutation(("nose", names[1], "tail", names[0])) == (0, 3, 2, 1)


def test_words_that_hold_the_letters_have_no_side():
    names = (
        *("cleft", "bright", "leftover", "copyright", "upright", "relief", "heel", "lip", "rump"),
        *("rear", "L5", "T12", "lower lip", "upper lip", "nose", "collar", "elbow"),
    )
    assert mirror_permutation(names) == tuple(range(len(names)))
    assert mirror_permutation(("rear left paw", "Rear_Right_Paw", "rear")) == (1, 0, 2)


@pytest.mark.parametrize(
    ("names", "lonely", "partner"),
    [
        (("Left Eye", "nose"), "Left Eye", "right eye"),
        (("nose", "right_eye"), "right_eye", "left eye"),
        (("Left Eye", "Left Ear", "Right Eye"), "Left Ear", "right ear"),
        (("L Ankle",), "L Ankle", "right ankle"),
        (("eye.R", "nose"), "eye.R", "left eye"),
        (("leye", "nose"), "leye", "right eye"),
        (("RightHand", "LeftFoot"), "RightHand", "left hand"),
        (("left eye 1", "left eye 2", "right eye 1"), "left eye 2", "right eye 2"),
    ],
)
def test_a_side_without_its_other_side_is_an_error(names, lonely, partner):
    with pytest.raises(ValueError, match=f"joint '{lonely}' has no partner '{partner}' among"):
        mirror_permutation(names)


@pytest.mark.parametrize(
    "names",
    [
        ("left eye", "Left_Eye", "right eye"),
        ("nose", "Nose"),
        ("nose", "nose"),
        ("l_hip", "r_hip", "hipL"),
    ],
)
def test_a_joint_twice_is_an_error(names):
    with pytest.raises(ValueError, match=r"again; expected each joint once"):
        mirror_permutation(names)
