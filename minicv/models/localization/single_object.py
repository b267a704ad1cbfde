"""Detection as regression: four numbers for the box, K for the class, for one object an image.

    1. input      image             -> stretched to a square, normalised      (N, 3, S, S)
    2. features   pixels            -> backbone, pooled to a fixed grid       (N, C, p, p)
    3. units      features          -> two fully connected layers             (N, units)
    4. outputs    units             -> class scores and a box                 (N, K), (N, 4)
    5. box        four fractions    -> a box in the pixels of the image       (N, 4)

Training adds two losses: softmax for the class, L2 for the box. The number of outputs is fixed, and
with it the number of objects: one. If an image has several objects, the same four numbers should
be several boxes. L2 is least at the mean of these boxes, which lies on none of the objects.
Detectors by regions solve this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import to_numpy, xp_of
from minicv.data import check_targets
from minicv.inspection.stage import StageRecorder, record_features, record_input
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.region_stages import record_detections
from minicv.models.detection.roi_heads import TwoLayerHead, learnable_objects
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import denormalised, normalised_batch, resize_image
from minicv.nn import Linear
from minicv.vision.boxes import clip_boxes_to_image, remove_small_boxes, scale_boxes


@dataclass(frozen=True)
class SingleObjectSettings:
    """Sizes of a `SingleObjectDetector`, and the weight of its box loss.

    >>> SingleObjectSettings(size=64).pooled_size
    7
    """

    size: int = 224  # 1. side of the square, pixels
    pooled_size: int = 7  # 2. rows and columns that are left of each map
    units: int = 1024  # 3. of each fully connected layer
    dropout: float = 0.5
    # Errors of the box are fractions of the image; their squares are small beside a softmax loss.
    box_weight: float = 10.0


class SingleObjectDetector(Model):
    """The class and the box of one object in every image; it cannot find two objects, or none.

    Args:
        backbone: pixels to features; brings its normalisation.
        classes: the K names; label k means ``classes[k]``.
        settings: sizes.
        rng: draws the initial weights, and what dropout drops.

    Source: classification with localisation, as in Sermanet et al., OverFeat, 2014, section 4,
    and Szegedy et al., Deep neural networks for object detection, 2013, for the regression by L2.

    >>> from minicv.models.backbones import SmallBackbone
    >>> rng = np.random.default_rng(0)
    >>> settings = SingleObjectSettings(size=32, pooled_size=2, units=8)
    >>> model = SingleObjectDetector(SmallBackbone(4, rng=rng), ("cow", "duck"), settings, rng=rng)
    >>> found = model.predict([rng.random((3, 30, 40), dtype="float32")])[0]
    >>> found["boxes"].shape, found["labels"].shape
    ((1, 4), (1,))
    """

    settings: SingleObjectSettings

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        settings: SingleObjectSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        s = settings or SingleObjectSettings()
        self.settings = s
        self.classes = tuple(classes)
        self.backbone = backbone
        inputs = backbone.out_channels[0] * s.pooled_size**2
        self.hidden = TwoLayerHead(inputs, s.units, dropout=s.dropout, rng=rng)
        self.class_scores = Linear(s.units, len(self.classes), rng=rng)
        self.box = Linear(s.units, 4, rng=rng)
        # The first box is in the middle of the image, half as wide and half as high.
        middle = np.array([0.25, 0.25, 0.75, 0.75], np.float32)
        self.box.load_state_dict({"weight": self.box.weight.data, "bias": middle})

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """Softmax cross entropy and L2, each the mean over all objects of all images.

        All objects of an image are compared with the same outputs. Without objects both losses are
        0.

        Args:
            images, targets: see `FasterRCNN.loss`.
            rng: not used, nothing is drawn.

        Raises:
            ValueError: a box or label that cannot be learnt from; names the image and the field.
        """
        images = self.checked(images, "loss", targets)
        check_targets(images, targets, len(self.classes))
        objects = [learnable_objects(target) for target in targets]
        counts = [len(own.labels) for own in objects]
        labels = np.concatenate([own.labels for own in objects])  # (G,)
        fractions = np.concatenate(
            [
                scale_boxes(own.boxes, 1 / image.shape[2], 1 / image.shape[1])
                for image, own in zip(images, objects, strict=True)
            ]
        )  # (G, 4)
        scores, boxes = self._head(images, StageRecorder(keep=False))
        xp = xp_of(boxes.data)
        image_of = xp.asarray(np.repeat(np.arange(len(images)), counts))  # (G,)
        loss_classifier = F.softmax_cross_entropy(scores[image_of], xp.asarray(labels))
        loss_box = F.l2_loss(boxes[image_of], xp.asarray(fractions))
        return {
            "loss_classifier": loss_classifier,
            "loss_box_reg": self.settings.box_weight * loss_box,
        }

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """The one object of each image; none where the four numbers make no box with an area.

        Returns:
            dictionaries as of `FasterRCNN.run`, with one row or none.
        """
        scores, boxes = self._head(images, record)
        probabilities = to_numpy(F.softmax(scores, dim=1).data)
        record(
            "class_scores",
            f"Class scores\n{len(self.classes)} classes, together 1",
            "class scores",
            lambda: {"class_scores": probabilities[0]},
        )
        found = [
            self._stage5_box(row, box, image.shape[1:])
            for row, box, image in zip(probabilities, to_numpy(boxes.data), images, strict=True)
        ]
        record_detections(record, images[0], found[0])
        return found

    def _head(self, images: Sequence[np.ndarray], record: StageRecorder) -> tuple[Tensor, Tensor]:
        """Stages 1 to 4: (N, K) logits and (N, 4) fractions."""
        pixels = self._stage1_input(images)
        mean, std = self.backbone.mean, self.backbone.std
        record_input(record, pixels.shape[2:], lambda: denormalised(pixels[0], mean, std))
        features = self._stage2_features(pixels)
        record_features(record, features.data[0], self.backbone.strides[0])
        pooled = F.adaptive_max_pool2d(features, self.settings.pooled_size)  # -> (N, C, p, p)
        units = self.hidden(pooled)  # 3: (N, C, p, p) -> (N, units)
        return self.class_scores(units), self.box(units)  # 4

    def _stage1_input(self, images: Sequence[np.ndarray]) -> np.ndarray:
        if len(images) == 0:
            raise ValueError("SingleObjectDetector: expected at least one image but got none")
        size = self.settings.size
        squares = [resize_image(image, size, size) for image in images]
        return normalised_batch(squares, self.backbone.mean, self.backbone.std)  # (N, 3, S, S)

    def _stage2_features(self, pixels: np.ndarray) -> Tensor:
        xp = xp_of(self.box.weight.data)  # the pixels go where the weights are
        (features,) = self.backbone(Tensor(xp.asarray(pixels)))
        return features  # (N, 3, S, S) -> (N, C, s, s)

    def _stage5_box(
        self, probabilities: np.ndarray, fractions: np.ndarray, size: tuple[int, ...]
    ) -> Result:
        height, width = size
        box = scale_boxes(fractions[None], width, height)  # (1, 4)
        box = clip_boxes_to_image(box, (height, width))
        kept = remove_small_boxes(box, 0)
        label = probabilities[None].argmax(axis=1)  # (1,)
        return {
            "boxes": box[kept],
            "labels": label[kept].astype(np.int64),
            "scores": probabilities[label][kept],
        }
