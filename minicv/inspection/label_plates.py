"""Where the label of each box goes: inside the picture, and beside the other labels."""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]  # x1, y1, x2, y2


def place_plates(
    boxes: Sequence[Sequence[float]],
    sizes: Sequence[tuple[float, float]],
    picture_size: tuple[float, float],
) -> list[Box]:
    """A place for the plate of each box, first box first.

    A plate sits on one of its box's edges: above the upper left corner if it can, else inside
    that corner, below the lower left one, or at the right. In a crowd it slides along the left
    edge. Every candidate is first pushed into the picture; the first that covers no
    earlier plate is taken, or the one that covers least of them.

    Args:
        boxes: N boxes x1, y1, x2, y2.
        sizes: N plate sizes (width, height), no larger than the picture.
        picture_size: (width, height).

    Returns:
        N plates x1, y1, x2, y2, all inside the picture.

    >>> place_plates([(10, 30, 50, 60), (12, 30, 52, 60)], [(30, 10), (30, 10)], (100, 100))
    [(10, 20, 40, 30), (12, 30, 42, 40)]
    """
    placed: list[Box] = []
    for box, size in zip(boxes, sizes, strict=True):
        best, least = None, float("inf")
        for corner in _candidates(box, size):
            plate = _pushed_inside(corner, size, picture_size)
            covered = sum(_overlap(plate, other) for other in placed)
            if covered < least:
                best, least = plate, covered
            if covered == 0:
                break
        placed.append(best)
    return placed


def _candidates(box: Sequence[float], size: tuple[float, float]) -> list[tuple[float, float]]:
    """Upper left corners for the plate of ``box``, best first."""
    x1, y1, x2, y2 = box
    width, height = size
    left, right = x1, x2 - width
    corners = [(left, y1 - height), (left, y1), (left, y2), (left, y2 - height)]
    corners += [(right, y1 - height), (right, y1), (right, y2), (right, y2 - height)]
    rows = int((y2 - y1) // height) if height > 0 else 0
    corners += [(x, y1 + row * height) for row in range(1, min(rows, 40)) for x in (left, right)]
    # Stacked above and below the box, where several share nearly the same one.
    corners += [(left, y1 - row * height) for row in range(2, 5)]
    corners += [(left, y2 + row * height) for row in range(1, 4)]
    return corners


def _pushed_inside(
    corner: tuple[float, float], size: tuple[float, float], picture_size: tuple[float, float]
) -> Box:
    x, y = (
        min(max(position, 0), limit - length)
        for position, length, limit in zip(corner, size, picture_size, strict=True)
    )
    return (x, y, x + size[0], y + size[1])


def _overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0, width) * max(0, height)
