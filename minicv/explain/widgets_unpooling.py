"""Interactive part of max unpooling: where each value came from, and where its switch pointed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minicv.autograd import Function
from minicv.autograd.watching import Watcher, watched_by
from minicv.backend import Array, to_numpy
from minicv.explain.encoding import packed
from minicv.functional.max_pool2d import MaxPool2d
from minicv.functional.max_unpool2d import MaxUnpool2d
from minicv.inspection.stage import Stage
from minicv.models.model import Model

MOST_CELLS = 8  # rows and columns of the small map in the page
MOST_CHANNELS = 4


class Unpooling(NamedTuple):
    """A max unpooling of a run, of the first image.

    Attributes:
        small: (C, h, w), what goes in.
        switches: (C, h, w), the flat position of each value in the large map.
        size: (H, W) of the large map.
        before: (C, H, W), what the pooling that it mirrors had seen; None if there was none.
    """

    small: np.ndarray
    switches: np.ndarray
    size: tuple[int, int]
    before: np.ndarray | None


class _Poolings(Watcher):
    """Keeps what poolings see and what unpoolings are given."""

    def __init__(self) -> None:
        self.poolings: list[tuple[MaxPool2d, np.ndarray]] = []
        self.unpoolings: list[Unpooling] = []

    def forward(self, function: Function, arrays: Sequence[Array | None]) -> Any:
        result = super().forward(function, arrays)
        if isinstance(function, MaxPool2d) and function.keep_switches:
            self.poolings.append((function, to_numpy(arrays[0])[0]))
        elif isinstance(function, MaxUnpool2d):
            small, switches = to_numpy(arrays[0])[0], to_numpy(function.indices)[0]
            before = None
            for pooling, seen in self.poolings:
                pooled_there = to_numpy(pooling.indices())[0]
                if pooled_there.shape == switches.shape and (pooled_there == switches).all():
                    before = seen
            self.unpoolings.append(Unpooling(small, switches, function.output_size, before))
        return result


def unpoolings_of(model: Model, image: np.ndarray) -> list[Unpooling]:
    """The max unpoolings of a model, in the order in which they run on an image.

    Args:
        model: it runs once more, as `Model.predict` does.
        image: (3, H, W), RGB in 0..1.

    >>> from minicv.models.segmentation import SegNet, SegNetSettings
    >>> settings = SegNetSettings(widths=(4, 8), depths=(1, 1))
    >>> model = SegNet(("cow", "sky"), settings, rng=np.random.default_rng(0))
    >>> found = unpoolings_of(model, np.zeros((3, 12, 10), "float32"))
    >>> [(own.small.shape, own.size) for own in found]
    [((8, 3, 3), (6, 5)), ((4, 6, 5), (12, 10))]
    """
    with watched_by(_Poolings()) as seen:
        model.predict([image])
    found: list[Unpooling] = seen.unpoolings
    return found


def unpooling(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The first unpooling of the decoder, a part of some channels; None where there is none.

    It stands with the class maps of a segmenter, and with an autoencoder's reconstruction.
    """
    stage = stages[index]
    if stage.kind == "image" and stage.name != "reconstruction":
        return None
    found = unpoolings_of(model, np.asarray(stages[0].arrays["image"]))
    if not found:
        return None
    first = found[0]
    sums = np.abs(first.small).sum(axis=(1, 2))  # (C,)
    chosen = np.argsort(-sums, kind="stable")[:MOST_CHANNELS].tolist()
    return {
        "name": "unpooling",
        "title": "Max unpooling: where each value came from",
        "data": {
            "channels": [_channel(first, channel) for channel in chosen],
            "of": len(first.small),
            "small": list(first.small.shape[1:]),
            "size": list(first.size),
            "count": len(found),
        },
    }


def _channel(own: Unpooling, channel: int) -> dict[str, Any]:
    """A window of a channel around its strongest value."""
    small, switches = own.small[channel], own.switches[channel]
    row, column = np.unravel_index(int(np.abs(small).argmax()), small.shape)
    starts, ends = [], []
    for at, length in zip((int(row), int(column)), small.shape, strict=True):
        start = min(max(0, at - MOST_CELLS // 2), max(0, length - MOST_CELLS))
        starts.append(start)
        ends.append(min(length, start + MOST_CELLS))
    window = slice(starts[0], ends[0]), slice(starts[1], ends[1])
    # The windows of the pooling are 2 x 2; the last one of an odd side has one row or column.
    block = [-(-large // less) for large, less in zip(own.size, small.shape, strict=True)]
    top, left = starts[0] * block[0], starts[1] * block[1]
    bottom = min(own.size[0], ends[0] * block[0])
    right = min(own.size[1], ends[1] * block[1])
    places = switches[window]
    return {
        "channel": channel,
        "corner": [starts[0], starts[1]],
        "block": block,
        "values": packed(small[window], "float32"),
        "rows": packed(places // own.size[1] - top, "int32"),
        "columns": packed(places % own.size[1] - left, "int32"),
        "large": [bottom - top, right - left],
        "before": None
        if own.before is None
        else packed(own.before[channel, top:bottom, left:right], "float32"),
    }


WIDGETS: Mapping[str, Callable[[Sequence[Stage], int, Model], dict[str, Any] | None]] = {
    "class maps": unpooling,
    "image": unpooling,
}
