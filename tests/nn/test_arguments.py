"""Layers, containers and states made of the wrong things: refused at once, with what to write."""

import pathlib

import numpy as np
import pytest

from minicv import Tensor, nn
from minicv import functional as F
from minicv.nn import initializers

RNG = np.random.default_rng(0)
MAPS = np.ones((2, 3, 8, 8), np.float32)
VECTORS = np.ones((4, 3), np.float32)


@pytest.mark.parametrize("bad", ["3", 3.0, None, [3], np.float32(3)])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda n: nn.Conv2d(n, 8, 3, rng=RNG), "Conv2d: in_channels"),
        (lambda n: nn.Conv2d(3, n, 3, rng=RNG), "Conv2d: out_channels"),
        (lambda n: nn.Conv2d(3, 8, 3, groups=n, rng=RNG), "Conv2d: groups"),
        (lambda n: nn.ConvTranspose2d(n, 8, 3, rng=RNG), "ConvTranspose2d: in_channels"),
        (lambda n: nn.Linear(n, 8, rng=RNG), "Linear: in_features"),
        (lambda n: nn.Linear(3, n, rng=RNG), "Linear: out_features"),
        (lambda n: nn.BatchNorm2d(n), "BatchNorm2d: num_features"),
        (lambda n: nn.BatchNorm1d(n), "BatchNorm1d: num_features"),
        (lambda n: nn.FrozenBatchNorm2d(n), "FrozenBatchNorm2d: num_features"),
        (lambda n: nn.LocalResponseNorm(n), "LocalResponseNorm: size"),
    ],
)
def test_counts_are_whole_numbers(make, name, bad):
    with pytest.raises(TypeError, match=f"^{name} must be a whole number but is"):
        make(bad)


@pytest.mark.parametrize("least", [0, -2])
def test_channels_are_at_least_one(least):
    with pytest.raises(ValueError, match=f"^Conv2d: in_channels must be at least 1 but is {least}"):
        nn.Conv2d(least, 8, 3, rng=RNG)


def test_whole_numbers_of_numpy_are_taken_as_pythons():
    layer = nn.Conv2d(np.int64(4), np.uint8(8), np.int32(3), groups=np.uint8(2), rng=RNG)
    assert layer.weight.shape == (8, 2, 3, 3)
    assert [type(n) for n in (layer.in_channels, layer.out_channels, layer.groups)] == [int] * 3
    assert nn.Linear(np.uint8(200), np.uint8(100), rng=RNG).weight.shape == (100, 200)


@pytest.mark.parametrize("bad", ["0.1", None, [0.1]])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda v: nn.BatchNorm2d(3, eps=v), "BatchNorm2d: eps"),
        (lambda v: nn.BatchNorm2d(3, momentum=v), "BatchNorm2d: momentum"),
        (lambda v: nn.FrozenBatchNorm2d(3, eps=v), "FrozenBatchNorm2d: eps"),
        (lambda v: nn.LocalResponseNorm(3, alpha=v), "LocalResponseNorm: alpha"),
        (lambda v: nn.LeakyReLU(v), "LeakyReLU: negative_slope"),
        (lambda v: nn.Dropout(v, rng=RNG), "Dropout: p"),
    ],
)
def test_options_are_numbers(make, name, bad):
    with pytest.raises(TypeError, match=f"^{name} must be a number but is"):
        make(bad)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: nn.Upsample("8"), ValueError, "Upsample: size must be a whole number"),
        (lambda: nn.Upsample((4.5, 2)), ValueError, "Upsample: size must be a whole number"),
        (lambda: nn.Upsample(scale_factor="2"), TypeError, "scale_factor must be a number but is"),
        (lambda: nn.Upsample(scale_factor=-1), ValueError, "must be a number above 0"),
        (lambda: nn.Upsample(scale_factor=float("nan")), ValueError, "must be a number above 0"),
        (lambda: nn.Upsample(scale_factor=(1, 2, 3)), ValueError, "or a pair of them"),
        (
            lambda: nn.Upsample(scale_factor=0.1, mode="bilinear")(MAPS),
            ValueError,
            "8x8 times 0.1 leaves no pixel",
        ),
        (lambda: initializers.he_uniform((2, 3), 0), TypeError, "rng is a int; make one"),
        (lambda: initializers.normal((2, 3), None), TypeError, "rng is missing; make one"),
        (lambda: nn.Sequential([nn.ReLU()]), TypeError, r"list; write Sequential\(\*layers\)"),
        (lambda: nn.Sequential(nn.ReLU), TypeError, r"the class ReLU; make one of it: ReLU\("),
        (lambda: nn.Sequential(F.relu), TypeError, "but got function; a function has no place"),
        (lambda: nn.Sequential(None), TypeError, "Sequential: expected a Module but got NoneType"),
        (lambda: nn.ModuleList(5), TypeError, "ModuleList: expected a list of modules but got 5"),
        (lambda: nn.ModuleList(nn.ReLU()), TypeError, r"a list of modules but got ReLU\(\)"),
        (lambda: nn.Buffer(None), TypeError, "Buffer: data must be an array but is a NoneType"),
        (lambda: nn.Buffer(Tensor([1.0])), TypeError, "is a Tensor; take its .data"),
        (lambda: nn.ReLU().astype("int32"), TypeError, "astype: the weights .* 'int32' is not a f"),
        (
            lambda: nn.ReLU().astype(None),
            TypeError,
            "astype: the weights .* None is not a floating",
        ),
    ],
)
def test_other_wrong_arguments(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_lists_of_two_numbers_and_of_a_buffer_are_taken():
    assert nn.Upsample(scale_factor=[2, 3])(MAPS).shape == (2, 3, 16, 24)
    assert nn.Upsample([16, 24])(MAPS).shape == (2, 3, 16, 24)
    assert nn.Buffer([1, 2]).data.tolist() == [1, 2]


LAYERS = {
    "Conv2d": (nn.Conv2d(3, 2, 3, rng=RNG), MAPS),
    "ConvTranspose2d": (nn.ConvTranspose2d(3, 2, 3, rng=RNG), MAPS),
    "Linear": (nn.Linear(3, 2, rng=RNG), VECTORS),
    "BatchNorm2d": (nn.BatchNorm2d(3), MAPS),
    "BatchNorm1d": (nn.BatchNorm1d(3), VECTORS),
    "FrozenBatchNorm2d": (nn.FrozenBatchNorm2d(3), MAPS),
    "LocalResponseNorm": (nn.LocalResponseNorm(3), MAPS),
    "ReLU": (nn.ReLU(), MAPS),
    "Dropout": (nn.Dropout(0.5, rng=RNG), MAPS),
    "MaxPool2d": (nn.MaxPool2d(2), MAPS),
    "AdaptiveAvgPool2d": (nn.AdaptiveAvgPool2d(1), MAPS),
    "Upsample": (nn.Upsample(16), MAPS),
    "bilinear": (nn.Upsample(13, mode="bilinear"), MAPS),
    "Flatten": (nn.Flatten(), MAPS),
    "Sequential": (nn.Sequential(nn.Linear(3, 2, rng=RNG), nn.ReLU()), VECTORS),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_plain_array_is_taken_as_an_input(name):
    layer, x = LAYERS[name]
    y = layer(x)
    assert isinstance(y, Tensor)
    assert y.dtype == np.float32


@pytest.mark.parametrize("bad", [None, "photograph.jpg"])
@pytest.mark.parametrize("name", LAYERS)
def test_what_is_no_array_is_refused_by_name(name, bad):
    layer, _ = LAYERS[name]
    with pytest.raises(TypeError, match=r"^\w+: (x must be a Tensor or an array|input 0 is)"):
        layer(bad)


class TestStates:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (None, "expected arrays by name, as state_dict.* gives them, but got None"),
            ("w.npz", "the path 'w.npz'; read the file first: minicv.weights.load_checkpoint"),
            (pathlib.Path("w.npz"), "read the file first: minicv.weights.load_checkpoint"),
            (nn.ReLU(), r"a module; write load_state_dict\(other.state_dict\(\)\)"),
            ([1], "got a list"),
            ({"weight": None}, "'weight' must be an array of real numbers but is None"),
            ({"weight": "x"}, "'weight' must be an array of real numbers but is 'x'"),
            ({"weight": [[1], [1, 2]]}, "'weight' is no array"),
            ({"weight": np.ones((2, 3), complex)}, "real numbers but is complex128"),
        ],
    )
    def test_what_is_no_state(self, given, message):
        layer = nn.Linear(3, 2, bias=False, rng=np.random.default_rng(0))
        before = layer.state_dict()
        with pytest.raises(TypeError, match=f"^load_state_dict: .*{message}"):
            layer.load_state_dict(given)
        np.testing.assert_array_equal(layer.weight.data, before["weight"])

    def test_tensors_and_parameters_are_taken(self):
        layer, other = (nn.Linear(3, 2, rng=np.random.default_rng(seed)) for seed in (0, 1))
        layer.load_state_dict(dict(other.named_parameters()))
        np.testing.assert_array_equal(layer.weight.data, other.weight.data)
        assert layer.weight.data is not other.weight.data
