"""The Farmyard: every label agrees with the picture; seed and index alone make a scene."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from minicv.data.farmyard import GRASS, LEAST_AREA, SKY, TREE, Farmyard
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS

SIZE = (72, 96)
PERSON = Farmyard.classes.index("person")


@pytest.fixture(scope="module")
def scenes():
    dataset = Farmyard(40, size=SIZE, seed=5, objects=(0, 6))
    return [dataset[index] for index in range(len(dataset))]


def same(a, b):
    (image_a, target_a), (image_b, target_b) = a, b
    return np.array_equal(image_a, image_b) and all(
        np.array_equal(target_a[key], target_b[key]) for key in target_a
    )


def test_image_and_label_types(scenes):
    for image, target in scenes:
        count = len(target["boxes"])
        assert image.shape == (3, *SIZE) and image.dtype == np.float32
        assert image.flags.c_contiguous and image.min() >= 0 and image.max() <= 1
        assert image.std() > 0.05  # a picture, not a plain surface
        assert target["boxes"].shape == (count, 4) and target["boxes"].dtype == np.float32
        assert target["labels"].shape == (count,) and target["labels"].dtype == np.int64
        assert target["masks"].shape == (count, *SIZE) and target["masks"].dtype == bool
        assert target["area"].shape == (count,) and target["area"].dtype == np.float32
        assert target["keypoints"].shape == (count, 14, 3)
        assert target["keypoints"].dtype == np.float32
        assert target["segmentation"].shape == SIZE and target["segmentation"].dtype == np.int64


def test_boxes_are_tight_around_masks(scenes):
    for _, target in scenes:
        for box, mask, area in zip(target["boxes"], target["masks"], target["area"], strict=True):
            x1, y1, x2, y2 = box.astype(int)
            inside = mask[y1:y2, x1:x2]
            assert inside.sum() == mask.sum() == area
            assert inside[0].any() and inside[-1].any()
            assert inside[:, 0].any() and inside[:, -1].any()


def test_segmentation_shows_each_mask_and_only_those(scenes):
    for _, target in scenes:
        segmentation, masks = target["segmentation"], target["masks"]
        assert masks.sum(axis=0).max(initial=0) <= 1, "two instances claim one pixel"
        for label, mask in zip(target["labels"], masks, strict=True):
            assert (segmentation[mask] == label).all()
        rest = segmentation[~masks.any(axis=0)]
        assert np.isin(rest, (SKY, TREE, GRASS)).all()


def test_no_instance_is_tiny(scenes):
    for _, target in scenes:
        assert (target["area"] >= LEAST_AREA * SIZE[0] * SIZE[1]).all()


def test_every_class_of_things_and_stuff_occurs(scenes):
    labels = np.concatenate([target["labels"] for _, target in scenes])
    assert set(labels.tolist()) == set(range(len(Farmyard.classes)))
    stuff = {int(value) for _, target in scenes for value in np.unique(target["segmentation"])}
    assert stuff == set(range(len(Farmyard.segmentation_classes)))
    assert Farmyard.segmentation_classes[:5] == Farmyard.classes


def test_number_of_instances_varies_and_can_be_zero(scenes):
    counts = {len(target["boxes"]) for _, target in scenes}
    assert 0 in counts and max(counts) >= 4


def test_joints_belong_to_people_alone_and_lie_on_them(scenes):
    assert Farmyard.joint_names == LEEDS_SPORTS_JOINTS
    on_body = joints = 0
    for _, target in scenes:
        for label, keypoints, mask in zip(
            target["labels"], target["keypoints"], target["masks"], strict=True
        ):
            if label != PERSON:
                assert not keypoints.any()
                continue
            x, y, visible = keypoints.T
            assert set(visible.tolist()) <= {0.0, 1.0}
            seen = visible == 1
            assert (x[seen] >= 0).all() and (x[seen] < SIZE[1]).all()
            assert (y[seen] >= 0).all() and (y[seen] < SIZE[0]).all()
            on_body += mask[y[seen].astype(int), x[seen].astype(int)].sum()
            joints += seen.sum()
    assert joints > 100
    assert on_body / joints > 0.97  # a head top may lie on the last half-covered pixel


def test_people_stand_upright():
    dataset = Farmyard(10, size=(64, 64), seed=1, objects=(1, 2), only=["person"])
    heads = ankles = 0.0
    for index in range(10):
        keypoints = dataset[index][1]["keypoints"]
        heads += keypoints[:, 13, 1].sum()
        ankles += keypoints[:, [0, 5], 1].max(axis=1, initial=0).sum()
    assert ankles > heads


def test_scene_does_not_depend_on_order_or_threads(scenes):
    dataset = Farmyard(40, size=SIZE, seed=5, objects=(0, 6))
    assert same(dataset[7], scenes[7])
    with ThreadPoolExecutor(4) as pool:
        for index, scene in zip(
            (3, 30, 3, 11), pool.map(dataset.__getitem__, (3, 30, 3, 11)), strict=True
        ):
            assert same(scene, scenes[index])


def test_length_does_not_change_a_scene(scenes):
    assert same(Farmyard(8, size=SIZE, seed=5, objects=(0, 6))[7], scenes[7])


def test_seeds_and_indices_give_different_scenes(scenes):
    other = Farmyard(2, size=SIZE, seed=6, objects=(0, 6))
    assert not np.array_equal(other[0][0], scenes[0][0])
    assert not np.array_equal(scenes[0][0], scenes[1][0])
    assert other[1][1]["image_id"] == "farmyard-6-000001"


def test_negative_index_counts_from_the_end(scenes):
    assert same(Farmyard(40, size=SIZE, seed=5, objects=(0, 6))[-1], scenes[39])


def test_empty_meadow():
    image, target = Farmyard(1, size=(32, 40), objects=(0, 0))[0]
    assert image.shape == (3, 32, 40)
    assert target["boxes"].shape == (0, 4) and target["masks"].shape == (0, 32, 40)
    assert target["keypoints"].shape == (0, 14, 3) and target["labels"].shape == (0,)


def test_only_places_the_named_classes():
    dataset = Farmyard(12, size=(48, 48), only=["duck", "cat"])
    labels = np.concatenate([dataset[index][1]["labels"] for index in range(12)])
    assert set(labels.tolist()) == {1, 3}


def test_tall_and_wide_pictures():
    for size in ((96, 40), (33, 129)):
        image, target = Farmyard(1, size=size, objects=(3, 3))[0]
        assert image.shape == (3, *size) and target["segmentation"].shape == size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": -1}, "length=-1"),
        ({"length": 1, "seed": -3}, "seed=-3"),
        ({"length": 1, "size": (31, 64)}, "at least 32"),
        ({"length": 1, "objects": (3, 1)}, "objects is"),
        ({"length": 1, "only": ["horse"]}, "horse"),
        ({"length": 1, "only": []}, "only is"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Farmyard(**arguments)


@pytest.mark.parametrize("index", [3, -4])
def test_index_outside(index):
    with pytest.raises(IndexError, match="3 scenes"):
        Farmyard(3)[index]
