"""The box head, and what becomes of its scores and offsets, region by region and class by class."""

import math

import box_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv.backend import to_numpy
from minicv.models.detection.box_head import (
    BoxPredictor,
    TwoLayerHead,
    postprocess,
    two_layer_head_weights,
)
from minicv.nn import Dropout, Linear, ReLU, Sequential
from minicv.testing import strategies

HEIGHT, WIDTH = 40, 60
WEIGHTS = (10.0, 10.0, 5.0, 5.0)
OPTIONS = {
    "box_weights": WEIGHTS,
    "score_threshold": 0.05,
    "nms_threshold": 0.5,
    "detections_per_image": 100,
}


def detect(logits, deltas, proposals, **changes):
    return postprocess(logits, deltas, proposals, (HEIGHT, WIDTH), **{**OPTIONS, **changes})


def logits_of(*rows):
    """Logits whose softmax is ``rows``."""
    return np.log(np.array(rows, dtype=np.float64))


def by_loops(logits, deltas, proposals, score_threshold, nms_threshold, detections_per_image):
    found = []
    for k in range(logits.shape[1] - 1):  # each class for itself
        boxes, scores, places = [], [], []
        for r in range(len(logits)):
            score = math.exp(logits[r, k + 1]) / sum(math.exp(logit) for logit in logits[r])
            box = box_loops.decode(deltas[r, k + 1], proposals[r], WEIGHTS)
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
    np.testing.assert_allclose(found.class_scores.sum(axis=1), 1, rtol=1e-12)
    assert found.refined_boxes.shape == (regions, classes, 4)


def test_class_k_stands_in_column_k_plus_1_of_scores_and_of_offsets():
    proposals = np.array([[10.0, 10, 20, 20], [30, 10, 50, 30]])
    deltas = np.zeros((2, 4, 4))
    deltas[:, :, 0] = [99.0, 0.0, 1.0, 2.0]  # column c moves by (c - 1) / 10 widths to the right
    logits = logits_of([0.1, 0.0001, 0.0001, 0.8998], [0.1, 0.0001, 0.8998, 0.0001])
    found = detect(logits, deltas, proposals)
    assert sorted(zip(found.labels.tolist(), found.boxes.tolist(), strict=True)) == [
        (1, [32.0, 10.0, 52.0, 30.0]),
        (2, [12.0, 10.0, 22.0, 20.0]),
    ]
    np.testing.assert_allclose(found.class_scores[0], [0.1, 0.0001, 0.0001, 0.8998])
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
    assert found.class_scores.tolist() == [[1.0, 0.0, 0.0]]
    assert len(found.boxes) == 0


def test_postprocess_on_a_device(xp):
    rng = np.random.default_rng(0)
    arrays = (
        rng.normal(scale=2, size=(9, 4)),
        rng.normal(scale=2, size=(9, 4, 4)),
        np.array(box_loops.random_boxes(rng, 9, HEIGHT, WIDTH)),
    )
    for regions in (9, 0):
        here = [array[:regions] for array in arrays]
        found = detect(*(xp.asarray(array) for array in here))
        for ours, theirs in zip(found, detect(*here), strict=True):
            assert isinstance(ours, xp.ndarray) and ours.dtype == theirs.dtype
            np.testing.assert_allclose(to_numpy(ours), theirs, rtol=1e-12)
        assert (len(found.boxes) == 0) == (regions == 0)


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


def test_no_regions():
    rng = np.random.default_rng(0)
    head, predictor = TwoLayerHead(8, 4, rng=rng), BoxPredictor(4, 3, rng=rng)
    logits, offsets = predictor(head(Tensor(np.zeros((0, 2, 2, 2), np.float32))))
    assert logits.shape == (0, 4) and offsets.shape == (0, 4, 4)
    found = detect(logits.data, offsets.data, np.zeros((0, 4), np.float32))
    assert [part.shape for part in found] == [(0, 4), (0,), (0,), (0, 4), (0, 3, 4)]
    assert found.labels.dtype == np.int64


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


def test_weights_without_three_layers_are_refused():
    with pytest.raises(ValueError, match=r"two_layer_head_weights: expected .* but found none"):
        two_layer_head_weights({"features.0.weight": np.zeros((3, 3, 3, 3))})
    with pytest.raises(ValueError, match=r"but found \[0, 3\]"):
        two_layer_head_weights({f"classifier.{n}.weight": np.zeros((2, 2)) for n in (3, 0)})


def test_dropout_drops_half_of_each_layer_in_training_alone():
    rng = np.random.default_rng(0)
    head, plain = TwoLayerHead(8, 400, dropout=0.5, rng=rng), TwoLayerHead(8, 400, rng=rng)
    plain.load_state_dict(head.state_dict())
    x = Tensor(np.abs(rng.normal(size=(1, 8, 1, 1))).astype("f4"))
    kept, dropped = plain(x).data, head(x).data
    alive = kept > 0
    assert 0.4 < (dropped[alive] > 0).mean() < 0.6
    np.testing.assert_array_equal(head.eval()(x).data, kept)
