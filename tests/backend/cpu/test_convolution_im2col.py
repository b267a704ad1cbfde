"""im2col: padding, strips and columns, and the same result however the work is cut into strips."""

import itertools
import math

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.convolution_layer import Epilogue
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu.convolution_im2col import gather, strips
from minicv.backend.cpu.memory import scratch

CASES = [
    Case((1, 3, 9, 11), (4, 3, 3, 2), padding=(1, 0)),
    Case((5, 2, 6, 7), (4, 2, 3, 3), stride=(2, 1), padding=(1, 2)),
    Case((3, 6, 8, 9), (4, 3, 2, 3), dilation=(2, 1), groups=2),
    Case((1, 4, 8, 9), (6, 2, 3, 3), stride=(2, 3), padding=(2, 1), groups=2),
    Case((2, 2, 6, 5), (3, 2, 2, 2), padding=(2, 3)),  # more padding than the kernel reaches
    Case((2, 2, 6, 5), (7, 2, 3, 2), padding=(1, 1)),  # many more channels out than in
    Case((2, 3, 4, 3), (16, 3, 3, 2), stride=(2, 1), padding=(1, 0)),  # more weight than columns
]


@pytest.mark.parametrize("case", CASES)
def test_any_length_of_strips_gives_the_same(case, monkeypatch):
    usual = case.run(np.float64)
    assert case.algorithm("float64") == "im2col"
    monkeypatch.setattr(im2col, "GRAD_WEIGHT_BLOCK_BYTES", 1)  # a channel at a time
    np.testing.assert_allclose(case.run(np.float64)[2], usual[2], rtol=1e-12, atol=1e-12)
    monkeypatch.setattr(im2col, "GRAD_WEIGHT_FEW_PIXELS", 0)
    monkeypatch.setattr(im2col, "GRAD_WEIGHT_COLUMNS", 1)
    n, _, oh, ow = case.y_shape
    column_bytes = 8 * case.weight[0].size
    counts = set()
    for columns in (1, ow, 3 * ow, 2 * oh * ow + 1):
        monkeypatch.setattr(im2col, "STRIP_BYTES", columns * column_bytes)
        counts.add(len(strips(n, oh, ow, column_bytes, columns * column_bytes)))
        for cut, whole in zip(case.run(np.float64), usual, strict=True):
            np.testing.assert_allclose(cut, whole, rtol=1e-12, atol=1e-12)
    assert len(counts) >= 2 and max(counts) >= n * oh


FIRST_LAYERS = [
    Case((5, 2, 12, 13), (4, 2, 3, 3), padding=(1, 1)),
    Case((3, 3, 25, 27), (7, 3, 3, 3), stride=(2, 2), padding=(1, 1)),
    Case((4, 1, 20, 18), (3, 1, 5, 4), padding=(2, 0), dilation=(1, 2)),
    Case((2, 3, 8, 16), (5, 3, 1, 3), padding=(0, 1)),  # 128 pixels, whose columns lie apart
    Case((9, 1, 13, 14), (1, 1, 2, 3)),
]


@pytest.mark.parametrize("images", [1, 2, 9])
@pytest.mark.parametrize("case", FIRST_LAYERS)
def test_image_by_image_gives_the_same_gradient_of_the_weight(case, images, monkeypatch):
    columns = case.weight[0].nbytes * math.prod(case.y_shape[2:])
    monkeypatch.setattr(im2col, "BY_IMAGE_BYTES", images * columns)
    monkeypatch.setattr(im2col, "GRAD_WEIGHT_FEW_PIXELS", 0)
    assert im2col.goes_by_image(case.layer)
    scratch("im2col columns", (20_000,), np.float64).fill(np.nan)
    by_image = im2col.grad_weight(case.layer, case.grad, case.x)
    monkeypatch.setattr(im2col, "BY_IMAGE_WINDOW", 0)
    assert not im2col.goes_by_image(case.layer)
    in_strips = im2col.grad_weight(case.layer, case.grad, case.x)
    np.testing.assert_allclose(by_image, in_strips, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("steps", [(), ("shift",), ("scale", "shift", "shortcut", "ceiling")])
@pytest.mark.parametrize("images", [1, 2, 9])
@pytest.mark.parametrize("case", FIRST_LAYERS)
def test_image_by_image_gives_the_same_result(case, images, steps, monkeypatch):
    rng, o = np.random.default_rng(1), case.y_shape[1]
    every = Epilogue(rng.normal(size=o), rng.normal(size=o), rng.normal(size=case.y_shape), 0.7)
    epilogue = Epilogue(**{step: getattr(every, step) for step in steps})
    columns = case.weight[0].nbytes * math.prod(case.y_shape[2:])
    monkeypatch.setattr(im2col, "BY_IMAGE_BYTES", images * columns)
    assert im2col.goes_by_image(case.layer)
    scratch("im2col columns", (20_000,), np.float64).fill(np.nan)
    by_image = im2col.forward(case.layer, case.x, case.weight, epilogue)
    monkeypatch.setattr(im2col, "BY_IMAGE_WINDOW", 0)
    in_strips = im2col.forward(case.layer, case.x, case.weight, epilogue)
    np.testing.assert_allclose(by_image, in_strips, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("reason", "case"),
    [
        ("many elements in a window", Case((2, 4, 12, 13), (4, 4, 3, 3))),
        ("few pixels", Case((2, 2, 12, 11), (4, 2, 3, 3))),
        ("groups", Case((2, 4, 14, 13), (4, 2, 3, 3), groups=2)),
        ("large images", Case((2, 2, 200, 200), (4, 2, 3, 3))),
        ("a single image", Case((1, 2, 12, 13), (4, 2, 3, 3))),
    ],
)
def test_what_does_not_go_image_by_image(reason, case):
    assert not im2col.goes_by_image(case.layer), reason


@given(
    st.integers(0, 6), st.integers(1, 9), st.integers(1, 9), st.integers(1, 50), st.integers(0, 999)
)
def test_strips_cover_every_output_row_once(n, oh, ow, column_bytes, strip_bytes):
    covered = np.zeros((n, oh), int)
    for images, rows in strips(n, oh, ow, column_bytes, strip_bytes):
        covered[images, rows] += 1
        assert images.stop - images.start == 1 or rows == slice(0, oh)
    assert (covered == 1).all()


@given(st.data())
def test_a_column_is_what_a_window_sees(data):
    stride, dilation, kernel = (
        data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(3)
    )
    padding = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    n, groups, cg = (data.draw(st.integers(1, 3)) for _ in range(3))
    # Long rows with a stride are put into phases.
    oh, ow = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([1, 2, 4, 16, 19]))
    size = [
        max(1, s * (out - 1) + d * (k - 1) + 1 - 2 * p) + data.draw(st.integers(0, 2))
        for s, out, d, k, p in zip(stride, (oh, ow), dilation, kernel, padding, strict=True)
    ]
    case = Case((n, groups * cg, *size), (groups, cg, *kernel), stride, padding, dilation, groups)
    oh, ow = case.y_shape[2:]
    padded = np.pad(case.x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    first, group = data.draw(st.integers(0, oh - 1)), data.draw(st.integers(0, groups - 1))
    images, rows = slice(n - 1, n), slice(first, oh)
    # The memory is used again, so what it held before must not show.
    for name in ("im2col frame", "im2col columns"):
        scratch(name, (5000,), np.float64).fill(np.nan)
    columns = gather(case.layer, case.x, images, rows, group, with_ones=True)
    expected = [
        [
            padded[
                n - 1,
                group * cg + c,
                i * stride[0] + u * dilation[0],
                j * stride[1] + v * dilation[1],
            ]
            for i, j in itertools.product(range(first, oh), range(ow))
        ]
        for c, u, v in itertools.product(range(cg), range(kernel[0]), range(kernel[1]))
    ]
    np.testing.assert_array_equal(columns[:-1], expected)
    np.testing.assert_array_equal(columns[-1], 1)
    without = gather(case.layer, case.x, images, rows, group)
    np.testing.assert_array_equal(without, expected)
