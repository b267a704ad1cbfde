"""The numbers of Faster R-CNN, kept as data beside the model that uses them."""

from __future__ import annotations

from dataclasses import dataclass

from minicv.models.detection.region_settings import RegionSettings


@dataclass(frozen=True)
class FasterRCNNSettings(RegionSettings):
    """Sizes, thresholds and counts: those of `RegionSettings`, and the proposal network's.

    The defaults are the papers', but for fewer proposals (they train on 2000 after suppression),
    for the sake of a CPU.

    Source: Ren et al., Faster R-CNN, 2015, section 3.

    >>> FasterRCNNSettings(min_size=320).anchors_per_cell
    9
    """

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

    # 5. Region features: sample points along each side of a bin.
    sampling_ratio: int = 2

    @property
    def anchors_per_cell(self) -> int:
        """A: one anchor for each size and each shape."""
        return len(self.anchor_sizes) * len(self.aspect_ratios)
