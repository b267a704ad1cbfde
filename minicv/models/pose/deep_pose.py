"""DeepPose: joints as numbers, first from the whole person, then from a closer look at each joint.

    1. input     a person's picture      -> stretched to a square, normalised   (N, 3, S, S)
    2. joints    pixels                  -> backbone, a head, 2 J numbers       (N, J, 2)
    3. crops     around each joint       -> a square of σ torso diameters       (N J, 3, C, C)
    4. closer    crops                   -> another network: where in its crop the joint is
    3. and 4. again, around the places that 4. gave, with a third network: a cascade

Stage 1 sees the whole body at a low resolution, and gives all joints at once: x and y as fractions
of the picture, whose middle is 0. Stage 2 sees the pixels around each joint as they are, and
corrects its place; stage 3 corrects that. All losses are L2 on the normalised numbers, over the
joints that are annotated.

What a later stage learns from is simulated: the true joint moved by a displacement that is drawn
from the normal distribution of the errors of the stage before. So an image teaches it many times.

Unlike in the paper, which trains a network for each joint, one network serves all joints of a
stage. It gives 2 J numbers, and of a crop around joint j those of j are taken: J times fewer
weights, and the joints share what they learn. And a stage's backbone begins with what the backbone
of stage 1 has learnt.

Source: Toshev & Szegedy, DeepPose: human pose estimation via deep neural networks, 2014.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import to_numpy, xp_of
from minicv.inspection.stage import StageRecorder, record_features, record_input
from minicv.models.backbones.backbone import Backbone
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import denormalised, normalised_batch, resize_image
from minicv.models.pose.displacements import (
    ErrorsOfJoints,
    boxes_around,
    in_pixels,
    normalised,
    torso_diameter,
)
from minicv.models.pose.heads import FullyConnectedHead, IntegralHead
from minicv.models.pose.targets import check_joints_of, pictures_of_people
from minicv.nn import Buffer, Module, ModuleList
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS

MOST_STAGES = 8
Head = Literal["fully_connected", "integral"]
PoseHead = FullyConnectedHead | IntegralHead


@dataclass(frozen=True)
class DeepPoseSettings:
    """Sizes of a `DeepPose`.

    Raises:
        ValueError: less than one stage or more than 8, a crop without size, or no joints.

    >>> DeepPoseSettings(stages=2).warp_size
    64
    """

    stages: int = 3
    size: int = 224  # 1. side of the square, pixels
    pose_head: Head = "fully_connected"  # 2. and 4. the paper's, or by heat maps; see `heads`
    pooled_size: int = 7  # 2. rows and columns that are left of the backbone's map; fully connected
    units: int = 1024  # 2. of each fully connected layer, or channels before the heat maps
    dropout: float = 0.0
    sigma: float = 1.0  # 3. side of a crop, in diameters of the torso
    warp_size: int = 64  # 3. side that a crop is brought to, pixels
    crop_pooled_size: int = 4  # 4. as pooled_size
    crop_units: int = 256  # 4. as units
    crops: int = 28  # 4. of an image in a step of training, spread over its joints: here 2 each
    joint_names: tuple[str, ...] = LEEDS_SPORTS_JOINTS

    def __post_init__(self) -> None:
        object.__setattr__(self, "joint_names", tuple(self.joint_names))
        if not 1 <= self.stages <= MOST_STAGES:
            raise ValueError(
                f"DeepPoseSettings: stages={self.stages}; expected from 1 to {MOST_STAGES}"
            )
        if not 0 < self.sigma < 100:
            raise ValueError(
                f"DeepPoseSettings: sigma={self.sigma}; expected the side of a crop in diameters "
                "of the torso, such as 1"
            )
        if self.pose_head not in get_args(Head):
            raise ValueError(
                f"DeepPoseSettings: pose_head={self.pose_head!r}; expected "
                f"{' or '.join(map(repr, get_args(Head)))}"
            )
        if not self.joint_names:
            raise ValueError("DeepPoseSettings: joint_names is empty; expected a name for each")


class Regressor(Module):
    """The network of a stage: pixels (N, 3, S, S) to places (N, J, 2).

    Args:
        backbone: its last map is taken.
        head: from that map to the places.
    """

    def __init__(self, backbone: Backbone, head: PoseHead) -> None:
        self.backbone = backbone
        self.head = head

    def forward(self, pixels: Tensor) -> Tensor:
        return self.head(self.backbone(pixels)[-1])


class DeepPose(Model):
    """The joints of the one person whom a picture shows; each is found, also one that is hidden.

    Args:
        backbone: pixels to features; brings its normalisation. Each later stage has a copy.
        classes: one name, such as ("person",).
        settings: sizes, and the names of the joints.
        rng: draws the initial weights, and what dropout drops.

    Attributes:
        begun: how many stages have begun to learn; `predict` runs these.
        errors: of each stage but the last, how it erred when the next one began.

    Raises:
        ValueError: more than one class.

    >>> from minicv.models.backbones import SmallBackbone
    >>> rng = np.random.default_rng(0)
    >>> settings = DeepPoseSettings(size=32, pooled_size=2, units=8, warp_size=16, crop_units=8)
    >>> model = DeepPose(SmallBackbone(4, rng=rng), ("person",), settings, rng=rng)
    >>> found = model.predict([rng.random((3, 60, 40), dtype="float32")])[0]
    >>> found["joints"].shape, found["joints by stage"].shape
    ((14, 2), (1, 14, 2))
    """

    settings: DeepPoseSettings

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str] = ("person",),
        settings: DeepPoseSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        s = settings or DeepPoseSettings()
        self.settings = s
        self.classes = tuple(classes)
        if len(self.classes) != 1:
            raise ValueError(
                f"DeepPose: classes is {self.classes}; expected one, for a picture shows one person"
            )
        joints = len(s.joint_names)
        self.backbone = backbone
        self.head = self._new_head(s.pooled_size, s.units, deviation=0.001, rng=rng)
        self.closer = ModuleList(
            Regressor(
                copy.deepcopy(backbone),
                # Which changes nothing before it has learnt.
                self._new_head(s.crop_pooled_size, s.crop_units, deviation=0.0, rng=rng),
            )
            for _ in range(s.stages - 1)
        )
        self._begun = Buffer(np.ones((), np.int64))
        self._error_mean = Buffer(np.zeros((s.stages - 1, joints, 2), np.float32))
        self._error_covariance = Buffer(np.zeros((s.stages - 1, joints, 2, 2), np.float32))

    def _new_head(
        self, pooled_size: int, units: int, *, deviation: float, rng: np.random.Generator
    ) -> PoseHead:
        channels, joints = self.backbone.out_channels[-1], len(self.settings.joint_names)
        if self.settings.pose_head == "integral":
            return IntegralHead(channels, joints, units, rng=rng, deviation=deviation)
        dropout = self.settings.dropout
        return FullyConnectedHead(
            channels, joints, pooled_size, units, dropout, rng=rng, deviation=deviation
        )

    @property
    def begun(self) -> int:
        """How many stages have begun to learn: from 1 to ``settings.stages``."""
        return int(np.clip(int(to_numpy(self._begun.data)), 1, self.settings.stages))

    def part(self, stage: int) -> Regressor:
        """The network of a stage, from 1 on."""
        if stage == 1:
            return Regressor(self.backbone, self.head)
        part = self.closer[stage - 2]
        assert isinstance(part, Regressor)
        return part

    # Training, stage by stage

    def begin_stage(self, stage: int, errors: ErrorsOfJoints) -> None:
        """Stage ``stage`` begins to learn: from 2 on, from what the stages before do wrong.

        Args:
            stage: 2 to ``settings.stages``.
            errors: of the stage before, see `displacements`.
        """
        xp = xp_of(self._error_mean.data)
        self._error_mean.data[stage - 2] = xp.asarray(errors.mean, "float32")
        self._error_covariance.data[stage - 2] = xp.asarray(errors.covariance, "float32")
        self.part(stage).backbone.load_state_dict(self.backbone.state_dict())
        self._begun.data[...] = stage

    def errors_before(self, stage: int) -> ErrorsOfJoints:
        """How the stage before ``stage`` erred when ``stage`` began."""
        mean, covariance = self._error_mean.data, self._error_covariance.data
        return ErrorsOfJoints(to_numpy(mean[stage - 2]), to_numpy(covariance[stage - 2]))

    def displacements(self, images: Sequence[np.ndarray], targets: Sequence[Target]) -> np.ndarray:
        """Predicted minus true place, in diameters of the torso: (N, J, 2), NaN where unknown."""
        people = check_joints_of(images, targets, self.settings.joint_names)
        rows = []
        for found, person, image in zip(self.predict(images), people, images, strict=True):
            ruler = torso_diameter(person, self.settings.joint_names, *image.shape[1:])
            apart = (found["joints"][:, :2] - person[:, :2]) / ruler
            rows.append(np.where(person[:, 2:] > 0, apart, np.nan))
        return np.array(rows)

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """L2 of the stage that began last, the mean over the annotated joints' x and y.

        Args:
            images, targets: see `Model.loss`; a target has ``joints`` (J, 3): x, y, annotated.
            rng: draws simulated predictions, from stage 2 on.

        Raises:
            ValueError: joints that cannot be learnt from; names the image and the field.
        """
        stage = self.begun
        images = self.checked(images, "loss", targets)
        people = check_joints_of(images, targets, self.settings.joint_names)
        if stage == 1:
            loss = self._loss_of_first(images, people)
        else:
            loss = self._loss_of_closer(
                stage, images, people, np.random.default_rng(0) if rng is None else rng
            )
        return {f"loss_stage_{stage}": loss}

    def _loss_of_first(self, images: Sequence[np.ndarray], people: Sequence[np.ndarray]) -> Tensor:
        places = self.part(1)(self._to_device(self._stage1_input(images)))  # (N, J, 2)
        truth = np.stack(
            [normalised(p[:, :2], *i.shape[1:]) for p, i in zip(people, images, strict=True)]
        )
        known = np.stack([person[:, 2] > 0 for person in people])  # (N, J)
        rows = np.flatnonzero(known)
        return self._l2(places.reshape(-1, 2), rows, truth.reshape(-1, 2)[rows])

    def _loss_of_closer(
        self,
        stage: int,
        images: Sequence[np.ndarray],
        people: Sequence[np.ndarray],
        rng: np.random.Generator,
    ) -> Tensor:
        s, errors = self.settings, self.errors_before(stage)
        crops, joints, truth = [], [], []
        for image, person in zip(images, people, strict=True):
            chosen = spread_over(np.flatnonzero(person[:, 2] > 0), s.crops, rng)  # (R,)
            ruler = torso_diameter(person, s.joint_names, *image.shape[1:])
            moved = errors.simulate(chosen, rng)  # (R, 2), in diameters
            centres = person[chosen, :2] + moved * ruler
            crops.append(self._stage3_crops(image, centres, s.sigma * ruler))
            joints.append(chosen)
            truth.append(-moved / s.sigma)  # the joint, seen from the middle of its crop
        pixels = F.concatenate(crops).data  # (R, 3, C, C), of all images
        part = self.part(stage)
        if len(pixels) == 0:  # nobody in the batch has an annotated joint
            return 0 * next(iter(part.head.parameters())).sum()
        places = part(Tensor(pixels))  # (R, J, 2)
        own = np.arange(len(pixels)) * len(s.joint_names) + np.concatenate(joints)
        return self._l2(places.reshape(-1, 2), own, np.concatenate(truth))

    def _l2(self, places: Tensor, rows: np.ndarray, truth: np.ndarray) -> Tensor:
        """The mean of the squared differences in these rows of places (M, 2)."""
        xp = xp_of(places.data)
        return F.l2_loss(places[xp.asarray(rows)], xp.asarray(truth, places.dtype))

    # Prediction

    def predict(
        self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray] | None = None
    ) -> list[Result]:
        """The joints of the person in each image, or in a box of each.

        Args:
            images: each (3, H, W), RGB float in 0..1.
            boxes: for each image (4,): x1, y1, x2, y2 of the person, who is cut out of it; None
                takes the whole images.

        Returns:
            dictionaries: ``joints`` (J, 2), x and y in pixels of the image, after the last stage;
            ``joints by stage`` (S, J, 2), after each; ``joint_names`` (J,).

        Raises:
            ValueError: see `Model.predict`; other boxes than images, or one without an area in its
                image.
        """
        if boxes is None:
            return super().predict(images)
        images = self.checked(images, "predict")
        people, corners = pictures_of_people(images, boxes)
        found = super().predict(people)
        for result, corner in zip(found, corners, strict=True):
            for name in ("joints", "joints by stage"):
                result[name] = result[name] + corner
        return found

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """The numbered stages; the result is that of `predict`."""
        names = np.array(self.settings.joint_names)
        pixels = self._stage1_input(images)
        mean, std = self.backbone.mean, self.backbone.std
        record_input(record, pixels.shape[2:], lambda: denormalised(pixels[0], mean, std))
        features = self.backbone(self._to_device(pixels))[-1]  # (N, 3, S, S) -> (N, C, s, s)
        record_features(record, features.data[0], self.backbone.strides[-1])
        fractions = to_numpy(self.head(features).data).astype(np.float64)
        joints = [
            in_pixels(own, *image.shape[1:]) for own, image in zip(fractions, images, strict=True)
        ]  # 2: of each image (J, 2), in its own pixels
        by_stage = [joints]
        caption = "Joints of stage 1\nfrom the whole picture"
        record(
            "joints_1", caption, "pose",
            lambda: {"image": images[0], "joints": by_stage[0][0], "joint_names": names},
        )  # fmt: skip
        for stage in range(2, self.begun + 1):
            joints = [
                self._look_closer(stage, image, own, record, first=index == 0)
                for index, (image, own) in enumerate(zip(images, joints, strict=True))
            ]
            by_stage.append(joints)
        return [
            {"joints": own[-1], "joints by stage": np.stack(own), "joint_names": names}
            for own in zip(*by_stage, strict=True)
        ]

    def _look_closer(
        self,
        stage: int,
        image: np.ndarray,
        joints: np.ndarray,
        record: StageRecorder,
        first: bool,
    ) -> np.ndarray:
        """Stages 3 and 4 for one image: (J, 2) joints to better ones."""
        s = self.settings
        known = np.column_stack([joints, np.ones(len(joints))])
        side = s.sigma * torso_diameter(known, s.joint_names, *image.shape[1:])
        crops = self._stage3_crops(image, joints, side)  # (J, 3, C, C)
        places = to_numpy(self.part(stage)(crops).data)  # -> (J, J, 2): of each crop all joints
        own = np.arange(len(joints))
        better = joints + side * places[own, own].astype(np.float64)  # 4
        names = np.array(s.joint_names)
        if first:
            mean, std = self.backbone.mean, self.backbone.std
            caption = f"Crops of stage {stage}\n{s.sigma:g} times the torso's diameter wide"
            record(
                f"crops_{stage}", caption, "regions",
                lambda: {
                    "boxes": boxes_around(joints, side).astype(np.float32),
                    "crops": denormalised(to_numpy(crops.data), mean, std),
                },
            )  # fmt: skip
            caption = f"Joints of stage {stage}\neach moved to where its crop shows it"
            record(
                f"joints_{stage}", caption, "pose",
                lambda: {"image": image, "joints": better, "joint_names": names},
            )  # fmt: skip
        return better

    def _stage1_input(self, images: Sequence[np.ndarray]) -> np.ndarray:
        if len(images) == 0:
            raise ValueError("DeepPose: expected at least one image but got none")
        size = self.settings.size
        squares = [resize_image(image, size, size) for image in images]
        return normalised_batch(squares, self.backbone.mean, self.backbone.std)  # (N, 3, S, S)

    def _stage3_crops(self, image: np.ndarray, centres: np.ndarray, side: float) -> Tensor:
        """Square crops (R, 3, C, C) around R centres; 0, the mean colour, beyond the image."""
        pixels = self._to_device(
            normalised_batch([image], self.backbone.mean, self.backbone.std)
        )  # (1, 3, H, W)
        xp = xp_of(pixels.data)
        boxes = xp.asarray(boxes_around(centres, side), "float32")  # (R, 4)
        of_image = xp.zeros(len(centres), "int64")
        # A crop is averaged where it shrinks, so that fine detail does not alias.
        return F.roi_align(pixels, boxes, of_image, self.settings.warp_size)

    def _to_device(self, pixels: np.ndarray) -> Tensor:
        return Tensor(xp_of(self._error_mean.data).asarray(pixels))


def spread_over(joints: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` of these joints in random order, each as often as any other, or once more.

    >>> drawn = spread_over(np.array([2, 5]), 5, np.random.default_rng(0))
    >>> sorted(np.bincount(drawn)[[2, 5]].tolist())
    [2, 3]
    >>> spread_over(np.array([], int), 5, np.random.default_rng(0)).tolist()
    []
    """
    if len(joints) == 0:
        return joints
    rounds = [rng.permutation(joints) for _ in range(-(-count // len(joints)))]
    return np.concatenate(rounds)[:count]
