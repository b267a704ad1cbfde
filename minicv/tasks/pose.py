"""Pose by regression, the joints of the one person whom a picture shows: task, recipe, system."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from PIL import Image

from minicv.data import DataLoader, Dataset
from minicv.data.sources import Splits
from minicv.data.transforms import ColorJitter, Compose, RandomAffine, Transform
from minicv.inspection import draw_pose, draw_pose_beside_truth
from minicv.metrics.metric import Metric
from minicv.metrics.pose import FRACTION, JointMetric
from minicv.models.backbones import build_backbone
from minicv.models.model import Model, Target
from minicv.models.pose import DeepPose, DeepPoseSettings
from minicv.models.pose.deep_pose import Head
from minicv.optim import Adam, CosineAnnealingLR, Optimizer, WarmupThen
from minicv.tasks.task import (
    COMMON_OPTIONS,
    OPTIONS_OF_A_SQUARE,
    SCALE,
    Option,
    Prediction,
    Spec,
    System,
    Task,
    check_jitter,
)
from minicv.training import GradientStep, Preparation, Recipe, Step, flip_for
from minicv.training.cascade import CascadeStep
from minicv.training.finetuning import Learning, freeze, learning_groups

PCK = f"PCK@{FRACTION}"


def _draw(prediction: Prediction, threshold: float) -> Image.Image:
    return draw_pose(prediction.image, prediction.result["joints"], prediction.joint_names)


def compare(prediction: Prediction, target: Target, dataset: Dataset) -> Image.Image:
    """The true skeleton, and beside it the one that was found."""
    metric = JointMetric(joint_names=prediction.joint_names)
    metric.add(prediction.result, target)
    right, counted = (int(numbers.sum()) for numbers in metric.pck_of_images())
    note = f"{right} of {counted} joints within {FRACTION:g} of the torso's diameter"
    return draw_pose_beside_truth(
        prediction.image,
        target["joints"],
        prediction.result["joints"],
        prediction.joint_names,
        title=prediction.name,
        note=note if counted else "",
    )


def pose_results(prediction: Prediction) -> list[dict[str, Any]]:
    """The pose as an entry of COCO's result form, with the names of the joints.

    Joints are numbers of pixels there: the middle of the first pixel is 0, and 0.5 in
    ``result["joints"]``. There is no score, because a regression gives none.

    >>> found = {"joints": np.array([[1.5, 2.5]])}
    >>> prediction = Prediction("a.jpg", np.zeros((3, 9, 9)), found, ("person",),
    ...                         joint_names=("nose",))
    >>> pose_results(prediction)[0]["keypoints"]
    [1.0, 2.0, 1]
    """
    numbers: list[float] = []
    for x, y in np.asarray(prediction.result["joints"])[:, :2] - 0.5:
        numbers += [round(float(x), 2), round(float(y), 2), 1]
    return [
        {
            "image_id": prediction.name,
            "category_id": 1,
            "category": prediction.classes[0],
            "keypoints": numbers,
            "joint_names": list(prediction.joint_names),
        }
    ]


def _summary(prediction: Prediction, threshold: float) -> str:
    return f"{len(prediction.result['joints'])} joints ({prediction.seconds:.2f} s)"


def report(metric: Metric) -> list[str]:
    """The lines of `minicv eval`: values in all, then by joint and limb, then who was left out.

    >>> report(JointMetric())[0]
    'PCK@0.2             -'
    """
    values = metric.values()
    width = max(map(len, values))
    shown = {name: "-" if math.isnan(v) else f"{v:.3f}" for name, v in values.items()}
    lines = [f"{name:<{width}} {text:>12}" for name, text in shown.items()]
    left_out = metric.left_out() if isinstance(metric, JointMetric) else 0
    if left_out:
        lines.append(
            f"{left_out} image{'' if left_out == 1 else 's'} left out of PCK: left shoulder and "
            "right hip, between which the torso is measured, are not both annotated"
        )
    return lines


POSE = Task(
    name="pose by regression",
    needs=("joints",),
    metric=JointMetric,
    best_by=PCK,
    watched=("PCP", "error"),
    draw=_draw,
    to_json=pose_results,
    summary=_summary,
    picture="pose",
    results="poses",
    compare=compare,
    report=report,
)


@dataclass(frozen=True)
class PoseRecipe(Recipe):
    """Adam, on people who are mirrored, turned, zoomed, moved and changed in colour.

    The epochs are those of all stages: the first learns for its share of them, the others for equal
    parts of the rest, each with a rate of its own that begins at the peak.

    Attributes:
        first_share: share of the epochs in which stage 1 learns.
        jitter: of brightness, contrast and saturation; 0 leaves colours as they are.
        degrees, scale, shift: see `RandomAffine`.

    Raises:
        ValueError: a share that is none, a jitter outside of 0..1; see also `RandomAffine` and
            `Recipe`.
    """

    first_share: float = 0.5
    jitter: float = 0.2
    degrees: float = 15.0
    scale: tuple[float, float] = (0.8, 1.25)
    shift: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "scale", tuple(self.scale))  # the command line gives a list
        check_jitter(self.jitter)
        RandomAffine(self.degrees, self.scale, self.shift)
        if not 0 < self.first_share < 1:
            raise ValueError(
                f"recipe: first_share={self.first_share}; expected a share above 0 and below 1"
            )

    def epochs_of_stages(self, stages: int) -> tuple[int, ...]:
        """How many of the epochs each stage learns for; each has one at least.

        Raises:
            ValueError: fewer epochs than stages.

        >>> PoseRecipe(epochs=11, batch_size=1, lr=0.1).epochs_of_stages(3)
        (6, 3, 2)
        """
        if self.epochs < stages:
            raise ValueError(
                f"recipe: epochs={self.epochs}; expected at least {stages}, one for each stage of "
                "the cascade"
            )
        if stages == 1:
            return (self.epochs,)
        first = math.floor(self.epochs * self.first_share + 0.5)
        first = min(max(first, 1), self.epochs - stages + 1)
        others, more = divmod(self.epochs - first, stages - 1)
        return (first, *(others + (stage < more) for stage in range(stages - 1)))

    def prepare(self, splits: Splits, settings: Any, *, workers: int = 1) -> Preparation:
        """The images as they are, the names of their joints, and the augmentation.

        Raises:
            ValueError: the data has no names of joints, no image has an annotated joint, or there
                are fewer epochs than stages.
        """
        self.epochs_of_stages(settings.stages)
        names = tuple(getattr(splits.train, "joint_names", None) or ())
        if not names:
            raise ValueError("the training images name no joints; a model of poses needs some")
        check_annotated(splits.train)
        settings = dataclasses.replace(settings, joint_names=names)
        transforms: list[Transform] = [flip_for(splits.train)]
        transforms.append(RandomAffine(self.degrees, self.scale, self.shift))
        if self.jitter:
            transforms.append(ColorJitter(self.jitter, self.jitter, self.jitter))
        return Preparation(self, settings, splits.train, splits.validation, Compose(transforms))

    def optimizer(self, parameters: Learning) -> Optimizer:
        """Adam; L2 on fractions of a box has small gradients, which Adam brings to one size."""
        return Adam(parameters, lr=self.lr, weight_decay=self.weight_decay)

    def step(self, model: Model, total: int) -> Step:
        """What trains the stages in turn; see `CascadeStep`."""
        assert isinstance(model, DeepPose)
        an_epoch = max(total // self.epochs, 1)

        def step_of(stage: int, steps: int) -> GradientStep:
            optimizer = self.optimizer(learning_groups(model.part(stage), self.backbone_lr_ratio))
            cosine = CosineAnnealingLR(self.lr, steps)
            schedule = WarmupThen(cosine, min(self.warmup_steps, steps // 4))
            return GradientStep(model, optimizer, schedule)

        epochs = self.epochs_of_stages(model.settings.stages)
        return CascadeStep(model, [an_epoch * own for own in epochs], step_of)

    def begin(
        self,
        model: Model,
        train: Dataset,
        *,
        seed: int,
        transform: Transform | None = None,
        workers: int = 1,
    ) -> tuple[Step, DataLoader, np.random.Generator]:
        """See `Recipe.begin`; a stage is measured on the training images as they are augmented."""
        if self.freeze:
            assert isinstance(model, DeepPose)
            for stage in range(2, model.settings.stages + 1):
                freeze(model.part(stage).backbone)
        step, loader, rng = super().begin(
            model, train, seed=seed, transform=transform, workers=workers
        )
        assert isinstance(step, CascadeStep)
        step.measured_on = lambda stage: DataLoader(
            train,
            self.batch_size,
            rng=np.random.default_rng([seed, stage]),
            workers=workers,
            transform=transform,
        )
        return step, loader, rng


def check_annotated(dataset: Dataset) -> None:
    """Refuse a data set of which no image has an annotated joint.

    Raises:
        ValueError: there is none.
    """
    for index in range(len(dataset)):
        if (np.asarray(dataset[index][1]["joints"])[:, 2] > 0).any():
            return
    raise ValueError(
        f"no joint is annotated in {len(dataset)} training images, so there is nothing to learn"
    )


# Small and light: what a CPU can do. An image brings few crops to a step, so that a step of a later
# stage costs as much as one of the first; over the epochs it brings many.
STRIDE = 16
LIGHT, HEAVY = ("efficientnet_lite0", "resnet18"), ("resnet50", "alexnet", "vgg16")

DEEP_POSE: dict[str | None, DeepPoseSettings] = {
    "small": DeepPoseSettings(
        size=96, pooled_size=6, units=256, warp_size=32, crop_pooled_size=2, crop_units=128,
        crops=7,
    ),
    **dict.fromkeys(LIGHT, DeepPoseSettings(
        size=160, pose_head="integral", units=128, crop_units=64, sigma=1.5, crops=7
    )),
    **dict.fromkeys(HEAVY, DeepPoseSettings(
        units=4096, dropout=0.5, warp_size=224, crop_pooled_size=7, crop_units=4096
    )),
}  # fmt: skip
RECIPES: dict[str | None, PoseRecipe] = {
    "small": PoseRecipe(
        epochs=120, batch_size=16, lr=1e-3, first_share=0.6,
        jitter=0.1, degrees=8.0, scale=(0.9, 1.1), shift=0.03,
    ),
    **dict.fromkeys(
        LIGHT,
        PoseRecipe(epochs=60, batch_size=8, lr=5e-4, degrees=25.0, scale=(0.75, 1.3), shift=0.08),
    ),
    **dict.fromkeys(HEAVY, PoseRecipe(epochs=80, batch_size=8, lr=1e-4)),
}  # fmt: skip


def _build(spec: Spec, rng: np.random.Generator) -> DeepPose:
    assert spec.backbone is not None  # SYSTEMS names no system without a backbone here
    backbone = build_backbone(spec.backbone, (STRIDE,), frozen=spec.frozen, rng=rng)
    return DeepPose(backbone, spec.classes, spec.settings, rng=rng)


OPTIONS = {
    "pose_head": Option(
        "fully_connected, the paper's, or integral, by heat maps; default: by the system",
        choices=get_args(Head),
    ),
    "units": OPTIONS_OF_A_SQUARE["units"],
    "stages": Option("of the cascade; 1 is the whole picture alone; default: by system", int, "N"),
    "size": OPTIONS_OF_A_SQUARE["size"],
    "sigma": Option("side of a crop in diameters of the torso; default: by system", float, "SIDE"),
    "warp_size": Option("side that a crop is brought to; default: by system", int, "PIXELS"),
    "degrees": Option("how far training turns pictures; default: by recipe", float, "DEGREES"),
    "jitter": COMMON_OPTIONS["jitter"],
    "scale": SCALE,
}

SYSTEMS = (
    System(
        "deep_pose", "DeepPose", "Toshev 2014", POSE, _build, DEEP_POSE, RECIPES, options=OPTIONS
    ),
)
