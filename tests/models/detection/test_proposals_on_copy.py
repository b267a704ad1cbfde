"""Large photographs are searched in a scaled copy; small ones as they are."""

import dataclasses

import numpy as np
import pytest

from minicv.models.backbones import SmallBackbone
from minicv.models.detection import (
    RCNN,
    FastRCNN,
    FastRCNNSettings,
    RCNNSettings,
    SlidingWindowDetector,
    SlidingWindowSettings,
    SPPNet,
    SPPNetSettings,
)
from minicv.models.detection.proposals_on_copy import (
    MAX_SIDE,
    boxes_between,
    copy_within,
    propose_on_copy,
)
from minicv.models.photographs import resize_image
from minicv.proposals import SlidingWindow


class Looking:
    """A proposer that remembers what it saw, and proposes one box: the right half."""

    def __init__(self):
        self.seen = []

    def propose(self, image, rng):
        self.seen.append(image)
        height, width = image.shape[1:]
        return np.array([[width / 2, 0, width, height]], np.float32), np.ones(1, np.float32)


def noise(height, width):
    return np.random.default_rng(0).random((3, height, width), dtype=np.float32)


def test_a_picture_within_the_limit_is_given_as_it_is():
    looking, image, rng = Looking(), noise(30, 40), np.random.default_rng(0)
    boxes, _ = propose_on_copy(looking, image, rng, max_side=40)
    assert looking.seen[0] is image and boxes.tolist() == [[20, 0, 40, 30]]
    assert boxes_between(boxes, (30, 40), (30, 40)) is boxes


@pytest.mark.parametrize("size", [(30, 41), (82, 40), (1, 4000), (4000, 1), (300, 400)])
def test_a_larger_one_is_scaled_and_its_boxes_scaled_back(size):
    looking, image = Looking(), noise(*size)
    boxes, scores = propose_on_copy(looking, image, np.random.default_rng(0), max_side=40)
    seen = looking.seen[0].shape
    assert max(seen) == 40 and min(seen) >= 1
    assert seen[1] / 40 == pytest.approx(size[0] / max(size), abs=0.026)
    height, width = size
    np.testing.assert_allclose(boxes, [[width / 2, 0, width, height]], rtol=1e-5)
    assert boxes.dtype == np.float32 and scores.tolist() == [1]


def test_boxes_never_leave_the_picture():
    boxes = np.array([[0.0, 0.0, 39.999, 29.999], [-1.0, 2.0, 50.0, 40.0]], np.float32)
    back = boxes_between(boxes, (30, 40), (3001, 3999))
    assert back.min() >= 0 and back[:, 2].max() <= 3999 and back[:, 3].max() <= 3001


def models(proposer, **changes):
    """One of each detector that asks a proposer."""
    rng = np.random.default_rng(0)
    common = {"head_units": 8, "dropout": 0.0, **changes}
    settings = {
        FastRCNN: FastRCNNSettings(min_size=40, max_size=64, **common),
        RCNN: RCNNSettings(warp_size=16, context=2, pooled_size=2, **common),
        SPPNet: SPPNetSettings(scales=(40,), max_size=64, **common),
    }
    return [
        kind(SmallBackbone(4, rng=rng), ("cow",), proposer, own, rng=rng).eval()
        for kind, own in settings.items()
    ]


def test_every_detector_on_proposals_looks_at_the_copy():
    image = noise(60, 90)
    target = {"boxes": np.array([[40.0, 0.0, 88.0, 58.0]], np.float32), "labels": np.array([0])}
    looking = Looking()
    for model in models(looking, max_proposal_side=30):
        looking.seen.clear()
        (found,) = model.predict([image])
        model.loss([image], [target])
        stages = {stage.name: stage for stage in model.stages(image)}
        assert [seen.shape for seen in looking.seen] == 3 * [(3, 20, 30)]
        inside = stages["input"].arrays["image"].shape
        expected = np.array([[inside[2] / 2, 0, inside[2], inside[1]]])
        np.testing.assert_allclose(stages["proposals"].arrays["boxes"], expected, rtol=1e-4)
        assert found["boxes"].shape[1] == 4 and (found["boxes"] <= [90, 60, 90, 60]).all()


def test_the_usual_limit_leaves_small_photographs_alone():
    looking = Looking()
    for model in models(looking):
        model.predict([noise(60, 90)])
        assert model.settings.max_proposal_side == MAX_SIDE == 1000
    assert all(seen.shape == (3, 60, 90) for seen in looking.seen)


def test_rcnn_cuts_its_regions_from_the_copy():
    image, boxes = noise(60, 90), np.array([[10.0, 20.0, 70.0, 50.0]], np.float32)
    large, small = (model for model in models(Looking(), max_proposal_side=30)[1:2] * 2)
    found = large.region_features(image, boxes)
    copy = resize_image(image, 20, 30)
    expected = small.region_features(copy, boxes / 3)
    np.testing.assert_allclose(found.pooled, expected.pooled, rtol=1e-4, atol=1e-5)


def test_the_sliding_window_slides_over_the_copy():
    rng = np.random.default_rng(0)
    settings = SlidingWindowSettings(
        max_side=32, warp_size=16, units=8, pooled_size=2, score_threshold=0.0
    )
    windows = SlidingWindow((16.0,), (1.0,), 0.5)
    model = SlidingWindowDetector(
        SmallBackbone(4, rng=rng), ("cow",), windows, settings, rng=rng
    ).eval()
    image = noise(48, 64)
    copy = copy_within(image, 32)
    (found,), (on_copy,) = model.predict([image]), model.predict([copy])
    np.testing.assert_allclose(found["boxes"], 2 * on_copy["boxes"], rtol=1e-6)
    np.testing.assert_array_equal(found["scores"], on_copy["scores"])
    assert model.cost(48, 64) == model.cost(24, 32) and model.cost(24, 32).windows == 6
    target = {"boxes": np.array([[8.0, 8.0, 40.0, 40.0]], np.float32), "labels": np.array([0])}
    halved = {**target, "boxes": target["boxes"] / 2}
    loss, on_copy = (
        model.loss([one], [aim])["loss_classifier"].item()
        for one, aim in ((image, target), (copy, halved))
    )
    assert loss == on_copy
    unlimited = dataclasses.replace(settings, max_side=1000)
    assert unlimited.max_side == 1000
