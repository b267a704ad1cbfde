"""What all detectors have in common: they can be trained, watched and asked, on any picture."""

import numpy as np
import pytest
from fixed_proposers import FixedBoxes, RandomBoxes
from short_training import make_image, target

from minicv.models.backbones import SmallBackbone
from minicv.models.detection import (
    RCNN,
    FasterRCNN,
    FasterRCNNSettings,
    FastRCNN,
    FastRCNNSettings,
    RCNNSettings,
    SlidingWindowDetector,
    SlidingWindowSettings,
    SPPNet,
    SPPNetSettings,
)
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.proposals import SlidingWindow

CLASSES = ("cow", "duck", "person")
WINDOWS = SlidingWindow(sizes=(12.0, 24.0), step=0.5)

# Each as small as it can be, and every score counts as a detection.
SMALL = {
    SlidingWindowDetector: SlidingWindowSettings(
        warp_size=16, pooled_size=2, units=8, samples=16, score_threshold=0.0
    ),
    SingleObjectDetector: SingleObjectSettings(size=48, pooled_size=2, units=16),
    RCNN: RCNNSettings(
        warp_size=32, context=4, pooled_size=2, head_units=8, head_samples=16, score_threshold=0.0
    ),
    SPPNet: SPPNetSettings(
        scales=(64,), max_size=96, region_side=32.0, head_units=8, head_samples=16,
        score_threshold=0.0,
    ),
    FastRCNN: FastRCNNSettings(
        min_size=64, max_size=96, head_units=16, head_samples=16, score_threshold=0.0
    ),
    FasterRCNN: FasterRCNNSettings(
        min_size=64, max_size=96, anchor_sizes=(12.0, 32.0), rpn_channels=16, head_units=16,
        post_nms_top_n_train=40, post_nms_top_n_test=30, rpn_samples=32, head_samples=16,
        score_threshold=0.0,
    ),
}  # fmt: skip
CLASSIFIER, BOTH = {"loss_classifier"}, {"loss_classifier", "loss_box_reg"}
LOSSES = {
    SlidingWindowDetector: CLASSIFIER,
    SingleObjectDetector: BOTH,
    RCNN: CLASSIFIER,
    SPPNet: CLASSIFIER,
    FastRCNN: BOTH,
    FasterRCNN: BOTH | {"loss_objectness", "loss_rpn_box_reg"},
}
ON_PROPOSALS = (RCNN, SPPNet, FastRCNN)
BEFORE = {
    SlidingWindowDetector: ["proposals", "warped_regions"],
    RCNN: ["proposals", "warped_regions", "region_features"],
    SPPNet: ["proposals", "feature_map", "region_features"],
    FastRCNN: ["feature_map", "proposals", "region_features"],
    FasterRCNN: [
        *("feature_map", "anchors", "objectness", "proposals_before_nms", "proposals"),
        "region_features",
    ],
    SingleObjectDetector: ["feature_map"],
}  # the stages between the input and the class scores
WITHOUT_REFINEMENT = (SlidingWindowDetector, SingleObjectDetector)
every_detector = pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.__name__)


def with_proposers(*proposers):
    """Every detector, and those on proposals with each of these as well."""
    cases = [(kind, WINDOWS) for kind in SMALL]
    cases += [(kind, proposer) for kind in ON_PROPOSALS for proposer in proposers]
    ids = [f"{kind.__name__}-{type(proposer).__name__}" for kind, proposer in cases]
    return pytest.mark.parametrize(("kind", "proposer"), cases, ids=ids)


def make(kind, proposer=WINDOWS):
    rng = np.random.default_rng(0)
    needed = (proposer,) if kind in (*ON_PROPOSALS, SlidingWindowDetector) else ()
    return kind(SmallBackbone(4, rng=rng), CLASSES, *needed, SMALL[kind], rng=rng)


@every_detector
def test_the_losses_reach_every_parameter_that_learns(kind):
    model = make(kind)
    losses = model.loss(
        [make_image(50, 70), make_image(64, 40)],
        [target([4, 4, 30, 40]), target([0, 0, 20, 20], [10, 10, 40, 60])],
        np.random.default_rng(1),
    )
    assert set(losses) == LOSSES[kind]
    total = sum(losses.values(), start=0.0)
    assert np.isfinite(total.item())
    total.backward()
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert learning
    for name, parameter in learning.items():
        assert parameter.grad is not None and np.abs(parameter.grad).max() > 0, name


@with_proposers(RandomBoxes())
def test_without_rng_the_same_is_drawn(kind, proposer):
    model = make(kind, proposer).eval()
    images, targets = [make_image(60, 60)], [target([5, 5, 40, 40])]
    first, second = (
        {name: loss.item() for name, loss in model.loss(images, targets).items()} for _ in range(2)
    )
    assert first == second


@every_detector
def test_stages_are_those_of_predict_and_mean_the_same_everywhere(kind):
    model, image = make(kind), make_image(32, 48)
    stages = model.stages(image)
    refined = [] if kind in WITHOUT_REFINEMENT else ["refined_boxes"]
    names = ["input", *BEFORE[kind], "class_scores", *refined, "detections"]
    assert [stage.name for stage in stages] == names
    found = model.predict([image])[0]
    last = stages[-1].arrays
    np.testing.assert_array_equal(last["image"], image)
    assert len(found["boxes"]) > 0
    for name, array in found.items():
        np.testing.assert_array_equal(array, last[name])
    arrays = {stage.name: stage.arrays for stage in stages}
    scores = arrays["class_scores"]["class_scores"]
    assert scores.shape[-1] == len(CLASSES)  # the background has no place in them
    if kind is not SingleObjectDetector:  # each detection has the score of its region
        own = scores[last["region_indices"], found["labels"]]
        np.testing.assert_array_equal(own, found["scores"])
    best = scores.reshape(-1, len(CLASSES)).max(axis=0)[found["labels"][0]]
    assert found["scores"][0] == best > 0
    height, width = arrays["input"]["image"].shape[1:]
    for stage in stages[:-1]:
        if "boxes" in stage.arrays:  # in the pixels of the input, and the same all through
            boxes = stage.arrays["boxes"]
            assert (boxes >= 0).all() and (boxes <= [width, height] * 2).all()
            if stage.name != "proposals_before_nms":
                np.testing.assert_array_equal(boxes, arrays["proposals"]["boxes"])
    assert all(stage.seconds > 0 for stage in stages)


@every_detector
def test_predict_changes_nothing_and_works_in_training_mode(kind):
    model = make(kind).train()
    before = model.state_dict()
    modes = [part.training for part in model.modules()]
    model.predict([make_image(40, 40)])
    assert [part.training for part in model.modules()] == modes
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


@every_detector
def test_images_of_a_batch_do_not_influence_each_other(kind):
    model = make(kind, RandomBoxes() if kind in ON_PROPOSALS else WINDOWS)
    images = [make_image(64, 64, seed=1), make_image(64, 64, seed=2)]
    together = model.predict(images)
    for image, found in zip(images, together, strict=True):
        alone = model.predict([image])[0]
        assert len(found["boxes"]) > 0
        np.testing.assert_allclose(found["boxes"], alone["boxes"], atol=1e-3)
        np.testing.assert_allclose(found["scores"], alone["scores"], atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50), (200, 3), (40, 50)])
@with_proposers(FixedBoxes(()), FixedBoxes(((0, 0, 1, 1),)))
def test_tiny_oblong_and_empty_images_pass(kind, proposer, height, width):
    model, image = make(kind, proposer), make_image(height, width)
    found = model.predict([image])[0]
    kept = model.stages(image)[-1].arrays
    assert set(found) == set(kept) - {"image", "region_indices"} == {"boxes", "labels", "scores"}
    for name, array in found.items():
        np.testing.assert_array_equal(array, kept[name])
    count = len(found["scores"])
    assert found["boxes"].shape == (count, 4) and found["labels"].shape == (count,)
    assert found["labels"].dtype == np.int64 and found["boxes"].dtype == np.float32
    losses = model.loss([image], [target()])
    assert all(np.isfinite(value.item()) for value in losses.values())
    sum(losses.values(), start=0.0).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@every_detector
def test_degenerate_boxes_and_wrong_images_are_refused_by_name(kind):
    with pytest.raises(ValueError, match="image 0: boxes"):
        make(kind).loss([make_image(50, 50)], [target([4, 4, 4, 30])])
    with pytest.raises(ValueError, match=r"image.* has shape \(1, 8, 8\)"):
        make(kind).predict([np.zeros((1, 8, 8), np.float32)])
