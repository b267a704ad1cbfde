"""Receptive fields: against what really changes when one pixel changes, and against formulas."""

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.autograd import grad
from minicv.models.backbones import ResNet18Backbone, SmallBackbone
from minicv.models.receptive_field import ends_in, receptive_field
from minicv.models.segmentation import (
    EncoderDecoder,
    EncoderDecoderSettings,
    FullResolution,
    FullResolutionSettings,
)
from minicv.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    Conv2d,
    ConvTranspose2d,
    MaxPool2d,
    Module,
    Sequential,
    Upsample,
    evaluating,
)

RNG = np.random.default_rng(0)
SIZE = (13, 18)


def conv(kernel, stride=1, padding=0, dilation=1):
    return Conv2d(3, 3, kernel, stride, padding, dilation, rng=RNG)


class Joined(Module):
    """A shortcut, a cut, a margin and two maps side by side."""

    def __init__(self):
        self.first, self.second = conv(3, padding=1), conv(5, padding=2)

    def forward(self, x):
        y = F.pad(self.first(x) + x, (2, 1, 0, 3))
        y = F.concatenate([y, F.pad(self.second(x), (2, 1, 0, 3))], dim=1)
        return y[:, :, 1:-2, 2:]


NETS = {
    "plain": conv(3),
    "strided": Sequential(conv(5, 2, 2), conv(3, 1, 1)),
    "dilated": Sequential(conv(3, 1, 0, 2), conv((1, 3), padding=(0, 1))),
    "pooled": Sequential(conv(3, padding=1), AvgPool2d(3, 2, 1), conv(2)),
    "transposed": Sequential(conv(3, 2, 1), ConvTranspose2d(3, 3, 4, stride=2, padding=1, rng=RNG)),
    "overlapping": Sequential(conv(2, 3), ConvTranspose2d(3, 3, 3, stride=2, rng=RNG)),
    "bilinear": Sequential(conv(3, 2, 1), Upsample(size=(11, 20), mode="bilinear")),
    "nearest": Sequential(conv(3, 2, 1), Upsample(scale_factor=3)),
    "adaptive": Sequential(conv(3, padding=1), AdaptiveAvgPool2d((5, 4)), conv(3, padding=1)),
    "joined": Joined(),
}


def really_seen(network, size, axis):
    """For each row of cells (axis 0) or column (1), the first pixel with a gradient and the one
    after the last; zeros where there is none."""
    x = Tensor(RNG.random((1, 3, *size), dtype="float32"), requires_grad=True)
    y = network(x)
    ends = np.zeros((y.shape[2 + axis], 2), int)
    for cell in range(len(ends)):
        arriving = np.zeros(y.shape, "float32")
        row = np.moveaxis(arriving, 2 + axis, 0)[cell]
        row[:] = RNG.random(row.shape)
        (of_x,) = grad(y, x, arriving, retain_graph=True)
        seen = np.flatnonzero(np.abs(of_x).sum(axis=(0, 1, 3 - axis)))
        if seen.size:
            ends[cell] = seen[0], seen[-1] + 1
    return ends


@pytest.mark.parametrize("name", NETS)
def test_is_exactly_what_has_a_gradient(name):
    field = receptive_field(NETS[name], SIZE)
    for axis, ends in enumerate((field.rows, field.columns)):
        seen = really_seen(NETS[name], SIZE, axis)
        depends = seen[:, 1] > 0
        np.testing.assert_array_equal(ends[depends], seen[depends])
        # Only a margin around the map depends on nothing.
        assert depends.sum() >= len(ends) - (3 if name == "joined" else 0)


def test_of_a_max_pooling_is_the_whole_window():
    field = receptive_field(Sequential(MaxPool2d(3, 2), conv(3)), (13, 200))
    assert field.columns[:2].tolist() == [[0, 7], [2, 9]]
    assert field.rows.shape == (4, 2)


@pytest.mark.parametrize(
    ("backbone", "stride", "side"),
    # Araujo et al. 2019, and by 1 + the sum of (K - 1) times the strides before.
    [(SmallBackbone, 8, 39), (SmallBackbone, 32, 183), (ResNet18Backbone, 8, 99)],
)
def test_of_backbones(backbone, stride, side):
    network = backbone(strides=(stride,), rng=RNG).requires_grad_(False)
    with evaluating(network):
        field = receptive_field(lambda x: network(x)[0], (300, 20))
    middle = len(field.rows) // 2
    first, end = field.rows[middle].tolist()
    assert end - first == side
    assert first <= middle * stride + stride // 2 < end


def test_of_segmenters():
    settings = FullResolutionSettings(width=2, depth=3)
    model = FullResolution(("a", "b"), settings, rng=RNG)
    with evaluating(model):
        field = receptive_field(model.forward, (20, 30))
    assert field.box(10, 15) == (12, 7, 19, 14)  # 1 + 2 · 3 on each side
    assert model.receptive_field == 7
    for upsampling in ("nearest", "max_unpool", "transposed", "bed_of_nails"):
        settings = EncoderDecoderSettings(widths=(2, 2), upsampling=upsampling)
        net = EncoderDecoder(("a", "b"), settings, rng=RNG)
        with evaluating(net):
            field = receptive_field(net.forward, (64, 21))
        assert (field.columns[:, 1] <= 21).all() and field.rows.shape == (64, 2)
        assert field.rows[32, 0] >= 32 - net.reach and field.rows[32, 1] <= 33 + net.reach


def test_what_takes_all_pixels_sees_all():
    network = Sequential(conv(3, padding=1), AdaptiveAvgPool2d(1))
    field = receptive_field(network, (70, 200))
    assert field.box(0, 0) == (0, 0, 200, 70)


def test_of_something_else():
    with pytest.raises(ValueError, match=r"the network gave \(1, 3\); expected a map"):
        receptive_field(lambda x: F.mean(x, dim=(2, 3)), (8, 8))
    with pytest.raises(ValueError, match="outside of no_grad"), no_grad():
        receptive_field(conv(3), (8, 8))
    x, other = (Tensor(np.ones((1, 3, 8, 8), "float32"), requires_grad=True) for _ in range(2))
    with pytest.raises(ValueError, match="does not depend on the image"):
        ends_in(other, conv(3)(x), 0)
