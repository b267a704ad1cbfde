"""Multiplications: what is derived is what is counted while the layers run."""

import numpy as np
import pytest
from patch_nets import PATCH_NETS, make_patch_net

from minicv import Tensor, no_grad
from minicv.models.counting_multiplications import counting_multiplications
from minicv.models.segmentation import (
    a_trous,
    convolutionalize,
    count_multiplications,
    count_of_every_window,
    shift_and_stitch,
)
from minicv.models.segmentation.patches import cut_patches, mirror_border
from minicv.nn import Conv2d, Linear


@pytest.mark.parametrize("stride", PATCH_NETS)
@pytest.mark.parametrize("size", [(1, 1), (8, 13)])
def test_derived_equals_measured_for_all_four_ways(stride, size):
    patch_size, net = make_patch_net(stride, "float32")
    dense = convolutionalize(net, (3, patch_size, patch_size))
    holes = a_trous(dense)
    image = np.random.default_rng(0).normal(size=(3, *size)).astype("f4")
    bordered = mirror_border(image, patch_size)
    x = Tensor(bordered[None])
    rows, columns = np.divmod(np.arange(size[0] * size[1]), size[1])
    patches = Tensor(cut_patches(bordered, rows, columns, patch_size))
    runs = {
        "sliding_window": (net, lambda: net(patches)),
        "shift_and_stitch": (dense, lambda: shift_and_stitch(dense, x, patch_size)),
        "a_trous": (holes, lambda: holes(x)),
        "every_stride": (dense, lambda: dense(x)),
    }
    derived = count_of_every_window(net, patch_size, size)
    for name, (module, run) in runs.items():
        with no_grad(), counting_multiplications(module) as count:
            run()
        assert count.multiplications == getattr(derived, name), name


def test_a_multiplication_is_what_it_says():
    """One by one, as in the loops of reference/conv2d.py."""
    rng = np.random.default_rng(0)
    layer = Conv2d(4, 6, 3, stride=2, groups=2, rng=rng)
    by_loops = 0
    y = layer(Tensor(np.zeros((1, 4, 9, 8), "f4")))
    for _ in np.ndindex(*y.shape):
        by_loops += (4 // 2) * 3 * 3
    assert count_multiplications([layer], (4, 9, 8)) == by_loops
    assert count_multiplications([Linear(5, 7, rng=rng)], (5,)) == 35
