"""Sampling: a balanced handful of the matched boxes, on which the loss is computed.

Nearly all anchors are background. A loss over all of them would learn to say "background"; so a set
number is drawn, of which at most a set share is positive.

Source: Girshick, "Fast R-CNN" (2015), section 2.3, and Ren et al., "Faster R-CNN" (2015),
section 3.1.3.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend import Array, to_numpy, xp_of


def balanced_sample(
    labels: Array, count: int, positive_fraction: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draw boxes without replacement: positives up to their share, negatives for all the rest.

    Positives are at most ``floor(count * positive_fraction + 0.5)``. Negatives fill the sample up
    to ``count``, so an image without positives still teaches what background looks like. The sample
    is smaller than ``count`` only where boxes run out; it is never padded.

    Args:
        labels: (N,) integers: positive above 0, negative at 0, left out below 0, as from `Matcher`.
        count: size of the sample.
        positive_fraction: the share of positives, from 0 to 1.
        rng: the source of randomness. The draw is made on the host, so the same seed draws the same
            boxes on every device.

    Returns:
        ``(positive, negative)``: indices into ``labels``, int64, each ascending.

    Raises:
        ValueError: ``labels`` is not one-dimensional, ``count`` is negative, or the fraction is not
            in 0..1.

    >>> import numpy as np
    >>> labels = np.array([1, 0, -1, 0, 1, 1, 0])
    >>> positive, negative = balanced_sample(labels, 4, 0.25, np.random.default_rng(0))
    >>> len(positive), negative.tolist()
    (1, [1, 3, 6])
    """
    xp = xp_of(labels)
    if labels.ndim != 1 or count < 0 or not 0 <= positive_fraction <= 1:
        raise ValueError(
            "balanced_sample: expected labels of shape (N,), count >= 0 and positive_fraction in "
            f"0..1 but labels={tuple(labels.shape)}, count={count}, "
            f"positive_fraction={positive_fraction}"
        )
    on_host = to_numpy(labels)
    positive = np.flatnonzero(on_host > 0)
    negative = np.flatnonzero(on_host == 0)
    positive = _draw(positive, math.floor(count * positive_fraction + 0.5), rng)
    negative = _draw(negative, count - len(positive), rng)
    return xp.asarray(positive), xp.asarray(negative)


def _draw(indices: np.ndarray, at_most: int, rng: np.random.Generator) -> np.ndarray:
    if len(indices) > at_most:
        indices = rng.choice(indices, size=at_most, replace=False, shuffle=False)
    return np.sort(indices).astype(np.int64)
