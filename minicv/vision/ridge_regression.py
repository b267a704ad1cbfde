"""Ridge regression: least squares that would rather have small weights.

    minimise over W:   sum_n |t_n - W^T x_n|^2 + penalty |W|^2
    closed form:       W = (X^T X + penalty I)^-1 X^T T  =  X^T (X X^T + penalty I)^-1 T

where one more feature, always 1, makes the offset. Both forms have a symmetric positive definite
matrix, which Cholesky's factorisation solves; the left one has the size of the features, the right
one that of the examples, and the smaller is taken.

Before, the targets are centred and whitened: t = (y - mean) S with S the inverse square root of
their covariance, so that all of them, and all combinations of them, weigh the same beside the
penalty.

Sources: Girshick et al., "Rich feature hierarchies" (2014), appendix C; Hoerl & Kennard, "Ridge
regression" (1970). The whitening: the authors' public implementation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SMALLEST_VARIANCE = 1e-3  # is added to each, so that a target which never varies can be whitened


@dataclass(frozen=True)
class RidgeRegression:
    """A fitted regression: ``predict(x) = x weight + bias``.

    Attributes:
        weight: (D, T).
        bias: (T,).
    """

    weight: np.ndarray
    bias: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(N, D) features -> (N, T)."""
        return features @ self.weight + self.bias


def fit_ridge_regression(
    features: np.ndarray, targets: np.ndarray, penalty: float = 1000.0
) -> RidgeRegression:
    """Fit all T targets at once.

    Args:
        features: (N, D) float. N may be 0: then every prediction is 0.
        targets: (N, T) float.
        penalty: lambda; R-CNN takes 1000 for features scaled to a mean norm of 20.

    Returns:
        `RidgeRegression` in the dtype of the features. It is computed in float64.

    Raises:
        ValueError: shapes or dtypes do not fit, or the penalty is not positive.

    Cost: D^2 N + D^3 / 3 multiplications with D features, or with N and D exchanged, where N < D.

    >>> features = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> line = fit_ridge_regression(features, 2 * features + 1, penalty=1e-9)
    >>> np.round(line.weight, 3).tolist(), np.round(line.bias, 3).tolist()
    ([[2.0]], [1.0])
    """
    _check(features, targets, penalty)
    count, size = features.shape
    if count == 0:
        zeros = np.zeros((size + 1, targets.shape[1]), features.dtype)
        return RidgeRegression(zeros[:-1], zeros[-1])
    targets = targets.astype(np.float64)
    mean = targets.mean(axis=0)
    whiten, colour = _whitening(targets - mean)
    wanted = (targets - mean) @ whiten  # (N, T)
    x = np.ones((count, size + 1))  # (N, D+1)
    x[:, :-1] = features
    if count > size:
        weights = _solve(x.T @ x, x.T @ wanted, penalty)  # (D+1, T)
    else:
        weights = x.T @ _solve(x @ x.T, wanted, penalty)
    weights = weights @ colour
    weights[-1] += mean
    weights = weights.astype(features.dtype)
    return RidgeRegression(weights[:-1], weights[-1])


def _whitening(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, T) the inverse square root of the covariance, and the square root itself."""
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    deviations = np.sqrt(variances + SMALLEST_VARIANCE)
    return axes / deviations @ axes.T, axes * deviations @ axes.T


def _solve(gram: np.ndarray, right: np.ndarray, penalty: float) -> np.ndarray:
    """(gram + penalty I)^-1 right."""
    from scipy.linalg import cho_factor, cho_solve  # here: `import minicv` loads no scipy

    gram[np.diag_indices_from(gram)] += penalty
    return cho_solve(cho_factor(gram, lower=True, overwrite_a=True), right)


def _check(features: np.ndarray, targets: np.ndarray, penalty: float) -> None:
    if features.ndim != 2 or targets.ndim != 2 or len(features) != len(targets):
        raise ValueError(
            "fit_ridge_regression: expected features (N, D) and targets (N, T) but features has "
            f"shape {features.shape} and targets {targets.shape}"
        )
    if features.dtype.kind != "f":
        raise ValueError(f"fit_ridge_regression: features is {features.dtype}; expected floats")
    if not penalty > 0:
        raise ValueError(f"fit_ridge_regression: penalty is {penalty}; expected a number above 0")
