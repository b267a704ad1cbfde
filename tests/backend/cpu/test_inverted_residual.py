"""The inverted residual in one kernel: against its three convolutions in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu import inverted_residual as kernel
from minicv.backend.cpu.convolution import conv2d_norm_relu_forward
from minicv.testing import strategies


def layer(rng, *shape):
    """A weight with about as large results as arguments, so that ReLU6 cuts at both ends."""
    o, *rest = shape
    weight = 3 * rng.standard_normal(shape) / np.sqrt(np.prod(rest))
    return kernel.ConvNorm(weight, rng.uniform(-1, 2, o), rng.standard_normal(o))


def build(n, c, m, o, size, taps, stride, padding, *, expands=True, adds=True, seed=0):
    """(x, steps, shortcut) in float64."""
    rng = np.random.default_rng(seed)
    channels = c if expands else m
    x = rng.standard_normal((n, channels, *size))
    expand = layer(rng, m, c, 1, 1) if expands else None
    steps = kernel.Steps(expand, layer(rng, m, 1, *taps), layer(rng, o, m, 1, 1), stride, padding)
    _, _, oh, ow = kernel.Shapes.of(x.shape, (m, 1, *taps), stride, padding).filtered
    return x, steps, rng.standard_normal((n, o, oh, ow)) if adds else None


def in_turn(x, steps, shortcut):
    once, none = (1, 1), (0, 0)
    expand, depthwise, project, stride, (left, right, top, bottom) = steps
    if expand is not None:
        x = conv2d_norm_relu_forward(x, *expand, None, 6.0, once, none, once, 1)
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    m = len(depthwise.weight)
    x = conv2d_norm_relu_forward(x, *depthwise, None, 6.0, stride, none, once, m)
    return conv2d_norm_relu_forward(x, *project, shortcut, None, once, none, once, 1)


def narrow(x, steps, shortcut):
    def to_float32(value):
        return None if value is None else value.astype(np.float32)

    layers = [None if s is None else kernel.ConvNorm(*map(to_float32, s)) for s in steps[:3]]
    return to_float32(x), kernel.Steps(*layers, *steps[3:]), to_float32(shortcut)


def agrees(case):
    arguments = narrow(*case)
    assert kernel.can_compute(*arguments)
    y, expected = kernel.forward(*arguments), in_turn(*case)
    assert y.dtype == np.float32 and y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@st.composite
def cases(draw):
    taps = draw(st.sampled_from([(3, 3), (5, 5), (1, 4), (3, 2), (1, 1)]))
    stride = draw(st.sampled_from([(1, 1), (2, 2), (1, 2), (3, 2)]))
    left, right, top, bottom = (draw(st.integers(0, 4)) for _ in range(4))
    extra = draw(strategies.distinct_sizes(2, low=0, high=9))
    sides = zip(taps, ((top, bottom), (left, right)), extra, strict=True)
    size = tuple(max(1, k - sum(p) + e) for k, p, e in sides)
    n, c, m, o = (draw(st.integers(1, most)) for most in (3, 4, 7, 4))
    return build(
        *(n, c, m, o, size, taps, stride, (left, right, top, bottom)),
        expands=draw(st.booleans()),
        adds=draw(st.booleans()),
        seed=draw(strategies.seeds()),
    )


@given(cases(), st.booleans())
def test_equals_the_three_convolutions(case, halves):
    with pytest.MonkeyPatch.context() as patch:
        if halves:
            patch.setattr(kernel, "SMALL_IMAGE", 0)
        agrees(case)


@given(cases())
def test_bands_of_one_row(case):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "PIECE_ELEMENTS", 0)
        agrees(case)


@given(cases(), st.booleans())
def test_products_in_pieces_and_whole(case, small):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "_memory", kernel._Memory())
        patch.setattr(kernel, "packs_no_small_product", lambda: small)
        patch.setattr(kernel, "LONG_ROW", 1)
        patch.setattr(kernel, "RESULTS", 8)
        patch.setattr(kernel, "FEWEST_PIXELS", 1)
        patch.setattr(kernel, "TRANSPOSED", 3)
        agrees(case)


# Input channels, size, wide channels, kernel, stride, margins: of EfficientNet-Lite0.
LAYERS = {
    "first": (32, 40, 32, 3, 1, (1, 1, 1, 1)),
    "large, stride 2": (16, 112, 96, 3, 2, (0, 1, 0, 1)),
    "stride 2": (24, 28, 144, 5, 2, (1, 2, 1, 2)),
    "last": (192, 7, 1152, 5, 1, (2, 2, 2, 2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_layers_of_efficientnet(name):
    c, size, m, k, s, padding = LAYERS[name]
    case = build(1, c, m, 24, (size, size), (k, k), (s, s), padding, expands=c != m)
    y, expected = kernel.forward(*narrow(*case)), in_turn(*case)
    assert np.linalg.norm(y - expected) <= 2e-6 * np.linalg.norm(expected)


def test_every_way_to_cut_occurs():
    def cut(name, images=1, most=kernel.PIECE_ELEMENTS, small=kernel.SMALL_IMAGE):
        c, size, m, k, s, padding = LAYERS[name]
        shapes = kernel.Shapes.of((images, c, size, size), (m, 1, k, k), (s, s), padding)
        return kernel._cut(shapes, c, c, most, small)

    def counts(*arguments, **options):
        return [len(pieces) for pieces in cut(*arguments, **options)]

    assert counts("last") == counts("last", images=3) == [1, 2]
    assert counts("last", images=2) == counts("last", small=1 << 30) == [1, 1]
    assert counts("large, stride 2") == counts("large, stride 2", images=2) == [2, 1]
    bands, parts = cut("large, stride 2", most=1 << 18)
    assert len(bands) > 2 and len(bands) % 2 == 0 and len(parts) == 1
    assert [rows.start for rows in bands[1:]] == [rows.stop for rows in bands[:-1]]


def test_places_are_kept_and_forgotten(monkeypatch):
    memory = kernel._Memory()
    monkeypatch.setattr(kernel, "_memory", memory)
    monkeypatch.setattr(kernel, "MOST_PLACES", 3)
    monkeypatch.setenv("MINICV_NUM_THREADS", "1")
    for size in (12, 5, 6, 7, 8, 5):
        agrees(build(1, 2, 4, 3, (size, size), (3, 3), (1, 1), (1, 1, 1, 1), seed=size))
        assert 1 <= len(memory.places) <= 3
        arrays = {id(place.inside.base) for place in memory.places.values()}
        assert arrays == {id(memory.numbers)}  # all in the memory of today


def test_nothing_given_is_written_to_and_nothing_left_from_call_to_call():
    large, small = (
        narrow(*build(2, 3, 10, 4, size, (3, 3), (1, 1), (1, 1, 1, 1), seed=size[0]))
        for size in ((9, 8), (5, 6))
    )
    copies = [array.copy() for array in (large[0], large[2], *large[1].expand)]
    first = kernel.forward(*large)
    kernel.forward(*small)
    np.testing.assert_array_equal(kernel.forward(*large), first)
    for array, copy in zip((large[0], large[2], *large[1].expand), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_layouts_with_gaps():
    x, steps, shortcut = narrow(*build(2, 3, 10, 4, (9, 8), (3, 3), (1, 1), (1, 1, 1, 1)))
    expected = kernel.forward(x, steps, shortcut)
    spread = np.repeat(x, 2, axis=3)[..., ::2]
    turned = np.ascontiguousarray(shortcut.transpose(2, 3, 1, 0)).transpose(3, 2, 0, 1)
    np.testing.assert_array_equal(kernel.forward(spread, steps, turned), expected)


def test_nan_stays_within_its_windows():
    x, steps, _ = narrow(*build(1, 2, 4, 3, (9, 9), (3, 3), (1, 1), (1, 1, 1, 1), adds=False))
    x[0, 1, 4, 4] = np.nan
    with np.errstate(invalid="ignore"):
        reached = np.isnan(kernel.forward(x, steps))
    expected = np.zeros((9, 9), bool)
    expected[3:6, 3:6] = True
    np.testing.assert_array_equal(reached, np.broadcast_to(expected, reached.shape))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x, s, y: (x.astype("f8"), s, y),
        lambda x, s, y: (x[0], s, y),
        lambda x, s, y: (x[:, :2], s, y),
        lambda x, s, y: (x, s, y[:1]),
        lambda x, s, y: (x[:, :, :0, :0], s._replace(padding=(0, 0, 0, 0)), None),
        lambda x, s, y: (x, s._replace(expand=None), y),
        lambda x, s, y: (x, s._replace(depthwise=s.project), y),
        lambda x, s, y: (x, s._replace(project=s.expand), y),
    ],
)
def test_what_does_not_fit_is_left_to_others(spoil):
    case = narrow(*build(2, 3, 10, 4, (9, 8), (3, 3), (1, 1), (1, 1, 1, 1)))
    assert kernel.can_compute(*case)
    assert not kernel.can_compute(*spoil(*case))


@pytest.mark.parametrize("name", ["last", "large, stride 2"])  # both ways to cut
def test_same_bits_for_any_number_of_threads(name, monkeypatch):
    c, size, m, k, s, padding = LAYERS[name]
    case = narrow(*build(1, c, m, 24, (size, size), (k, k), (s, s), padding))
    results = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("MINICV_NUM_THREADS", threads)
        results.append(kernel.forward(*case).tobytes())
    assert results[0] == results[1] == results[2]
