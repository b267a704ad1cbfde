"""Pooling, resizing and region pooling equal PyTorch and torchvision, option by option.

The numbers are in tests/fixtures/roi_ops.npz; make_roi_ops.py beside it wrote them.
"""

from pathlib import Path

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F

FIXTURE = np.load(Path(__file__).parent.parent / "fixtures" / "roi_ops.npz")


def regions():
    return FIXTURE["boxes"], FIXTURE["batch_indices"], (3, 2), float(FIXTURE["spatial_scale"])


def check(operation, name):
    x = Tensor(FIXTURE["x"], requires_grad=True)
    y = operation(x)
    np.testing.assert_allclose(y.data, FIXTURE[name], atol=1e-12)
    if f"{name}_grad" in FIXTURE:
        y.backward(FIXTURE["cotangent"])
        np.testing.assert_allclose(x.grad, FIXTURE[f"{name}_grad"], atol=1e-12)


def test_roi_pool():
    check(lambda x: F.roi_pool(x, *regions()), "roi_pool")


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("ratio", [-1, 1, 2])
def test_roi_align(aligned, ratio):
    name = f"roi_align_{aligned}_{ratio}"
    check(lambda x: F.roi_align(x, *regions(), ratio, aligned), name)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("options", [(2, 2, 0, 1), (3, 2, 1, 1), (3, 4, 1, 1), (2, 3, 1, 2)])
def test_max_pool2d(options, ceil_mode):
    name = "_".join(map(str, (*options, ceil_mode)))
    y, indices = F.max_pool2d(FIXTURE["x"], *options, ceil_mode, return_indices=True)
    np.testing.assert_array_equal(y.data, FIXTURE[f"max_pool2d_{name}"])
    np.testing.assert_array_equal(indices, FIXTURE[f"max_pool2d_indices_{name}"])


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("options", [(2, 2, 0), (3, 2, 1), (3, 4, 1)])
def test_avg_pool2d(options, ceil_mode, include):
    name = "_".join(map(str, ("avg_pool2d", *options, ceil_mode, include)))
    check(lambda x: F.avg_pool2d(x, *options, ceil_mode, include), name)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(9, 5), (3, 14), (1, 1)])
def test_resize_bilinear(size, align_corners):
    name = f"resize_{size[0]}_{size[1]}_{align_corners}"
    check(lambda x: F.resize_bilinear(x, size, align_corners), name)
