"""Edge Boxes: the number of contours wholly inside of a box says how likely it holds an object.

1. an edge map, thinned; its pixels are combined into groups (`edge_map`, `edge_groups`);
2. affinities of groups, and the strongest paths between them (`edge_groups`);
3. scores of all windows of a grid (`contour_rectangles`);
4. refinement of the best windows, one side after the other (`BoxRefinement`);
5. non-maximum suppression.

Source: Zitnick & Dollár, "Edge Boxes: Locating Object Proposals from Edges" (2014).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minicv.backend import Array, descending
from minicv.proposals.contour_rectangles import (
    BoxRefinement,
    ContourRectangles,
    InnerSums,
    contour_rectangles,
    sums_on_grid,
)
from minicv.proposals.edge_groups import edge_groups, neighbour_affinities, path_affinities
from minicv.proposals.edge_map import EdgeDetector, GradientEdges, thin_edges
from minicv.proposals.proposer import best_first, checked_image, nms_of_best
from minicv.proposals.sliding_window import window_grids


@dataclass(frozen=True)
class EdgeBoxes:
    """Boxes, scored by the contours that lie wholly inside of them.

    ``score = (sum_i w_i m_i - sum_{p in inner box} m_p) / (2 (w + h)^kappa)``

    over the edge groups i wholly inside of the box, with m_i the sum of their magnitudes and
    ``w_i = 1 - max`` of the affinities (multiplied along the best path) to the groups that are not
    wholly inside. Edges in the inner box, half as wide and half as high, count less.

    One point differs from the paper: a path may start here from any group that is not wholly
    inside, there only from a group on the border of the box. This matters only where the border
    runs through the gap of at most two pixels between two groups that continue each other.

    Args:
        edges: finds the edge map; by default the image's gradient. The paper uses a learnt
            detector (structured forests), which gives better boxes; such a detector can be given
            here, or its edge map to `propose_from_edges`.
        alpha: IoU of neighbouring windows. The best choice for finding objects at an IoU of d is
            0.65 for beta = d + 0.05.
        beta: IoU above which a worse box is suppressed.
        least_edge: magnitude that an edge pixel must exceed.
        gamma: how much a bend costs in the affinity of two groups.
        kappa: how much the size of a box lowers its score.
        least_score: windows with a lower score are not considered.
        least_area: of a window, square pixels.
        most_aspect: greatest ratio of a window's sides.
        refined: number of windows that are refined.
        most_boxes: number of boxes that are returned, at most.

    Source: Zitnick & Dollár 2014; the constants are those of its section 4.

    >>> image = np.zeros((3, 120, 160), np.float32)
    >>> image[:, 30:90, 40:110] = 1
    >>> boxes, scores = EdgeBoxes().propose(image, np.random.default_rng(0))
    >>> boxes[0].tolist()
    [39.0, 29.0, 112.0, 92.0]
    """

    edges: EdgeDetector = field(default_factory=GradientEdges)
    alpha: float = 0.65
    beta: float = 0.75
    least_edge: float = 0.1
    gamma: float = 2.0
    kappa: float = 1.5
    least_score: float = 0.01
    least_area: float = 1000.0
    most_aspect: float = 3.0
    refined: int = 1500
    most_boxes: int = 2000

    def propose(self, image: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """See `Proposer.propose`; ``rng`` is not used."""
        magnitude, orientation = self.edges.detect(checked_image(image, "EdgeBoxes"))
        return self.propose_from_edges(magnitude, orientation)

    def propose_from_edges(
        self, magnitude: np.ndarray, orientation: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Boxes from an edge map.

        Args:
            magnitude: (H, W), 0..1.
            orientation: (H, W), radians modulo pi; of the edge, not of its normal.

        Returns:
            boxes (R, 4) and scores (R,), float32, best first.

        Raises:
            ValueError: the two differ in shape or are not (H, W).
        """
        if magnitude.ndim != 2 or magnitude.shape != orientation.shape:
            raise ValueError(
                "EdgeBoxes: expected magnitude and orientation of the same shape (H, W) but they "
                f"are {magnitude.shape} and {orientation.shape}"
            )
        y, x = thin_edges(magnitude, orientation, self.least_edge)
        rectangles = self._contours(y, x, magnitude[y, x], orientation[y, x])
        inner = InnerSums(y, x, magnitude[y, x], magnitude.shape)
        boxes, scores = self._score_windows(rectangles, inner, magnitude.shape)
        order = descending(scores)
        boxes, scores = boxes[order], scores[order]
        refinement = BoxRefinement(rectangles, inner, self.kappa, self.alpha)
        # Of windows that overlap more than neighbours in a grid do, only the best is refined.
        promising = nms_of_best(boxes.astype(np.float32), scores, self.alpha, self.refined)
        for index in promising:
            boxes[index], scores[index] = refinement.refine(boxes[index], scores[index])
        boxes, scores = best_first(boxes, scores)
        kept = nms_of_best(boxes, scores, self.beta, self.most_boxes)
        return boxes[kept], scores[kept]

    def _contours(
        self, y: np.ndarray, x: np.ndarray, magnitude: np.ndarray, orientation: np.ndarray
    ) -> ContourRectangles:
        groups = edge_groups(y, x, magnitude, orientation)
        neighbours = neighbour_affinities(groups, y, x, self.gamma)
        return contour_rectangles(groups, path_affinities(neighbours, len(groups.magnitude)))

    def _score_windows(
        self, rectangles: ContourRectangles, inner: InnerSums, size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """All windows with at least the least score: (M, 4) boxes and (M,) scores."""
        boxes, scores = [np.zeros((0, 4), np.int64)], [np.zeros(0)]
        for grid in window_grids(*size, self.alpha, self.least_area, self.most_aspect):
            sums = sums_on_grid(rectangles, grid.width, grid.height, grid.x, grid.y)  # (GY, GX)
            sums -= inner.on_grid(grid)
            score = sums.ravel() / (2 * (grid.width + grid.height) ** self.kappa)
            good = np.flatnonzero(score >= self.least_score)
            boxes.append(grid.boxes(good))
            scores.append(score[good])
        return np.concatenate(boxes), np.concatenate(scores)
