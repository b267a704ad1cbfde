"""A recorded graph as a picture, and as an SVG: the same boxes at the same places."""

from __future__ import annotations

import html
import math

from PIL import Image

from minicv.inspection.canvas import Canvas, text_width
from minicv.inspection.graph import Box, RecordedGraph
from minicv.inspection.graph_layout import Layout, Point, layered_layout
from minicv.inspection.palette import (
    BLUISH_GREEN,
    GREY,
    INK,
    ORANGE,
    SKY_BLUE,
    WHITE,
    Colour,
    mix,
)

TITLE, TEXT = 15, 12  # pixels
LINE_HEIGHT = 1.35
PADDING = 9.0
MARGIN = 20.0
HEAD = 7.0  # of an arrow
PAPER = {"operation": mix(GREY, WHITE, 0.88), "group": mix(SKY_BLUE, WHITE, 0.7),
         "leaf": mix(BLUISH_GREEN, WHITE, 0.75)}  # fmt: skip


def draw_graph(graph: RecordedGraph) -> Image.Image:
    """The boxes and arrows of a recorded graph, from the leaves above to the result below.

    Green: a leaf. Blue: several operations, of one module or of a pattern that repeats. Where the
    operations were made in a `minicv.autograd.profile`, a box is the more orange, the greater its
    share of the seconds.

    Args:
        graph: of `recorded_graph`.

    >>> import minicv
    >>> from minicv.inspection import recorded_graph
    >>> x = minicv.Tensor([1.0, 2.0], requires_grad=True)
    >>> draw_graph(recorded_graph((x * x).sum())).size[0] > 100
    True
    """
    layout = _layout(graph)
    size = (math.ceil(layout.width + 2 * MARGIN), math.ceil(layout.height + 2 * MARGIN))
    canvas = Canvas(Image.new("RGB", size, WHITE))
    for line in layout.lines:
        points = [(x + MARGIN, y + MARGIN) for x, y in line]
        canvas.line(points, GREY, 1.4)
        for side in (-1, 1):
            canvas.line([points[-1], _barb(points, side)], GREY, 1.4)
    colours = _colours(graph)
    for box, (x, y), colour in zip(graph.boxes, layout.corners, colours, strict=True):
        left, top = x + MARGIN, y + MARGIN
        width, height = _size(box)
        canvas.fill((left, top, left + width, top + height), GREY, corner_radius=6)
        inner = (left + 1, top + 1, left + width - 1, top + height - 1)
        canvas.fill(inner, colour, corner_radius=5)
        for text, down, text_size in _texts(box):
            canvas.text((left + PADDING, top + down), text, text_size, INK)
    return canvas.finish()


def graph_svg(graph: RecordedGraph) -> str:
    """`draw_graph` as the text of an SVG, for a page; its letters can be searched and copied.

    Args:
        graph: of `recorded_graph`.

    >>> import minicv
    >>> from minicv.inspection import recorded_graph
    >>> x = minicv.Tensor([1.0, 2.0], requires_grad=True)
    >>> svg = graph_svg(recorded_graph((x * x).sum()))
    >>> svg.startswith("<svg "), svg.count("<rect"), "Multiply" in svg
    (True, 3, True)
    """
    layout = _layout(graph)
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" '
        f'font-family="system-ui, sans-serif">',
        f"<title>{graph.operations} recorded operations</title>",
    ]
    for line in layout.lines:
        points = [(x + MARGIN, y + MARGIN) for x, y in line]
        barbs = [_barb(points, -1), points[-1], _barb(points, 1)]
        for path in (points, barbs):
            text = " ".join(f"{x:.1f},{y:.1f}" for x, y in path)
            parts.append(
                f'<polyline points="{text}" fill="none" stroke="{_hex(GREY)}" stroke-width="1.4"/>'
            )
    for box, (x, y), colour in zip(graph.boxes, layout.corners, _colours(graph), strict=True):
        box_width, box_height = _size(box)
        left, top = x + MARGIN, y + MARGIN
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{box_width:.1f}" '
            f'height="{box_height:.1f}" rx="6" fill="{_hex(colour)}" stroke="{_hex(GREY)}"/>'
        )
        for text, down, size in _texts(box):
            baseline = top + down + 0.85 * size
            weight = ' font-weight="600"' if size == TITLE else ""
            # The reader's font may be wider than the one that the box was measured with.
            length = f' textLength="{text_width(text, size):.1f}" lengthAdjust="spacingAndGlyphs"'
            parts.append(
                f'<text x="{left + PADDING:.1f}" y="{baseline:.1f}" font-size="{size}"{weight}'
                f'{length} fill="{_hex(INK)}">{html.escape(text)}</text>'
            )
    return "\n".join([*parts, "</svg>"])


def _layout(graph: RecordedGraph) -> Layout:
    return layered_layout([_size(box) for box in graph.boxes], graph.arrows)


def _texts(box: Box) -> list[tuple[str, float, int]]:
    """Each line of a box: the text, pixels below its top, and its size."""
    lines = [*box.lines]
    forward, backward = box.seconds
    if forward is not None:
        lines.append(
            f"{_milliseconds(forward)} forward"
            + ("" if backward is None else f", {_milliseconds(backward)} backward")
        )
    texts = [(box.title, PADDING, TITLE)]
    down = PADDING + TITLE * LINE_HEIGHT
    for line in lines:
        texts.append((line, down, TEXT))
        down += TEXT * LINE_HEIGHT
    return texts


def _size(box: Box) -> tuple[float, float]:
    texts = _texts(box)
    last_down, last_size = texts[-1][1:]
    width = max(text_width(text, size) for text, _, size in texts)
    return width + 2 * PADDING, last_down + last_size * 1.1 + PADDING


def _colours(graph: RecordedGraph) -> list[Colour]:
    seconds = [sum(each or 0.0 for each in box.seconds) for box in graph.boxes]
    most = max(seconds, default=0.0)
    if most == 0:
        return [PAPER[box.kind] for box in graph.boxes]
    shares = [own / most for own in seconds]
    return [
        PAPER["leaf"] if box.kind == "leaf" else mix(WHITE, ORANGE, 0.08 + 0.72 * share)
        for box, share in zip(graph.boxes, shares, strict=True)
    ]


def _barb(points: list[Point], side: int) -> Point:
    """The end of a line from the point of an arrow back, to one side."""
    (x1, y1), (x2, y2) = points[-2], points[-1]
    angle = math.atan2(y2 - y1, x2 - x1) + math.pi + side * 0.45
    return x2 + HEAD * math.cos(angle), y2 + HEAD * math.sin(angle)


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
