"""Names under which other projects publish the entries that our detectors have, as data.

A table says for each name what we call the entry, how its numbers are rearranged, and which input
the network was trained on. Our names are those of a `FasterRCNN` or a `MaskRCNN` on a pyramid on
ResNet-50; a network that is a part of it, such as the ResNet alone, finds its entries behind a
prefix, see `minicv.weights.load_published`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from minicv.weights.errors import WeightsError

BACKGROUND_LAST = "the background's row is the last, ours is the first"
NO_BACKGROUND = "there is no row for the background, ours is the first and unused"
NO_BACKGROUND_BOXES = "there are no four rows for the background, ours are the first and unused"
ROWS_BEFORE_COLUMNS = "offsets are dy, dx, dh, dw; ours dx, dy, dw, dh"
BLUE_FIRST = "the input is blue, green, red; ours is red, green, blue"

Change = Callable[[np.ndarray], np.ndarray]


def _swapped_offsets(rows: np.ndarray) -> np.ndarray:
    quadruples = rows.reshape(-1, 4, *rows.shape[1:])  # (4 K, ...) -> (K, 4, ...)
    return quadruples[:, [1, 0, 3, 2]].reshape(rows.shape)


CHANGES: dict[str, Change] = {
    BACKGROUND_LAST: lambda rows: np.concatenate([rows[-1:], rows[:-1]]),
    NO_BACKGROUND: lambda rows: np.concatenate([np.zeros_like(rows[:1]), rows]),
    NO_BACKGROUND_BOXES: lambda rows: np.concatenate([np.zeros_like(rows[:4]), rows]),
    ROWS_BEFORE_COLUMNS: _swapped_offsets,
    BLUE_FIRST: lambda kernels: kernels[:, ::-1],  # (O, 3, KH, KW)
}


@dataclass(frozen=True)
class NameTable:
    """What a project calls the entries of a detector, and what else differs.

    Attributes:
        title: the project.
        patterns: regular expressions of its whole names, each with our name or a function that
            gives our name; the first that fits counts.
        changes: regular expressions of our whole names, each with one of `CHANGES`.
        mean: of the input whose pixels are red, green, blue in 0..1, after the change of channels.
        std: by which the input is divided.
        eps: which its batch normalisation adds to the variance.
        stride_in_1x1: whether a bottleneck that halves the map does so in its first 1x1
            convolution. Ours does so in the 3x3 convolution, and finds other features with these
            weights, unless it is built so.
    """

    title: str
    patterns: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]
    changes: tuple[tuple[str, str], ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    eps: float
    stride_in_1x1: bool

    def our_name(self, name: str) -> str | None:
        """Our name of an entry; None for one that our detectors do not have.

        >>> from minicv.weights.published import DETECTRON2
        >>> DETECTRON2.our_name("backbone.bottom_up.res2.0.shortcut.weight")
        'backbone.body.layer1.0.downsample.0.weight'
        """
        for pattern, ours in self.patterns:
            match = re.fullmatch(pattern, name)
            if match:
                return ours(match) if callable(ours) else match.expand(ours)
        return None

    def changes_of(self, name: str) -> list[str]:
        """How the numbers of an entry are rearranged, by our name."""
        return [change for pattern, change in self.changes if re.fullmatch(pattern, name)]

    def translated(
        self, weights: Mapping[str, np.ndarray], source: str = "weights"
    ) -> dict[str, np.ndarray]:
        """The entries that our detectors have, by our names, rearranged as ours are.

        Batch normalisation without statistics, as Caffe2 writes it, gets those that change
        nothing: mean 0 and variance 1 - eps. The bias of a convolution before a batch
        normalisation, which ours does not have, is subtracted from the mean.

        Args:
            weights: by the project's names.
            source: what the weights are called, for the error.

        Raises:
            WeightsError: two names are the same entry, or an entry cannot be rearranged.
        """
        found: dict[str, np.ndarray] = {}
        for name, array in weights.items():
            ours = self.our_name(name)
            if ours is None:
                continue
            if ours in found:
                raise WeightsError(f"{source}: {name!r:.80} is the second entry for {ours!r}")
            try:
                for change in self.changes_of(ours):
                    array = CHANGES[change](array)
            except (ValueError, IndexError):
                raise WeightsError(
                    f"{source}: {name!r:.80} has shape {array.shape}, which has no rows to "
                    "rearrange"
                ) from None
            found[ours] = array
        _complete_statistics(found, self.eps, source)
        return found


_NORM = re.compile(r"(.*\.)(bn\d|downsample\.1)\.weight")


def _complete_statistics(found: dict[str, np.ndarray], eps: float, source: str) -> None:
    for name in [name for name in found if _NORM.fullmatch(name)]:
        norm = name.removesuffix(".weight")
        size = found[name].shape
        found.setdefault(f"{norm}.running_mean", np.zeros(size, np.float32))
        found.setdefault(f"{norm}.running_var", np.full(size, 1 - eps, np.float32))
        convolution = norm.replace("downsample.1", "downsample.0").replace("bn", "conv")
        bias = found.pop(f"{convolution}.bias", None)
        if bias is not None:
            mean = found[f"{norm}.running_mean"]
            if bias.shape != mean.shape:
                raise WeightsError(
                    f"{source}: the bias before {norm!r} has shape {bias.shape}, expected "
                    f"{mean.shape}"
                )
            found[f"{norm}.running_mean"] = mean - bias


def table_of(names: Collection[str], tables: Collection[NameTable]) -> NameTable | None:
    """The table that knows most of the names, if it knows a third of them at least.

    Files hold more than our detectors need, such as momenta; a chance hit is no table.

    >>> table_of(["conv1.weight", "fc.bias"], []) is None
    True
    """
    counts = [sum(table.our_name(name) is not None for name in names) for table in tables]
    best = max(counts, default=0)
    if best < 3 or 3 * best < len(names):
        return None
    return list(tables)[counts.index(best)]


__all__ = [
    "BACKGROUND_LAST",
    "BLUE_FIRST",
    "CHANGES",
    "NO_BACKGROUND",
    "NO_BACKGROUND_BOXES",
    "ROWS_BEFORE_COLUMNS",
    "NameTable",
    "table_of",
]
