"""Convolution of interleaved images: equal to im2col however it is cut; where it may be used."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.convolution_layer import NO_EPILOGUE
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu import convolution_interleaved as interleaved

CASES = [
    Case((3, 2, 6, 7), (4, 2, 3, 3), padding=(1, 1)),
    Case((1, 3, 9, 11), (4, 3, 3, 2), padding=(1, 0)),
    Case((5, 2, 4, 3), (2, 2, 4, 3), padding=(3, 2)),  # the result is larger than x
    Case((2, 3, 5, 4), (6, 3, 5, 4)),  # one window sees all of an image
    Case((2, 1, 1, 1), (1, 1, 3, 3), padding=(1, 1)),
    Case((64, 1, 2, 4), (3, 1, 2, 1)),  # rows of 128 numbers, which lie apart in memory
]


@st.composite
def cases(draw):
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    least = [max(1, k - 2 * p) for k, p in zip(kernel, padding, strict=True)]
    size = [low + draw(st.integers(0, 5)) for low in least]
    n, c, o = (draw(st.integers(1, 4)) for _ in range(3))
    return Case((n, c, *size), (o, c, *kernel), padding=padding)


def run(module, case, epilogue=NO_EPILOGUE):
    layer = case.layer
    return (
        module.forward(layer, case.x, case.weight, epilogue),
        module.grad_input(layer, case.grad, case.weight),
        module.grad_weight(layer, case.grad, case.x),
    )


def assert_equal(case, epilogue=NO_EPILOGUE):
    pairs = zip(run(interleaved, case, epilogue), run(im2col, case, epilogue), strict=True)
    for mine, expected in pairs:
        assert mine.dtype == expected.dtype
        np.testing.assert_allclose(mine, expected, rtol=1e-11, atol=1e-11)


@given(cases(), st.integers(1, 4), st.sampled_from([1, 3, 48]))
def test_it_equals_im2col(case, images, wide):
    assert interleaved.can_compute(case.layer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interleaved, "IMAGES", images)
        patch.setattr(interleaved, "WIDE", wide)
        assert_equal(case)


def test_images_of_a_block_follow_from_the_length_of_a_row():
    def images(n, width):
        layer = Case((n, 2, 3, width), (2, 2, 1, 1)).layer
        blocks = interleaved.blocks(layer, interleaved.Sizes(2, 256, 3))
        return [block.images.stop - block.images.start for block in blocks]

    assert set(images(64, 32)) == {8}  # 8 x 32 = 256
    assert set(images(64, 4)) == {32}  # at most so many
    assert set(images(6, 47)) == {3}  # two blocks of up to 256 // 47 = 5
    assert set(images(6, 48)) == {1}  # wide enough without others


@pytest.mark.parametrize("size", [1, 3000, 1 << 20])
@pytest.mark.parametrize("products", [1, 200])
@pytest.mark.parametrize("case", CASES)
def test_any_size_of_blocks_gives_the_same(case, size, products, monkeypatch):
    monkeypatch.setattr(interleaved, "BLOCK_BYTES", size)
    monkeypatch.setattr(interleaved, "MOST_PRODUCTS", products)
    assert_equal(case)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("ceiling", [None, np.inf, 0.7])
@pytest.mark.parametrize("size", [300, 1 << 20])
def test_the_epilogue(scale, shortcut, ceiling, size, monkeypatch):
    monkeypatch.setattr(interleaved, "BLOCK_BYTES", size)
    case = CASES[0]
    assert_equal(case, case.epilogue(scale, shortcut, ceiling))


@given(cases(), st.integers(1, 1 << 20), st.integers(0, 999), st.integers(0, 5))
def test_blocks_cover_every_output_row_once(case, channels, run, most_rows):
    n, _, oh, _ = case.y_shape
    covered = np.zeros((n, oh), int)
    blocks = interleaved.blocks(case.layer, interleaved.Sizes(channels, run, most_rows))
    for images, rows in blocks:
        covered[images, rows] += 1
        assert rows.stop - rows.start <= max(1, most_rows)
    assert (covered == 1).all()
    assert len(blocks) > 1 or oh == 1


def test_what_was_in_scratch_memory_before_leaves_no_trace():
    other = Case((3, 2, 6, 7), (4, 2, 3, 3), padding=(0, 0))
    other.x[:] = other.grad[:] = np.nan
    run(interleaved, other)
    for case in CASES:
        assert_equal(case)


def test_a_pixel_that_is_not_finite_stays_where_it_is_seen():
    case = Case((2, 1, 5, 5), (1, 1, 3, 3), padding=(1, 1))
    case.x[0, 0, 0, 4] = case.grad[0, 0, 0, 4] = np.inf
    with np.errstate(invalid="ignore"):  # infinity times the zeros of the padding
        pairs = zip(run(interleaved, case), run(im2col, case), strict=True)
    for mine, expected in pairs:
        assert (np.isfinite(mine) == np.isfinite(expected)).all()


@pytest.mark.parametrize(
    ("reason", "layer"),
    [
        ("stride", Case((2, 2, 6, 6), (2, 2, 3, 3), stride=(1, 2)).layer),
        ("dilation", Case((2, 2, 6, 6), (2, 2, 2, 2), dilation=(2, 1)).layer),
        ("groups", Case((2, 2, 6, 6), (2, 1, 3, 3), groups=2).layer),
        ("much padding", Case((2, 2, 6, 6), (2, 2, 3, 3), padding=(3, 1)).layer),
        (
            "x is larger than its windows reach",
            Case((2, 2, 6, 6), (2, 2, 3, 3)).layer._replace(x_shape=(2, 2, 7, 6)),
        ),
    ],
)
def test_what_it_cannot_compute(reason, layer):
    assert not interleaved.can_compute(layer), reason
