"""The Fréchet distance between two Gaussians: how far two sets of features lie apart.

    1. fit      mean m and covariance C of each set of features    (F,), (F, F)
    2. compare  |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^(1/2))         one number

Of pictures the features are what a trained classifier has before its last layer. Generated pictures
that are blurred or wrong move the mean; too few kinds of them make the covariance small.
"""

from __future__ import annotations

from typing import NamedTuple

from minicv.backend import Array, xp_of


class Gaussian(NamedTuple):
    """A Gaussian that was fitted to features.

    Attributes:
        mean: (F,) float64.
        covariance: (F, F) float64.
    """

    mean: Array
    covariance: Array


def fitted_gaussian(features: Array) -> Gaussian:
    """Mean and covariance of features (N, F), the covariance with N - 1 as divisor.

    A single sample is a point: its covariance is 0.

    Raises:
        ValueError: no samples, another shape, or numbers that are not finite.

    >>> import numpy as np
    >>> fitted_gaussian(np.array([[0.0, 1.0], [2.0, 1.0]])).covariance.tolist()
    [[2.0, 0.0], [0.0, 0.0]]
    """
    xp = xp_of(features)
    if features.ndim != 2 or len(features) == 0:
        raise ValueError(
            f"fitted_gaussian: features have the shape {features.shape}; expected (N, F), and at "
            "least one sample"
        )
    features = features.astype(xp.float64)
    if not bool(xp.isfinite(features).all()):
        raise ValueError("fitted_gaussian: features hold NaN or infinity; expected finite numbers")
    mean = features.mean(axis=0)
    centred = features - mean
    return Gaussian(mean, centred.T @ centred / max(len(features) - 1, 1))


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^(1/2)), from 0 on, in squared units of the features.

    C1 C2 is not symmetric, but has the eigenvalues of the symmetric S C2 S with S = C1^(1/2), and
    none is negative. So the trace of its root is the sum of the roots of these eigenvalues, and two
    symmetric eigen decompositions do: C1 = U diag(λ) Uᵀ gives S = U diag(√λ) Uᵀ. Eigenvalues that
    rounding made negative count as 0.

    It is the square of the 2-Wasserstein distance between the Gaussians.

    Raises:
        ValueError: the two have different numbers of features.

    Source: Dowson & Landau, The Fréchet distance between multivariate normal distributions, 1982;
    of pictures: Heusel et al., GANs trained by a two time-scale update rule, 2017, equation 6.

    >>> import numpy as np
    >>> narrow = Gaussian(np.array([0.0]), np.array([[1.0]]))
    >>> wide = Gaussian(np.array([3.0]), np.array([[4.0]]))
    >>> frechet_distance(narrow, wide)  # 3² + (2 - 1)²
    10.0
    """
    if first.mean.shape != second.mean.shape:
        raise ValueError(
            f"frechet_distance: {first.mean.shape[0]} features and {second.mean.shape[0]}; "
            "expected the same features of both"
        )
    xp = xp_of(first.mean, second.mean)
    values, vectors = xp.linalg.eigh(first.covariance)
    root = (vectors * xp.sqrt(xp.maximum(values, 0))) @ vectors.T  # C1^(1/2), symmetric
    product = xp.linalg.eigvalsh(root @ second.covariance @ root)
    trace_of_root = xp.sqrt(xp.maximum(product, 0)).sum()
    apart = ((first.mean - second.mean) ** 2).sum()
    spread = xp.trace(first.covariance) + xp.trace(second.covariance) - 2 * trace_of_root
    return max(0.0, float(apart + spread))


def frechet_distance_of(first: Array, second: Array) -> float:
    """The distance between the Gaussians of two sets of features, (N, F) and (M, F).

    **It is biased by the number of samples.** Two sets of the same distribution have a distance of
    0 only as their numbers go to infinity: of N samples the mean is off by about tr(C) / N, and the
    spread of covariances adds more, the more features there are. With fewer samples than features
    the covariances have no full rank, and the distance is large whatever the pictures. So compare
    distances only where N and M are the same, and say N beside the number. To know how far
    real pictures are from real ones, measure two halves of a data set.

    Raises:
        ValueError: see `fitted_gaussian` and `frechet_distance`.

    Source: Bińkowski et al., Demystifying MMD GANs, 2018, section 4, on the bias.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> few, many = (frechet_distance_of(*rng.normal(size=(2, n, 16))) for n in (50, 5000))
    >>> few > 10 * many  # of one and the same distribution
    True
    """
    return frechet_distance(fitted_gaussian(first), fitted_gaussian(second))
