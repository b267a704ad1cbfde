"""Detection, which objects are where: the task, its recipe, the detectors and their numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Dataset
from minicv.data.sources import Splits
from minicv.data.transforms import ColorJitter, Compose, RandomScale, Transform
from minicv.files import new_folder
from minicv.inspection import draw_detections, draw_ground_truth
from minicv.inspection.stage_regions import DRAWN_SCORE
from minicv.metrics.metric import DetectionMetric
from minicv.models.backbones import build_backbone
from minicv.models.detection import (
    RCNN,
    FasterRCNN,
    FasterRCNNSettings,
    FastRCNN,
    FastRCNNSettings,
    RCNNSettings,
    SPPNet,
    SPPNetSettings,
)
from minicv.models.model import Model, Result, Target
from minicv.optim import Adam, Optimizer
from minicv.proposals import PROPOSERS
from minicv.tasks.task import (
    COMMON_OPTIONS,
    SCALE,
    Option,
    Prediction,
    Spec,
    System,
    Task,
    check_jitter,
    check_scale,
    yes_or_no,
)
from minicv.training import (
    AveragingStep,
    GradientStep,
    Learning,
    Preparation,
    Recipe,
    Step,
    fit_svms,
    flip_for,
)


def sure(result: Result, threshold: float) -> Result:
    """The detections that score at least ``threshold``.

    >>> found = {"boxes": np.zeros((2, 4)), "scores": np.array([0.9, 0.2])}
    >>> sure(found, 0.5)["boxes"].shape
    (1, 4)
    """
    return {name: values[result["scores"] >= threshold] for name, values in result.items()}


def _draw(prediction: Prediction, threshold: float) -> Image.Image:
    found = sure(prediction.result, threshold)
    names = prediction.classes
    return draw_detections(
        prediction.image, found["boxes"], found["labels"], found["scores"], class_names=names
    )


def compare(prediction: Prediction, target: Target, dataset: Dataset) -> Image.Image:
    """The truth on the left, and on the right the detections that score at least `DRAWN_SCORE`."""
    truth = {"boxes": target["boxes"], "labels": target["labels"]}
    found = sure(prediction.result, DRAWN_SCORE)
    return draw_ground_truth(prediction.image, truth, found, prediction.classes)


def coco_results(prediction: Prediction) -> list[dict[str, Any]]:
    """Detections as entries of COCO's result form, with every score.

    >>> found = {"boxes": np.array([[1.0, 2.0, 4.0, 8.0]]), "labels": np.array([0]),
    ...          "scores": np.array([0.75])}
    >>> coco_results(Prediction("a.jpg", np.zeros((3, 9, 9)), found, ("cow",)))[0]["bbox"]
    [1.0, 2.0, 3.0, 6.0]
    """
    found = prediction.result
    return [
        {
            "image_id": prediction.name,
            "category_id": int(label) + 1,
            "category": prediction.classes[label],
            "bbox": [round(float(v), 2) for v in (x1, y1, x2 - x1, y2 - y1)],
            "score": round(float(score), 5),
        }
        for (x1, y1, x2, y2), label, score in zip(
            found["boxes"], found["labels"], found["scores"], strict=True
        )
    ]


def count_found(prediction: Prediction, threshold: float) -> str:
    """How many of each class score at least ``threshold``; if none does, what came nearest. And how
    long it took.
    """
    labels = sure(prediction.result, threshold)["labels"]
    counts = np.bincount(labels, minlength=len(prediction.classes))
    named = [f"{n} {name}" for name, n in zip(prediction.classes, counts, strict=True) if n]
    scores = prediction.result["scores"]
    took = f"{prediction.seconds:.2f} s"
    if named or not len(scores):
        return f"{', '.join(named) or 'nothing'} ({took})"
    surest = int(np.argmax(scores))
    name = prediction.classes[prediction.result["labels"][surest]]
    return f"nothing (surest: {name}, {scores[surest]:.2f}; {took})"


DETECTION = Task(
    name="detection",
    needs=("boxes", "labels"),
    metric=DetectionMetric,
    best_by="AP",  # AP50 over few images soon stops rising; AP still tells good weights from better
    draw=_draw,
    to_json=coco_results,
    summary=count_found,
    watched=("AP50",),
    picture="detections",
    results="detections",
    compare=compare,
)


@dataclass(frozen=True)
class DetectionRecipe(Recipe):
    """SGD, or Adam, on pictures that are mirrored, changed in colour and zoomed.

    Attributes:
        jitter: of brightness, contrast and saturation; 0 leaves colours as they are. It is 0 for
            a system on proposals, because a picture in other colours needs other proposals.
        scale: least and greatest factor of the zoom, see `RandomScale`; (1, 1) for none, as a
            system on proposals needs it.
        average: which share of the averaged weights a step keeps, see `AveragingStep`; 0 averages
            nothing, and the model is what the last step left.
        adam: whether Adam moves the weights. From random weights it learns sooner than SGD does.

    Raises:
        ValueError: a jitter outside of 0..1, factors out of order, or a share that is none; see
            also `Recipe`.
    """

    jitter: float = 0.2
    scale: tuple[float, float] = (1.0, 1.0)
    average: float = 0.0
    adam: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "scale", tuple(self.scale))  # the command line gives a list
        check_jitter(self.jitter)
        check_scale(self.scale)
        if not 0 <= self.average < 1:
            raise ValueError(
                f"recipe: average={self.average}; expected a share from 0 to less than 1, such as "
                "0.998"
            )

    def prepare(self, splits: Splits, settings: Any, *, workers: int = 1) -> Preparation:
        """The images as they are, and the augmentation; see `Recipe.prepare`."""
        transforms: list[Transform] = [flip_for(splits.train)]
        if self.jitter:
            transforms.append(ColorJitter(self.jitter, self.jitter, self.jitter))
        if self.scale != (1, 1):
            transforms.append(RandomScale(self.scale))
        return Preparation(self, settings, splits.train, splits.validation, Compose(transforms))

    def optimizer(self, parameters: Learning) -> Optimizer:
        """The optimizer at the peak learning rate; see ``adam``."""
        if self.adam:
            return Adam(parameters, lr=self.lr, weight_decay=self.weight_decay)
        return super().optimizer(parameters)

    def step(self, model: Model, total: int) -> Step:
        """See `Recipe.step`; its model is the average of the weights, if there is one."""
        learner = super().step(model, total)
        if not self.average:
            return learner
        assert isinstance(learner, GradientStep)
        return AveragingStep(learner, self.average)


# Settings and recipes by backbone. The stride of a backbone limits how small an object can be; its
# width decides how long a CPU needs. The small backbone is for pictures of 128 pixels, the others
# are for photographs. True boxes are the only positives of an SVM. Where they are few, each has a
# greater weight (svm_positive_weight).
LIGHT, HEAVY = ("efficientnet_lite0", "resnet18"), ("resnet50", "alexnet", "vgg16")
LIGHT_PYRAMIDS = tuple(f"{name}_fpn" for name in LIGHT)

FASTER_RCNN: dict[str | None, FasterRCNNSettings] = {
    "small": FasterRCNNSettings(
        min_size=128, max_size=256, anchor_sizes=(16.0, 32.0, 64.0), rpn_channels=128,
        pre_nms_top_n_train=600, pre_nms_top_n_test=600,
        post_nms_top_n_train=200, post_nms_top_n_test=100,
        rpn_samples=128, head_samples=32, head_units=256,
    ),
    **dict.fromkeys(LIGHT, FasterRCNNSettings(
        min_size=320, max_size=512, anchor_sizes=(32.0, 64.0, 128.0, 256.0),
        pre_nms_top_n_train=1000, pre_nms_top_n_test=500,
        post_nms_top_n_train=300, post_nms_top_n_test=100,
        head_samples=64, head_units=512,
    )),
    "resnet50": FasterRCNNSettings(rpn_channels=512),
    "alexnet": FasterRCNNSettings(head_units=4096, pooled_size=6),
    "vgg16": FasterRCNNSettings(head_units=4096, rpn_channels=512),
}  # fmt: skip
# On a pyramid fewer anchors of each level are kept. On the light ones a hundred photographs must do
# to learn close frames; `python -m benchmarks boxes` measures what each number brings.
FASTER_RCNN |= {
    "small_fpn": dataclasses.replace(
        FASTER_RCNN["small"], anchor_sizes=(10.0, 20.0, 40.0, 80.0), rpn_channels=64,
        pre_nms_top_n_train=300, pre_nms_top_n_test=200, canonical_size=64.0,
    ),
    **dict.fromkeys(LIGHT_PYRAMIDS, dataclasses.replace(
        FASTER_RCNN[LIGHT[0]], rpn_channels=96, pre_nms_top_n_train=500, pre_nms_top_n_test=300,
        anchor_sizes=(32.0, 64.0, 96.0, 128.0, 192.0, 256.0, 384.0, 512.0),
        head_smooth_l1_beta=0.1, head_positive_fraction=0.5, head_rounds=2, vote_iou=0.6,
    )),
    "resnet50_fpn": FasterRCNNSettings(
        min_size=800, max_size=1333, anchor_sizes=(32.0, 64.0, 128.0, 256.0, 512.0),
        post_nms_top_n_train=1000, head_samples=256,
    ),
}  # fmt: skip
FAST_RCNN: dict[str | None, FastRCNNSettings] = {
    "small": FastRCNNSettings(
        min_size=128, max_size=256, max_proposals=300, head_samples=32, head_units=256, dropout=0.0
    ),
    **dict.fromkeys(LIGHT, FastRCNNSettings(
        min_size=320, max_size=512, max_proposals=1000, head_units=512, dropout=0.0
    )),
    "resnet50": FastRCNNSettings(dropout=0.0),
    "alexnet": FastRCNNSettings(head_units=4096, pooled_size=6),
    "vgg16": FastRCNNSettings(head_units=4096),
}  # fmt: skip
SPP_NET: dict[str | None, SPPNetSettings] = {
    "small": SPPNetSettings(
        scales=(128,), max_size=256, region_side=64.0, max_proposals=300, head_units=256,
        dropout=0.0, svm_positive_weight=10.0,
    ),
    **dict.fromkeys(LIGHT, SPPNetSettings(
        scales=(320,), max_size=512, max_proposals=1000, head_units=512, dropout=0.0
    )),
    "resnet50": SPPNetSettings(dropout=0.0),
    "alexnet": SPPNetSettings(head_units=4096),
    "vgg16": SPPNetSettings(head_units=4096),
}  # fmt: skip
R_CNN: dict[str | None, RCNNSettings] = {
    "small": RCNNSettings(
        warp_size=64, context=5, pooled_size=4, max_proposals=300, head_samples=32,
        head_units=256, dropout=0.0, svm_positive_weight=10.0,
    ),
    **dict.fromkeys(LIGHT, RCNNSettings(
        warp_size=128, context=9, pooled_size=4, max_proposals=300, head_units=512, dropout=0.0
    )),
    "resnet50": RCNNSettings(pooled_size=4, dropout=0.0, regions_at_a_time=16),
    "alexnet": RCNNSettings(warp_size=227, pooled_size=6, head_units=4096),
    "vgg16": RCNNSettings(head_units=4096, regions_at_a_time=16),
}  # fmt: skip

Recipes = dict[str | None, DetectionRecipe]
_LARGE = DetectionRecipe(epochs=16, batch_size=1, lr=0.001, weight_decay=5e-4)
JOINT_RECIPES: Recipes = {
    "small": DetectionRecipe(epochs=4, batch_size=8, lr=0.04),
    **dict.fromkeys(LIGHT, DetectionRecipe(epochs=16, batch_size=2, lr=0.005)),
    **dict.fromkeys(HEAVY, _LARGE),
}
JOINT_RECIPES |= {
    "small_fpn": DetectionRecipe(
        epochs=8, batch_size=2, lr=1e-3, weight_decay=0.0, average=0.995, adam=True
    ),
    **dict.fromkeys(
        LIGHT_PYRAMIDS,
        DetectionRecipe(epochs=50, batch_size=2, lr=0.005, scale=(0.7, 1.4), average=0.995),
    ),
    "resnet50_fpn": _LARGE,
}
ON_PROPOSALS_RECIPES: Recipes = {
    "small": DetectionRecipe(epochs=12, batch_size=2, lr=0.02, jitter=0.0),
    **dict.fromkeys(LIGHT, DetectionRecipe(epochs=12, batch_size=2, lr=0.005, jitter=0.0)),
    **dict.fromkeys(HEAVY, dataclasses.replace(_LARGE, batch_size=2, jitter=0.0)),
}
# R-CNN's network runs on each region separately: an epoch is slow, so there are fewer epochs.
R_CNN_RECIPES: Recipes = {
    **ON_PROPOSALS_RECIPES,
    "small": DetectionRecipe(epochs=4, batch_size=2, lr=0.02, jitter=0.0),
    **dict.fromkeys(LIGHT, DetectionRecipe(epochs=4, batch_size=2, lr=0.005, jitter=0.0)),
}


# Strides of the maps; of a pyramid those of its body.
STRIDES: dict[str | None, tuple[int, ...]] = {
    "small": (8,),
    **dict.fromkeys((*LIGHT, *HEAVY), (16,)),
    "small_fpn": (4, 8, 16),
    **dict.fromkeys(LIGHT_PYRAMIDS, (8, 16, 32)),
    "resnet50_fpn": (4, 8, 16, 32),
}
CELLS: dict[str | None, int] = {name: strides[0] for name, strides in STRIDES.items()}


def build_on_maps(kind: Callable[..., Model]) -> Callable[[Spec, np.random.Generator], Model]:
    """How a detector of that class is built, on the maps of its backbone that it needs."""

    def build(spec: Spec, rng: np.random.Generator) -> Model:
        assert spec.backbone is not None  # SYSTEMS names no detector without a backbone
        strides = STRIDES[spec.backbone]
        backbone = build_backbone(spec.backbone, strides, frozen=spec.frozen, rng=rng)
        on = () if spec.proposals is None else (PROPOSERS[spec.proposals](),)
        return kind(backbone, spec.classes, *on, spec.settings, rng=rng)

    return build


def fit_svms_of_best(model: RCNN, train: Dataset, out: Path, rng: np.random.Generator) -> str:
    """Fit the SVMs and box regressors of R-CNN or SPP-net; returns a sentence on what it cost."""
    with new_folder(out / "features") as folder:
        report = fit_svms(model, train, folder, rng, progress=True)
    return (
        f"SVMs and box regressors: {sum(report.seconds.values()):.0f} s, from "
        f"{report.bytes_on_disk / 1e6:,.0f} MB of features on disk, deleted again"
    )


OPTIONS = {
    **COMMON_OPTIONS,
    "scale": SCALE,
    "average": Option(
        "share that the averaged weights keep at each step of training, such as 0.998; 0 averages "
        "nothing; default: by recipe",
        float,
        "SHARE",
    ),
    "adam": Option(
        "whether Adam moves the weights, with a rate such as 0.0005, and not SGD; default: by "
        "recipe",
        yes_or_no,
        "yes|no",
    ),
}

SYSTEMS = (
    System(
        "faster_rcnn", "Faster R-CNN", "Ren 2015", DETECTION, build_on_maps(FasterRCNN),
        FASTER_RCNN, JOINT_RECIPES, cells=CELLS, options=OPTIONS,
    ),
    System(
        "fast_rcnn", "Fast R-CNN", "Girshick 2015", DETECTION, build_on_maps(FastRCNN),
        FAST_RCNN, ON_PROPOSALS_RECIPES, on_proposals=True, cells=CELLS,
        options={name: COMMON_OPTIONS[name] for name in ("min_size", "max_size")},
    ),
    System(
        "spp_net", "SPP-net", "He 2014", DETECTION, build_on_maps(SPPNet),
        SPP_NET, ON_PROPOSALS_RECIPES, on_proposals=True, after_fit=fit_svms_of_best,
    ),
    System(
        "rcnn", "R-CNN", "Girshick 2014", DETECTION, build_on_maps(RCNN),
        R_CNN, R_CNN_RECIPES, on_proposals=True, after_fit=fit_svms_of_best,
    ),
)  # fmt: skip
