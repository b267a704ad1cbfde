"""The numbers of Fast R-CNN, kept as data beside the model that uses them."""

from __future__ import annotations

from dataclasses import dataclass

from minicv.models.detection.region_settings import RegionSettings


@dataclass(frozen=True)
class FastRCNNSettings(RegionSettings):
    """Sizes, thresholds and counts: those of `RegionSettings`, and what is Fast R-CNN's own.

    64 regions of an image are trained on, and a batch of 2 images makes the paper's 128. Background
    has some overlap with an object, at least 0.1, "a heuristic for hard example mining". Boxes are
    suppressed above an overlap of 0.3, as in R-CNN.

    Source: Girshick, Fast R-CNN, 2015, section 2.3.

    >>> settings = FastRCNNSettings()
    >>> settings.head_samples, settings.head_background_floor, settings.dropout
    (64, 0.1, 0.5)
    """

    # 3. Proposals: how many are used at most, the best ones, and which are too small to be pooled.
    max_proposals: int = 2000
    min_proposal_size: float = 2.0

    # 5. Head, and its training.
    head_samples: int = 64
    head_background_floor: float = 0.1
    dropout: float = 0.5

    # 6. Post-processing.
    nms_threshold: float = 0.3
