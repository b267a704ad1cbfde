"""Mask R-CNN: Faster R-CNN that also says which pixels, and where the joints are (He et al. 2017).

    1. to 8.      as in `faster_rcnn.py`    -> boxes, labels, scores of detections  (D, 4), (D,), (D,)
    9. pool       features, boxes           -> RoIAlign                             (D, C, 14, 14)
   10. mask head  region features           -> a probability for each cell          (D, 28, 28)
   11. paste      probabilities, boxes      -> masks in the pixels of the image     (D, H, W)
   12. pool       features, boxes           -> RoIAlign                             (D, C, 14, 14)
   13. joint head region features           -> for each joint a logit for each cell (D, J, 56, 56)
   14. joints     logits, boxes             -> the place of each joint's peak       (D, J, 3)

The model has 9 to 11, or 12 to 14, or both. The masks are made of the final boxes and not of the
proposals, because better boxes give better masks. In training, 9, 10, 12 and 13 run on the drawn
regions that hold an object, and each adds a loss.

The code of stage 10 is in `mask_head.py`, that of 13 in `keypoint_head.py`, those of 11 and 14 in
`minicv.vision`.
"""  # noqa: E501

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, to_numpy, xp_of
from minicv.backend.storage import widened
from minicv.inspection.stage import StageRecorder
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.faster_rcnn import FasterRCNN, FasterRCNNSettings
from minicv.models.detection.keypoint_head import KeypointHead, KeypointPredictor, keypoint_loss
from minicv.models.detection.mask_head import MaskHead, MaskPredictor, mask_loss
from minicv.models.detection.region_stages import record_detections
from minicv.models.detection.region_targets import RegionTargets
from minicv.models.detection.roi_heads import Found, in_image
from minicv.models.model import Result, Target
from minicv.models.photographs import ImageBatch
from minicv.vision.heatmaps import heatmaps_to_keypoints, joint_positions
from minicv.vision.keypoints import scale_keypoints
from minicv.vision.mask_pasting import paste_masks, paste_masks_expanded
from minicv.vision.mask_targets import mask_targets, resize_masks


@dataclass(frozen=True)
class MaskRCNNSettings(FasterRCNNSettings):
    """The numbers of `FasterRCNNSettings`, and those of the mask head and the joint head.

    Raises:
        ValueError: neither masks nor joints, or an image size below one pixel.

    Source: He et al., Mask R-CNN, 2017, section 3 and, for joints, section 5.

    >>> MaskRCNNSettings(masks=False, joint_names=("neck", "head top")).keypoint_channels[:2]
    (512, 512)
    """

    # 9 to 11. Masks: features of a region, convolutions, and which rule pastes.
    masks: bool = True
    mask_pooled_size: int = 14
    mask_channels: tuple[int, ...] = (256, 256, 256, 256)
    mask_predictor_channels: int = 256
    expanded_pasting: bool = False  # torchvision's rule; see `minicv.vision.mask_pasting`

    # 12 to 14. Joints: their names, none for a model without; the classes that have joints, () for
    # all of them; and the convolutions.
    joint_names: tuple[str, ...] = ()
    joint_classes: tuple[str, ...] = ()
    keypoint_pooled_size: int = 14
    keypoint_channels: tuple[int, ...] = (512,) * 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.masks and not self.joint_names:
            raise ValueError(
                "MaskRCNNSettings: masks=False and joint_names=(); expected masks, joints, or both "
                "(boxes alone are what FasterRCNN finds)"
            )


class MaskRCNN(FasterRCNN):
    """Faster R-CNN with a mask for each detection, the joints of its body, or both.

    Args:
        backbone, classes, rng: see `FasterRCNN`.
        settings: sizes, thresholds, counts; ``masks`` and ``joint_names`` say what it predicts.

    Raises:
        ValueError: see `FasterRCNN`.

    >>> from minicv.models.backbones import FPN, SmallBackbone
    >>> rng = np.random.default_rng(0)
    >>> settings = MaskRCNNSettings(
    ...     min_size=64, max_size=64, anchor_sizes=(16.0, 32.0), rpn_channels=8, head_units=8,
    ...     mask_channels=(8,), mask_predictor_channels=8, joint_names=("neck", "head top"),
    ...     keypoint_channels=(8,))
    >>> backbone = FPN(SmallBackbone(4, rng=rng), 8, rng=rng)
    >>> model = MaskRCNN(backbone, ("cow", "person"), settings, rng=rng)
    >>> image = rng.random((3, 64, 48), dtype="float32")
    >>> target = {"boxes": np.array([[4.0, 4.0, 36.0, 40.0]], "float32"), "labels": np.array([1]),
    ...           "masks": np.ones((1, 64, 48), bool),
    ...           "keypoints": np.array([[[20.0, 9.0, 1.0], [20.0, 5.0, 1.0]]])}
    >>> sorted(model.loss([image], [target]))
    ['loss_box_reg', 'loss_classifier', 'loss_keypoint', 'loss_mask', 'loss_objectness',
     'loss_rpn_box_reg']
    >>> sorted(model.predict([image])[0])
    ['boxes', 'keypoint_scores', 'keypoints', 'labels', 'masks', 'scores']
    >>> [stage.name for stage in model.stages(image)][-4:]
    ['detections', 'mask_probabilities', 'heatmaps', 'instances']
    """

    settings: MaskRCNNSettings

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        settings: MaskRCNNSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        s = settings or MaskRCNNSettings()
        super().__init__(backbone, classes, s, rng=rng)
        channels = backbone.out_channels[0]
        if s.masks:
            self.mask_head = MaskHead(channels, s.mask_channels, rng=rng)
            self.mask_predictor = MaskPredictor(
                s.mask_channels[-1], s.mask_predictor_channels, len(self.classes), rng=rng
            )
        if s.joint_names:
            jointed = s.joint_classes or self.classes
            self._has_joints = np.array([name in jointed for name in self.classes])
            self.keypoint_head = KeypointHead(channels, s.keypoint_channels, rng=rng)
            self.keypoint_predictor = KeypointPredictor(
                s.keypoint_channels[-1], len(s.joint_names), rng=rng
            )

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The losses of `FasterRCNN`, "loss_mask" and "loss_keypoint", by name.

        Args:
            images, rng: see `FasterRCNN.loss`.
            targets: as there, and for each image ``"masks"`` (G, H, W) and ``"keypoints"``
                (G, J, 3), as far as the model predicts them. A joint that is not visible is not
                learnt, nor are the joints of an object without any.

        Raises:
            ValueError: see `FasterRCNN.loss`; no masks or keypoints, or another number of joints.

        Source: He et al. 2017, section 3: the mask loss knows the true class only.
        """
        self._check_labels(targets)
        losses, batch, features, sampled = self.learn_from_batch(images, targets, rng)
        boxes = [own.boxes[: len(own.deltas)] for own in sampled]  # those that hold an object
        if self.settings.masks:
            logits = self._stage10_mask_head(self._stage9_pool(features, boxes))
            losses["loss_mask"] = self._mask_loss(logits, batch, targets, sampled)
        if self.settings.joint_names:
            logits = self._stage13_joint_head(self._stage12_pool(features, boxes))
            losses["loss_keypoint"] = self._keypoint_loss(logits, batch, targets, sampled)
        return losses

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """Detections of each image, best first; see `FasterRCNN.run`.

        Returns:
            as there, and ``"masks"`` (D, H, W) bool in the pixels of the image given;
            ``"keypoints"`` (D, J, 3) as x, y, 1, with ``"keypoint_scores"`` (D, J), the logits of
            the joints' places. Both are 0 for a class without joints.
        """
        batch, features, found = self.detect_in_batch(images, record)  # 1 to 8
        results = [in_image(batch, index, own) for index, own in enumerate(found)]
        record_detections(record, batch.images[0], results[0], found[0].regions)
        if self.settings.masks:
            logits = self._stage10_mask_head(self._stage9_pool(features, _boxes(found)))
            self._stage11_paste(logits, batch, found, results, record)
        if self.settings.joint_names:
            logits = self._stage13_joint_head(self._stage12_pool(features, _boxes(found)))
            self._stage14_joints(logits, batch, found, results, record)
        count = len(results[0]["boxes"])
        record(
            "instances",
            f"Instances\n{count:,} objects",
            "instances",
            lambda: {"image": batch.images[0], **results[0]},
        )
        return results

    def _stage9_pool(self, features: Sequence[Tensor], boxes: Sequence[Array]) -> Tensor:
        return self.pool(features, boxes, self.settings.mask_pooled_size)  # -> (D, C, 14, 14)

    def _stage10_mask_head(self, region_features: Tensor) -> Tensor:
        hidden = self.mask_head(region_features)  # (D, C, 14, 14) -> (D, C', 14, 14)
        return self.mask_predictor(hidden)  # -> (D, K+1, 28, 28) logits

    def _stage11_paste(
        self,
        logits: Tensor,
        batch: ImageBatch,
        found: Sequence[Found],
        results: Sequence[Result],
        record: StageRecorder,
    ) -> None:
        """Add the "masks" of each image to its result."""
        xp = xp_of(logits.data)
        labels = xp.concatenate([own.labels for own in found])  # (D,)
        chosen = logits.data[xp.arange(len(labels)), labels + 1]  # (D, K+1, M, M) -> (D, M, M)
        chosen = widened(chosen)
        probabilities = to_numpy(1 / (1 + xp.exp(-xp.clip(chosen, -50, 50))))
        paste = paste_masks_expanded if self.settings.expanded_pasting else paste_masks
        for own, image, result in zip(
            _split(probabilities, found), batch.images, results, strict=True
        ):
            result["masks"] = paste(own, result["boxes"], *image.shape[1:])  # -> (D, H, W)
        size = probabilities.shape[-1]
        record(
            "mask_probabilities",
            f"Mask head\n{size} × {size} cells for each detection, whatever its size",
            "mask probabilities",
            lambda: {
                **{name: results[0][name] for name in ("boxes", "labels", "scores")},
                "mask_probabilities": probabilities[: len(results[0]["boxes"])],
            },
        )

    def _stage12_pool(self, features: Sequence[Tensor], boxes: Sequence[Array]) -> Tensor:
        return self.pool(features, boxes, self.settings.keypoint_pooled_size)  # -> (D, C, 14, 14)

    def _stage13_joint_head(self, region_features: Tensor) -> Tensor:
        hidden = self.keypoint_head(region_features)  # (D, C, 14, 14) -> (D, C', 14, 14)
        return self.keypoint_predictor(hidden)  # -> (D, J, 56, 56) logits

    def _stage14_joints(
        self,
        logits: Tensor,
        batch: ImageBatch,
        found: Sequence[Found],
        results: Sequence[Result],
        record: StageRecorder,
    ) -> None:
        """Add the "keypoints" and "keypoint_scores" of each image to its result."""
        of_images = _split(widened(to_numpy(logits.data)), found)  # (D, J, M, M) of each image
        for index, (own, there, result) in enumerate(zip(of_images, found, results, strict=True)):
            keypoints, scores = heatmaps_to_keypoints(own, to_numpy(there.boxes))
            scale_y, scale_x = batch.scale(index)
            keypoints = scale_keypoints(keypoints, 1 / scale_x, 1 / scale_y)
            jointed = self._has_joints[result["labels"]]  # (D,)
            result["keypoints"] = np.where(jointed[:, None, None], keypoints, 0)
            result["keypoint_scores"] = np.where(jointed[:, None], scores, 0)
        record(
            "heatmaps",
            f"Joint head\nfor each of {logits.shape[1]} joints where it may be",
            "heat maps",
            lambda: {
                "boxes": results[0]["boxes"],
                "heatmaps": _softmax_over_positions(of_images[0]),
                "joint_names": np.array(self.settings.joint_names),
            },
        )

    def _mask_loss(
        self,
        logits: Tensor,
        batch: ImageBatch,
        targets: Sequence[Target],
        sampled: Sequence[RegionTargets],
    ) -> Tensor:
        xp = xp_of(logits.data)
        truths, classes = [], []
        for target, regions, size in zip(targets, sampled, batch.sizes, strict=True):
            count = len(regions.deltas)
            held, which = np.unique(to_numpy(regions.matched), return_inverse=True)
            masks = resize_masks(np.asarray(target["masks"])[held], *size)
            boxes = regions.boxes[:count]
            cells = logits.shape[-1]
            aligned = self.settings.aligned
            truths.append(mask_targets(masks, which, boxes, cells, aligned=aligned))
            classes.append(regions.labels[:count])
        return mask_loss(logits, xp.concatenate(truths), xp.concatenate(classes))

    def _keypoint_loss(
        self,
        logits: Tensor,
        batch: ImageBatch,
        targets: Sequence[Target],
        sampled: Sequence[RegionTargets],
    ) -> Tensor:
        xp = xp_of(logits.data)
        positions: list[Array] = []
        valid: list[Array] = []
        for index, (target, regions) in enumerate(zip(targets, sampled, strict=True)):
            keypoints = np.asarray(target["keypoints"])[to_numpy(regions.matched)]
            scale_y, scale_x = batch.scale(index)
            keypoints = scale_keypoints(keypoints, scale_x, scale_y)  # (P, J, 3)
            boxes = to_numpy(regions.boxes[: len(regions.deltas)])
            cells, learnt = joint_positions(keypoints, boxes, logits.shape[-1])
            positions.append(xp.asarray(cells))
            valid.append(xp.asarray(learnt))
        return keypoint_loss(logits, xp.concatenate(positions), xp.concatenate(valid))

    def _check_labels(self, targets: Sequence[Target]) -> None:
        """Refuse targets that lack what the heads learn from."""
        s = self.settings
        fields = ["masks"] * s.masks + ["keypoints"] * bool(s.joint_names)
        for index, target in enumerate(targets):
            name = f"image {target.get('image_id', index)!r}"
            for field in fields:
                if field not in target:
                    raise ValueError(
                        f"{name}: the target has no {field}, which MaskRCNN learns from; it has "
                        f"{', '.join(sorted(target))}"
                    )
            if s.joint_names and np.shape(target["keypoints"])[1:] != (len(s.joint_names), 3):
                raise ValueError(
                    f"{name}: keypoints has shape {np.shape(target['keypoints'])}; expected "
                    f"(G, {len(s.joint_names)}, 3), x, y and visible of each of the model's joints"
                )


def _boxes(found: Sequence[Found]) -> list[Array]:
    return [own.boxes for own in found]


def _split(array: np.ndarray, found: Sequence[Found]) -> list[np.ndarray]:
    """The part of each image, of an array over the detections of all images."""
    ends = list(itertools.accumulate(len(own.boxes) for own in found))
    return np.split(array, ends[:-1])


def _softmax_over_positions(logits: np.ndarray) -> np.ndarray:
    """(D, J, M, M) logits -> probabilities that sum to 1 over the M · M positions of each joint."""
    powers = np.exp(logits - logits.max(axis=(2, 3), keepdims=True, initial=-np.inf))
    return powers / powers.sum(axis=(2, 3), keepdims=True)
