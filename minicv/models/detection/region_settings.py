"""The numbers that all detectors by regions have, whoever proposes the regions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RegionSettings:
    """Sizes, thresholds and counts of the input, the region features, the head, and what follows.

    The defaults are the papers', but for a narrower head (4096 units), for the sake of a CPU. What
    they do not give, such as the score threshold and the offsets' weights, is as in the public
    implementations.

    Raises:
        ValueError: an image size below one pixel.

    Source: Girshick, Fast R-CNN, 2015, section 2.
    """

    # Input: the shorter side becomes min_size, unless the longer would pass max_size.
    min_size: int = 600
    max_size: int = 1000

    # Region features: rows and columns.
    pooled_size: int = 7

    # Head, and its training: regions above one overlap hold an object, others are background. The
    # offsets are multiplied by box_weights, which brings their deviations close to 1.
    head_units: int = 1024
    head_positive_iou: float = 0.5
    head_samples: int = 128
    head_positive_fraction: float = 0.25
    head_smooth_l1_beta: float = 1.0
    box_weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)

    # Post-processing.
    score_threshold: float = 0.05
    nms_threshold: float = 0.5
    detections_per_image: int = 100

    def __post_init__(self) -> None:
        if min(self.min_size, self.max_size) < 1:
            raise ValueError(
                f"{type(self).__name__}: min_size={self.min_size}, max_size={self.max_size}; "
                "expected at least one pixel each"
            )
