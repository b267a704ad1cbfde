"""Classification with localisation: what is the one object of an image, and where is it?

    1. input      image             -> stretched to a square, normalised      (N, 3, S, S)
    2. features   pixels            -> backbone                               (N, C, s, s)
    3. units      features          -> pooled to a fixed grid, two layers     (N, units)
    4. outputs    units             -> class scores and boxes                 (N, K), (N, B, 4)
    5. object     scores, boxes     -> the five best classes, each with a box in the image's pixels

A box is four fractions of the image, as many numbers as a regression needs. Training adds two
losses, softmax for the class and L2 for the box:

    loss = softmax cross entropy + box_weight · mean of (predicted - true)²

The errors of a box are fractions; their squares are small beside a cross entropy. With a small
weight the network learns to name things and hardly where they are; with a large one it draws good
boxes with the wrong names on them.

Three choices are open, and each has a setting:

- One box for all classes (B = 1), or one for each (B = K), of which training moves only that of the
  true class: ``box_of``.
- The box is read off the units that the class is read off, or has two layers of its own upon the
  feature map: ``box_head``. The units of a classifier need not say where a thing is.
- Both losses at once (`loss`), or the class first (`class_loss`), and then the box head alone on
  the network as it is (`box_loss`), as first published.

The number of outputs is fixed, and with it the number of objects: one. If an image has several
objects, the same four numbers should be several boxes. L2 is least at the mean of these boxes,
which lies on none of the objects. Detectors by regions solve this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, descending, to_numpy, xp_of
from minicv.data import check_targets
from minicv.inspection.stage import StageRecorder, record_features, record_input
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.region_targets import learnable_objects
from minicv.models.detection.roi_heads import TwoLayerHead
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import denormalised, normalised_batch, resize_image
from minicv.nn import Linear, Module, evaluating
from minicv.vision.boxes import clip_boxes_to_image, scale_boxes

CANDIDATES = 5  # classes of a result at most, as many as the top-5 error looks at

BoxOf = Literal["any", "class"]
BoxHead = Literal["shared", "own"]


@dataclass(frozen=True)
class SingleObjectSettings:
    """Sizes of a `SingleObjectDetector`, how its box is made, and the weight of the box's loss.

    Raises:
        ValueError: a size below 1, or a choice that is none.

    >>> SingleObjectSettings(size=64).pooled_size
    7
    """

    size: int = 224  # 1. side of the square, pixels
    pooled_size: int = 7  # 3. rows and columns that are left of each map
    units: int = 1024  # of each fully connected layer
    dropout: float = 0.5
    # Errors of the box are fractions of the image; their squares are small beside a softmax loss.
    box_weight: float = 10.0
    box_of: BoxOf = "any"  # one box for whatever class, or one for each class
    box_head: BoxHead = "shared"  # a layer upon the units of the class, or two layers of its own
    # A class is the same wherever its object is: with an own box head, the class may do with fewer
    # rows and columns. None is as many as for the box.
    class_pooled_size: int | None = None

    def __post_init__(self) -> None:
        if min(self.size, self.pooled_size, self.units, self.cells_of_class) < 1:
            raise ValueError(
                f"SingleObjectSettings: size={self.size}, pooled_size={self.pooled_size}, "
                f"class_pooled_size={self.class_pooled_size}, units={self.units}; expected at "
                "least 1 each"
            )
        for name, choices in (("box_of", get_args(BoxOf)), ("box_head", get_args(BoxHead))):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"SingleObjectSettings: {name}={getattr(self, name)!r}; expected "
                    f"{' or '.join(map(repr, choices))}"
                )

    @property
    def cells_of_class(self) -> int:
        """Rows and columns that the class is read off."""
        if self.class_pooled_size is None or self.box_head == "shared":
            return self.pooled_size
        return self.class_pooled_size


class _Truth(NamedTuple):
    """The G objects of a batch, of all images together.

    Attributes:
        labels: (G,), 0..K-1.
        fractions: (G, 4), boxes as fractions of their images.
        image_of: (G,), the number of the image of each.
    """

    labels: Array
    fractions: Array
    image_of: Array


class SingleObjectDetector(Model):
    """The class and the box of one object in every image; it cannot find two objects, or none.

    Args:
        backbone: pixels to features; brings its normalisation.
        classes: the K names; label k means ``classes[k]``.
        settings: sizes, and how the box is made.
        rng: draws the initial weights, and what dropout drops.

    Source: Sermanet et al., OverFeat, 2014, section 4: a box head trained on the classifier's
    features, of any class or of each (the former was better there); Szegedy et al., Deep neural
    networks for object detection, 2013, for the regression by L2.

    >>> from minicv.models.backbones import SmallBackbone
    >>> rng = np.random.default_rng(0)
    >>> settings = SingleObjectSettings(size=32, pooled_size=2, units=8)
    >>> model = SingleObjectDetector(SmallBackbone(4, rng=rng), ("cow", "duck"), settings, rng=rng)
    >>> found = model.predict([rng.random((3, 30, 40), dtype="float32")])[0]
    >>> found["boxes"].shape, found["labels"].shape
    ((2, 4), (2,))
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
        channels = backbone.out_channels[0]
        inputs = channels * s.cells_of_class**2
        self.hidden = TwoLayerHead(inputs, s.units, dropout=s.dropout, rng=rng)
        self.class_scores = Linear(s.units, len(self.classes), rng=rng)
        if s.box_head == "own":
            inputs = channels * s.pooled_size**2
            self.box_hidden = TwoLayerHead(inputs, s.units, dropout=s.dropout, rng=rng)
        boxes = len(self.classes) if s.box_of == "class" else 1
        self.box = Linear(s.units, 4 * boxes, rng=rng)
        # The first box is in the middle of the image, half as wide and half as high.
        middle = np.tile(np.array([0.25, 0.25, 0.75, 0.75], np.float32), boxes)
        self.box.load_state_dict({"weight": self.box.weight.data, "bias": middle})

    @property
    def box_parts(self) -> list[Module]:
        """The layers that make the box and nothing else."""
        return [self.box_hidden, self.box] if self.settings.box_head == "own" else [self.box]

    @property
    def class_parts(self) -> list[Module]:
        """The layers that make the class scores: the network without `box_parts`."""
        return [self.backbone, self.hidden, self.class_scores]

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """Softmax cross entropy and L2, each the mean over all objects of all images.

        A target has "label" and "box" (4,), or the "labels" (G,) and "boxes" (G, 4) of several
        objects, as a detector's has. All of them are compared with the same outputs. Without
        objects both losses are 0.

        Args:
            images: each (3, H, W), RGB float in 0..1; sizes may differ.
            targets: of each image; boxes in its pixels. Objects marked "difficult" or "iscrowd"
                are left out.
            rng: not used, nothing is drawn.

        Raises:
            ValueError: a box or label that cannot be learnt from; names the image and the field.
        """
        images = self.checked(images, "loss", targets)
        truth = self._truth(images, targets)
        features = self._features(images, StageRecorder(keep=False))
        units = self._units(features)
        return {
            "loss_classifier": self._class_loss(units, truth),
            "loss_box_reg": self._box_loss(self._boxes(features, units), truth),
        }

    def class_loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The first loss of `loss` alone: that of a classifier, of which `class_parts` learn."""
        images = self.checked(images, "class_loss", targets)
        truth = self._truth(images, targets)
        units = self._units(self._features(images, StageRecorder(keep=False)))
        return {"loss_classifier": self._class_loss(units, truth)}

    def box_loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The second loss of `loss` alone, on the network as it is: only `box_parts` learn.

        No gradient reaches the features, no batch statistic moves, and nothing of the units that
        are shared is dropped.

        Source: Sermanet et al., OverFeat, 2014, section 4.2.
        """
        images = self.checked(images, "box_loss", targets)
        truth = self._truth(images, targets)
        with no_grad(), evaluating(self.backbone), evaluating(self.hidden):
            features = self._features(images, StageRecorder(keep=False))
            own = self.settings.box_head == "own"
            units = features if own else self._units(features)
        return {"loss_box_reg": self._box_loss(self._boxes(features, units), truth)}

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """The five best classes of each image, each with a box.

        Returns:
            for each image, of D = min(5, K) candidates, the best first:

            - ``"boxes"`` (D, 4) float32, x1, y1, x2, y2 in its pixels, cut off at its edge: of
              each class, or D times the same where one box is for any class. Opposite corners may
              come in either order from a regression; they are put right. A box that lies outside
              of the image has no area.
            - ``"labels"`` (D,) int64, 0..K-1
            - ``"scores"`` (D,), probabilities
        """
        scores, boxes_of = self.heads(self._features(images, record))
        probabilities, boxes = to_numpy(F.softmax(scores, dim=1).data), to_numpy(boxes_of.data)
        record(
            "class_scores",
            f"Class scores\n{len(self.classes)} classes, together 1",
            "class scores",
            lambda: {"class_scores": probabilities[0]},
        )
        found = [
            self._stage5_object(row, own, image.shape[1:])
            for row, own, image in zip(probabilities, boxes, images, strict=True)
        ]
        record(
            "detections",
            f"Class and box\nthe best {len(found[0]['labels'])} of {len(self.classes)} classes",
            "detections",
            lambda: {"image": images[0], **found[0]},
        )
        return found

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Stages 3 and 4: (N, C, s, s) -> (N, K) logits and (N, B, 4) fractions."""
        units = self._units(features)
        return self.class_scores(units), self._boxes(features, units)

    def _features(self, images: Sequence[np.ndarray], record: StageRecorder) -> Tensor:
        """Stages 1 and 2: (N, C, s, s)."""
        pixels = self._stage1_input(images)
        mean, std = self.backbone.mean, self.backbone.std
        record_input(record, pixels.shape[2:], lambda: denormalised(pixels[0], mean, std))
        features = self._stage2_features(pixels)
        record_features(record, features.data[0], self.backbone.strides[0])
        return features

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

    def _units(self, features: Tensor) -> Tensor:
        """Stage 3, of the class: (N, C, s, s) -> (N, units)."""
        return self.hidden(F.adaptive_max_pool2d(features, self.settings.cells_of_class))

    def _boxes(self, features: Tensor, units: Tensor) -> Tensor:
        """Of stage 4 the boxes: (N, B, 4) fractions."""
        if self.settings.box_head == "own":
            units = self.box_hidden(F.adaptive_max_pool2d(features, self.settings.pooled_size))
        numbers = self.box(units)  # (N, units) -> (N, 4B)
        return numbers.reshape(numbers.shape[0], numbers.shape[1] // 4, 4)

    def _stage5_object(
        self, probabilities: np.ndarray, fractions: np.ndarray, size: tuple[int, ...]
    ) -> Result:
        """(K,) and (B, 4) fractions of an image of (height, width) -> D candidates."""
        height, width = size
        labels = descending(probabilities)[:CANDIDATES].astype(np.int64)  # (D,)
        chosen = fractions[labels] if len(fractions) > 1 else fractions[[0] * len(labels)]
        first, second = chosen[:, :2], chosen[:, 2:]
        ordered = np.concatenate([np.minimum(first, second), np.maximum(first, second)], axis=1)
        boxes = clip_boxes_to_image(scale_boxes(ordered, width, height), (height, width))
        return {"boxes": boxes, "labels": labels, "scores": probabilities[labels]}

    # What training compares

    def _truth(self, images: Sequence[np.ndarray], targets: Sequence[Target]) -> _Truth:
        targets = [as_objects(target, index) for index, target in enumerate(targets)]
        check_targets(images, targets, len(self.classes))
        objects = [learnable_objects(target) for target in targets]
        fractions = [
            scale_boxes(own.boxes, 1 / image.shape[2], 1 / image.shape[1])
            for image, own in zip(images, objects, strict=True)
        ]
        counts = [len(own.labels) for own in objects]
        xp = xp_of(self.box.weight.data)
        return _Truth(
            labels=xp.asarray(np.concatenate([own.labels for own in objects])),
            fractions=xp.asarray(np.concatenate(fractions)),
            image_of=xp.asarray(np.repeat(np.arange(len(images)), counts)),
        )

    def _class_loss(self, units: Tensor, truth: _Truth) -> Tensor:
        scores = self.class_scores(units)  # (N, K)
        return F.softmax_cross_entropy(scores[truth.image_of], truth.labels)  # of (G, K)

    def _box_loss(self, boxes: Tensor, truth: _Truth) -> Tensor:
        row = truth.labels if boxes.shape[1] > 1 else truth.labels * 0
        right = boxes[truth.image_of, row]  # (N, B, 4) -> (G, 4)
        return self.settings.box_weight * F.l2_loss(right, truth.fractions)


def as_objects(target: Target, index: int = 0) -> Target:
    """A target of one object, its "label" and "box", in the form of several.

    A target without "box" comes back as it is.

    Args:
        target: of an image.
        index: names an image without "image_id" in the message.

    Raises:
        ValueError: there is a box and no label.

    >>> as_objects({"label": 2, "box": np.array([1.0, 2.0, 5.0, 6.0]), "image_id": "a.jpg"})
    {'image_id': 'a.jpg', 'labels': array([2]), 'boxes': array([[1., 2., 5., 6.]])}
    """
    if "box" not in target:
        return target
    if "label" not in target:
        raise ValueError(
            f"image {target.get('image_id', index)!r}: the target has a box but no label; expected "
            "both, or the boxes and labels of several objects"
        )
    named = {"image_id": target["image_id"]} if "image_id" in target else {}
    box, label = np.asarray(target["box"]), np.asarray(target["label"])
    return {**named, "labels": label[None], "boxes": box[None]}
