"""Box regression targets: a box written as an offset from a proposal, and back.

With centres ``(cx, cy)``, width ``w`` and height ``h`` of the reference box, and the same with
index ``p`` for the proposal:

    dx = wx (cx - cxp) / wp        dw = ww log(w / wp)
    dy = wy (cy - cyp) / hp        dh = wh log(h / hp)

The offsets do not change when box and proposal are moved or scaled together, so one regressor
serves all places and sizes. Widths are ``x2 - x1``, hence ``decode(encode(box)) == box`` up to
rounding; with the ``+ 1`` of older code the right and bottom edges come back one pixel off.

The weights bring the targets to about unit variance. (1, 1, 1, 1) is customary for a region
proposal network, (10, 10, 5, 5) for a detection head: the same as dividing the targets by
(0.1, 0.1, 0.2, 0.2). They belong to the coding and are never folded into the weights of a layer.

Source: Girshick et al., "Rich feature hierarchies" (2014), appendix C; the clamp: the public Fast
R-CNN implementations.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend import Array, xp_of
from minicv.vision.box_checks import as_float_boxes

MAX_LOG_SCALE = math.log(1000 / 16)  # a proposal of 16 pixels may at most become one of 1000
Weights = tuple[float, float, float, float]


def encode_boxes(
    reference_boxes: Array, proposals: Array, weights: Weights = (1.0, 1.0, 1.0, 1.0)
) -> Array:
    """Offsets ``dx, dy, dw, dh`` that lead from each proposal to its reference box.

    Args:
        reference_boxes: (N, 4), the boxes to reach, pixels.
        proposals: (N, 4), where each one starts, pixels.
        weights: factors of dx, dy, dw, dh.

    Returns:
        (N, 4), without unit.

    Raises:
        ValueError: a shape is wrong, or a box has no width or no height, for which there is no
            logarithm; the message names the first such row. On a device, where to look at the boxes
            would be to wait for them, offsets from or to such a box are infinite or NaN instead.

    >>> import numpy as np
    >>> proposals = np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> encode_boxes(np.array([[5.0, 0.0, 15.0, 20.0]]), proposals).tolist()
    [[0.5, 0.0, 0.0, 0.0]]
    """
    reference_boxes = as_float_boxes(reference_boxes, "encode_boxes", "reference_boxes")
    proposals = as_float_boxes(proposals, "encode_boxes", "proposals")
    xp = xp_of(reference_boxes, proposals)
    if reference_boxes.shape != proposals.shape:
        raise ValueError(
            "encode_boxes: each proposal needs one reference box but "
            f"reference_boxes={tuple(reference_boxes.shape)}, proposals={tuple(proposals.shape)}"
        )
    cx, cy, w, h = _centre_and_size(reference_boxes)
    cxp, cyp, wp, hp = _centre_and_size(proposals)
    _refuse_degenerate(w, h, reference_boxes, "reference_boxes")
    _refuse_degenerate(wp, hp, proposals, "proposals")
    wx, wy, ww, wh = weights
    offsets = [
        wx * (cx - cxp) / wp,
        wy * (cy - cyp) / hp,
        ww * xp.log(w / wp),
        wh * xp.log(h / hp),
    ]
    return xp.stack(offsets, axis=-1)


def decode_boxes(deltas: Array, proposals: Array, weights: Weights = (1.0, 1.0, 1.0, 1.0)) -> Array:
    """The boxes that offsets from proposals mean; the inverse of `encode_boxes`.

    ``dw / ww`` and ``dh / wh`` are cut at log(1000 / 16) = 4.135 before the exponential, or an
    untrained network makes infinite boxes. So a box more than 62.5 times as wide or as high as its
    proposal is the one thing that does not come back from ``decode(encode(box))``.

    Args:
        deltas: (N, 4), or (N, K, 4) with one set of offsets per class.
        proposals: (N, 4), pixels. A degenerate proposal gives a degenerate box.
        weights: as given to `encode_boxes`.

    Returns:
        Boxes in the shape of ``deltas``, pixels, not clipped to any image.

    Raises:
        ValueError: a shape is wrong.

    >>> import numpy as np
    >>> proposals = np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> decode_boxes(np.array([[0.5, 0.0, 0.0, 0.0]]), proposals).tolist()
    [[5.0, 0.0, 15.0, 20.0]]
    >>> decode_boxes(np.zeros((1, 3, 4)), proposals).shape
    (1, 3, 4)
    """
    proposals = as_float_boxes(proposals, "decode_boxes", "proposals")
    xp = xp_of(deltas, proposals)
    rows = len(proposals)
    if deltas.ndim not in (2, 3) or deltas.shape[0] != rows or deltas.shape[-1] != 4:
        raise ValueError(
            "decode_boxes: deltas expects shape (N, 4) or (N, K, 4) with the N of proposals but "
            f"deltas={tuple(deltas.shape)}, proposals={tuple(proposals.shape)}"
        )
    if deltas.ndim == 3:
        proposals = proposals[:, None, :]  # (N, 4) -> (N, 1, 4): the same proposal for each class
    cxp, cyp, wp, hp = _centre_and_size(proposals)
    wx, wy, ww, wh = weights
    cx = deltas[..., 0] / wx * wp + cxp
    cy = deltas[..., 1] / wy * hp + cyp
    half_w = 0.5 * wp * xp.exp(xp.minimum(deltas[..., 2] / ww, MAX_LOG_SCALE))
    half_h = 0.5 * hp * xp.exp(xp.minimum(deltas[..., 3] / wh, MAX_LOG_SCALE))
    return xp.stack([cx - half_w, cy - half_h, cx + half_w, cy + half_h], axis=-1)


def _centre_and_size(boxes: Array) -> tuple[Array, Array, Array, Array]:
    w = boxes[..., 2] - boxes[..., 0]
    h = boxes[..., 3] - boxes[..., 1]
    return boxes[..., 0] + 0.5 * w, boxes[..., 1] + 0.5 * h, w, h


def _refuse_degenerate(w: Array, h: Array, boxes: Array, argument: str) -> None:
    if not isinstance(boxes, np.ndarray):
        return
    degenerate = (w <= 0) | (h <= 0)
    if degenerate.any():
        index = int(degenerate.argmax())
        raise ValueError(
            f"encode_boxes: {argument}[{index}] is {boxes[index].tolist()}, which has no width or "
            "no height, so log(w / wp) does not exist; drop it with remove_small_boxes"
        )
