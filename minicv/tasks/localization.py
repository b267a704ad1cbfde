"""Classification with localisation: the task, its recipe, the system and its numbers."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from PIL import Image

from minicv.data import Dataset
from minicv.data.sources import Splits
from minicv.data.transforms import (
    ColorJitter,
    Compose,
    RandomHorizontalFlip,
    RandomScale,
    Transform,
)
from minicv.inspection.localization import draw_localization, draw_localization_beside_truth
from minicv.metrics.localization import LocalizationMetric, Localized
from minicv.metrics.metric import Metric
from minicv.models.backbones import build_backbone
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.models.localization.single_object import BoxHead, BoxOf
from minicv.models.model import Model, Result, Target
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.tasks.detection import coco_results
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
    check_scale,
)
from minicv.training import GradientStep, Learning, Preparation, Recipe, Step, learning_groups
from minicv.training.in_turn import StepsInTurn
from minicv.vision.boxes import box_iou

LEARNT_FROM = ("label", "box", "image_id")


def _draw(prediction: Prediction, threshold: float) -> Image.Image:
    """The box of the best class. The threshold is not used: each picture has one object."""
    return draw_localization(prediction.image, prediction.result, prediction.classes)


def _compare(prediction: Prediction, target: Target, dataset: Dataset) -> Image.Image:
    return draw_localization_beside_truth(
        prediction.image, prediction.result, target["label"], target["box"], prediction.classes
    )


def _summary(prediction: Prediction, threshold: float) -> str:
    """The best class and its box, the next class, the seconds.

    >>> found = {"boxes": np.array([[1.0, 2.0, 5.0, 8.0]] * 2), "labels": np.array([1, 0]),
    ...          "scores": np.array([0.75, 0.25])}
    >>> _summary(Prediction("a.jpg", np.zeros((3, 9, 9)), found, ("cow", "cat"), 0.5), 0.5)
    'cat 0.75, 4 x 6 pixels from (1, 2) on; next cow 0.25 (0.50 s)'
    """
    found = prediction.result
    named = [
        f"{prediction.classes[label]} {score:.2f}"
        for label, score in zip(found["labels"][:2], found["scores"][:2], strict=True)
    ]
    x1, y1, x2, y2 = found["boxes"][0].tolist()
    place = f"{x2 - x1:.0f} x {y2 - y1:.0f} pixels from ({x1:.0f}, {y1:.0f}) on"
    after = f"; next {named[1]}" if len(named) > 1 else ""
    return f"{named[0]}, {place}{after} ({prediction.seconds:.2f} s)"


def _iou(result: Result, target: Target) -> float:
    """Of the best class's box with the true one."""
    return float(box_iou(result["boxes"][:1], target["box"][None]).max(initial=0.0))


def report(metric: Metric) -> list[str]:
    """A line for each class: its images, the class alone, class and box, mean IoU; then of all.

    >>> metric = LocalizationMetric(("cow", "cat"))
    >>> found = {"boxes": np.array([[0.0, 0.0, 4.0, 4.0]]), "labels": np.array([1])}
    >>> metric.add(found, {"label": 1, "box": np.array([0.0, 0.0, 4.0, 3.0])})
    >>> print("\\n".join(report(metric)))
    class    images  top-1  and box  mean IoU
    cow           0      -        -         -
    cat           1  1.000    1.000     0.750
    all           1  1.000    1.000     0.750
    top-1 localization error  0.000
    top-5 localization error  0.000
    """
    assert isinstance(metric, LocalizationMetric)
    width = max(5, *map(len, metric.classes))
    counts = metric.counts()
    rows: list[tuple[str, int, Localized]] = [
        (name, counts[label], metric.of(label)) for label, name in enumerate(metric.classes)
    ]
    of_all = metric.of()
    rows.append(("all", sum(counts), of_all))
    lines = [f"{'class':<{width}}  {'images':>8}  top-1  and box  mean IoU"]
    for name, count, own in rows:
        numbers = _number(own.top1), _number(own.localized1), _number(own.iou)
        lines.append(
            f"{name:<{width}}  {count:>8}  {numbers[0]:>5}  {numbers[1]:>7}  {numbers[2]:>8}"
        )
    for top, accuracy in ((1, of_all.localized1), (5, of_all.localized5)):
        lines.append(f"top-{top} localization error  {_number(1 - accuracy)}")
    return lines


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"


LOCALIZATION = Task(
    name="localization",
    needs=("label", "box"),
    metric=LocalizationMetric,
    best_by="top-1 localization accuracy",
    draw=_draw,
    to_json=coco_results,
    summary=_summary,
    watched=("top-1", "mean IoU"),
    picture="localization",
    results="localizations",
    compare=_compare,
    report=report,
    rank=("the IoU of the box", _iou),
)


@dataclass(frozen=True)
class LocalizationRecipe(Recipe):
    """Adam on pictures that are mirrored, zoomed and changed in colour.

    Attributes:
        class_first: 0 learns class and box at once. Another number is the share of the epochs in
            which the class is learnt alone; then the box head learns on the network as it is.
        jitter: of brightness, contrast and saturation.
        scale: least and greatest factor of the zoom, see `RandomScale`; (1, 1) for none.

    Raises:
        ValueError: a share outside of 0..1, or factors out of order; see also `Recipe`.

    Source: Sermanet et al., OverFeat, 2014, section 4.2, trains the class first.
    """

    weight_decay: float = 0.0
    class_first: float = 0.0
    jitter: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "scale", tuple(self.scale))  # the command line gives a list
        check_jitter(self.jitter)
        if not 0 <= self.class_first < 1:
            raise ValueError(
                f"recipe: class_first={self.class_first}; expected the share of the epochs in "
                "which the class is learnt alone, from 0 to less than 1"
            )
        check_scale(self.scale)

    def optimizer(self, parameters: Learning) -> Adam:
        """Adam with the recipe's weight decay."""
        return Adam(parameters, lr=self.lr, weight_decay=self.weight_decay)

    def prepare(self, splits: Splits, settings: Any, *, workers: int = 1) -> Preparation:
        """The images as they are, and the augmentation; see `Recipe.prepare`."""
        transforms: list[Transform] = [_only_boxes, RandomHorizontalFlip(0.5)]
        if self.jitter:
            transforms.append(ColorJitter(self.jitter, self.jitter, self.jitter))
        if self.scale != (1, 1):
            transforms.append(RandomScale(self.scale))
        return Preparation(self, settings, splits.train, splits.validation, Compose(transforms))

    def step(self, model: Model, total: int) -> Step:
        """See `Recipe.step`; with ``class_first`` two learners in turn."""
        if not self.class_first:
            return super().step(model, total)
        assert isinstance(model, SingleObjectDetector)
        per_epoch = total // self.epochs
        turn = math.floor(self.class_first * self.epochs + 0.5) * per_epoch
        if self.epochs > 1:
            turn = min(max(turn, per_epoch), total - per_epoch)
        else:
            turn = math.floor(self.class_first * total + 0.5)
        box = [p for part in model.box_parts for p in part.parameters()]
        # No gradient of the class reaches the box head, which the first optimizer so passes over.
        return StepsInTurn(
            self._learner(model, learning_groups(model, self.backbone_lr_ratio), True, turn),
            self._learner(model, box, False, total - turn),
            turn,
        )

    def _learner(
        self, model: SingleObjectDetector, parameters: Learning, of_class: bool, steps: int
    ) -> GradientStep:
        """A warm-up and half a cosine wave of its own."""
        schedule = WarmupThen(CosineAnnealingLR(self.lr, max(steps, 1)), self._warmup(steps))
        loss = model.class_loss if of_class else model.box_loss
        return GradientStep(model, self.optimizer(parameters), schedule, loss)

    def _warmup(self, steps: int) -> int:
        return min(self.warmup_steps, steps // 4)


def _only_boxes(
    image: np.ndarray, target: dict[str, Any], rng: np.random.Generator | None
) -> tuple[np.ndarray, dict[str, Any]]:
    """The target with what is learnt from alone, so that no mask is mirrored in vain."""
    return image, {name: target[name] for name in LEARNT_FROM if name in target}


# The first two are for pictures of 128 pixels, which they see at half of their size: every pixel of
# these, or every other one in less time. The others are for photographs. A class is read off the
# whole map at once, which forgets where its object is; layers learn it from fewer pictures so.
LIGHT, HEAVY = ("efficientnet_lite0", "resnet18"), ("alexnet", "vgg16")
STRIDES = {
    **dict.fromkeys(("conv_net", "small"), 8), **dict.fromkeys((*LIGHT, "resnet50"), 32),
    **dict.fromkeys(HEAVY, 16),
}  # fmt: skip
_OF_SCENES = SingleObjectSettings(
    size=64, pooled_size=8, units=128, dropout=0.0, box_weight=50.0, box_head="own",
    class_pooled_size=1,
)  # fmt: skip
_OF_PHOTOGRAPHS = SingleObjectSettings(
    units=256, dropout=0.0, box_weight=50.0, box_head="own", class_pooled_size=1
)
SETTINGS: dict[str | None, SingleObjectSettings] = {
    **dict.fromkeys(("conv_net", "small"), _OF_SCENES),
    **dict.fromkeys((*LIGHT, "resnet50"), _OF_PHOTOGRAPHS),
    "alexnet": SingleObjectSettings(pooled_size=6, units=4096),
    "vgg16": SingleObjectSettings(units=4096),
}
_ON_SCENES = LocalizationRecipe(epochs=11, batch_size=8, lr=1e-3, scale=(0.8, 1.25))
_ON_PHOTOGRAPHS = LocalizationRecipe(epochs=30, batch_size=8, lr=5e-4, jitter=0.2, scale=(0.7, 1.4))
RECIPES: dict[str | None, LocalizationRecipe] = {
    **dict.fromkeys(("conv_net", "small"), _ON_SCENES),
    **dict.fromkeys(LIGHT, _ON_PHOTOGRAPHS),
    **dict.fromkeys(("resnet50", *HEAVY), dataclasses.replace(_ON_PHOTOGRAPHS, lr=1e-4)),
}


def _build(spec: Spec, rng: np.random.Generator) -> SingleObjectDetector:
    assert spec.backbone is not None  # SETTINGS has none without
    strides = (STRIDES[spec.backbone],)
    backbone = build_backbone(spec.backbone, strides, frozen=spec.frozen, rng=rng)
    return SingleObjectDetector(backbone, spec.classes, spec.settings, rng=rng)


OPTIONS = {
    "box_weight": Option(
        "of the box's squared error beside the cross entropy of the class", float, "FACTOR"
    ),
    "box_of": Option("one box for any class, or one for each class", choices=get_args(BoxOf)),
    "box_head": Option(
        "the box is read off the units of the class, shared, or has two layers of its own",
        choices=get_args(BoxHead),
    ),
    "class_first": Option(
        "0: class and box at once; else the share of the epochs in which the class is learnt, "
        "before the box head learns alone on the network as it is",
        float,
        "SHARE",
    ),
    **OPTIONS_OF_A_SQUARE,
    "jitter": COMMON_OPTIONS["jitter"],
    "scale": SCALE,
}

SYSTEMS = (
    System(
        "localizer", "classification and one box", "Sermanet 2014", LOCALIZATION, _build,
        SETTINGS, RECIPES, options=OPTIONS,
    ),
)  # fmt: skip
