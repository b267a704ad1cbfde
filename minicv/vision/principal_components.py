"""Principal component analysis: the directions in which pictures, or any vectors, vary most.

Of N vectors x of P numbers, centred by their mean m, the components are the orthonormal directions
v1, v2, ... of which each takes the most variance that those before have left. They are the
eigenvectors of the covariance (1/N) Σ (x - m)(x - m)ᵀ with the greatest eigenvalues. The D numbers
(x - m) · vᵢ are the best linear code of x: no other D directions, and no linear autoencoder with D
numbers, give a smaller mean squared error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

AT_ONCE = 4096  # vectors that are in float64 at a time


@dataclass(frozen=True)
class PrincipalComponents:
    """The mean and the first D components.

    Attributes:
        mean: (P,) float64.
        components: (D, P) float64, rows of length 1, the one with the greatest variance first. The
            sign of a row is such that its greatest number in size is positive.
        variances: (D,) of the projections, at least 0.

    >>> points = np.array([[0.0, 0.0], [2.0, 2.0], [1.0, 1.0]])
    >>> line = fit_principal_components(points, 1)
    >>> line.components.round(3).tolist(), line.project(points[:1]).round(3).tolist()
    ([[0.707, 0.707]], [[-1.414]])
    >>> line.back(line.project(points)).round(3).tolist()
    [[0.0, 0.0], [2.0, 2.0], [1.0, 1.0]]
    """

    mean: np.ndarray
    components: np.ndarray
    variances: np.ndarray

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """(N, P) -> codes (N, D): the coordinates along the components."""
        codes: np.ndarray = (vectors - self.mean) @ self.components.T
        return codes

    def back(self, codes: np.ndarray) -> np.ndarray:
        """Codes (N, D) -> (N, P): the nearest vectors that such codes can say."""
        vectors: np.ndarray = codes @ self.components + self.mean
        return vectors


def fit_principal_components(vectors: np.ndarray, count: int) -> PrincipalComponents:
    """The first ``count`` components.

    Of fewer vectors than numbers the N x N matrix of their products is decomposed, else the P x P
    covariance: both have the same eigenvalues. Equal eigenvalues have no first among them: any
    rotation of their components is as good.

    Args:
        vectors: (N, P) finite, N from 1 on.
        count: D, from 1 to the smaller of N and P.

    Raises:
        ValueError: another shape, numbers that are not finite, or another count.

    Source: Pearson, On lines and planes of closest fit to systems of points in space, 1901; Turk &
    Pentland, Eigenfaces for recognition, 1991 (the smaller matrix).
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or not 1 <= count <= min(vectors.shape):
        raise ValueError(
            f"fit_principal_components: vectors have the shape {vectors.shape} and count is "
            f"{count}; expected (N, P), and a count from 1 to the smaller of N and P"
        )
    if not np.isfinite(vectors).all():
        raise ValueError("fit_principal_components: vectors hold NaN or infinite numbers")
    number, size = vectors.shape
    mean = vectors.mean(axis=0, dtype=np.float64)
    if number < size:
        centred = vectors - mean  # (N, P)
        values, own = np.linalg.eigh(centred @ centred.T / number)
        # C = Xᵀ X / N has the eigenvector Xᵀ u, where u is one of X Xᵀ / N; where there is no
        # variance left, QR adds directions that are orthogonal to those before.
        directions = centred.T @ own[:, ::-1][:, :count]  # (P, D)
        components = np.linalg.qr(directions)[0].T
    else:
        covariance = np.zeros((size, size))
        for start in range(0, number, AT_ONCE):
            part = vectors[start : start + AT_ONCE] - mean
            covariance += part.T @ part
        values, own = np.linalg.eigh(covariance / number)
        components = own[:, ::-1][:, :count].T
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    variances = np.maximum(values[::-1][:count], 0)
    return PrincipalComponents(mean, components * np.where(largest < 0, -1, 1), variances)
