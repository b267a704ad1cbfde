"""The linear models that R-CNN fits on region features: an SVM and ridge regression.

**The linear SVM** (`fit_linear_svm`) tells one class from the rest, with
the widest margin. Over R regions with features x_i and signs y_i (+1 or -1), the score is
``f(x) = w . x + b``, and training minimises

    P(w, b) = 1/2 |w|^2 + 1/2 (b / B)^2 + C sum_i weight_i max(0, 1 - y_i f(x_i))

b is the weight of one more feature that is always B: the larger B, the less b is held back.

The hinge max(0, ...) has a corner, and at the optimum many regions lie exactly on it, so Newton's
method cannot be applied to P itself. The method of multipliers rounds the corner off over a width
h, and Newton's method minimises the rounded objective in a few steps. Then each region's rounded
corner is moved so that the region keeps, at its margin, the slope it has come to, and h shrinks.
Because the corners move, h need not become tiny, and float32 is exact enough. Newton's equations
are solved roughly, by conjugate gradients; only regions on a rounded corner take part in them.

The slopes are a point of the dual problem. So every step knows an upper bound of its distance from
the optimum, the duality gap, and training stops when that is small, not when a step is small.

**Ridge regression** (`fit_ridge_regression`) is least squares with a price on large weights:

    minimise over W:   sum_n |t_n - W^T x_n|^2 + penalty |W|^2
    closed form:       W = (X^T X + penalty I)^-1 X^T T  =  X^T (X X^T + penalty I)^-1 T

where one more feature, always 1, makes the offset. Both forms have a symmetric positive definite
matrix, which Cholesky's factorisation solves; the left one is as large as the number of features,
the right one as the number of examples, and the smaller is taken. Before that the targets are
centred and whitened: t = (y - mean) S, with S the inverse square root of their covariance. So all
targets, and all their combinations, have the same variance beside the penalty.

Sources: Girshick et al., "Rich feature hierarchies" (2014), section 2.3, appendices B and C. SVM:
the form of b and the duality gap: Hsieh et al., "A dual coordinate descent method for large-scale
linear SVM" (2008); Newton on a rounded hinge: Chapelle, "Training a support vector machine in the
primal" (2007); multipliers: Rockafellar, "Augmented Lagrangians and applications of the proximal
point algorithm in convex programming" (1976). Ridge regression: Hoerl & Kennard (1970); the
whitening: the public implementation of R-CNN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.vision.boxes import as_wide_floats

FIRST_WIDTH = 0.5  # h at the start, in units of the margin
SHRINK = 0.25
MOST_STEPS = 200
GOOD_DIRECTION = 0.1  # share of its residual at which Newton's system counts as solved
MOST_CONJUGATE_STEPS = 100
MOST_BISECTIONS = 40
ADDED_VARIANCE = 1e-3  # of each whitened target, so that one which never varies can be divided by


@dataclass(frozen=True)
class LinearSVM:
    """A trained linear SVM.

    Attributes:
        weight: (D,) w, in the dtype of the features.
        bias: b.
        objective: P(w, b), see `minicv.vision.linear_models`.
        gap: the optimum is at most this much below ``objective``.
    """

    weight: np.ndarray
    bias: float
    objective: float
    gap: float

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(R, D) features -> (R,) scores: positive for the class, at least 1 beyond the margin."""
        return features @ self.weight + np.asarray(self.bias, features.dtype)


def fit_linear_svm(
    features: np.ndarray,
    is_positive: np.ndarray,
    *,
    c: float = 1e-3,
    positive_weight: float = 2.0,
    bias_feature: float = 10.0,
    tolerance: float = 1e-4,
    start: LinearSVM | None = None,
) -> LinearSVM:
    """Train one class against the rest. The defaults are R-CNN's.

    Several classes can share ``features``: they are neither copied nor changed.

    Args:
        features: (R, D) float; R-CNN scales them to a mean norm of 20. R may be 0. float16 is
            computed in float32.
        is_positive: (R,) bool, whether a region holds the class. Either kind may be missing.
        c: C, the price of a region on the wrong side of its margin.
        positive_weight: weight_i of the positives; the negatives' is 1.
        bias_feature: B.
        tolerance: stop when the objective is proven to be within this share of its optimum.
        start: an SVM to start from, such as one trained before more regions were added.

    Returns:
        `LinearSVM`. Its ``gap`` is above ``tolerance * objective`` only where the rounding of the
        features' dtype lets no step come closer.

    Raises:
        ValueError: shapes or dtypes do not fit, or a number is not positive.

    Cost: some tens of steps, each of a few products with the features.

    >>> features = np.array([[1.0, 0.0], [2.0, 1.0], [-1.0, 0.5], [-3.0, 0.0]])
    >>> svm = fit_linear_svm(features, np.array([True, True, False, False]), c=10.0)
    >>> (svm.scores(features) > 0).tolist(), bool(svm.gap <= 1e-4 * svm.objective)
    ([True, True, False, False], True)
    """
    _check_svm(features, is_positive, c, positive_weight, bias_feature, tolerance)
    features = as_wide_floats(features, "fit_linear_svm", "features")  # float16 sums overflow
    problem = _Problem(features, is_positive, c, positive_weight, bias_feature)
    w = np.zeros(features.shape[1] + 1)  # (D+1,): the last is b / B
    if start is not None:
        w[:-1], w[-1] = start.weight, start.bias / bias_feature
    scores = problem.scores(w)
    for _ in range(MOST_STEPS):
        slopes = problem.slopes(scores)  # (R,)
        v = problem.combine(slopes)  # (D+1,)
        objective = problem.objective(w, scores)
        gap = objective - (slopes.sum() - 0.5 * v @ v)
        if gap <= tolerance * objective:
            break
        gradient = w - v
        # Strong convexity: the rounded objective is within |gradient|^2 / 2 of its optimum.
        if 0.5 * gradient @ gradient <= 0.1 * gap:
            problem.move_corners(slopes)
            continue
        direction = problem.newton_direction(gradient, scores)
        moved = problem.scores(direction)
        step = problem.line_search(w, scores, direction, moved)
        w = w + step * direction
        scores = scores + step * moved
    weight = w[:-1].astype(features.dtype)
    return LinearSVM(weight, float(w[-1] * bias_feature), float(objective), float(max(gap, 0.0)))


class _Problem:
    """The objective with rounded corners; vectors of weights are (D+1,) float64."""

    def __init__(
        self,
        features: np.ndarray,
        is_positive: np.ndarray,
        c: float,
        positive_weight: float,
        bias_feature: float,
    ) -> None:
        self.features = features
        self.bias_feature = bias_feature
        self.signs = np.where(is_positive, 1.0, -1.0)
        self.prices = c * np.where(is_positive, positive_weight, 1.0)
        self.width = FIRST_WIDTH
        # (R,) the place of a region that is on its margin
        self.corners: np.ndarray = np.zeros(len(features))

    def scores(self, w: np.ndarray) -> np.ndarray:
        """(D+1,) -> (R,)."""
        return self.features @ w[:-1].astype(self.features.dtype) + w[-1] * self.bias_feature

    def combine(self, slopes: np.ndarray) -> np.ndarray:
        """sum_i slope_i y_i x_i: (R,) -> (D+1,). At the optimum it is w itself."""
        signed = slopes * self.signs
        v = signed.astype(self.features.dtype) @ self.features
        return np.append(v, signed.sum() * self.bias_feature).astype(np.float64)

    def objective(self, w: np.ndarray, scores: np.ndarray) -> float:
        """P itself, its corners sharp."""
        return 0.5 * w @ w + self.prices @ np.maximum(1 - self.signs * scores, 0)

    def places(self, scores: np.ndarray) -> np.ndarray:
        """(R,) where each region is on its rounded corner: flat up to 0, straight from 1 on."""
        return self.corners + (1 - self.signs * scores) / self.width

    def slopes(self, scores: np.ndarray) -> np.ndarray:
        """(R,) how fast the loss of each region falls as its margin grows: from 0 to its price."""
        return self.prices * np.clip(self.places(scores), 0, 1)

    def move_corners(self, slopes: np.ndarray) -> None:
        """Give regions on their margin the slopes that they have now, and make corners sharper."""
        self.corners = slopes / self.prices
        self.width *= SHRINK

    def newton_direction(self, gradient: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """-(I + A^T A)^-1 gradient, roughly; A holds the regions on a rounded corner, scaled."""
        places = self.places(scores)
        near = np.flatnonzero((places > 0) & (places < 1))  # (M,)
        dtype = self.features.dtype
        a = np.empty((len(near), len(gradient)), dtype)  # (M, D+1)
        a[:, :-1] = self.features[near]
        a[:, -1] = self.bias_feature
        a *= np.sqrt(self.prices[near] / self.width).astype(dtype)[:, None]
        solution = np.zeros(len(gradient), dtype)
        residual = -gradient.astype(dtype)
        search, size = residual, residual @ residual
        enough = GOOD_DIRECTION**2 * size
        for _ in range(MOST_CONJUGATE_STEPS):
            curved = search + (a @ search) @ a  # (I + A^T A) search
            step = size / (search @ curved)
            solution = solution + step * search
            residual = residual - step * curved
            before, size = size, residual @ residual
            if size <= enough:
                break
            search = residual + size / before * search
        return solution.astype(np.float64)

    def line_search(
        self, w: np.ndarray, scores: np.ndarray, direction: np.ndarray, moved: np.ndarray
    ) -> float:
        """The length of the step at which the rounded objective has nearly stopped falling.

        The slope of the objective along a line only grows, and the scores along the line are
        ``scores + step moved``. So doubling and then halving finds the step, without any product
        with the features.
        """

        def slope(step: float) -> float:
            forces = self.slopes(scores + step * moved) * self.signs  # (R,)
            return (w + step * direction) @ direction - forces @ moved

        enough = 0.1 * abs(slope(0.0))
        low, step = 0.0, 1.0
        while slope(step) < -enough:
            low, step = step, 2 * step
        high = step
        for _ in range(MOST_BISECTIONS):
            rise = slope(step)
            if abs(rise) <= enough:
                break
            low, high = (step, high) if rise < 0 else (low, step)
            step = (low + high) / 2
        return step


def _check_svm(
    features: np.ndarray,
    is_positive: np.ndarray,
    c: float,
    positive_weight: float,
    bias_feature: float,
    tolerance: float,
) -> None:
    if features.ndim != 2 or features.dtype.kind != "f":
        raise ValueError(
            "fit_linear_svm: features expects floats of shape (R, D) but is "
            f"{features.dtype} of shape {features.shape}"
        )
    if is_positive.shape != (len(features),) or is_positive.dtype != bool:
        raise ValueError(
            f"fit_linear_svm: is_positive expects one bool per row, shape ({len(features)},), but "
            f"is {is_positive.dtype} of shape {is_positive.shape}"
        )
    for name, value in (
        ("c", c),
        ("positive_weight", positive_weight),
        ("bias_feature", bias_feature),
        ("tolerance", tolerance),
    ):
        if not value > 0:
            raise ValueError(f"fit_linear_svm: {name} is {value}; expected a number above 0")


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
        `RidgeRegression` in the dtype of the features, for float16 in float32. It is computed in
        float64.

    Raises:
        ValueError: shapes or dtypes do not fit, or the penalty is not positive.

    Cost: D^2 N + D^3 / 3 multiplications with D features, or with N and D exchanged, where N < D.

    >>> features = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> line = fit_ridge_regression(features, 2 * features + 1, penalty=1e-9)
    >>> np.round(line.weight, 3).tolist(), np.round(line.bias, 3).tolist()
    ([[2.0]], [1.0])
    """
    _check_ridge(features, targets, penalty)
    features = as_wide_floats(features, "fit_ridge_regression", "features")
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
    deviations = np.sqrt(variances + ADDED_VARIANCE)
    return axes / deviations @ axes.T, axes * deviations @ axes.T


def _solve(gram: np.ndarray, right: np.ndarray, penalty: float) -> np.ndarray:
    """(gram + penalty I)^-1 right."""
    from scipy.linalg import cho_factor, cho_solve  # here: `import minicv` loads no scipy

    gram[np.diag_indices_from(gram)] += penalty
    return cho_solve(cho_factor(gram, lower=True, overwrite_a=True), right)


def _check_ridge(features: np.ndarray, targets: np.ndarray, penalty: float) -> None:
    if features.ndim != 2 or targets.ndim != 2 or len(features) != len(targets):
        raise ValueError(
            "fit_ridge_regression: expected features (N, D) and targets (N, T) but features has "
            f"shape {features.shape} and targets {targets.shape}"
        )
    if features.dtype.kind != "f":
        raise ValueError(f"fit_ridge_regression: features is {features.dtype}; expected floats")
    if not penalty > 0:
        raise ValueError(f"fit_ridge_regression: penalty is {penalty}; expected a number above 0")
