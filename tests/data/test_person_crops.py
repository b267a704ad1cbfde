"""People cut out with their joints: nothing is lost, COCO's become those of Leeds Sports."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pictures_with_objects import Listed, Pictures, sets, target_of

from minicv.data import Cached, Farmyard, PersonCrops
from minicv.data.person_crops import parts_of_leeds_sports
from minicv.data.transforms import mirror_permutation
from minicv.vision.keypoints import COCO_JOINTS, LEEDS_SPORTS_JOINTS


@given(sets(), st.sampled_from([0.0, 0.125, 0.6]))
def test_pixels_and_joints_moved_back_are_the_original(pictures, context):
    real = [~(t["difficult"] | t["iscrowd"]) for t in pictures.targets]
    expected = [
        (index, number)
        for index, target in enumerate(pictures.targets)
        for number in range(len(target["boxes"]))
        if real[index][number] and target["keypoints"][number, :, 2].any()
    ]
    assume(expected)
    people = PersonCrops(pictures, context)
    assert bool(pictures.reads) != isinstance(pictures, Listed)
    assert len(people) == len(expected)
    assert people.joint_names == pictures.joint_names
    for index, (picture, number) in enumerate(expected):
        image, target = people[index]
        assert target.keys() == {"joints", "image_id"}
        assert target["image_id"] == f"im{picture}.jpg object {number + 1}"
        # Every pixel holds another number, so the first one says where the crop lies.
        whole = pictures.picture(picture)
        (_, top, left) = np.argwhere(whole == image[0, 0, 0])[0]
        height, width = image.shape[1:]
        np.testing.assert_array_equal(image, whole[:, top : top + height, left : left + width])
        x1, y1, x2, y2 = pictures.targets[picture]["boxes"][number].tolist()
        across, down = context * (x2 - x1), context * (y2 - y1)
        assert left <= max(0, x1 - across) and left + width >= min(pictures.size[1], x2 + across)
        assert top <= max(0, y1 - down) and top + height >= min(pictures.size[0], y2 + down)
        truth = pictures.targets[picture]["keypoints"][number]
        joints, seen = target["joints"], truth[:, 2] > 0
        assert joints.dtype == np.float32
        np.testing.assert_array_equal(joints[:, 2], seen)
        np.testing.assert_allclose(joints[seen, :2] + (left, top), truth[seen, :2], atol=1e-5)
        assert (joints[~seen] == 0).all()
        assert ((joints[seen, :2] >= 0) & (joints[seen, :2] <= (width, height))).all()


def test_a_box_grows_by_a_quarter_as_far_as_the_picture_goes():
    joint = [[(6, 4, 1), (0, 0, 0), (0, 0, 0)]]
    people = PersonCrops(Pictures([target_of([(4, 0, 12, 8)], keypoints=joint)], (20, 13)))
    assert people[0][0].shape == (3, 9, 10)  # 3..13 of 3..13, 0..9 of -1..9
    assert people[0][1]["joints"][0].tolist() == [3, 4, 1]


def test_the_crop_holds_joints_outside_of_the_box():
    joints = [[(0.5, 8.5, 2), (11.9, 4, 1), (0, 0, 0)]]
    people = PersonCrops(Pictures([target_of([(4, 2, 6, 4)], keypoints=joints)]), 0)
    image, target = people[0]
    assert image.shape == (3, 7, 12)  # rows 2..9, columns 0..12
    np.testing.assert_allclose(target["joints"][:2], [(0.5, 6.5, 1), (11.9, 2, 1)])


def test_joints_on_the_far_edges_of_the_picture():
    joints = [[(12, 9, 1), (0, 0, 1), (0, 0, 0)]]
    image, target = PersonCrops(Pictures([target_of([(4, 2, 6, 4)], keypoints=joints)]))[0]
    assert image.shape == (3, 9, 12) and target["joints"][:, 2].tolist() == [1, 1, 0]


class CocoPeople(Pictures):
    classes = ("dog", "person")
    joint_names = COCO_JOINTS
    joint_classes = ("person",)


def coco_person(**visible):
    joints = np.zeros((17, 3), np.float32)
    for name, point in visible.items():
        joints[COCO_JOINTS.index(name)] = (*point, 2)
    return joints


def test_joints_of_coco_become_those_of_leeds_sports():
    first = coco_person(nose=(5, 1), left_shoulder=(7, 3), right_shoulder=(4, 4), left_ankle=(8, 8))
    second = coco_person(left_shoulder=(7, 3), left_eye=(6, 1))
    only_a_face = coco_person(nose=(5, 1), left_ear=(6, 1))
    dog = coco_person()
    joints = [first, only_a_face, second, dog]
    target = target_of([(0, 0, 12, 9)] * 4, [1, 1, 1, 0], keypoints=joints)
    people = PersonCrops(CocoPeople([target]))
    assert people.joint_names == LEEDS_SPORTS_JOINTS and people.classes == ("person",)
    assert len(people) == 2 and people[1][1]["image_id"] == "im0.jpg object 3"
    by_name = dict(zip(LEEDS_SPORTS_JOINTS, people[0][1]["joints"].tolist(), strict=True))
    shown = {name: joint for name, joint in by_name.items() if joint[2]}
    assert shown == {
        "left ankle": [8, 8, 1],
        "left shoulder": [7, 3, 1],
        "right shoulder": [4, 4, 1],
        "neck": [5.5, 3.5, 1],
    }
    joints = people[1][1]["joints"]
    assert joints[:, 2].sum() == 1 and joints[LEEDS_SPORTS_JOINTS.index("neck")].tolist() == [0] * 3


def test_every_limb_of_coco_keeps_its_side():
    parts = parts_of_leeds_sports(COCO_JOINTS)
    for name, part in zip(LEEDS_SPORTS_JOINTS[:12], parts, strict=False):
        assert [COCO_JOINTS[joint] for joint in part] == [name.replace(" ", "_")]
    assert [COCO_JOINTS[joint] for joint in parts[12]] == ["left_shoulder", "right_shoulder"]
    assert parts[13] == ()


def test_other_spellings_and_a_neck_of_their_own():
    names = [name.title().replace(" ", "-") for name in LEEDS_SPORTS_JOINTS]
    order = list(np.random.default_rng(0).permutation(14))
    shuffled = [names[place] for place in order]
    parts = parts_of_leeds_sports(shuffled)
    assert [shuffled[joint] for (joint,) in parts] == names
    assert parts_of_leeds_sports(()) == [] and parts_of_leeds_sports(COCO_JOINTS[:16]) == []


def test_farmyard_people():
    scenes = Cached(Farmyard(8, seed=5))
    people = PersonCrops(scenes)
    seen = [scenes[i][1]["keypoints"][..., 2].sum(axis=1) for i in range(8)]
    assert len(people) == sum((counts > 0).sum() for counts in seen) > 3
    assert sum(target["joints"][:, 2].sum() for _, target in people) == sum(map(np.sum, seen))
    assert people.joint_names == LEEDS_SPORTS_JOINTS and people.labels_of(0).tolist() == [0]
    assert mirror_permutation(people.joint_names)[:2] == (5, 4)


def test_nobody_with_a_joint():
    for targets in ([], [target_of([(0, 0, 2, 2)])]):
        for kind in (Pictures, Listed):
            with pytest.raises(ValueError, match=r"nobody in . pictures has an annotated joint"):
                PersonCrops(kind(targets))
