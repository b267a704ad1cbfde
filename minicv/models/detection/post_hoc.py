"""What R-CNN and SPP-net fit after the network is trained: machines that score, and regressors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minicv.backend import Array, xp_of
from minicv.nn import Buffer, Module
from minicv.vision.linear_models import LinearSVM, RidgeRegression


class RegionFeatures(NamedTuple):
    """What the network makes of R regions of an image.

    Attributes:
        pooled: (R, P) the pooled convolutional features, from which boxes are regressed.
        units: (R, U) the last fully connected layer, from which classes are scored.
    """

    pooled: Array
    units: Array


class PostHoc(Module):
    """A support vector machine and a box regressor for each of K classes.

    They are not trained by gradients: `minicv.training.train_post_hoc` fits them, and they are
    buffers, so that checkpoints hold them.

    Args:
        units: U of `RegionFeatures`.
        pooled: P of `RegionFeatures`.
        classes: K.

    Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.3 and appendix C.
    """

    def __init__(self, units: int, pooled: int, classes: int) -> None:
        self.svm_weight = Buffer(np.zeros((classes, units), np.float32))
        self.svm_bias = Buffer(np.zeros(classes, np.float32))
        self.box_weight = Buffer(np.zeros((classes, 4, pooled), np.float32))
        self.box_bias = Buffer(np.zeros((classes, 4), np.float32))
        self.fitted = Buffer(np.zeros(1, np.bool_))

    @property
    def is_fitted(self) -> bool:
        """Whether there is anything in here to use."""
        return bool(self.fitted.data[0])

    def svm_scores(self, units: Array) -> Array:
        """(R, U) -> (R, K): positive for the class, at least 1 beyond the margin."""
        return units @ self.svm_weight.data.T + self.svm_bias.data

    def box_offsets(self, pooled: Array) -> Array:
        """(R, P) -> (R, K, 4): how far each region is from the object, see `encode_boxes`."""
        classes, _, size = self.box_weight.shape
        offsets = pooled @ self.box_weight.data.reshape(4 * classes, size).T  # (R, 4K)
        return offsets.reshape(len(pooled), classes, 4) + self.box_bias.data

    def take(
        self,
        svms: Sequence[LinearSVM],
        regressors: Sequence[RidgeRegression],
        units_scale: float,
        pooled_scale: float,
    ) -> None:
        """Hold these from now on, one of each for every class.

        Args:
            svms, regressors: fitted on features times ``units_scale`` and ``pooled_scale``, which
                go into the weights here, so that features are used as they come.
        """
        xp = xp_of(self.svm_weight.data)

        def as_kept(arrays: list[np.ndarray]) -> Array:
            return xp.asarray(np.stack(arrays).astype(np.float32))

        self.svm_weight.data = as_kept([svm.weight * units_scale for svm in svms])
        self.svm_bias.data = as_kept([np.asarray(svm.bias) for svm in svms])
        self.box_weight.data = as_kept([r.weight.T * pooled_scale for r in regressors])
        self.box_bias.data = as_kept([r.bias for r in regressors])
        self.fitted.data = xp.ones(1, np.bool_)
