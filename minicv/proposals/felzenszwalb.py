"""Felzenszwalb and Huttenlocher's segmentation: a graph of pixels, cut where neighbours differ more
than a region does within itself.

    1. smooth   image                     -> blurred by a Gaussian                  (C, H, W)
    2. edges    blurred image             -> 8-neighbours and how far they differ   (E,), sorted
    3. merge    edges, smallest first     -> regions
    4. tidy     edges between regions     -> regions of at least min_size pixels    (H, W)

Step 3 is one rule: the edge between regions A and B, with weight w, merges them if w is at most
Int(A) + k / |A| and at most Int(B) + k / |B|, where Int is the largest weight along which a region
was merged. Edge by edge that is 750,000 turns of a loop for a small photograph. But:

- A region changes first where its smallest edge is. So an edge that is the smallest one of both its
  regions meets them as they are now, and all such edges are decided at once, in any order.
- If that smallest edge is too large for a region, all its others are too: it is finished.

The result is the same as the loop's, merge by merge; `minicv.proposals.merging` does it.

Source: Felzenszwalb & Huttenlocher, "Efficient Graph-Based Image Segmentation" (IJCV 2004),
sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from minicv.backend import Array, to_numpy
from minicv.proposals.merging import merge_alike, merge_small

UNIT = 255.0  # k is given for colours in 0..255, as in the paper, images are in 0..1


def felzenszwalb(
    image: Array, k: float = 100.0, sigma: float = 0.8, min_size: int = 20
) -> np.ndarray:
    """Regions of alike pixels: a label for each pixel.

    Args:
        image: (C, H, W), float in 0..1, whatever the channels mean.
        k: how reluctant to cut, for colours in 0..255: a larger k makes larger regions.
        sigma: standard deviation of the Gaussian, pixels; 0 for none.
        min_size: smaller regions join the neighbour they differ from least, pixels.

    Returns:
        (H, W) int32, regions 0, 1, ... in the order of their first pixels.

    Raises:
        ValueError: the image is not (C, H, W) with at least one pixel or not finite; k is not
            positive; sigma or min_size is negative.

    >>> halves = np.zeros((3, 4, 6), dtype=np.float32)
    >>> halves[:, :, 3:] = 1
    >>> felzenszwalb(halves, k=100, sigma=0, min_size=1)[0].tolist()
    [0, 0, 0, 1, 1, 1]
    """
    return segment(pixel_graph(image, sigma), k, min_size)


@dataclass(frozen=True)
class PixelGraph:
    """The edges between neighbouring pixels, smallest weight first; equals keep their order.

    Attributes:
        size: (H, W).
        first, second: (E,) int32, the two pixels of each edge, flat positions.
        weight: (E,) float32, the Euclidean distance of their colours.
    """

    size: tuple[int, int]
    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray


def pixel_graph(image: Array, sigma: float = 0.8) -> PixelGraph:
    """Steps 1 and 2. One graph serves for any k and min_size; sorting it is half of the work.

    Args:
        image: (C, H, W), float.
        sigma: standard deviation of the Gaussian, pixels.

    Raises:
        ValueError: as `felzenszwalb`.

    >>> graph = pixel_graph(np.zeros((1, 2, 2), dtype=np.float32))
    >>> len(graph.weight)  # two across, two down, two diagonal
    6
    """
    image = to_numpy(image)
    if image.ndim != 3 or image.size == 0 or not np.isfinite(image).all():
        raise ValueError(
            "pixel_graph: image expects finite numbers of the shape (C, H, W) with at least one "
            f"pixel but has the shape {image.shape}; a grey image needs a channel, image[None]"
        )
    if sigma < 0:
        raise ValueError(f"pixel_graph: sigma is {sigma}, expected 0 (no blur) or more pixels")
    blurred = np.ascontiguousarray(image, dtype=np.float32)
    if sigma > 0:
        blurred = gaussian_filter(blurred, (0, sigma, sigma))
    size = image.shape[1:]
    position = np.arange(size[0] * size[1], dtype=np.int32).reshape(size)
    first, second, weight = [], [], []
    before, after, everything = slice(None, -1), slice(1, None), slice(None)
    for one, other in (
        ((everything, before), (everything, after)),  # left, right
        ((before, everything), (after, everything)),  # above, below
        ((before, before), (after, after)),
        ((after, before), (before, after)),
    ):
        difference = blurred[(everything, *one)] - blurred[(everything, *other)]
        weight.append(np.sqrt(np.einsum("chw,chw->hw", difference, difference)).ravel())
        first.append(position[one].ravel())
        second.append(position[other].ravel())
    weights = np.concatenate(weight)
    order = _sorted_order(weights)
    return PixelGraph(
        size, np.concatenate(first)[order], np.concatenate(second)[order], weights[order]
    )


def segment(graph: PixelGraph, k: float, min_size: int) -> np.ndarray:
    """Steps 3 and 4: the regions of a graph, as `felzenszwalb` returns them.

    Raises:
        ValueError: k is not positive, or min_size is negative.
    """
    if not k > 0:
        raise ValueError(f"segment: k is {k}, expected a positive number, such as 100")
    if min_size < 0:
        raise ValueError(f"segment: min_size is {min_size}, expected 0 or more pixels")
    edges = (graph.first, graph.second, graph.weight)
    region, size = merge_alike(*edges, graph.size[0] * graph.size[1], k / UNIT)
    region = merge_small(graph.first, graph.second, region, size, min_size)
    _, start, number = np.unique(region, return_index=True, return_inverse=True)
    in_order = np.empty(len(start), dtype=np.int32)
    in_order[np.argsort(start)] = np.arange(len(start), dtype=np.int32)
    return in_order[number].reshape(graph.size)  # (H W,) -> (H, W)


def _sorted_order(weights: np.ndarray) -> np.ndarray:
    """Like a stable argsort of float32 numbers that are not negative, and several times as fast.

    The bits of such numbers order as the numbers do. Put before their positions they make one whole
    number each, and plain sorting of those is what NumPy does fastest.
    """
    bits = weights.view(np.uint32).astype(np.uint64) << np.uint64(32)
    keys = bits | np.arange(len(weights), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.intp)
