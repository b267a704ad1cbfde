"""Heads that give the places of joints as numbers: from a feature map (N, C, s, s) to (N, J, 2).

Two ways:

- `FullyConnectedHead`, the paper's: all numbers of the map go through two layers to 2 J numbers. It
  must learn anew for each place what an ankle there looks like, so it needs many pictures.
- `IntegralHead`: each joint has a heat map, whose softmax says with which probability the joint is
  in each cell, and the place is the mean over the cells. A convolution looks the same everywhere,
  so what is learnt of an ankle in one place holds in all.

Both are trained by the same loss on the same numbers: fractions of the picture, 0 in its middle.
"""

from __future__ import annotations

import math

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import xp_of
from minicv.models.detection.roi_heads import TwoLayerHead, draw_weights
from minicv.nn import Conv2d, ConvTranspose2d, Linear, Module


class FullyConnectedHead(Module):
    """The average over a grid, two layers, and 2 J numbers.

    Args:
        channels: C of the map.
        joints: J.
        pooled_size: rows and columns of the grid.
        units: of each layer.
        dropout: share of the units that training drops.
        rng: draws the initial weights, and what dropout drops.
        deviation: of the last layer's initial weights; with 0 all places are the middle at first.

    Source: Toshev & Szegedy, DeepPose, 2014, section 3.1.

    >>> rng = np.random.default_rng(0)
    >>> head = FullyConnectedHead(4, 14, 2, 8, 0.0, rng=rng, deviation=0.001)
    >>> head(Tensor(np.ones((3, 4, 6, 6), "float32"))).shape
    (3, 14, 2)
    """

    def __init__(
        self,
        channels: int,
        joints: int,
        pooled_size: int,
        units: int,
        dropout: float,
        *,
        rng: np.random.Generator,
        deviation: float,
    ) -> None:
        self.pooled_size = pooled_size
        inputs = channels * pooled_size**2
        self.hidden = TwoLayerHead(inputs, units, dropout=dropout, rng=rng)
        for layer in (self.hidden.fc6, self.hidden.fc7):  # keeps signals at a steady strength
            draw_weights(layer, math.sqrt(2 / layer.in_features), rng)
        self.places = Linear(units, 2 * joints, rng=rng)
        draw_weights(self.places, deviation, rng)

    def forward(self, features: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(features, self.pooled_size)  # (N, C, s, s) -> (N, C, p, p)
        places = self.places(self.hidden(pooled))  # -> (N, units) -> (N, 2 J)
        return places.reshape(places.shape[0], -1, 2)  # -> (N, J, 2)


class IntegralHead(Module):
    """A transposed convolution, a heat map for each joint, and the mean place of each.

    With p the softmax of a joint's heat map over its cells, and c the cells' centres as fractions
    of the picture from -1/2 to 1/2: place = Σ p c. So the place moves smoothly as the map does, and
    is finer than a cell.

    Args:
        channels: C of the map.
        joints: J.
        units: channels of the map between, of twice the size.
        rng: draws the initial weights.
        deviation: of the last layer's initial weights; with 0 all places are the middle at first.

    Source: Sun et al., Integral human pose regression, 2018, section 2.

    >>> rng = np.random.default_rng(0)
    >>> head = IntegralHead(4, 14, 8, rng=rng, deviation=0.0)
    >>> places = head(Tensor(np.ones((3, 4, 6, 6), "float32")))
    >>> places.shape, float(abs(places.data).max()) < 1e-7
    ((3, 14, 2), True)
    """

    def __init__(
        self,
        channels: int,
        joints: int,
        units: int,
        *,
        rng: np.random.Generator,
        deviation: float,
    ) -> None:
        self.enlarge = ConvTranspose2d(channels, units, 4, stride=2, padding=1, rng=rng)
        self.heat_maps = Conv2d(units, joints, 1, rng=rng)
        draw_weights(self.heat_maps, deviation, rng)

    def forward(self, features: Tensor) -> Tensor:
        larger = F.relu(self.enlarge(features))  # (N, C, s, s) -> (N, units, 2 s, 2 s)
        maps = self.heat_maps(larger)  # -> (N, J, 2 s, 2 s)
        n, joints, rows, columns = maps.shape
        shares = F.softmax(maps.reshape(n, joints, rows * columns), dim=2)  # each sums to 1
        centres = xp_of(maps.data).asarray(centres_of_cells(rows, columns), maps.dtype)
        return F.matmul(shares, Tensor(centres))  # (N, J, cells) x (cells, 2) -> (N, J, 2)


def centres_of_cells(rows: int, columns: int) -> np.ndarray:
    """x and y of each cell's middle, row by row, as fractions from -1/2 to 1/2: (cells, 2).

    >>> centres_of_cells(1, 2).tolist()
    [[-0.25, 0.0], [0.25, 0.0]]
    """
    x = (np.arange(columns) + 0.5) / columns - 0.5
    y = (np.arange(rows) + 0.5) / rows - 0.5
    return np.stack(np.broadcast_arrays(x, y[:, None]), axis=-1).reshape(-1, 2)
