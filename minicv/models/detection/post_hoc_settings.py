"""The numbers that R-CNN and SPP-net share, kept as data beside the models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class PostHocSettings:
    """Thresholds and counts of fine-tuning, of what is fitted after it, and of detection.

    The defaults are R-CNN's, but for a narrower head (4096 units), for the sake of a CPU. What the
    paper does not give is as in the authors' public implementation.

    ``scoring`` and ``box_regression`` say which of the trained parts a prediction uses. One
    training fits all of them, so `dataclasses.replace` on a trained model's settings compares them.

    Source: Girshick et al., "Rich feature hierarchies" (2014), sections 2 and 3, appendices A to C.
    """

    # Proposals: how many are used at most, the best ones, and which are too small to look at.
    max_proposals: int = 2000
    min_proposal_size: float = 2.0

    # Fine-tuning: regions drawn from an image; two images make the paper's batch of 128, of which a
    # quarter overlap an object. Others are background if they overlap one by the floor at least.
    head_units: int = 1024
    head_samples: int = 64
    head_positive_fraction: float = 0.25
    head_positive_iou: float = 0.5
    head_background_floor: float = 0.0
    dropout: float = 0.5

    # Both regressions after it see features scaled to this mean norm.
    feature_norm: float = 20.0

    # Support vector machines: positives are the true boxes alone, negatives what overlaps none of
    # the class by this much, and of these the hard ones.
    svm_negative_iou: float = 0.3
    svm_c: float = 1e-3
    svm_positive_weight: float = 2.0
    svm_bias_feature: float = 10.0
    svm_hard_score: float = -1.0001
    svm_easy_score: float = -1.2
    svm_retrain_after: int = 2000

    # Box regression: from regions that overlap an object by more than this.
    regression_iou: float = 0.6
    regression_penalty: float = 1000.0

    # Detection.
    scoring: Literal["svm", "softmax"] = "svm"
    box_regression: bool = True
    score_threshold: float = 0.05
    nms_threshold: float = 0.3
    detections_per_image: int = 100

    def __post_init__(self) -> None:
        if self.scoring not in ("svm", "softmax"):
            raise ValueError(
                f"{type(self).__name__}: scoring is {self.scoring!r}; expected 'svm' or 'softmax'"
            )
