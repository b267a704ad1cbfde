"""The numbers of Faster R-CNN, kept as data beside the model that uses them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FasterRCNNSettings:
    """Sizes, thresholds and counts.

    The defaults are the papers', but for fewer proposals (they train on 2000 after suppression) and
    a narrower head (4096 units), for the sake of a CPU. What they do not give, such as the score
    threshold and the offsets' weights, is as in the public implementations.

    Raises:
        ValueError: an image size below one pixel.

    Source: Ren et al., Faster R-CNN, 2015, section 3; Girshick, Fast R-CNN, 2015, section 2.3.

    >>> FasterRCNNSettings(min_size=320).anchors_per_cell
    9
    """

    # 1. Input: the shorter side becomes min_size, unless the longer would pass max_size.
    min_size: int = 600
    max_size: int = 1000

    # 3. Anchors: square roots of their areas in pixels of the network input, and height / width.
    anchor_sizes: tuple[float, ...] = (128.0, 256.0, 512.0)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    rpn_channels: int = 256

    # 4. Proposals.
    pre_nms_top_n_train: int = 2000
    pre_nms_top_n_test: int = 1000
    post_nms_top_n_train: int = 500
    post_nms_top_n_test: int = 300
    rpn_nms_threshold: float = 0.7
    min_proposal_size: float = 2.0

    # Training of the proposals: anchors above one overlap are objects, below the other background.
    rpn_positive_iou: float = 0.7
    rpn_negative_iou: float = 0.3
    rpn_samples: int = 256
    rpn_positive_fraction: float = 0.5
    rpn_smooth_l1_beta: float = 1.0 / 9.0

    # 5. Region features.
    pooled_size: int = 7
    sampling_ratio: int = 2

    # 6. Head, and its training.
    head_units: int = 1024
    head_positive_iou: float = 0.5
    head_samples: int = 128
    head_positive_fraction: float = 0.25
    head_smooth_l1_beta: float = 1.0
    box_weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)

    # 7. Post-processing.
    score_threshold: float = 0.05
    nms_threshold: float = 0.5
    detections_per_image: int = 100

    def __post_init__(self) -> None:
        if min(self.min_size, self.max_size) < 1:
            raise ValueError(
                f"FasterRCNNSettings: min_size={self.min_size}, max_size={self.max_size}; expected "
                "at least one pixel each"
            )

    @property
    def anchors_per_cell(self) -> int:
        """A: one anchor for each size and each shape."""
        return len(self.anchor_sizes) * len(self.aspect_ratios)
