"""Linear operations on maps: a NaN reaches what depends on it, forward and backward, and no more.

What depends on what is read off the operation itself: for finite numbers, output o depends on pixel
p where dy[o] / dx[p] is not 0.
"""

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.backend import use_conv_algorithm

BOXES = np.array([[1.0, 0.5, 6.0, 5.25], [-2.0, -1.0, 3.0, 2.5], [2.5, 2.5, 4.5, 3.5]])
IMAGES = np.array([0, 0, 0])
rng = np.random.default_rng(0)
W3, W4, W5, EACH, TURNED = (
    rng.uniform(0.5, 1.5, shape).astype(np.float32)
    for shape in [(3, 2, 3, 3), (2, 2, 4, 4), (3, 2, 5, 5), (2, 1, 3, 3), (2, 3, 3, 3)]
)

OPERATIONS = {
    "resize_bilinear, larger": lambda x: F.resize_bilinear(x, (11, 13)),
    "resize_bilinear, smaller": lambda x: F.resize_bilinear(x, (3, 4)),
    "resize_bilinear, aligned": lambda x: F.resize_bilinear(x, (11, 13), align_corners=True),
    "roi_align": lambda x: F.roi_align(x, BOXES, IMAGES, 2, sampling_ratio=2),
    "roi_align, not aligned": lambda x: F.roi_align(x, BOXES, IMAGES, (2, 1), 0.5, 1, False),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 2, padding=1),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
    "unpool_nearest": lambda x: F.unpool_nearest(x, (2, 3)),
    "unpool_bed_of_nails": lambda x: F.unpool_bed_of_nails(x, 2),
    "pad": lambda x: F.pad(x, (1, 2, 0, 1)),
    "conv2d": lambda x: F.conv2d(x, W3, padding=1),
    "conv2d, stride 2": lambda x: F.conv2d(x, W3, stride=2, padding=1),
    "conv2d, 4x4 at stride 2": lambda x: F.conv2d(x, W4, stride=2, padding=1),
    "conv2d, 5x5": lambda x: F.conv2d(x, W5, stride=(3, 2), padding=(2, 1)),
    "conv2d, depthwise": lambda x: F.conv2d(x, EACH, padding=1, groups=2),
    "conv_norm_relu": lambda x: F.conv_norm_relu(x, W3, padding=1),
    "conv_transpose2d": lambda x: F.conv_transpose2d(x, TURNED, stride=2, padding=1),
    "conv_transpose2d, 4x4": lambda x: F.conv_transpose2d(x, W4, stride=2, padding=1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_nan_reaches_what_depends_on_it(name):
    _check(OPERATIONS[name])


@pytest.mark.parametrize(
    "algorithm",
    ["winograd_2x2", "winograd_4x4", "winograd_strided", "space_to_depth", "im2col"],
)
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("conv")])
def test_by_every_algorithm(name, algorithm):
    with use_conv_algorithm(algorithm):
        _check(OPERATIONS[name])


def _check(operation):
    x = np.random.default_rng(1).uniform(1, 2, (1, 2, 7, 8)).astype(np.float32)
    with no_grad():
        outputs = operation(x).data
    depends = np.zeros((outputs.size, x.size), bool)
    for o in range(outputs.size):
        tensor = Tensor(x, requires_grad=True)
        grad = np.zeros(outputs.size, np.float32)
        grad[o] = 1
        operation(tensor).backward(grad.reshape(outputs.shape))
        depends[o] = np.abs(tensor.grad.ravel()) > 1e-5
    for p in range(0, x.size, 5):
        broken = x.ravel().copy()
        broken[p] = np.nan
        y = operation(broken.reshape(x.shape)).data
        np.testing.assert_array_equal(np.isnan(y).ravel(), depends[:, p])
    for o in range(0, outputs.size, 7):
        tensor = Tensor(x, requires_grad=True)
        grad = np.ones(outputs.size, np.float32)
        grad[o] = np.nan
        operation(tensor).backward(grad.reshape(outputs.shape))
        np.testing.assert_array_equal(np.isnan(tensor.grad).ravel(), depends[o])
