"""Head, samples, losses and post-processing of the detectors by regions, region by region."""

import math
from dataclasses import replace
from types import SimpleNamespace

import box_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampled_targets import smooth_l1

from minicv import Tensor
from minicv.backend import to_numpy
from minicv.inspection.stage import StageRecorder
from minicv.models.detection.region_targets import (
    RegionTargets,
)
from minicv.models.detection.roi_heads import (
    BoxPredictor,
    RegionSettings,
    TwoLayerHead,
    box_loss,
    postprocess,
    select_detections,
)
from minicv.models.photographs import ImageBatch
from minicv.nn import Dropout, Linear, ReLU, Sequential
from minicv.testing import gradcheck, strategies
from minicv.vision.matching import Matcher
from minicv.weights.published import two_layer_head_weights

HEIGHT, WIDTH = 40, 60
BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
SETTINGS = RegionSettings(box_weights=BOX_WEIGHTS)
REGION_MATCHER = Matcher(0.5, 0.5)
HARD_BACKGROUND = Matcher(0.5, 0.5, background_floor=0.1)
counts = st.sampled_from([0, 1, 7, 16, 10_000])
fractions = st.sampled_from([0.0, 0.25, 0.5, 1.0])
samples_per_image = st.lists(st.integers(0, 5), min_size=1, max_size=3)
betas = st.sampled_from([1 / 9, 1.0])


@pytest.mark.parametrize("changes", [{"min_size": 0}, {"max_size": -1}])
def test_images_without_a_pixel_are_refused(changes):
    with pytest.raises(ValueError, match="expected at least one pixel each"):
        RegionSettings(**changes)


# The head


def test_two_layer_head_by_hand():
    rng = np.random.default_rng(0)
    head = TwoLayerHead(2 * 3 * 5, 7, rng=rng)
    x = rng.normal(size=(4, 2, 3, 5)).astype(np.float32)
    first = np.maximum(x.reshape(4, -1) @ head.fc6.weight.data.T + head.fc6.bias.data, 0)
    second = np.maximum(first @ head.fc7.weight.data.T + head.fc7.bias.data, 0)
    np.testing.assert_allclose(head(Tensor(x)).data, second, rtol=1e-5, atol=1e-6)
    assert set(head.state_dict()) == {"fc6.weight", "fc6.bias", "fc7.weight", "fc7.bias"}


def test_predictor_keeps_the_four_offsets_of_a_class_together():
    predictor = BoxPredictor(6, num_classes=2, rng=np.random.default_rng(0))
    predictor.bbox_pred.bias.data = np.arange(12, dtype=np.float32)
    predictor.cls_score.bias.data = np.array([1, 2, 3], np.float32)
    logits, offsets = predictor(Tensor(np.zeros((5, 6), np.float32)))
    assert logits.data[4].tolist() == [1, 2, 3]
    assert offsets.data[4].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_predictor_begins_undecided():
    predictor = BoxPredictor(300, num_classes=20, rng=np.random.default_rng(0))
    assert predictor.cls_score.weight.data.std() == pytest.approx(0.01, rel=0.05)
    assert predictor.bbox_pred.weight.data.std() == pytest.approx(0.001, rel=0.05)
    assert not predictor.cls_score.bias.data.any() and not predictor.bbox_pred.bias.data.any()


def published_classifier(network, units, rng):
    """The fully connected layers of torchvision's ``network``, narrow."""
    first = Linear(3 * 2 * 4, units, rng=rng)
    second, last = Linear(units, units, rng=rng), Linear(units, 5, rng=rng)
    drop = Dropout(rng=rng)
    if network == "AlexNet":
        return Sequential(drop, first, ReLU(), drop, second, ReLU(), last)
    return Sequential(first, ReLU(), drop, second, ReLU(), drop, last)


@pytest.mark.parametrize("network", ["AlexNet", "VGG-16"])
def test_published_layers_compute_the_same_in_the_head(network):
    rng = np.random.default_rng(0)
    classifier = published_classifier(network, 16, rng).eval()
    names = {f"classifier.{name}": array for name, array in classifier.state_dict().items()}
    names["features.0.weight"] = np.zeros((3, 3, 3, 3), np.float32)  # is left alone
    head = TwoLayerHead(3 * 2 * 4, 16, rng=rng)
    head.load_state_dict(two_layer_head_weights(names))
    regions = rng.normal(size=(6, 3, 2, 4)).astype("f4")
    expected = classifier(Tensor(regions.reshape(6, -1))).data
    units = head(Tensor(regions))  # the last layer is for the detector to learn anew
    last = list(classifier)[-1]
    np.testing.assert_allclose(last(units).data, expected, rtol=1e-5, atol=1e-6)


def test_dropout_drops_half_of_each_layer_in_training_alone():
    rng = np.random.default_rng(0)
    head, plain = TwoLayerHead(8, 400, dropout=0.5, rng=rng), TwoLayerHead(8, 400, rng=rng)
    plain.load_state_dict(head.state_dict())
    x = Tensor(np.abs(rng.normal(size=(1, 8, 1, 1))).astype("f4"))
    kept, dropped = plain(x).data, head(x).data
    alive = kept > 0
    assert 0.4 < (dropped[alive] > 0).mean() < 0.6
    np.testing.assert_array_equal(head.eval()(x).data, kept)


# The losses


def drawn_regions(rng, count, classes):
    """Some regions of one image, the first few of them positive."""
    positives = int(rng.integers(0, count + 1))
    labels = rng.integers(1, classes + 1, count)
    labels[positives:] = 0
    return sampled(labels, rng.normal(size=(positives, 4)))


def sampled(labels, deltas):
    labels, deltas = np.array(labels), np.array(deltas)
    return RegionTargets(np.zeros((len(labels), 4)), labels, deltas, np.zeros(len(deltas), int))


def head_case(seed, counts, classes=3):
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=3, size=(sum(counts), classes + 1))
    offsets = rng.normal(size=(sum(counts), classes + 1, 4))
    return logits, offsets, [drawn_regions(rng, count, classes) for count in counts]


@given(strategies.seeds(), samples_per_image, betas)
def test_box_loss_region_by_region(seed, counts, beta):
    logits, offsets, drawn = head_case(seed, counts)
    losses = box_loss(Tensor(logits), Tensor(offsets), drawn, beta)
    entropy, box, region = 0.0, 0.0, 0
    for targets in drawn:
        for position, label in enumerate(targets.labels):
            total = sum(math.exp(logit) for logit in logits[region])
            entropy -= math.log(math.exp(logits[region, label]) / total)
            if label > 0:
                box += sum(
                    smooth_l1(offsets[region, label, c] - targets.deltas[position, c], beta)
                    for c in range(4)
                )
            region += 1
    np.testing.assert_allclose(losses[0].item(), entropy / max(region, 1), rtol=1e-10)
    np.testing.assert_allclose(losses[1].item(), box / max(region, 1), rtol=1e-10)


def test_losses_by_hand():
    """One of two regions holds an object of class 2 of three and is 2 off in x."""
    offsets = np.full((2, 3, 4), 99.0)  # those of other classes do not count
    offsets[0, 2] = 0
    drawn = [sampled([2, 0], [[2.0, 0, 0, 0]])]
    losses = box_loss(Tensor(np.zeros((2, 3))), Tensor(offsets), drawn, 1.0)
    assert [loss.item() for loss in losses] == pytest.approx([math.log(3), (2 - 1 / 2) / 2])


@pytest.mark.parametrize("counts", [[4], [3, 5], [0, 4, 0]])
@pytest.mark.parametrize("beta", [1 / 9, 1.0])
def test_gradients(counts, beta):
    first, second, drawn = head_case(1, counts)

    def total(x, y):
        scores, boxes = box_loss(x, y, drawn, beta)
        return scores + 3 * boxes

    gradcheck(total, first, second, mode="full")


def test_only_the_offsets_of_the_right_class_learn():
    logits, offsets, _ = head_case(0, [3, 2])
    scores, moves = (Tensor(x, requires_grad=True) for x in (logits, offsets))
    drawn = [sampled([2, 3, 0], np.full((2, 4), 9.0)), sampled([1, 0], np.full((1, 4), 9.0))]
    sum(box_loss(scores, moves, drawn, 1.0)).backward()
    assert {tuple(place[:2]) for place in np.argwhere(moves.grad).tolist()} == {
        (0, 2),
        (1, 3),
        (3, 1),
    }
    assert (scores.grad != 0).all()
    # The right class rises and all others fall, region by region.
    labels = np.concatenate([targets.labels for targets in drawn])
    falls = np.sign(scores.grad)
    assert (falls[np.arange(5), labels] == -1).all() and (falls.sum(axis=1) == 4 - 2).all()


def test_nothing_drawn_costs_nothing():
    tensors = [Tensor(np.zeros(shape), requires_grad=True) for shape in ((0, 4), (0, 4, 4))]
    losses = box_loss(*tensors, [sampled(np.zeros(0, int), np.zeros((0, 4)))], 1.0)
    assert [loss.item() for loss in losses] == [0.0, 0.0]
    sum(losses).backward()
    assert all((t.grad == 0).all() and t.grad.shape == t.shape for t in tensors)


def test_more_background_weighs_the_boxes_less():
    """The normaliser is the number of all samples: four times as many, a quarter of the loss."""
    logits, offsets, _ = head_case(2, [8])
    few, many = ([sampled([1] + [0] * rest, np.zeros((1, 4)))] for rest in (1, 7))
    among_few = box_loss(Tensor(logits[:2]), Tensor(offsets[:2]), few, 1.0)[1].item()
    among_many = box_loss(Tensor(logits), Tensor(offsets), many, 1.0)[1].item()
    assert among_few == pytest.approx(4 * among_many)


def test_losses_on_a_device(xp):
    logits, offsets, drawn = head_case(5, [5, 4])
    there = [RegionTargets(*(xp.asarray(array) for array in t)) for t in drawn]
    losses = box_loss(Tensor(xp.asarray(logits)), Tensor(xp.asarray(offsets)), there, 1.0)
    expected = box_loss(Tensor(logits), Tensor(offsets), drawn, 1.0)
    for a, b in zip(losses, expected, strict=True):
        assert isinstance(a.data, xp.ndarray)
        np.testing.assert_allclose(to_numpy(a.data), b.data, rtol=1e-12)


# From scores and boxes to detections


def select(scores, boxes, **changes):
    boxes = np.array(boxes, np.float32).reshape(*np.shape(scores), 4)
    options = {"score_threshold": 0.2, "nms_threshold": 0.3, "detections_per_image": 10}
    return select_detections(np.array(scores, np.float32), boxes, **{**options, **changes})


def test_predictions_of_the_same_class_vote_on_where_a_detection_is():
    boxes = [[[0, 0, 10, 10], [0, 0, 10, 8]], [[0, 0, 10, 6], [50, 0, 60, 10]]]
    scores = [[0.6, 0.1], [0.3, 0.9]]
    found, labels, kept_scores, regions = select(scores, boxes, vote_iou=0.5)
    assert labels.tolist() == [1, 0] and regions.tolist() == [1, 0]
    np.testing.assert_allclose(kept_scores, [0.9, 0.6], rtol=1e-6)  # scores are no means
    # (0.6 * 10 + 0.3 * 6) / 0.9; the box of class 1 with 0.1 is below the threshold of scores.
    np.testing.assert_allclose(found, [[50, 0, 60, 10], [0, 0, 10, 7.8 / 0.9]], rtol=1e-6)
    alone = select(scores, boxes, vote_iou=0.7)
    np.testing.assert_array_equal(alone.boxes, select(scores, boxes).boxes)


def test_suppression_is_within_a_class_and_best_come_first():
    same = [0, 0, 10, 10]
    scores = [[0.5, 0.9], [0.7, 0.3]]
    boxes, labels, scores, regions = select(scores, [[same, same], [same, same]])
    assert labels.tolist() == [1, 0] and labels.dtype == np.int64
    assert regions.tolist() == [0, 1]
    np.testing.assert_allclose(scores, [0.9, 0.7])
    assert boxes.tolist() == [same, same]


def test_each_class_has_its_own_box():
    left, right = [0, 0, 10, 10], [20, 0, 30, 10]
    boxes, labels, _, _ = select([[0.5, 0.9]], [[left, right]])
    assert boxes.tolist() == [right, left] and labels.tolist() == [1, 0]


def test_low_thin_and_too_many_are_left_out():
    boxes = [[[0, 0, 10, 10]], [[20, 0, 30, 10]], [[40, 0, 40.001, 10]], [[60, 0, 70, 10]]]
    scores = [[0.2], [0.4], [0.9], [0.3]]
    assert select(scores, boxes)[0][:, 0].tolist() == [20, 60]
    assert select(scores, boxes, detections_per_image=1)[0][:, 0].tolist() == [20]


def test_nothing_to_select_from():
    boxes, labels, scores, regions = select(np.zeros((0, 3)), [])
    assert boxes.shape == (0, 4) and labels.shape == scores.shape == regions.shape == (0,)


def detect(logits, deltas, proposals, **changes):
    """Detections of one image that the network sees as it is, and the stages before them."""
    image = np.zeros((3, HEIGHT, WIDTH), np.float32)
    batch = ImageBatch([image], image[None], [(HEIGHT, WIDTH)])
    record = StageRecorder(keep=True)
    (found,) = postprocess(logits, deltas, [proposals], batch, replace(SETTINGS, **changes), record)
    stages = {stage.name: stage.arrays for stage in record.stages}
    assert list(stages) == ["class_scores", "refined_boxes", "detections"]
    return SimpleNamespace(
        **found,
        class_scores=stages["class_scores"]["class_scores"],
        refined_boxes=stages["refined_boxes"]["refined_boxes"],
    )


def logits_of(*rows):
    """Logits whose softmax is ``rows``."""
    return np.log(np.array(rows, dtype=np.float64))


def by_loops(logits, deltas, proposals, score_threshold, nms_threshold, detections_per_image):
    found = []
    for k in range(logits.shape[1] - 1):  # each class for itself
        boxes, scores, places = [], [], []
        for r in range(len(logits)):
            score = math.exp(logits[r, k + 1]) / sum(math.exp(logit) for logit in logits[r])
            box = box_loops.decode(deltas[r, k + 1], proposals[r], BOX_WEIGHTS)
            box = box_loops.clip(box, HEIGHT, WIDTH)
            if score > score_threshold and min(box[2] - box[0], box[3] - box[1]) >= 1e-2:
                boxes.append(box)
                scores.append(score)
                places.append((r, k))
        for i in box_loops.suppress(boxes, scores, nms_threshold):
            found.append((-scores[i], places[i], boxes[i], k))
    found.sort(key=lambda entry: entry[:2])
    return found[:detections_per_image]


@given(
    strategies.seeds(),
    st.integers(0, 12),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.2, 0.6]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0, 3, 100]),
)
def test_postprocess_region_by_region(seed, regions, classes, threshold, nms_threshold, most):
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=(regions, classes + 1))
    deltas = rng.normal(scale=4, size=(regions, classes + 1, 4))  # some are clipped away wholly
    proposals = np.array(box_loops.random_boxes(rng, regions, HEIGHT, WIDTH)).reshape(-1, 4)
    options = {"score_threshold": threshold, "nms_threshold": nms_threshold}
    found = detect(logits, deltas, proposals, detections_per_image=most, **options)
    expected = by_loops(logits, deltas, proposals, detections_per_image=most, **options)
    assert found.labels.tolist() == [label for *_, label in expected]
    np.testing.assert_allclose(found.scores, [-score for score, *_ in expected], rtol=1e-9)
    boxes = np.array([box for _, _, box, _ in expected]).reshape(-1, 4)
    np.testing.assert_allclose(found.boxes, boxes, rtol=1e-9, atol=1e-9)
    background = np.exp(logits[:, 0]) / np.exp(logits).sum(axis=1)
    np.testing.assert_allclose(found.class_scores.sum(axis=1), 1 - background, atol=1e-12)
    assert found.refined_boxes.shape == (regions, classes, 4)


def test_label_k_is_class_k_plus_1_of_scores_and_of_offsets():
    proposals = np.array([[10.0, 10, 20, 20], [30, 10, 50, 30]])
    deltas = np.zeros((2, 4, 4))
    deltas[:, :, 0] = [99.0, 0.0, 1.0, 2.0]  # class c moves by (c - 1) / 10 widths to the right
    logits = logits_of([0.1, 0.0001, 0.0001, 0.8998], [0.1, 0.0001, 0.8998, 0.0001])
    found = detect(logits, deltas, proposals)
    assert sorted(zip(found.labels.tolist(), found.boxes.tolist(), strict=True)) == [
        (1, [32.0, 10.0, 52.0, 30.0]),
        (2, [12.0, 10.0, 22.0, 20.0]),
    ]
    np.testing.assert_allclose(found.class_scores[0], [0.0001, 0.0001, 0.8998])
    np.testing.assert_allclose(found.refined_boxes[0, :, 0], [10, 11, 12])


def test_suppression_within_a_class_and_not_between():
    proposals = np.array([[10.0, 10, 20, 20]] * 2)
    logits = logits_of([0.2, 0.5, 0.3], [0.2, 0.45, 0.35])
    found = detect(logits, np.zeros((2, 3, 4)), proposals)
    assert found.labels.tolist() == [0, 1]  # the better of the two regions for each class
    np.testing.assert_allclose(found.scores, [0.5, 0.35])


def test_a_score_at_the_threshold_is_not_enough():
    proposals = np.array([[10.0, 10, 20, 20]])
    logits = np.zeros((1, 2))
    assert len(detect(logits, np.zeros((1, 2, 4)), proposals, score_threshold=0.5).boxes) == 0
    assert len(detect(logits, np.zeros((1, 2, 4)), proposals, score_threshold=0.49).boxes) == 1


def test_what_lies_outside_of_the_image_is_no_detection():
    proposals = np.array([[50.0, 10, 70, 30], [60, 0, 80, 30]])
    found = detect(np.zeros((2, 2)), np.zeros((2, 2, 4)), proposals)
    assert found.boxes.tolist() == [[50.0, 10.0, 60.0, 30.0]]


def test_extreme_scores_and_offsets_stay_finite():
    with np.errstate(over="raise", invalid="raise"):
        found = detect(
            np.array([[1e4, -1e4, 9e3]], np.float32),
            np.full((1, 3, 4), 500, np.float32),
            np.array([[10, 10, 20, 20]], np.float32),
            score_threshold=0.0,
        )
    assert np.isfinite(found.refined_boxes).all()
    assert found.class_scores.tolist() == [[0.0, 0.0]]
    assert len(found.boxes) == 0


def test_postprocess_on_a_device(xp):
    """Detections and stages come back to the host."""
    rng = np.random.default_rng(0)
    arrays = (
        rng.normal(scale=2, size=(9, 4)),
        rng.normal(scale=2, size=(9, 4, 4)),
        np.array(box_loops.random_boxes(rng, 9, HEIGHT, WIDTH)),
    )
    for regions in (9, 0):
        here = [array[:regions] for array in arrays]
        found = vars(detect(*(xp.asarray(array) for array in here)))
        for name, expected in vars(detect(*here)).items():
            assert isinstance(found[name], np.ndarray) and found[name].dtype == expected.dtype
            np.testing.assert_allclose(found[name], expected, rtol=1e-12)
        assert (len(found["boxes"]) == 0) == (regions == 0)


def test_head_and_postprocessing_without_regions():
    rng = np.random.default_rng(0)
    head, predictor = TwoLayerHead(8, 4, rng=rng), BoxPredictor(4, 3, rng=rng)
    logits, offsets = predictor(head(Tensor(np.zeros((0, 2, 2, 2), np.float32))))
    assert logits.shape == (0, 4) and offsets.shape == (0, 4, 4)
    found = detect(logits.data, offsets.data, np.zeros((0, 4), np.float32))
    shapes = {name: part.shape for name, part in vars(found).items()}
    assert shapes == {
        "boxes": (0, 4),
        "labels": (0,),
        "scores": (0,),
        "class_scores": (0, 3),
        "refined_boxes": (0, 3, 4),
    }
    assert found.labels.dtype == np.int64


def test_each_image_has_its_own_regions_size_and_scale():
    images = [np.zeros((3, 80, 40), np.float32), np.zeros((3, 20, 30), np.float32)]
    sizes = [(40, 20), (40, 60)]  # the first is shrunk, the second enlarged
    batch = ImageBatch(images, np.zeros((2, 3, 40, 60), np.float32), sizes)
    regions = [np.array([[2.0, 2, 30, 10], [0, 20, 8, 30]]), np.array([[4.0, 4, 40, 60]])]
    logits = logits_of([0.2, 0.8], [0.3, 0.7], [0.1, 0.9])
    found = postprocess(
        logits, np.zeros((3, 2, 4)), regions, batch, SETTINGS, StageRecorder(keep=False)
    )
    assert [own["boxes"].tolist() for own in found] == [
        [[4.0, 4.0, 40.0, 20.0], [0.0, 40.0, 16.0, 60.0]],
        [[2.0, 2.0, 20.0, 20.0]],  # each cut off at the edges of its own image
    ]
    np.testing.assert_allclose(np.concatenate([own["scores"] for own in found]), [0.8, 0.7, 0.9])
