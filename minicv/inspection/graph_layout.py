"""Places for the boxes of a graph: in layers, arrows downwards, with few crossings.

1. layers     a box is one layer below the lowest box from which an arrow leads to it
2. bends      an arrow over several layers bends in each of them, as if it had a small box there
3. order      in each layer by the mean place of the neighbours above, then below, some times over
4. places     as near to the mean of the neighbours as the boxes beside allow

Source: Sugiyama, Tagawa & Toda, Methods for visual understanding of hierarchical system structures,
IEEE Transactions on Systems, Man and Cybernetics 11, 1981.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8
GAP, BEND = 24.0, 14.0  # pixels between boxes, and the width of a bend
DOWN = 34.0  # pixels between layers

Point = tuple[float, float]
Size = tuple[float, float]


@dataclass
class Layout:
    """Attributes:
    width, height: of the whole in pixels.
    corners: of each box, left and top.
    lines: of each arrow, its points from the box above to the box below.
    """

    width: float
    height: float
    corners: list[Point]
    lines: list[list[Point]]


def layered_layout(sizes: Sequence[Size], arrows: Sequence[tuple[int, int]]) -> Layout:
    """Places for boxes of these sizes.

    Args:
        sizes: width and height of each box, in pixels.
        arrows: pairs of boxes, each from an earlier to a later one.

    Raises:
        ValueError: an arrow that leads back or to no box.

    >>> layout = layered_layout([(40, 20), (40, 20), (40, 20)], [(0, 1), (1, 2)])
    >>> [corner[0] for corner in layout.corners], layout.height
    ([0.0, 0.0, 0.0], 128.0)
    """
    for source, target in arrows:
        if not 0 <= source < target < len(sizes):
            raise ValueError(
                f"layered_layout: the arrow from {source} to {target} of {len(sizes)} boxes; "
                "expected one from an earlier to a later box"
            )
    layer_of = _layers(len(sizes), arrows)
    widths = [width for width, _ in sizes]
    chains: list[list[int]] = []  # of each arrow: its boxes and bends
    for source, target in arrows:
        chain = [source]
        for layer in range(layer_of[source] + 1, layer_of[target]):
            chain.append(len(widths))
            widths.append(BEND)
            layer_of.append(layer)
        chains.append([*chain, target])
    above: list[list[int]] = [[] for _ in widths]
    below: list[list[int]] = [[] for _ in widths]
    for chain in chains:
        for upper, lower in pairwise(chain):
            below[upper].append(lower)
            above[lower].append(upper)
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for node, layer in enumerate(layer_of):
        layers[layer].append(node)
    _order(layers, above, below)
    middles = _places(layers, widths, above, below)
    left = min((middles[node] - widths[node] / 2 for node in range(len(widths))), default=0.0)
    middles = [middle - left for middle in middles]
    tops, heights = _rows(layers, sizes)
    lines = [_line(chain, len(sizes), middles, layer_of, tops, heights, sizes) for chain in chains]
    corners = [
        (middles[node] - widths[node] / 2, tops[layer_of[node]]) for node in range(len(sizes))
    ]
    width = max((middles[node] + widths[node] / 2 for node in range(len(widths))), default=0.0)
    return Layout(width, tops[-1] + heights[-1] if tops else 0.0, corners, lines)


def _layers(count: int, arrows: Sequence[tuple[int, int]]) -> list[int]:
    layer_of = [0] * count
    for source, target in sorted(arrows, key=lambda arrow: arrow[1]):
        layer_of[target] = max(layer_of[target], layer_of[source] + 1)
    # What nothing leads to, such as a parameter, stands just above what takes it.
    has_source = {target for _, target in arrows}
    for node in range(count):
        takers = [layer_of[target] for source, target in arrows if source == node]
        if node not in has_source and takers:
            layer_of[node] = min(takers) - 1
    return layer_of


def _order(layers: list[list[int]], above: list[list[int]], below: list[list[int]]) -> None:
    place = {node: float(i) for layer in layers for i, node in enumerate(layer)}
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            near = above if down else below
            wanted = {
                node: _mean([place[other] for other in near[node]], place[node]) for node in layer
            }
            layer.sort(key=wanted.__getitem__)
            place.update((node, float(i)) for i, node in enumerate(layer))


def _places(
    layers: list[list[int]], widths: list[float], above: list[list[int]], below: list[list[int]]
) -> list[float]:
    """The middle of each box from left to right."""
    middles = [0.0] * len(widths)
    for layer in layers:
        x = 0.0
        for node in layer:
            middles[node] = x + widths[node] / 2
            x += widths[node] + GAP
    for sweep in range(4 * SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [
                _mean([middles[other] for other in (*above[node], *below[node])], middles[node])
                for node in layer
            ]
            for node, middle in zip(layer, _apart(wanted, layer, widths), strict=True):
                middles[node] = middle
    return middles


def _apart(wanted: list[float], layer: list[int], widths: list[float]) -> list[float]:
    """As near to the wanted places as possible, in this order and without overlap.

    Boxes that would overlap stand together, around the mean of what they want.
    """
    offsets, x = [], 0.0
    for before, node in zip([None, *layer], layer, strict=False):
        if before is not None:
            x += (widths[before] + widths[node]) / 2 + GAP
        offsets.append(x)
    blocks: list[tuple[float, int]] = []  # sum of (wanted - offset), and how many
    for want, offset in zip(wanted, offsets, strict=True):
        block = (want - offset, 1)
        while blocks and blocks[-1][0] / blocks[-1][1] > block[0] / block[1]:
            total, count = blocks.pop()
            block = (block[0] + total, block[1] + count)
        blocks.append(block)
    shifts = [total / count for total, count in blocks for _ in range(count)]
    return [offset + shift for offset, shift in zip(offsets, shifts, strict=True)]


def _rows(layers: list[list[int]], sizes: Sequence[Size]) -> tuple[list[float], list[float]]:
    """Top and height of each layer."""
    heights = [max((sizes[n][1] for n in layer if n < len(sizes)), default=0.0) for layer in layers]
    tops, y = [], 0.0
    for height in heights:
        tops.append(y)
        y += height + DOWN
    return tops, heights


def _line(
    chain: list[int],
    boxes: int,
    middles: list[float],
    layer_of: list[int],
    tops: list[float],
    heights: list[float],
    sizes: Sequence[Size],
) -> list[Point]:
    first, last = chain[0], chain[-1]
    points = [(middles[first], tops[layer_of[first]] + sizes[first][1])]
    for node in chain[1:-1]:  # straight down through the layer of a bend
        assert node >= boxes
        layer = layer_of[node]
        points += [(middles[node], tops[layer]), (middles[node], tops[layer] + heights[layer])]
    points.append((middles[last], tops[layer_of[last]]))
    return points


def _mean(numbers: list[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
