"""Losses as modules: each is its function, and what PyTorch adds to them is right by loops."""

import math

import cupy_stand_in as cupy
import numpy as np
import pytest
from cuda_kernels import needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, nn
from minicv import functional as F
from minicv.testing import gradcheck, strategies

RNG = np.random.default_rng(0)
INPUT, TARGET = RNG.normal(size=(2, 4, 5)) * 2
LABELS = np.array([0, 4, 2, 2])
REDUCTIONS = ("mean", "sum", "none")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("make", "function", "target"),
    [
        (nn.MSELoss, F.l2_loss, TARGET),
        (nn.L1Loss, F.l1_loss, TARGET),
        (nn.SmoothL1Loss, F.smooth_l1, TARGET),
        (nn.BCEWithLogitsLoss, F.binary_cross_entropy_with_logits, TARGET > 0),
        (nn.CrossEntropyLoss, F.softmax_cross_entropy, LABELS),
        (nn.MulticlassHingeLoss, F.multiclass_hinge, LABELS),
    ],
)
def test_is_its_function(make, function, target, reduction):
    x, same = Tensor(INPUT, requires_grad=True), Tensor(INPUT, requires_grad=True)
    loss, expected = (
        make(reduction=reduction)(x, target),
        function(same, target, reduction=reduction),
    )
    np.testing.assert_array_equal(loss.data, expected.data)
    assert loss.shape == (() if reduction != "none" else expected.shape)
    for result in (loss, expected):
        result.sum().backward()
    np.testing.assert_array_equal(x.grad, same.grad)
    with pytest.raises(ValueError, match=f"{make.__name__}: reduction must be 'mean', 'sum' or"):
        make(reduction="average")


def test_options_reach_the_function():
    assert nn.SmoothL1Loss(beta=0.5)(INPUT, TARGET).item() == (
        F.smooth_l1(INPUT, TARGET, 0.5).item()
    )
    assert nn.MulticlassHingeLoss(margin=2.5)(INPUT, LABELS).item() == (
        F.multiclass_hinge(INPUT, LABELS, 2.5).item()
    )
    weight = np.arange(1.0, 6)
    assert nn.CrossEntropyLoss(weight, ignore_index=2)(INPUT, LABELS).item() == pytest.approx(
        F.softmax_cross_entropy(INPUT, LABELS, weight, 2).item(), rel=1e-12
    )
    assert nn.BCEWithLogitsLoss(weight)(INPUT, TARGET > 0).item() == pytest.approx(
        F.binary_cross_entropy_with_logits(INPUT, TARGET > 0, weight).item(), rel=1e-12
    )


def test_multi_margin_divides_by_the_classes():
    for reduction in REDUCTIONS:
        hinge = nn.MulticlassHingeLoss(margin=0.5, reduction=reduction)(INPUT, LABELS).data
        loss = nn.MultiMarginLoss(margin=0.5, reduction=reduction)(INPUT, LABELS).data
        np.testing.assert_allclose(loss, hinge / 5, rtol=1e-14)


class TestLabelSmoothing:
    def test_by_hand(self):
        # p = 1/4 and 3/4, target 0.1 and 0.9
        loss = nn.CrossEntropyLoss(label_smoothing=0.2)(Tensor([[0.0, math.log(3)]]), np.array([1]))
        expected = -0.1 * math.log(1 / 4) - 0.9 * math.log(3 / 4)
        assert loss.item() == pytest.approx(expected, rel=1e-6)

    @staticmethod
    def by_loops(logits, labels, weight, ignore_index, reduction, smoothing):
        classes = logits.shape[1]
        losses, divisor = np.zeros(labels.shape), 0.0
        for at in np.ndindex(labels.shape):
            label = labels[at]
            if label == ignore_index:
                continue
            scores = logits[(at[0], slice(None), *at[1:])]
            surprise = np.log(np.exp(scores).sum()) - scores
            for k in range(classes):
                share = smoothing / classes + (1 - smoothing) * (k == label)
                losses[at] += share * weight[k] * surprise[k]
            divisor += weight[label]
        if reduction == "none":
            return losses
        return losses.sum() / (divisor or 1 if reduction == "mean" else 1)

    @given(
        seed=strategies.seeds(),
        pixels=st.sampled_from([(), (3,), (1, 2)]),
        weighted=st.booleans(),
        reduction=st.sampled_from(REDUCTIONS),
        smoothing=st.sampled_from([0.1, 0.5, 1.0]),
        ignored=st.sampled_from([0.0, 0.3, 1.0]),
    )
    def test_by_loops(self, seed, pixels, weighted, reduction, smoothing, ignored):
        rng = np.random.default_rng(seed)
        logits = rng.normal(size=(2, 4, *pixels)) * 2
        labels = rng.integers(0, 4, (2, *pixels))
        labels[rng.random(labels.shape) < ignored] = -1
        weight = rng.uniform(0.1, 2, 4).astype(np.float32) if weighted else None
        weights = np.ones(4) if weight is None else weight.astype(np.float64)
        criterion = nn.CrossEntropyLoss(
            weight, ignore_index=-1, reduction=reduction, label_smoothing=smoothing
        ).astype("float64")
        expected = self.by_loops(logits, labels, weights, -1, reduction, smoothing)
        np.testing.assert_allclose(criterion(Tensor(logits), labels).data, expected, rtol=1e-10)

    def test_gradient(self):
        for weight in (None, np.arange(1.0, 6)):
            criterion = nn.CrossEntropyLoss(weight, ignore_index=2, label_smoothing=0.3)
            gradcheck(lambda x, c=criterion: c(x, LABELS), INPUT)

    def test_an_ignored_label_hides_its_logits(self):
        logits = np.array([[1.0, 2.0], [np.nan, np.inf]], np.float32)
        x = Tensor(logits, requires_grad=True)
        loss = nn.CrossEntropyLoss(ignore_index=255, label_smoothing=0.1)(x, np.array([1, 255]))
        loss.backward()
        only = nn.CrossEntropyLoss(label_smoothing=0.1)(Tensor(logits[:1]), np.array([1]))
        assert loss.item() == pytest.approx(only.item(), rel=1e-6)
        assert x.grad[1].tolist() == [0.0, 0.0]
        assert np.isfinite(x.grad[0]).all()

    def test_float32_stays(self):
        for weight in (None, np.arange(1.0, 6)):
            criterion = nn.CrossEntropyLoss(weight, label_smoothing=0.1)
            assert criterion(Tensor(INPUT.astype(np.float32)), LABELS).dtype == np.float32

    @needs_compiler
    def test_on_a_device_without_a_wait(self):
        here = nn.CrossEntropyLoss(np.arange(1.0, 6), ignore_index=2, label_smoothing=0.3)
        there = nn.CrossEntropyLoss(
            cupy.asarray(np.arange(1.0, 6)), ignore_index=2, label_smoothing=0.3
        )
        logits, labels = Tensor(cupy.asarray(INPUT)), cupy.asarray(LABELS)
        with cupy.recorded_synchronisations() as reasons:
            loss = there(logits, labels)
        assert reasons == []
        assert loss.item() == pytest.approx(here(INPUT, LABELS).item(), rel=1e-10)


class TestPositiveWeight:
    @pytest.mark.parametrize("reduction", REDUCTIONS)
    @pytest.mark.parametrize("weight", [None, np.arange(1.0, 6)])
    def test_by_loops(self, reduction, weight):
        """Also for targets between 0 and 1."""
        targets = np.random.default_rng(1).random((4, 5))
        positive = np.array([1.0, 2.0, 0.5, 4.0, 0.0])
        expected = np.zeros((4, 5))
        for i, j in np.ndindex(4, 5):
            p = 1 / (1 + math.exp(-INPUT[i, j]))
            t = targets[i, j]
            expected[i, j] = -positive[j] * t * math.log(p) - (1 - t) * math.log(1 - p)
            expected[i, j] *= 1 if weight is None else weight[j]
        criterion = nn.BCEWithLogitsLoss(weight, reduction=reduction, pos_weight=positive)
        reduced = {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](expected)
        for given_targets in (targets, Tensor(targets)):
            loss = criterion(Tensor(INPUT), given_targets)
            np.testing.assert_allclose(loss.data, reduced, rtol=1e-10)
        gradcheck(lambda x: criterion(x, targets), INPUT)

    def test_targets_may_be_yes_and_no(self):
        criterion = nn.BCEWithLogitsLoss(pos_weight=np.array([3.0]))
        for targets in (np.array([True, False]), np.array([1, 0]), Tensor([1.0, 0.0])):
            loss = criterion(Tensor([0.0, 0.0]), targets)
            assert loss.item() == pytest.approx(2 * math.log(2), rel=1e-6)
            assert loss.dtype == np.float32


def test_weights_are_state_and_move_with_the_module():
    criterion = nn.CrossEntropyLoss(np.arange(3.0))
    assert list(criterion.state_dict()) == ["weight"]
    assert criterion.state_dict()["weight"].dtype == np.float32
    assert criterion.astype("float64").weight.dtype == np.float64
    assert list(criterion.parameters()) == []
    assert nn.CrossEntropyLoss().state_dict() == {}
    both = nn.BCEWithLogitsLoss([1.0, 2.0], pos_weight=Tensor([3.0, 1.0]))
    assert list(both.state_dict()) == ["weight", "pos_weight"]
    given_array = np.ones(3, np.float32)
    criterion = nn.CrossEntropyLoss(given_array)
    given_array[:] = 7
    assert criterion.weight.data.tolist() == [1.0, 1.0, 1.0]


def test_text():
    shown = [
        repr(loss)
        for loss in (
            nn.CrossEntropyLoss(),
            nn.CrossEntropyLoss(ignore_index=255, reduction="sum", label_smoothing=0.1),
            nn.MSELoss(reduction="none"),
            nn.SmoothL1Loss(),
            nn.MultiMarginLoss(reduction="sum"),
        )
    ]
    assert shown == [
        "CrossEntropyLoss()",
        "CrossEntropyLoss(reduction='sum', ignore_index=255, label_smoothing=0.1)",
        "MSELoss(reduction='none')",
        "SmoothL1Loss(beta=1.0)",
        "MultiMarginLoss(reduction='sum', margin=1.0)",
    ]


def test_messages():
    for smoothing in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=r"EntropyLoss: label_smoothing must be in 0\.\.1"):
            nn.CrossEntropyLoss(label_smoothing=smoothing)
    with pytest.raises(TypeError, match="CrossEntropyLoss: ignore_index must be a whole number"):
        nn.CrossEntropyLoss(ignore_index=None)
    with pytest.raises(TypeError, match="CrossEntropyLoss: weight must be an array of numbers but"):
        nn.CrossEntropyLoss(["a", "b"])
