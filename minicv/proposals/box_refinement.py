"""Greedy refinement of boxes: one side after the other goes to where the score is best."""

from __future__ import annotations

import numpy as np

from minicv.proposals.contour_rectangles import ContourRectangles
from minicv.proposals.inner_sums import InnerSums

ROUNDS = 3  # of all four sides


class BoxRefinement:
    """Moves the sides of boxes to the best place: within half a window step, then a quarter, ...

    The paper takes single steps, which halve; here a side tries all whole pixels within the step at
    once, which costs little more: only rectangles whose own side lies among these places come in or
    drop out, and they stand together in a list sorted by that side.

    Coordinates of right and lower sides are negated, so that for all four sides alike a box holds
    a rectangle if the rectangle's coordinate is not below the box's.

    Args:
        rectangles: weighted rectangles that make up the score.
        inner: sums over the inner boxes.
        kappa: exponent of ``2 (w + h)^kappa``, by which the score is divided.
        alpha: IoU of neighbouring windows.
    """

    def __init__(
        self, rectangles: ContourRectangles, inner: InnerSums, kappa: float, alpha: float
    ) -> None:
        height, width = (length - 1 for length in inner.integral.shape)
        self.inner, self.step = inner, (1 - alpha) / (1 + alpha)
        self.limits = (0, 0, -width, -height)  # a side can move out up to here
        with np.errstate(divide="ignore"):
            self.share = 1 / (2 * np.arange(width + height + 1.0) ** kappa)
        signed = rectangles.corners * (1, 1, -1, -1)
        self.sides = []
        for side in range(4):
            order = np.argsort(signed[:, side], kind="stable")
            corners = np.ascontiguousarray(signed[order].T.astype(np.int32))  # (4, N)
            places = np.arange(-max(width, height) - 1, max(width, height) + 2)
            starts = np.searchsorted(corners[side], places).tolist()
            self.sides.append((corners, rectangles.values[order], starts))
        self.origin = max(width, height) + 1

    def refine(self, box: np.ndarray, score: float) -> tuple[np.ndarray, float]:
        """A box at least as good, each side less than a window's step away.

        Args:
            box: (4,) whole pixels, half-open.
            score: of the box.

        Returns:
            The box and its score.
        """
        signed = (box * (1, 1, -1, -1)).tolist()
        steps = [self.step * length for length in (box[2] - box[0], box[3] - box[1])]
        for round_number in range(1, ROUNDS + 1):
            for side in range(4):
                reach = max(1, int(steps[side % 2] / 2**round_number))
                low = max(signed[side] - reach, self.limits[side])
                high = min(signed[side] + reach, -signed[side ^ 2] - 1)
                score = self._move(signed, side, low, high, score)
        return np.array(signed) * (1, 1, -1, -1), score

    def _move(self, signed: list[int], side: int, low: int, high: int, score: float) -> float:
        """Put one side to the best of the places low..high; returns the score there."""
        here = signed[side]
        corners, values, starts = self.sides[side]
        span = slice(starts[low + self.origin], starts[high + self.origin])
        a, b, c = (other for other in range(4) if other != side)
        held = corners[a, span] >= signed[a]
        held &= corners[b, span] >= signed[b]
        held &= corners[c, span] >= signed[c]
        at = np.bincount(corners[side, span][held] - low, values[span][held], high + 1 - low)
        # gained[p]: what lies inside with the side at low + p, beyond what does with it at high.
        gained = at[::-1].cumsum()[::-1]
        places = np.arange(low, high + 1)
        axis, other = side % 2, 1 - side % 2
        begin, end = (places, -signed[side + 2]) if side < 2 else (signed[axis], -places)
        across = signed[other], -signed[other + 2]
        share = self.share[end - begin + (across[1] - across[0])]
        inner = self.inner.along(axis, begin, end, across)
        beyond = score / share[here - low] + inner[here - low] - gained[here - low]
        scores = (beyond + gained - inner) * share
        best = int(scores.argmax())
        if scores[best] <= score:
            return score
        signed[side] = low + best
        return float(scores[best])
