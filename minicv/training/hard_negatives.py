"""Hard-negative mining: of far too much background, the support vectors suffice."""

from __future__ import annotations

import numpy as np

from minicv.vision.linear_models import LinearSVM, fit_linear_svm


class HardNegativeMiner:
    """Trains the support vector machine of one class on background that comes image by image.

    What the machine already puts well beyond its margin would not change it, and is not kept. So of
    each image only what scores above ``hard_score`` joins the negatives; after enough have joined
    the machine is trained anew from where it was, and lets go what now scores below ``easy_score``.
    The machine that results is the one of all negatives, but for those that it moved past unseen.

    Args:
        positives: (P, D) features.
        c, positive_weight, bias_feature: see `fit_linear_svm`.
        hard_score, easy_score: just below and well below the margin of the negatives, -1.
        retrain_after: how many must join.

    Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.3; Felzenszwalb et al.,
    "Object detection with discriminatively trained part-based models" (2010), section 4.

    >>> miner = HardNegativeMiner(np.ones((1, 2)), c=1.0)
    >>> for image in ([[-1.0, 0.0], [0.0, 0.5]], [[-9.0, -9.0]]):
    ...     miner.offer(np.array(image))
    >>> svm = miner.finish()
    >>> miner.kept, bool(svm.scores(np.array([[0.0, 0.5]]))[0] < 0)
    (1, True)
    """

    def __init__(
        self,
        positives: np.ndarray,
        *,
        c: float = 1e-3,
        positive_weight: float = 2.0,
        bias_feature: float = 10.0,
        hard_score: float = -1.0001,
        easy_score: float = -1.2,
        retrain_after: int = 2000,
    ) -> None:
        self.positives = positives
        self.options = {
            "c": c,
            "positive_weight": positive_weight,
            "bias_feature": bias_feature,
        }
        self.hard_score, self.easy_score = hard_score, easy_score
        self.retrain_after = retrain_after
        self.svm: LinearSVM | None = None
        self._negatives = positives[:0]
        self._joining: list[np.ndarray] = []

    @property
    def kept(self) -> int:
        """How many negatives are held at present."""
        return len(self._negatives) + sum(map(len, self._joining))

    def offer(self, negatives: np.ndarray) -> None:
        """The background of one image, (N, D); of the first that has any, all joins."""
        if self.svm is not None:
            negatives = negatives[self.svm.scores(negatives) > self.hard_score]
        if len(negatives) == 0:
            return
        self._joining.append(negatives)
        if self.svm is None or sum(map(len, self._joining)) >= self.retrain_after:
            self._retrain()

    def finish(self) -> LinearSVM:
        """The machine, with all that has joined in it."""
        if self._joining or self.svm is None:
            self._retrain()
        return self.svm

    def _retrain(self) -> None:
        self._negatives = np.concatenate([self._negatives, *self._joining])
        self._joining = []
        features = np.concatenate([self.positives, self._negatives])
        is_positive = np.arange(len(features)) < len(self.positives)
        self.svm = fit_linear_svm(features, is_positive, start=self.svm, **self.options)
        hard = self.svm.scores(self._negatives) >= self.easy_score
        self._negatives = self._negatives[hard]
