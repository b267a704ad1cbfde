"""SPP-net: the convolutions run once an image, each region is pooled from their map (He et al. 2014).

    1. propose    image              -> any proposer's boxes                          (R, 4)
    2. features   image              -> backbone, at each scale                       (1, C, h, w) each
    3. pool       maps, boxes        -> spatial pyramid of each region, on the map    (R, 50 C)
                                        of the scale where it has the standard size
    4. head       pooled features    -> fully connected layers                        (R, U)
    5. score      head features      -> an SVM for each class                         (R, K)
    6. regress    pooled features    -> boxes moved towards the object                (R, K, 4)
    7. post       scores, boxes      -> detections                                    (D, 4)

SPP-net differs from R-CNN in the way from a region to its features: stages 2 to 4 are in this file,
all others in `rcnn.py`. Fine-tuning trains the fully connected layers alone. No gradient passes
stage 3, so the convolutions never change: the backbone must be trained before, for instance on
classification.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, xp_of
from minicv.inspection.stage import StageRecorder, record_features, record_input
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.rcnn import RCNN, RegionFeatures, SVMDetectorSettings
from minicv.models.detection.region_stages import record_boxes
from minicv.models.model import Result
from minicv.models.photographs import ImageBatch, batch_for
from minicv.nn import evaluating
from minicv.proposals import Proposer
from minicv.vision.boxes import box_area

FIVE_SCALES = (480, 576, 688, 864, 1200)


@dataclass(frozen=True)
class SPPNetSettings(SVMDetectorSettings):
    """The numbers of `SVMDetectorSettings`, and SPP-net's own.

    The default is the paper's faster variant with one scale; `FIVE_SCALES` gives the other.
    Background overlaps an object by 0.1 at least, as in the authors' public implementation.

    Source: He et al., "Spatial pyramid pooling in deep convolutional networks" (2014), section 4.

    >>> SPPNetSettings(scales=FIVE_SCALES).bins
    50
    """

    head_background_floor: float = 0.1

    # 2. Scales: what the shorter side of the image becomes, unless the longer would pass max_size.
    scales: tuple[int, ...] = (688,)
    max_size: int = 2000

    # 3. Pooling: the scale is chosen where the area of the box is nearest to this squared; and the
    #    rows and columns of each level of the pyramid.
    region_side: float = 224.0
    pyramid: tuple[int, ...] = (6, 3, 2, 1)

    @property
    def bins(self) -> int:
        """Numbers that pooling leaves of each channel, in all levels of the pyramid together."""
        return sum(level * level for level in self.pyramid)

    @property
    def maps(self) -> tuple[int, int]:
        """The first level of the pyramid, the finest."""
        return self.pyramid[0], self.pyramid[0]


class Scaled(NamedTuple):
    """One image at one scale: its pixels, and the map (1, C, h, w) of the convolutions."""

    batch: ImageBatch
    features: Array


class SPPNet(RCNN):
    """A detector of ``classes`` among the boxes of a proposer, on any backbone with one map.

    Arguments and attributes as of `RCNN`. The backbone's parameters are frozen.

    >>> from minicv.models.backbones import SmallBackbone
    >>> from minicv.proposals import SlidingWindow
    >>> rng = np.random.default_rng(0)
    >>> settings = SPPNetSettings(scales=(48, 64), region_side=32.0, head_units=8)
    >>> model = SPPNet(SmallBackbone(width=4, rng=rng), ("cow", "duck"), SlidingWindow((24.0,)),
    ...                settings, rng=rng)
    >>> image = rng.random((3, 64, 48), dtype="float32")
    >>> target = {"boxes": np.array([[4.0, 4.0, 36.0, 40.0]], "float32"), "labels": np.array([1])}
    >>> list(model.loss([image], [target]))
    ['loss_classifier']
    >>> [stage.name for stage in model.stages(image)]
    ['input', 'proposals', 'feature_map_48', 'feature_map_64', 'region_features', 'class_scores',
     'refined_boxes', 'detections']
    """

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        proposer: Proposer,
        settings: SPPNetSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(backbone, classes, proposer, settings or SPPNetSettings(), rng=rng)
        self.stride = backbone.strides[0]
        self.backbone.requires_grad_(False)

    def region_features(self, image: np.ndarray, boxes: np.ndarray) -> RegionFeatures:
        """Stages 2 to 4, see `RCNN.region_features`."""
        with no_grad(), evaluating(self):
            return self._stage4_head(self._stage3_pool(self._all_maps(image), boxes))

    def _detect(self, image: np.ndarray, record: StageRecorder) -> Result:
        record_input(record, image.shape[1:], lambda: image)
        boxes, scores = self.propose(image, np.random.default_rng(0))  # 1
        record_boxes(record, "proposals", "Proposals", boxes, scores)
        scaled = []
        for scale in self.settings.scales:
            scaled.append(self._stage2_features(image, scale))
            self._record_map(record, scaled[-1], scale)
        pooled = self._stage3_pool(scaled, boxes)
        features = self._stage4_head(pooled)
        return self._decide(image, boxes, features, record)  # 5 to 7

    def _record_map(self, record: StageRecorder, scaled: Scaled, scale: int) -> None:
        name = f"feature_map_{scale}" if len(self.settings.scales) > 1 else "feature_map"
        stride = self.stride / scaled.batch.scale(0)[0]  # in pixels of the original image
        record_features(record, scaled.features[0], stride, name)

    def _units_to_learn_from(
        self, images: Sequence[np.ndarray], regions: Sequence[np.ndarray]
    ) -> Tensor:
        """Stages 2 to 4 for training. Only stage 4 learns; what comes before is constant."""
        pairs = zip(images, regions, strict=True)
        pooled = [self._stage3_pool(self._all_maps(image), own) for image, own in pairs]
        return self.box_head(Tensor(xp_of(*pooled).concatenate(pooled)))  # -> (S, U)

    def _all_maps(self, image: np.ndarray) -> list[Scaled]:
        return [self._stage2_features(image, scale) for scale in self.settings.scales]

    def _stage2_features(self, image: np.ndarray, scale: int) -> Scaled:
        xp = xp_of(self.cls_score.weight.data)  # the pixels go where the weights are
        batch = batch_for(self.backbone, [image], scale, self.settings.max_size)
        # The backbone is frozen, its running statistics too.
        with no_grad(), evaluating(self.backbone):
            (features,) = self.backbone(Tensor(xp.asarray(batch.pixels)))
        return Scaled(batch, features.data)

    def _stage3_pool(self, scaled: Sequence[Scaled], boxes: np.ndarray) -> Array:
        """The maps of an image and its boxes (R, 4) -> features (R, C bins)."""
        s = self.settings
        xp = xp_of(scaled[0].features)
        at_scale = np.stack([one.batch.boxes_to_batch(0, boxes) for one in scaled])  # (L, R, 4)
        scale_of_box = nearest_scale(at_scale, s.region_side)  # (R,)
        pooled = xp.zeros((len(boxes), self.backbone.out_channels[0] * s.bins), np.float32)
        for index, one in enumerate(scaled):
            (own,) = np.nonzero(scale_of_box == index)
            h, w = one.features.shape[2:]
            cells = xp.asarray(region_on_map(at_scale[index, own], self.stride, (h, w)))
            image_of_box = xp.zeros(len(own), np.int64)
            levels = [
                F.flatten(F.roi_pool(one.features, cells, image_of_box, level), 1).data
                for level in s.pyramid
            ]  # (R, C l l) each
            pooled[xp.asarray(own)] = xp.concatenate(levels, axis=1)
        return pooled

    def _stage4_head(self, pooled: Array) -> RegionFeatures:
        return RegionFeatures(pooled, self.box_head(Tensor(pooled)).data)  # (R, P) -> (R, U)


def nearest_scale(boxes: np.ndarray, region_side: float) -> np.ndarray:
    """The scale at which each region is nearest to the standard size.

    Args:
        boxes: (L, R, 4), the regions in the pixels of each of L scales.
        region_side: the square root of the standard area, pixels.

    Returns:
        (R,) int64, which of the scales.

    Source: He et al. 2014, section 4.1.

    >>> boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 20.0, 20.0]])
    >>> nearest_scale(np.stack([boxes, 2 * boxes]), 20.0).tolist()
    [1, 0]
    """
    areas = np.stack([box_area(own) for own in boxes])  # (L, R)
    return np.abs(areas - region_side**2).argmin(axis=0)


def region_on_map(boxes: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """The first and last cell, both included, of each box on the feature map.

    The centre of cell k is pixel ``stride k``. The region consists of the cells with a centre in
    the box: from ``floor(x1 / stride) + 1`` to ``ceil(x2 / stride) - 1``, and rows likewise. A box
    that contains no centre gets the cell whose centre is nearest to the middle of the box. Cells
    beyond the map are cut off.

    `roi_pool` takes the result with ``spatial_scale=1``. The bins of the pyramid are those of RoI
    pooling; only this way from the box to the map differs.

    Args:
        boxes: (R, 4), pixels.
        stride: pixels per cell.
        size: height and width of the map.

    Returns:
        (R, 4) float32, whole numbers: x, y of the first and x, y of the last cell.

    Source: He et al. 2014, appendix A.

    >>> region_on_map(np.array([[8.0, 1.0, 40.0, 15.0], [9.0, 9.0, 15.0, 15.0]]), 8, (16, 16))
    array([[2., 1., 4., 1.],
           [2., 2., 2., 2.]], dtype=float32)
    """
    first = np.floor(boxes[:, :2] / stride) + 1  # (R, 2): x, y
    last = np.ceil(boxes[:, 2:] / stride) - 1
    middle = np.floor((boxes[:, :2] + boxes[:, 2:]) / (2 * stride) + 0.5)
    empty = last < first
    first, last = np.where(empty, middle, first), np.where(empty, middle, last)
    most = np.array([size[1] - 1, size[0] - 1])
    return np.clip(np.concatenate([first, last], axis=1), 0, np.tile(most, 2)).astype(np.float32)
