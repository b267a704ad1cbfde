"""im2col on CUDA: any geometry, in one run of columns or in many."""

import math

import numpy as np
import pytest
from convolution_cases import Case
from convolution_on_cuda import check_on_cuda
from cuda_kernels import needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cuda import convolution_im2col as im2col
from minicv.backend.windows import Windows
from minicv.testing import strategies

pytestmark = needs_compiler


@st.composite
def cases(draw):
    """Pairwise different sizes; groups; strides of few kinds, for each is compiled."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    c, o, n = draw(strategies.distinct_sizes(3, high=4))
    kernel = draw(strategies.distinct_sizes(2, high=4))
    stride = draw(st.sampled_from([(1, 1), (2, 1), (2, 3)]))
    dilation, padding = draw(strategies.distinct_sizes(2, high=3)), (draw(st.integers(0, 2)), 1)
    extra = draw(strategies.distinct_sizes(2, low=0, high=5))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p + e)
        for d, k, p, e in zip(dilation, kernel, padding, extra, strict=True)
    )
    weight = (groups * o, c, *kernel)
    return Case((n, groups * c, *size), weight, stride, padding, dilation, groups)


@given(cases(), st.sampled_from([1, 1000, 1 << 20]))
def test_any_geometry_and_any_workspace(case, workspace):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(im2col, "WORKSPACE_BYTES", workspace)
        check_on_cuda(case, algorithm="im2col")


def test_float32():
    case = Case((2, 5, 9, 10), (7, 5, 3, 2), stride=(2, 1), padding=(1, 1))
    check_on_cuda(case, np.float32, "im2col")


def test_more_channels_than_a_grid_has_rows(monkeypatch):
    monkeypatch.setattr("minicv.backend.cuda.convolution_epilogue.MOST_BLOCKS_Y", 2)
    check_on_cuda(Case((1, 21, 3, 4), (22, 21, 2, 2)), algorithm="im2col")


SIZES = st.integers(1, 700)


@pytest.mark.host_only
@given(*[SIZES] * 5, st.sampled_from([4, 8]))
def test_runs_cover_all_columns_once_and_keep_to_the_workspace(n, c, o, oh, ow, itemsize):
    windows = Windows((3, 2), (1, 1), (0, 0), (1, 1), (oh, ow))
    shapes = (n, c, oh + 2, ow + 1), (n, o, oh, ow)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(im2col, "WORKSPACE_BYTES", 64 << 20)
        runs = im2col.runs(*shapes, windows, itemsize)
        longest = max(run.stop - run.start for run in runs)
        padded = math.ceil(longest / im2col.ROW_MULTIPLE) * im2col.ROW_MULTIPLE
        assert padded * (c * 6 + o) * itemsize <= im2col.WORKSPACE_BYTES
    assert [run.start for run in runs] == [0, *(run.stop for run in runs[:-1])]
    assert runs[-1].stop == n * oh * ow
    assert all(run.start % im2col.ROW_MULTIPLE == 0 for run in runs)


@pytest.mark.host_only
def test_the_smallest_run_and_no_run():
    windows = Windows((1, 1), (1, 1), (0, 0), (1, 1), (2, 3))
    huge = im2col.WORKSPACE_BYTES
    assert im2col.runs((1, huge, 2, 3), (1, 1, 2, 3), windows, 4) == [slice(0, 4), slice(4, 6)]
    assert im2col.runs((0, 1, 2, 3), (0, 1, 2, 3), windows, 4) == []
