"""summary: what each layer does to an input, and that the model does not notice."""

import numpy as np
import pytest

from minicv import functional as F
from minicv.autograd import no_grad
from minicv.models.backbones.build import build_backbone
from minicv.models.counting_multiplications import counting_multiplications
from minicv.nn import (
    BatchNorm2d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    Parameter,
    ReLU,
    Sequential,
    conv_bn_relu,
    evaluating,
    summary,
)


def rng():
    return np.random.default_rng(0)


def network():
    return Sequential(
        Conv2d(3, 4, 3, padding=1, bias=False, rng=rng()),
        BatchNorm2d(4),
        ReLU(),
        Sequential(MaxPool2d(2), Dropout(0.5, rng=rng())),
        Flatten(),
        Linear(4 * 3 * 4, 5, rng=rng()),
    )


def rows(table):
    return [
        (row.name, row.kind, row.output, row.parameters, row.multiply_adds) for row in table.layers
    ]


def test_each_layer_by_hand():
    table = summary(network(), (2, 3, 6, 8))
    assert rows(table) == [
        ("0", "Conv2d", (2, 4, 6, 8), 4 * 3 * 9, 2 * 4 * 6 * 8 * 3 * 9),
        ("1", "BatchNorm2d", (2, 4, 6, 8), 8, 0),
        ("2", "ReLU", (2, 4, 6, 8), 0, 0),
        ("3.0", "MaxPool2d", (2, 4, 3, 4), 0, 0),
        ("3.1", "Dropout", (2, 4, 3, 4), 0, 0),
        ("4", "Flatten", (2, 48), 0, 0),
        ("5", "Linear", (2, 5), 48 * 5 + 5, 2 * 5 * 48),
    ]
    assert table.parameters == 108 + 8 + 245
    assert table.multiply_adds == 2 * 4 * 6 * 8 * 27 + 480
    assert (table.input, table.frozen, table.unused) == ((2, 3, 6, 8), 0, {})


def test_grouped_and_transposed_convolutions():
    grouped = Conv2d(4, 6, 3, groups=2, rng=rng())
    up = ConvTranspose2d(6, 4, 2, stride=2, groups=2, rng=rng())
    table = summary(Sequential(grouped, up), (1, 4, 5, 6))
    assert [row.output for row in table.layers] == [(1, 6, 3, 4), (1, 4, 6, 8)]
    assert [row.multiply_adds for row in table.layers] == [
        6 * 3 * 4 * 2 * 9,  # each number of the result from 4 / 2 channels of 3x3
        6 * 3 * 4 * 2 * 4,  # each number of the input goes to 4 / 2 channels of 2x2
    ]


def test_the_table():
    model = network().requires_grad_(False)
    assert repr(summary(model, (1, 3, 6, 8))).splitlines() == [
        "layer  kind         output        parameters  multiply-adds",
        "-----------------------------------------------------------",
        "input               (1, 3, 6, 8)",
        "0      Conv2d       (1, 4, 6, 8)         108          5,184",
        "1      BatchNorm2d  (1, 4, 6, 8)           8",
        "2      ReLU         (1, 4, 6, 8)",
        "3.0    MaxPool2d    (1, 4, 3, 4)",
        "3.1    Dropout      (1, 4, 3, 4)",
        "4      Flatten      (1, 48)",
        "5      Linear       (1, 5)               245            240",
        "-----------------------------------------------------------",
        "total                                    361          5,424",
        "frozen: 361 of the parameters",
    ]


class Unusual(Module):
    """A layer that runs twice, one that does not run, and a parameter of its own."""

    def __init__(self):
        self.scale = Parameter(np.ones(4, np.float32))
        self.idle = Linear(3, 2, rng=rng())
        self.twice = Linear(4, 4, rng=rng())
        self.norm = BatchNorm2d(4)

    def forward(self, x):
        y = self.twice(self.twice(x * self.scale))
        return {"hidden": y, "both": (y, [x, None])}


def test_layers_that_run_twice_or_never_and_parameters_between():
    table = summary(Unusual(), (2, 4))
    assert rows(table) == [
        ("", "Unusual", "hidden (2, 4), both (2, 4), (2, 4), NoneType", 4, 0),
        ("twice", "Linear", (2, 4), 20, 32),
        ("twice", "Linear", (2, 4), 0, 32),
    ]
    assert table.unused == {"idle": 8, "norm": 8}
    assert table.parameters == 4 + 8 + 20 + 8
    lines = repr(table).splitlines()
    assert lines[3].startswith("(itself)  Unusual")
    assert lines[5].split() == ["twice", "Linear", "(2,", "4)", "as", "above", "32"]
    assert lines[6].split() == ["idle", "not", "run", "8"]
    assert table.layers[2].repeated and not table.layers[1].repeated


def test_parameters_shared_by_two_layers_count_once():
    first, second = Linear(3, 3, rng=rng()), Linear(3, 3, rng=rng())
    second.weight = first.weight
    table = summary(Sequential(first, second), (1, 3))
    assert [row.parameters for row in table.layers] == [12, 3]
    assert table.parameters == 15


def test_a_single_layer():
    table = summary(Linear(3, 2, rng=rng()), (5, 3))
    assert rows(table) == [("", "Linear", (5, 2), 8, 30)]


@pytest.mark.parametrize("train", [True, False])
def test_the_model_stays_as_it_is(train):
    model = network().train(train)
    model[1].eval()
    before = model.state_dict()
    generator = model[3][1].rng.bit_generator.state
    attributes = [dict(vars(part)) for part in model.modules()]
    x = np.random.default_rng(1).normal(size=(2, 3, 6, 8)).astype(np.float32)
    summary(model, x.shape)
    assert [dict(vars(part)) for part in model.modules()] == attributes
    assert [part.training for part in model.modules()][:3] == [train, train, False]
    assert model[3][1].rng.bit_generator.state == generator
    after = model.state_dict()
    assert all(np.array_equal(after[name], value) for name, value in before.items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_model_stays_as_it_is_when_a_layer_fails():
    model = network()
    with pytest.raises(ValueError, match="linear: "):
        summary(model, (1, 3, 10, 10))
    assert all("forward" not in vars(part) for part in model.modules())
    assert all(part.training for part in model.modules())


def test_a_forward_set_by_the_caller_runs_and_stays():
    model = network()
    calls = []
    own = model[2].forward = lambda x: calls.append(x.shape) or F.relu(x)
    summary(model, (1, 3, 6, 8))
    assert calls == [(1, 4, 6, 8)]
    assert vars(model[2])["forward"] is own


def test_layers_that_run_as_one_have_their_rows():
    class Block(Module):
        def __init__(self):
            self.conv, self.bn = Conv2d(3, 4, 3, rng=rng()), BatchNorm2d(4)

        def forward(self, x):
            return conv_bn_relu(x, self.conv, self.bn, activation="relu")

    table = summary(Block(), (1, 3, 5, 5))
    assert [row.name for row in table.layers] == ["conv", "bn"]


def test_float64_and_no_parameters():
    assert summary(network().astype("float64"), (1, 3, 6, 8)).multiply_adds == 5424
    assert rows(summary(Flatten(), (2, 3, 4))) == [("", "Flatten", (2, 12), 0, 0)]


@pytest.mark.parametrize("name", ["small", "alexnet", "efficientnet_lite0", "small_fpn"])
def test_backbones(name):
    """All that has parameters runs, and the sum is what `counting_multiplications` counts."""
    backbone = build_backbone(name, (8, 16), frozen=False, rng=rng())
    shape = (1, 3, 64, 64)
    table = summary(backbone, shape)
    with no_grad(), evaluating(backbone), counting_multiplications(backbone) as count:
        backbone(np.zeros(shape, np.float32))
    assert table.multiply_adds == count.multiplications
    assert table.unused == {}
    assert sum(row.parameters for row in table.layers) == table.parameters
    assert len({row.name for row in table.layers}) > 4


def test_messages():
    class WithoutForward(Module):
        pass

    model = network()
    for given, said in ((Linear, "is the class Linear"), (np.zeros(3), "is a ndarray")):
        with pytest.raises(TypeError, match=f"^summary: model must be a Module but {said}"):
            summary(given, (1, 3))
    with pytest.raises(TypeError, match=r"^summary: WithoutForward has no forward .* such as"):
        summary(WithoutForward(), (1, 3))
    for given in (5, "1, 3", None):
        with pytest.raises(TypeError, match=r"input_shape must be a tuple, such as \(1, 3, 224"):
            summary(model, given)
    with pytest.raises(TypeError, match=r"but is a ndarray; give the shape, x\.shape"):
        summary(model, np.zeros((1, 3, 6, 8)))
    with pytest.raises(TypeError, match=r"each of input_shape must be a whole number but is 2\.5"):
        summary(model, (1, 2.5))
    with pytest.raises(ValueError, match="each of input_shape must be at least 1 but is 0"):
        summary(model, (0, 3, 6, 8))
