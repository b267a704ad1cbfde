"""Selective Search: regions are grouped in many ways, and the box of each is proposed.

    1. colours     image                        -> the picture in a colour space    (C, H, W)
    2. segment     picture, k                   -> small regions                    (H, W)
    3. group       regions, similarities        -> boxes at all scales              (2 R - 1, 4)
    4. rank        boxes of all hierarchies     -> boxes in one order               (P, 4)
    5. tidy        boxes                        -> without duplicates and slivers   (R, 4)

No single way to group fits all objects: one is uniform in colour, another in texture. So steps 1 to
3 are done for every colour space, every k and every sum of similarities.

Source: Uijlings, van de Sande, Gevers, Smeulders, "Selective Search for Object Recognition" (IJCV
2013).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minicv.backend import Array
from minicv.proposals.colour_spaces import COLOUR_SPACES
from minicv.proposals.felzenszwalb import pixel_graph, segment
from minicv.proposals.hierarchical_grouping import (
    SIMILARITIES,
    colour_bins,
    group,
    regions_of,
    texture_bins,
)
from minicv.proposals.proposer import best_first, checked_image
from minicv.vision.boxes import remove_small_boxes


@dataclass(frozen=True)
class SelectiveSearch:
    """A proposer; `fast` and `quality` are the paper's two sets of parameters.

    Attributes:
        colour_spaces: of "HSV", "Lab", "rgI", "H" and "I".
        similarities: sums of colour C, texture T, size S and fill F, such as "CTSF".
        ks: of the segmentation, for colours in 0..255; regions of fewer than k pixels are merged.
        sigma: blur before the segmentation, pixels.
        min_side: boxes with a smaller width or height are dropped, pixels.
        max_boxes: how many boxes to keep, the first in rank; None keeps all.

    Raises:
        ValueError: an unknown colour space or similarity, or a list is empty.

    Source: Uijlings et al. 2013, sections 3 and 5.3, tables 5 and 6.

    >>> rng = np.random.default_rng(0)
    >>> image = np.zeros((3, 80, 100), dtype=np.float32)
    >>> image[0, 20:60, 30:70] = 1
    >>> boxes, scores = SelectiveSearch.fast().propose(image, rng)
    >>> [30, 20, 70, 60] in boxes.tolist(), [0, 0, 100, 80] in boxes.tolist()
    (True, True)
    """

    colour_spaces: tuple[str, ...] = ("HSV", "Lab")
    similarities: tuple[str, ...] = ("CTSF", "TSF")
    ks: tuple[float, ...] = (50, 100)
    sigma: float = 0.8
    min_side: float = 20
    max_boxes: int | None = None

    def __post_init__(self) -> None:
        for name in self.colour_spaces:
            if name not in COLOUR_SPACES:
                raise ValueError(
                    f"SelectiveSearch: colour_spaces holds {name!r}, expected {list(COLOUR_SPACES)}"
                )
        for letters in self.similarities:
            if not letters or set(letters) - set(SIMILARITIES):
                raise ValueError(
                    f"SelectiveSearch: similarities holds {letters!r}, expected some of the "
                    f"letters {SIMILARITIES}, such as 'CTSF' or 'F'"
                )
        for field in ("colour_spaces", "similarities", "ks"):
            if not getattr(self, field):
                raise ValueError(f"SelectiveSearch: {field} is empty; expected at least one")

    @classmethod
    def fast(cls) -> SelectiveSearch:
        """8 hierarchies: HSV and Lab; CTSF and TSF; k of 50 and 100. About 2,000 boxes."""
        return cls()

    @classmethod
    def quality(cls) -> SelectiveSearch:
        """80 hierarchies: five colour spaces; CTSF, TSF, F and S; k of 50, 100, 150 and 300."""
        return cls(
            colour_spaces=("HSV", "Lab", "rgI", "H", "I"),
            similarities=("CTSF", "TSF", "F", "S"),
            ks=(50, 100, 150, 300),
        )

    def propose(self, image: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """As `Proposer.propose`; ``rng`` mixes the ranks of the hierarchies."""
        image = checked_image(image, "SelectiveSearch")
        boxes, ranks = [], []
        for hierarchy in self._hierarchies(image):
            boxes.append(hierarchy)
            ranks.append(_ranks(len(hierarchy), rng))
        return self._tidy(np.concatenate(boxes), np.concatenate(ranks))

    def _hierarchies(self, image: np.ndarray) -> Iterator[np.ndarray]:
        """Steps 1 to 3: of each hierarchy its boxes, smallest regions first."""
        for name in self.colour_spaces:
            picture = COLOUR_SPACES[name](image)  # (3, H, W) -> (C, H, W)
            graph = pixel_graph(picture, self.sigma)
            colour, texture = colour_bins(picture), texture_bins(picture)
            for k in self.ks:
                labels = segment(graph, k, min_size=int(k))  # -> (H, W)
                regions = regions_of(labels, colour, texture)
                for letters in self.similarities:
                    yield group(regions, letters)  # -> (2 R - 1, 4)

    def _tidy(self, boxes: np.ndarray, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Steps 4 and 5; a score is 1 / (1 + rank), so that it lies in 0..1."""
        order = np.argsort(ranks, kind="stable")
        boxes, ranks = boxes[order], ranks[order]
        _, best = np.unique(boxes, axis=0, return_index=True)
        best.sort()
        boxes, ranks = boxes[best], ranks[best]
        large = remove_small_boxes(boxes, self.min_side)
        return best_first(boxes[large], 1 / (1 + ranks[large]), self.max_boxes)


def _ranks(count: int, rng: np.random.Generator) -> np.ndarray:
    """Random x position, where the region merged last has position 1: low is good.

    By position alone large regions would always come first; see section 3.4 of the paper.
    """
    return rng.random(count) * np.arange(count, 0, -1)
