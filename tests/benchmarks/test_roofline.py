"""Work is counted as the definitions say, and the slow cases are those of the records."""

import doctest

import numpy as np
import pytest

from benchmarks import roofline, roofline_rates, roofline_work
from benchmarks.case import Case
from benchmarks.libraries import with_minicv
from benchmarks.roofline import roofline_of, slow_cases, table_of
from benchmarks.roofline_work import Product, Work, work_of_network, work_of_step
from minicv import Tensor
from minicv import functional as F
from minicv.autograd import no_grad
from minicv.models.backbones import EfficientNetLite0, ResNet50
from minicv.models.counting_multiplications import counting_multiplications


@pytest.mark.parametrize("module", [roofline, roofline_work])
def test_examples(module):
    flags = doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(module, optionflags=flags)
    assert result.attempted > 0 and result.failed == 0


def test_a_convolution_and_its_gradients_are_three_products():
    parameters = {"x": (2, 3, 8, 6), "weight": (4, 3, 3, 3), "stride": 1, "padding": 1}
    work = work_of_step(with_minicv.conv2d_gradients("float32", **parameters))
    assert work.products == {Product(4, 3 * 9, 2 * 8 * 6): 3}
    x, weight, bias, y = 2 * 3 * 8 * 6, 4 * 3 * 9, 4, 2 * 4 * 8 * 6
    assert work.moved == [4 * (x + weight + bias + y), 4 * (y + x + weight + bias)]
    assert (work.forward, work.backward) == (1, 1)
    assert work.flop == 3 * 2 * y * 27


def test_what_needs_no_gradient_is_not_counted_backward():
    x, w = Tensor(np.ones((5, 4), "float32")), Tensor(np.ones((3, 4), "float32"))
    w.requires_grad = True
    work = work_of_step(lambda: F.linear(x, w).sum().backward())
    assert work.products == {Product(3, 4, 5): 2}  # of the input none
    assert (work.forward, work.backward) == (2, 2)


def test_transposed_grouped_and_depthwise_convolutions():
    x = np.ones((2, 4, 5, 5), "float32")
    with no_grad():
        spread = work_of_step(lambda: F.conv_transpose2d(x, np.ones((4, 3, 2, 2), "float32"), None))
        grouped = work_of_step(lambda: F.conv2d(x, np.ones((6, 2, 3, 3), "float32"), groups=2))
        deep = work_of_step(lambda: F.conv2d(x, np.ones((4, 1, 3, 3), "float32"), groups=4))
    assert spread.products == {Product(3 * 2 * 2, 4, 2 * 5 * 5): 1}
    assert grouped.products == {Product(3, 2 * 9, 2 * 3 * 3): 2}
    assert not deep.products and deep.flop == 2 * 4 * 9 * 2 * 3 * 3


@pytest.mark.parametrize(("name", "kind"), [("resnet50", ResNet50),
                                            ("efficientnet_lite0", EfficientNetLite0)])  # fmt: skip
def test_a_network_on_shapes_multiplies_as_the_model_does(name, kind):
    work = work_of_network(name, (1, 3, 64, 32))
    model = kind(rng=np.random.default_rng(0)).eval()
    with counting_multiplications(model) as count, no_grad():
        model(Tensor(np.zeros((1, 3, 64, 32), "float32")))
    assert work.flop == 2 * count.multiplications


def test_bounds_use_each_rate(monkeypatch):
    monkeypatch.setattr(roofline_rates, "seconds_of_product", lambda product: product.flop / 1e9)
    monkeypatch.setattr(roofline_rates, "bytes_a_second", lambda copied, threads: 1e3 * copied)
    monkeypatch.setattr(roofline_rates, "seconds_of_call", lambda: (2.0, 3.0))
    large = 4 * roofline_rates.IN_CACHE
    work = Work(moved=[roofline_rates.IN_CACHE, large], forward=2, backward=1)
    work.products[Product(10, 10, 10)] += 2
    assert roofline_rates.bounds(work, 2) == pytest.approx(
        {
            "products": 4e-6,
            "memory": 1e-3 + large / roofline_rates.OUT_OF_CACHE / 1e3,
            "calls": 7.0,
        }
    )


def test_rates_are_measured():
    assert roofline_rates.seconds_of_product(Product(8, 8, 8)) > 0
    assert roofline_rates.bytes_a_second(1 << 14, 1) > 1e6
    forward, backward = roofline_rates.seconds_of_call()
    assert 0 < forward < 1 and 0 <= backward < 1


def test_slow_cases_are_those_whose_record_is_below():
    cases = [Case(name, "row", "nms") for name in ("slow", "fast", "new", "of another")]
    measured = [
        ("slow", {"torch": 0.9}),
        ("fast", {"torch": 1.2}),
        ("of another", {"chainer": 0.1}),
    ]
    record = {"cases": [{"row": "row", "case": name, "ratio": ratio} for name, ratio in measured]}
    found = list(slow_cases({"b": cases}, {"b": record}, 1.0))
    assert [(name, case.name, more) for name, case, more in found] == [
        ("b", "slow", {"ratio": {"torch": 0.9}})
    ]
    assert len(list(slow_cases({"b": cases}, {"b": record}, 2.0))) == 2


def test_a_case_gets_its_bounds(monkeypatch):
    least = {"products": 0.0, "memory": 0.0, "calls": 6e-3}
    monkeypatch.setattr(roofline_rates, "bounds", lambda work, threads: least)
    case = Case("chain", "row", "tanh_chain",
                {"length": 2, "shape": (2, 2), "backward": True}, per=6)  # fmt: skip
    found = roofline_of(case, 1)
    assert found["calls"] == 2.0  # one forward and one backward an operation
    assert found["bound"] == "calls" and found["least_seconds"]["calls"] == pytest.approx(1e-3)
    assert found["share"] == pytest.approx(1e-3 / found["seconds"])
    assert len(table_of([{**found, "ratio": {"torch": 0.5}}])) == 2
