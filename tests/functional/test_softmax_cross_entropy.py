import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.functional import softmax_cross_entropy
from minicv.testing import gradcheck, strategies

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])
IGNORED = st.sampled_from([-100, -1, 255])


@st.composite
def cases(draw, allow_empty=False):
    """(logits, labels, weight, ignore_index), per sample or per pixel, some labels ignored."""
    samples, classes, height, width = draw(strategies.distinct_sizes(4, high=6))
    samples = draw(st.sampled_from([0, samples])) if allow_empty else samples
    pixels = draw(st.sampled_from([(), (width,), (height, width)]))
    rng = np.random.default_rng(draw(strategies.seeds()))
    logits = rng.uniform(-3, 3, (samples, classes, *pixels))
    labels = rng.integers(0, classes, (samples, *pixels))
    ignore_index = draw(IGNORED)
    labels[rng.random(labels.shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = ignore_index
    weight = draw(st.sampled_from([None, rng.uniform(0.1, 2, classes)]))
    return logits, labels, weight, ignore_index


@given(data=st.data(), case=cases(allow_empty=True), reduction=REDUCTIONS)
def test_equals_its_twin(data, case, reduction):
    logits, *options = case
    expected = reference.softmax_cross_entropy(logits, *options, reduction)
    logits = data.draw(strategies.layouts(logits))
    result = softmax_cross_entropy(Tensor(logits), *options, reduction)
    np.testing.assert_allclose(result.data, expected, rtol=1e-11, atol=1e-13)


@given(case=cases(), reduction=REDUCTIONS)
def test_gradient(case, reduction):
    logits, *options = case
    gradcheck(lambda x: softmax_cross_entropy(x, *options, reduction), logits)


@given(case=cases())
def test_fused_equals_composed(case):
    """The same from log_softmax and a one-hot array, in value and gradient."""
    logits, labels, weight, ignore_index = case
    classes = logits.shape[1]
    class_weights = np.ones(classes) if weight is None else weight
    one_hot = np.moveaxis(labels[..., None] == np.arange(classes), -1, 1)
    factors = one_hot * class_weights.reshape(-1, *[1] * (logits.ndim - 2))

    fused_input = Tensor(logits, requires_grad=True)
    fused = softmax_cross_entropy(fused_input, labels, weight, ignore_index, "sum")
    fused.backward()
    composed_input = Tensor(logits, requires_grad=True)
    composed = -(F.log_softmax(composed_input, dim=1) * factors).sum()
    composed.backward()

    np.testing.assert_allclose(fused.data, composed.data, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(fused_input.grad, composed_input.grad, rtol=1e-11, atol=1e-13)


def test_lecture_example():
    # Scores of the cat image: exp gives 24.5, 164.0, 0.18, so p(cat) = 0.13 and -ln 0.13 = 2.04.
    x = Tensor(np.array([[3.2, 5.1, -1.7]]), requires_grad=True)
    loss = softmax_cross_entropy(x, np.array([0]))
    loss.backward()
    assert round(loss.item(), 2) == 2.04
    assert x.grad.round(2).tolist() == [[-0.87, 0.87, 0.0]]


def test_the_mean_is_weighted():
    logits = np.zeros((2, 2))
    logits[1] = [0.0, np.log(3.0)]
    loss = softmax_cross_entropy(logits, np.array([0, 0]), weight=np.array([2.0, 5.0]))
    np.testing.assert_allclose(loss.item(), (2 * np.log(2) + 2 * np.log(4)) / 4)
    loss = softmax_cross_entropy(logits, np.array([0, 1]), weight=np.array([2.0, 6.0]))
    np.testing.assert_allclose(loss.item(), (2 * np.log(2) + 6 * np.log(4 / 3)) / 8)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, np.ones(3), np.zeros(3)])
def test_all_ignored_gives_zero_loss_and_zero_gradient(reduction, weight):
    x = Tensor(np.random.default_rng(0).standard_normal((2, 3, 4)), requires_grad=True)
    loss = softmax_cross_entropy(x, np.full((2, 4), -100), weight, reduction=reduction)
    loss.backward(np.ones(loss.shape))
    assert not loss.data.any()
    assert not x.grad.any()


def test_no_samples():
    x = Tensor(np.zeros((0, 5)), requires_grad=True)
    loss = softmax_cross_entropy(x, np.zeros(0, int))
    loss.backward()
    assert loss.item() == 0
    assert x.grad.shape == (0, 5)


def test_huge_logits_and_a_shift_of_all_logits():
    x = Tensor(np.array([[1e4, -1e4], [1e4, -1e4]], np.float32), requires_grad=True)
    loss = softmax_cross_entropy(x, np.array([0, 1]), reduction="none")
    assert loss.data.tolist() == [0.0, 2e4]
    loss.backward(np.ones(2, np.float32))
    assert x.grad.tolist() == [[0.0, 0.0], [1.0, -1.0]]
    logits = np.random.default_rng(0).standard_normal((4, 3))
    labels = np.array([0, 1, 2, 1])
    shifted = softmax_cross_entropy(logits + 100, labels)
    np.testing.assert_allclose(shifted.item(), softmax_cross_entropy(logits, labels).item())


@pytest.mark.parametrize("label_dtype", [np.int32, np.int64, np.uint8])
def test_float32_is_close_to_float64(label_dtype):
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((2, 5, 6, 7))
    labels = rng.integers(0, 5, (2, 6, 7)).astype(label_dtype)
    weight = rng.uniform(0.5, 1, 5)
    precise = Tensor(logits, requires_grad=True)
    single = Tensor(logits.astype(np.float32), requires_grad=True)
    softmax_cross_entropy(precise, labels, weight).backward()
    loss = softmax_cross_entropy(single, labels, weight)
    loss.backward()
    assert loss.dtype == single.grad.dtype == np.float32
    np.testing.assert_allclose(single.grad, precise.grad, rtol=1e-4, atol=1e-8)


def test_a_second_pass_over_a_kept_graph_gives_the_same_gradient():
    x = Tensor(np.random.default_rng(0).standard_normal((4, 3)), requires_grad=True)
    loss = softmax_cross_entropy(x, np.array([0, 1, 2, 0]))
    loss.backward(retain_graph=True)
    once = x.grad.copy()
    loss.backward()
    np.testing.assert_allclose(x.grad, 2 * once)


@pytest.mark.host_only
@pytest.mark.parametrize("label", [-1, 3, 255])
def test_a_label_out_of_range_is_named(label):
    with pytest.raises(ValueError, match=f"label {label} is out of range; with 3 classes .* 0..2"):
        softmax_cross_entropy(np.zeros((2, 3)), np.array([0, label]))


def test_messages():
    logits, labels = np.zeros((2, 3, 4, 5)), np.zeros((2, 4, 5), int)
    with pytest.raises(ValueError, match=r"labels must have the shape \(2, 4, 5\).*\(2, 3, 4, 5\)"):
        softmax_cross_entropy(logits, labels[:, 0])
    with pytest.raises(ValueError, match=r"logits must be \(N, K\).*logits=\(2,\)"):
        softmax_cross_entropy(np.zeros(2), labels[:, 0, 0])
    with pytest.raises(ValueError, match="at least one class"):
        softmax_cross_entropy(np.zeros((2, 0)), labels[:, 0, 0])
    with pytest.raises(ValueError, match=r"each of the 3 classes, shape \(3,\), but is \(4,\)"):
        softmax_cross_entropy(logits, labels, np.ones(4))
    with pytest.raises(TypeError, match="labels must be whole numbers but are float64"):
        softmax_cross_entropy(logits, labels.astype(float))
    with pytest.raises(TypeError, match="expected a NumPy or CuPy array but got"):
        softmax_cross_entropy(np.zeros((1, 2)), [0])
    with pytest.raises(ValueError, match="softmax_cross_entropy: reduction must be"):
        softmax_cross_entropy(logits, labels, reduction="average")


SMOOTHING = st.sampled_from([0.1, 0.5, 1.0])


@given(data=st.data(), case=cases(allow_empty=True), reduction=REDUCTIONS, smoothing=SMOOTHING)
def test_with_label_smoothing_it_equals_its_twin(data, case, reduction, smoothing):
    logits, *options = case
    expected = reference.softmax_cross_entropy(logits, *options, reduction, smoothing)
    logits = data.draw(strategies.layouts(logits))
    result = softmax_cross_entropy(Tensor(logits), *options, reduction, smoothing)
    np.testing.assert_allclose(result.data, expected, rtol=1e-11, atol=1e-13)


@given(case=cases(), reduction=REDUCTIONS, smoothing=SMOOTHING)
def test_gradient_with_label_smoothing(case, reduction, smoothing):
    logits, *options = case
    gradcheck(lambda x: softmax_cross_entropy(x, *options, reduction, smoothing), logits)


def test_label_smoothing_is_the_cross_entropy_of_a_softer_target():
    """-Σ q log p with q = 0.7 at the label and 0.1 at each of the three classes besides."""
    x = Tensor(np.log([[0.5, 0.25, 0.125, 0.125]]), requires_grad=True)
    loss = softmax_cross_entropy(x, np.array([1]), label_smoothing=0.4)
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.log(2) * (0.1 * 1 + 0.7 * 2 + 0.1 * 3 + 0.1 * 3))
    np.testing.assert_allclose(x.grad, [[0.4, 0.25 - 0.7, 0.025, 0.025]])


def test_label_smoothing_with_ignored_labels_and_infinite_logits():
    logits = np.array([[np.nan, 0.0], [0.0, 0.0], [-np.inf, 0.0], [0.0, np.inf]])
    x = Tensor(logits, requires_grad=True)
    labels = np.array([-100, 0, -100, -100])
    loss = softmax_cross_entropy(x, labels, label_smoothing=0.2)
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.log(2))
    np.testing.assert_allclose(x.grad, [[0, 0], [-0.4, 0.4], [0, 0], [0, 0]])
    masked = softmax_cross_entropy(logits[2:3], labels[1:2] + 1, label_smoothing=0.2)
    assert masked.item() == np.inf  # the class that is impossible has a share of the label
    weight = np.array([0.0, 1.0])
    shielded = softmax_cross_entropy(logits[2:3], labels[1:2] + 1, weight, label_smoothing=0.2)
    assert shielded.item() == 0  # and not where it has no weight


def test_label_smoothing_in_float32_with_weights_of_float64():
    x = Tensor(np.zeros((2, 4), np.float32), requires_grad=True)
    loss = softmax_cross_entropy(x, np.array([0, 3]), np.ones(4), label_smoothing=0.1)
    loss.backward()
    assert loss.dtype == x.grad.dtype == np.float32
    np.testing.assert_allclose(loss.item(), np.log(4), rtol=1e-6)


def test_a_smoothing_that_is_no_share_is_refused():
    for smoothing in (-0.1, 1.5, np.nan):
        with pytest.raises(ValueError, match=r"label_smoothing must be in 0\.\.1 but is"):
            softmax_cross_entropy(np.zeros((1, 2)), np.array([0]), label_smoothing=smoothing)
    with pytest.raises(TypeError, match="label_smoothing must be a number but is 'a'"):
        softmax_cross_entropy(np.zeros((1, 2)), np.array([0]), label_smoothing="a")
