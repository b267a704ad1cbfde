"""How good is a reconstruction? The mean squared error, and the same in decibels.

MSE is the mean of (reconstruction - picture)² over all numbers of a picture, in 0..1. The peak
signal-to-noise ratio, PSNR = 10 log10(1 / MSE), has a logarithmic scale, as eyes have: half the
error is 3 dB more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv.backend import to_numpy

LEAST_MSE = 1e-10  # so that a perfect picture has a PSNR, of 100 dB
NATS = ("loss_reconstruction", "loss_kl")  # of a variational autoencoder's result


def mse(reconstruction: np.ndarray, picture: np.ndarray) -> float:
    """The mean squared error of one picture, in 0..1.

    >>> mse(np.array([0.5, 1.0]), np.array([0.0, 1.0]))
    0.125
    """
    difference = np.asarray(reconstruction, np.float64) - picture
    return float(np.mean(difference * difference))


def psnr(error: float) -> float:
    """10 log10(1 / MSE) in dB; of a perfect picture 100.

    >>> psnr(0.01), psnr(0.0)
    (20.0, 100.0)
    """
    return math.nan if math.isnan(error) else -10 * math.log10(max(error, LEAST_MSE))


class ReconstructionMetric:
    """The mean of both over pictures; what a denoising or variational autoencoder has beside them.

    Args:
        classes: the names of the data's labels, by which nothing is judged.

    >>> metric = ReconstructionMetric()
    >>> square = np.zeros((1, 2, 2))
    >>> for level in (0.1, 0.01):
    ...     metric.add({"picture": square, "reconstruction": square + level}, {})
    >>> {name: round(value, 6) for name, value in metric.values().items()}
    {'MSE': 0.00505, 'PSNR': 30.0}
    """

    def __init__(self, classes: Sequence[str] = ()) -> None:
        self.classes = tuple(classes)
        self._errors: list[float] = []
        self._noisy: list[float] = []
        self._nats: list[tuple[float, float]] = []

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take one picture.

        Args:
            result: "picture" and "reconstruction", both (C, S, S) in 0..1. Of a denoising
                autoencoder "noisy" and "denoised" too: then these are judged, by the picture. Of a
                variational one "loss_reconstruction" and "loss_kl", in nats.
            target: "image_id" perhaps, for messages.

        Raises:
            ValueError: an array is missing, or the two differ in shape; names the image.
        """
        name = f"ReconstructionMetric: image {target.get('image_id', len(self._errors))!r}"
        made = "denoised" if "noisy" in result else "reconstruction"
        for field in ("picture", made):
            if field not in result:
                raise ValueError(f"{name}: the result has no {field!r}; it has {sorted(result)}")
        picture, output = (np.asarray(to_numpy(result[field])) for field in ("picture", made))
        if picture.shape != output.shape or picture.size == 0:
            raise ValueError(
                f"{name}: picture has the shape {picture.shape} and {made} {output.shape}; "
                "expected the same, with at least one pixel"
            )
        self._errors.append(mse(output, picture))
        if "noisy" in result:
            self._noisy.append(psnr(mse(to_numpy(result["noisy"]), picture)))
        if "loss_kl" in result:
            reconstruction, kl = (float(result[field]) for field in NATS)
            self._nats.append((reconstruction, kl))

    def values(self) -> dict[str, float]:
        """The means over the pictures; NaN without pictures.

        "MSE" and "PSNR", in dB. Of a denoising autoencoder also "PSNR of the noisy input" and "gain
        in dB". Of a variational one "ELBO", "reconstruction in nats" (the log likelihood), and "KL
        in nats": ELBO = reconstruction - KL.
        """
        values = {"MSE": _mean(self._errors), "PSNR": _mean([psnr(e) for e in self._errors])}
        if self._noisy:
            before = _mean(self._noisy)
            values |= {"PSNR of the noisy input": before, "gain in dB": values["PSNR"] - before}
        if self._nats:
            reconstruction, kl = (_mean([own[k] for own in self._nats]) for k in (0, 1))
            values |= {
                "ELBO": -reconstruction - kl,
                "reconstruction in nats": -reconstruction,
                "KL in nats": kl,
            }
        return values


def _mean(numbers: Sequence[float]) -> float:
    return float(np.mean(numbers)) if numbers else math.nan
