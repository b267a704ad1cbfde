"""Which regions are learnt from, and what the head should say of them, region by region."""

import box_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampled_targets import check_draw, labelled, random_targets

from minicv.backend import to_numpy
from minicv.models.detection.region_targets import (
    Objects,
    ObjectsOfImages,
    learnable_objects,
    objects_in_batch,
    region_targets,
    sample_regions,
)
from minicv.models.photographs import ImageBatch
from minicv.testing import strategies
from minicv.vision.matching import Matcher

BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
REGION_MATCHER = Matcher(0.5, 0.5)
HARD_BACKGROUND = Matcher(0.5, 0.5, background_floor=0.1)
counts = st.sampled_from([0, 1, 7, 16, 10_000])
fractions = st.sampled_from([0.0, 0.25, 0.5, 1.0])


def test_difficult_objects_and_crowds_are_not_learnt_from():
    target = {
        "boxes": np.arange(16.0).reshape(4, 4),
        "labels": np.array([0, 1, 2, 3]),
        "difficult": np.array([False, True, False, False]),
        "iscrowd": np.array([False, False, False, True]),
    }
    objects = learnable_objects(target)
    assert objects.labels.tolist() == objects.index.tolist() == [0, 2]
    np.testing.assert_array_equal(objects.boxes, target["boxes"][[0, 2]])
    assert objects.boxes.dtype == np.float32
    plain = {"boxes": target["boxes"], "labels": target["labels"]}
    assert learnable_objects(plain).labels.tolist() == [0, 1, 2, 3]
    nothing = learnable_objects({"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int)})
    assert nothing.boxes.shape == (0, 4) and nothing.index.tolist() == []


def test_from_a_sampled_region_back_to_the_labels_of_its_object():
    """The first object is difficult; still each positive region finds its own mask."""
    images = [np.zeros((3, 20, 30), np.float32)] * 2
    batch = ImageBatch(images, np.zeros((2, 3, 40, 60), np.float32), [(20, 30), (40, 60)])
    boxes = np.array([[0.0, 0, 9, 9], [10, 0, 19, 9], [10, 10, 30, 20]])
    target = {
        "boxes": boxes,
        "labels": np.array([4, 5, 6]),
        "difficult": np.array([True, False, False]),
        "masks": np.arange(3)[:, None, None] * np.ones((3, 20, 30), int),
    }
    none = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int)}
    both = objects_in_batch(batch, [none, target], like=np.zeros(1))
    empty, objects = both.of_image(0), both.of_image(1)
    assert empty.boxes.shape == (0, 4)
    np.testing.assert_array_equal(objects.boxes, 2 * boxes[1:])  # in the pixels of the batch
    proposals = np.array([[21.0, 19, 60, 40], [20, 0, 38, 17]])
    rng = np.random.default_rng(0)
    drawn = region_targets(proposals, objects, REGION_MATCHER, 8, 1.0, rng)
    masks = target["masks"][drawn.matched][:, 0, 0]
    np.testing.assert_array_equal(masks + 4, drawn.labels - 1)
    assert masks.tolist() == [2, 1, 1, 2]  # of the proposals, then of the true boxes


@pytest.mark.parametrize("matcher", [REGION_MATCHER, HARD_BACKGROUND])
@given(strategies.seeds(), st.integers(0, 12), st.integers(0, 3), counts, fractions)
def test_region_targets_box_by_box(matcher, seed, regions, objects, count, fraction):
    rng = np.random.default_rng(seed)
    targets, labels = random_targets(seed, objects), rng.integers(0, 5, objects)
    proposals = random_targets(seed + 1, regions)
    if objects:  # some that fit roughly, or nothing but the true boxes would be positive
        proposals[::2] = targets[0] + rng.uniform(-1, 1, proposals[::2].shape)
        proposals = proposals[(proposals[:, 2:] > proposals[:, :2]).all(axis=1)]
    truth = Objects(targets, labels, rng.permutation(100)[:objects])
    drawn = region_targets(proposals, truth, matcher, count, fraction, rng, BOX_WEIGHTS)
    candidates = proposals.tolist() + targets.tolist()  # the true boxes join the proposals
    answers = labelled(candidates, targets.tolist(), matcher)
    index = [candidates.index(box) for box in drawn.boxes.tolist()]
    positives = len(drawn.deltas)
    check_draw(
        index[:positives], index[positives:], [label for label, _ in answers], count, fraction
    )
    assert drawn.labels.dtype == np.int64
    assert drawn.labels.tolist() == [labels[answers[i][1]] + 1 for i in index[:positives]] + [0] * (
        len(index) - positives
    )
    expected = [
        box_loops.encode(targets[answers[i][1]], candidates[i], BOX_WEIGHTS)
        for i in index[:positives]
    ]
    np.testing.assert_allclose(
        drawn.deltas, np.array(expected).reshape(-1, 4), rtol=1e-9, atol=1e-12
    )
    assert drawn.matched.tolist() == [truth.index[answers[i][1]] for i in index[:positives]]


def test_background_with_a_floor_is_drawn_from_the_neighbourhood_of_objects_alone():
    objects = Objects(np.array([[10.0, 10, 30, 30]]), np.array([2]), np.array([0]))
    far = np.array([[40.0, 30, 60, 46]] * 5)  # of no overlap at all
    near = np.array([[10.0, 20, 30, 40], [20, 10, 40, 30]])  # IoU 1/3
    rng = np.random.default_rng(0)

    def draw(proposals):
        return region_targets(proposals, objects, HARD_BACKGROUND, 8, 0.25, rng, BOX_WEIGHTS)

    drawn = draw(np.concatenate([far, near]))
    assert drawn.labels.tolist() == [3, 0, 0]  # fewer than 8: the far ones do not fill it up
    assert drawn.boxes[1:].tolist() == near.tolist()
    assert draw(far).labels.tolist() == [3]


def test_true_boxes_are_positive_however_bad_the_proposals():
    """At the start of training all proposals miss; the true boxes alone teach, with offset 0."""
    proposals = np.array([[0.0, 0, 4, 4], [60, 40, 64, 48]])
    targets = np.array([[10.0, 10, 30, 30], [20, 5, 50, 45]])
    rng = np.random.default_rng(0)
    for given_proposals in (proposals, proposals[:0]):
        objects = Objects(targets, np.array([3, 0]), np.array([5, 7]))
        drawn = region_targets(given_proposals, objects, REGION_MATCHER, 8, 0.5, rng, BOX_WEIGHTS)
        assert drawn.boxes[:2].tolist() == targets.tolist()
        assert drawn.labels.tolist() == [4, 1] + [0] * len(given_proposals)
        assert drawn.deltas.tolist() == [[0.0] * 4] * 2
        assert drawn.matched.tolist() == [5, 7]  # where they stand in the target


def test_without_objects_all_regions_are_background(xp):
    nothing = Objects(xp.zeros((0, 4)), *[xp.zeros(0, dtype=xp.int64)] * 2)
    proposals = random_targets(0, 5)
    drawn = region_targets(
        xp.asarray(proposals), nothing, HARD_BACKGROUND, 16, 0.5, np.random.default_rng(0)
    )
    assert to_numpy(drawn.labels).tolist() == [0] * 5
    assert drawn.deltas.shape == (0, 4) and drawn.matched.shape == (0,)
    assert sorted(to_numpy(drawn.boxes).tolist()) == sorted(proposals.tolist())


def test_with_neither_objects_nor_proposals_nothing_is_drawn(xp):
    nothing = Objects(xp.zeros((0, 4)), *[xp.zeros(0, dtype=xp.int64)] * 2)
    rng = np.random.default_rng(0)
    drawn = region_targets(xp.zeros((0, 4)), nothing, REGION_MATCHER, 16, 0.5, rng)
    assert [part.shape for part in drawn] == [(0, 4), (0,), (0, 4), (0,)]


def test_the_same_rng_draws_the_same_regions_on_every_device(xp):
    targets = random_targets(3, 3)
    objects = Objects(targets, np.array([2, 0, 1]), np.array([0, 2, 3]))
    proposals = np.concatenate([targets + 0.5, random_targets(4, 40)])

    def draw(move, seed):
        rng, there = np.random.default_rng(seed), Objects(*(move(array) for array in objects))
        return region_targets(move(proposals), there, REGION_MATCHER, 9, 0.25, rng, BOX_WEIGHTS)

    ours, theirs = draw(xp.asarray, seed=9), draw(np.asarray, seed=9)
    for a, b in zip(ours, theirs, strict=True):
        assert isinstance(a, xp.ndarray) and a.dtype == b.dtype
        np.testing.assert_allclose(to_numpy(a), b, rtol=1e-12)
    assert draw(np.asarray, seed=10).boxes.tolist() != theirs.boxes.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_region_targets_have_the_type_of_the_network(dtype):
    targets = random_targets(1, 2).astype(np.float32)
    objects = Objects(targets, np.array([0, 1], np.int32), np.array([0, 1]))
    proposals = random_targets(2, 9).astype(dtype)
    drawn = region_targets(
        proposals, objects, REGION_MATCHER, 16, 0.5, np.random.default_rng(0), BOX_WEIGHTS
    )
    assert drawn.boxes.dtype == dtype and drawn.deltas.dtype == dtype
    assert drawn.labels.dtype == np.int64


def test_images_together_and_each_alone(xp):
    """The same rng draws for one image after the other."""
    proposals, objects = [], []
    for image, count in enumerate([3, 0, 2]):
        targets = random_targets(image, count)
        proposals.append(np.concatenate([targets + 0.5, random_targets(image + 9, 12)]))
        objects.append(Objects(targets, np.arange(count) + image, np.arange(count)[::-1]))
    joined = [np.concatenate(parts) for parts in zip(*objects, strict=True)]
    there = ObjectsOfImages(*map(xp.asarray, joined), [3, 0, 2])
    together = sample_regions(
        [xp.asarray(own) for own in proposals],
        there,
        *(REGION_MATCHER, 8, 0.5, np.random.default_rng(4), BOX_WEIGHTS),
    )
    rng = np.random.default_rng(4)
    for found, boxes, truth in zip(together, proposals, objects, strict=True):
        alone = region_targets(boxes, truth, REGION_MATCHER, 8, 0.5, rng, BOX_WEIGHTS)
        for ours, theirs in zip(found, alone, strict=True):
            assert isinstance(ours, xp.ndarray)
            np.testing.assert_allclose(to_numpy(ours), theirs, rtol=1e-12)
