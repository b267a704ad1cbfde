"""draw_pyramid: the bins are those that RoI pooling takes the maximum of."""

import numpy as np
import pytest

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.inspection.palette import VERMILLION
from minicv.inspection.pyramid import bin_edges, draw_pyramid


@pytest.mark.parametrize("level", [1, 2, 3, 6])
@pytest.mark.parametrize("region", [(2, 1, 9, 7), (4, 4, 5, 4), (0, 0, 10, 8)])
def test_bins_are_those_of_roi_pooling(level, region):
    features = np.random.default_rng(0).random((1, 1, 9, 11), dtype=np.float32)
    boxes = np.array([region], np.float32)
    pooled = F.roi_pool(Tensor(features), boxes, np.zeros(1, np.int64), level).data[0, 0]
    x1, y1, x2, y2 = region
    by_hand = [
        [features[0, 0, top:bottom, left:right].max() for left, right in bin_edges(x1, x2, level)]
        for top, bottom in bin_edges(y1, y2, level)
    ]
    np.testing.assert_array_equal(pooled, by_hand)


def test_the_region_is_framed_on_each_level():
    levels = [np.asarray(p) for p in draw_pyramid(np.zeros((8, 8)), (1, 2, 6, 5), (3, 1))]
    for picture in levels:
        framed = (picture == VERMILLION).all(axis=2)
        rows, columns = np.flatnonzero(framed.any(axis=1)), np.flatnonzero(framed.any(axis=0))
        assert np.ptp(rows) == pytest.approx(4 * 16 + 2, abs=1)
        assert np.ptp(columns) == pytest.approx(6 * 16 + 2, abs=1)
    # Within the frame: lines on the first level, nothing on the last.
    inside = [picture[2 * 16 + 5 : 6 * 16 - 5, 16 + 5 : 7 * 16 - 5] for picture in levels]
    assert [len(np.unique(part.reshape(-1, 3), axis=0)) > 1 for part in inside] == [True, False]


@pytest.mark.parametrize("region", [(-1, 0, 2, 2), (0, 0, 8, 2), (3, 0, 2, 2)])
def test_a_region_outside_is_refused(region):
    with pytest.raises(ValueError, match="not within a map of 8 rows and 8 columns"):
        draw_pyramid(np.zeros((8, 8)), region, (1,))
