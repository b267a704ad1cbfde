"""Classification, what is in the picture: the task, its recipe, the system and its numbers."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from PIL import Image

from minicv.data import Cached, Dataset, Subset, Transformed
from minicv.data.imagenet_names import named_classes
from minicv.data.picture_size import picture_size
from minicv.data.sources import Splits
from minicv.data.transforms import ColorJitter, Compose, RandomHorizontalFlip, Resize, Transform
from minicv.data.transforms.square import Fit, RandomShift, RandomSquare
from minicv.inspection.classification import draw_classification, draw_confusion_matrix
from minicv.metrics.classification import ClassificationMetric
from minicv.metrics.metric import Metric
from minicv.models.backbones import build_backbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.models.classification.image_classifier import USUAL_SIZE, Head, Loss
from minicv.models.model import Result, Target
from minicv.optim import SGD
from minicv.tasks.task import (
    COMMON_OPTIONS,
    OPTIONS_OF_A_SQUARE,
    Option,
    Prediction,
    Spec,
    System,
    Task,
    check_jitter,
    yes_or_no,
)
from minicv.training import Learning, Preparation, Recipe

BEST = 5  # classes that are named and written
MOST_LINES = 30  # of classes in the report
CACHED_BYTES = 1 << 30  # of memory for decoded photographs
MEASURED = 200  # pictures whose sizes are looked at
LONGEST = 3  # a photograph is kept up to so many times as long as it is short


def best_classes(prediction: Prediction, most: int = BEST) -> list[tuple[str, float]]:
    """The names of the best classes and their scores.

    >>> found = {"labels": np.array([1, 0]), "scores": np.array([0.1, 0.84])}
    >>> best_classes(Prediction("a.jpg", np.zeros((3, 2, 2)), found, ("cat", "Quokka")))
    [('Quokka', 0.84), ('cat', 0.1)]
    """
    scores = prediction.result["scores"]
    labels = prediction.result["labels"][:most].tolist()
    return [(prediction.classes[label], float(scores[label])) for label in labels]


def _draw(prediction: Prediction, threshold: float) -> Image.Image:
    """The best classes as bars. The threshold is not used: a picture always has a best class."""
    return draw_classification(prediction.image, prediction.result["scores"], prediction.classes)


def _compare(prediction: Prediction, target: Target, dataset: Dataset) -> Image.Image:
    return draw_classification(
        prediction.image,
        prediction.result["scores"],
        prediction.classes,
        target["label"],
        title=prediction.name,
    )


def _to_json(prediction: Prediction) -> list[dict[str, Any]]:
    """One entry for a picture: its name, the seconds, and the best classes with their scores."""
    return [
        {
            "image_id": prediction.name,
            "seconds": round(prediction.seconds, 4),
            "classes": [
                {"name": name, "score": round(score, 5)} for name, score in best_classes(prediction)
            ],
            "picture": prediction.picture,
        }
    ]


def _summary(prediction: Prediction, threshold: float) -> str:
    """The best classes with their scores, and how long it took.

    >>> found = {"labels": np.array([1, 0]), "scores": np.array([0.1, 0.84])}
    >>> _summary(Prediction("a", np.zeros((3, 2, 2)), found, ("cat", "Quokka"), 0.02), 0.5)
    'Quokka 0.84, cat 0.10 (0.02 s)'
    """
    named = ", ".join(f"{name} {score:.2f}" for name, score in best_classes(prediction))
    return f"{named} ({prediction.seconds:.2f} s)"


def lead(result: Result, target: Target) -> float:
    """How far the score of the true class leads that of the best other class, squashed to 0..1.

    1 / (1 + exp(best other score - true score)): above 1/2 where the best class is the true one.
    NaN for an image whose class the model does not know.

    >>> lead({"scores": np.array([0.2, 0.2, 0.6])}, {"label": 0}) < 0.5
    True
    """
    label, scores = target["label"], result["scores"].astype(np.float64)
    if label < 0:
        return math.nan
    best_other = np.delete(scores, label).max()
    return float(1 / (1 + math.exp(min(best_other - scores[label], 700.0))))


def report(metric: Metric) -> list[str]:
    """A line for each class that has images: how many, and how many are right; then of all.

    Of many classes the worst alone are named. The classes that are confused most often follow.

    >>> metric = ClassificationMetric(("cow", "cat"))
    >>> metric.confusion[:] = [[6, 2], [0, 4]]
    >>> print("\\n".join(report(metric)))
    class    images  top-1
    cow           8  0.750
    cat           4  1.000
    top-1                0.833
    top-5                0.000
    mean class accuracy  0.875
    confused most often: 2 of 8 cow taken for cat
    """
    assert isinstance(metric, ClassificationMetric)
    counts, accuracy = metric.confusion.sum(axis=1), metric.class_accuracy()
    there = np.flatnonzero(counts)
    shown, lines = there, []
    if len(there) > MOST_LINES:
        shown = there[np.argsort(accuracy[there], kind="stable")[:BEST]]
        lines.append(f"the worst of {len(there)} classes that occur:")
    width = max([5, *(len(metric.classes[label]) for label in shown)])
    lines.append(f"{'class':<{width}}  {'images':>8}  top-1")
    lines += [
        f"{metric.classes[label]:<{width}}  {counts[label]:>8,}  {accuracy[label]:.3f}"
        for label in shown
    ]
    of_all = {n: v for n, v in metric.values().items() if not n.startswith("top-1 ")}
    lines += [f"{name:<19} {_number(value):>6}" for name, value in of_all.items()]
    confused = [
        f"{own.images:,} of {counts[metric.classes.index(own.truth)]:,} {own.truth} taken for "
        f"{own.taken_for}"
        for own in metric.confusions()
    ]
    return lines + ([f"confused most often: {'; '.join(confused)}"] if confused else [])


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _draw_confusion(metric: Metric) -> Image.Image:
    assert isinstance(metric, ClassificationMetric)
    return draw_confusion_matrix(metric.confusion, metric.classes)


CLASSIFICATION = Task(
    name="classification",
    needs=("label",),
    metric=ClassificationMetric,
    best_by="top-1",
    draw=_draw,
    to_json=_to_json,
    summary=_summary,
    watched=("top-1", "top-5"),
    picture="classes",
    results="classifications",
    compare=_compare,
    report=report,
    classes_of=lambda dataset: named_classes(dataset.classes),
    rank=("the lead of the true class", lead),
    pictures_of_all={"confusion_matrix": _draw_confusion},
)


@dataclass(frozen=True)
class ClassificationRecipe(Recipe):
    """SGD with Nesterov's momentum, on windows of the pictures.

    Attributes:
        jitter: of brightness, contrast and saturation; None is 0.2 for photographs, and 0 for drawn
            scenes and for pictures in memory, which are grey.
        least_area: share of a picture that a training window shows at least; 1 shows all of it.
            None is 0.4 for photographs and 1 for the others.
        shift: share of the side by which pictures are moved at most, up or down and left or right.
        mirror: whether pictures are mirrored; digits and letters should not be.
        validation_images: how many validation images, evenly spread, are predicted after each
            epoch; 0 takes all.

    Raises:
        ValueError: a share that is none; see also `Recipe`.
    """

    jitter: float | None = None
    least_area: float | None = None
    shift: float = 0.08
    mirror: bool = True
    validation_images: int = 2000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_jitter(self.jitter or 0.0)
        if self.least_area is not None and not 0 < self.least_area <= 1:
            raise ValueError(
                f"recipe: least_area={self.least_area}; expected a share above 0 and up to 1"
            )
        if not 0 <= self.shift <= 0.5 or self.validation_images < 0:
            raise ValueError(
                f"recipe: shift={self.shift}, validation_images={self.validation_images}; expected "
                "a share of the side up to 0.5, and a number of images from 0 on"
            )

    def optimizer(self, parameters: Learning) -> SGD:
        """SGD that looks ahead along its momentum of 0.9."""
        return SGD(
            parameters, lr=self.lr, momentum=0.9, weight_decay=self.weight_decay, nesterov=True
        )

    def prepare(self, splits: Splits, settings: Any, *, workers: int = 1) -> Preparation:
        """Photographs from files are decoded and resized once; the augmentation follows.

        Where the settings have no size, it becomes the shorter side of the training images, the
        median, but at most 128.
        """
        if settings.size is None:
            size = min(USUAL_SIZE, shorter_side(splits.train))
            settings = dataclasses.replace(settings, size=size)
        train, validation = (
            _kept(dataset, settings) for dataset in (splits.train, splits.validation)
        )
        if self.validation_images and self.validation_images < len(validation):
            spread = np.arange(self.validation_images) * len(validation) // self.validation_images
            validation = Subset(validation, spread.tolist())
        photographs = _is_of_files(splits.train)
        recipe = self.changed(
            jitter=(0.2 if photographs else 0.0) if self.jitter is None else self.jitter,
            least_area=(0.4 if photographs else 1.0)
            if self.least_area is None
            else self.least_area,
        )
        return Preparation(recipe, settings, train, validation, recipe.augmentation(settings))

    def augmentation(self, settings: ClassifierSettings) -> Transform:
        """What happens to an image of the training; only of a prepared recipe."""
        assert self.least_area is not None and settings.size is not None
        transforms: list[Transform] = [_only_label]
        transforms.append(RandomSquare(settings.size, settings.fit, self.least_area))
        if self.mirror:
            transforms.append(RandomHorizontalFlip(0.5))
        most = math.floor(self.shift * settings.size + 0.5)
        if most:
            transforms.append(RandomShift(most))
        if self.jitter:
            transforms.append(ColorJitter(self.jitter, self.jitter, self.jitter))
        return Compose(transforms)


def shorter_side(dataset: Dataset) -> int:
    """The median of the shorter sides of up to 200 images, evenly spread over the data set.

    >>> shorter_side([(np.zeros((3, 20, 30)), {}), (np.zeros((3, 50, 40)), {})])
    30
    """
    count = min(MEASURED, len(dataset))
    indices = (np.arange(count) * len(dataset) // count).tolist()
    paths = getattr(dataset, "paths", None)
    if paths is not None and len(paths) == len(dataset):
        sizes = [picture_size(paths[index]) for index in indices]
        return int(np.median([min(size.width, size.height) for size in sizes]))
    return int(np.median([min(dataset[index][0].shape[1:]) for index in indices]))


def _is_of_files(dataset: Dataset) -> bool:
    """Whether its images are photographs from files, not drawn and not in memory."""
    return getattr(dataset, "paths", None) is not None


def _kept(dataset: Dataset, settings: ClassifierSettings) -> Dataset:
    """Photographs at the size that the settings need, cached once they are decoded."""
    if len(dataset) == 0 or not _is_of_files(dataset) or isinstance(dataset, Cached):
        return dataset
    assert settings.size is not None
    if settings.fit == "stretch":
        side = settings.size
        resized = Transformed(dataset, Resize((side, side)))
    else:
        side = math.ceil(settings.size / settings.crop_fraction)
        resized = Transformed(dataset, Resize(side, max_size=LONGEST * side))
    bytes_of_image = 3 * 4 * side * side * 4 / 3  # most photographs are 4 to 3
    return Cached(resized, most=max(1, int(CACHED_BYTES / bytes_of_image)))


def _only_label(
    image: np.ndarray, target: dict[str, Any], rng: np.random.Generator | None
) -> tuple[np.ndarray, dict[str, Any]]:
    """The target with what is learnt from alone, so that no mask is mirrored in vain."""
    return image, {name: target[name] for name in ("label", "image_id") if name in target}


# The first two are for small pictures, and see all of each; the others are for photographs, and see
# the middle of them, as those who published them did. AlexNet and VGG-16 have the lecture's 4096
# units, twice; the grids before them are those of their fc6. (The feature map of a side of 208 is
# 13 x 13, from which a grid of 6 x 6 is pooled as AlexNet pools its own.)
LIGHT = ("efficientnet_lite0", "resnet18")
STRIDES = {"small": 16, "conv_net": 8, "alexnet": 16, "vgg16": 16, "resnet50": 32} | dict.fromkeys(
    LIGHT, 32
)
_WHOLE = ClassifierSettings(size=None, fit="stretch", crop_fraction=1.0)
_UNITS = ClassifierSettings(head="fully_connected", dropout=0.5)
SETTINGS: dict[str | None, ClassifierSettings] = {
    "small": _WHOLE,
    "conv_net": _WHOLE,
    **dict.fromkeys((*LIGHT, "resnet50"), ClassifierSettings()),
    "alexnet": dataclasses.replace(_UNITS, size=208, pooled_size=6),
    "vgg16": _UNITS,
}
RECIPES: dict[str | None, Recipe] = {
    "small": ClassificationRecipe(epochs=12, batch_size=16, lr=0.05, weight_decay=5e-4),
    "conv_net": ClassificationRecipe(epochs=5, batch_size=64, lr=0.1, weight_decay=5e-4),
    **dict.fromkeys(LIGHT, ClassificationRecipe(epochs=12, batch_size=16, lr=0.01)),
    "resnet50": ClassificationRecipe(epochs=12, batch_size=8, lr=0.005),
    **dict.fromkeys(
        ("alexnet", "vgg16"),
        ClassificationRecipe(epochs=12, batch_size=16, lr=0.002),
    ),
}


def _build(spec: Spec, rng: np.random.Generator) -> Classifier:
    assert spec.backbone is not None  # SETTINGS has none without
    strides = (STRIDES[spec.backbone],)
    backbone = build_backbone(spec.backbone, strides, frozen=spec.frozen, rng=rng)
    return Classifier(backbone, spec.classes, spec.settings, rng=rng)


OPTIONS = {
    "loss": Option("softmax, or the hinge of an SVM; default: softmax", choices=get_args(Loss)),
    "head": Option(
        "the mean of the feature map, pooled, or two fully_connected layers upon a grid of it; "
        "default: fully_connected for alexnet and vgg16",
        choices=get_args(Head),
    ),
    **OPTIONS_OF_A_SQUARE,
    "label_smoothing": Option(
        "share of the truth that is spread over all classes; default: 0", float, "SHARE"
    ),
    "fit": Option(
        "how a picture becomes a square: its middle, crop, or all of it, stretch; default: stretch "
        "for small and conv_net",
        choices=get_args(Fit),
    ),
    "jitter": COMMON_OPTIONS["jitter"],
    "least_area": Option(
        "share of a picture that a training window shows at least; 1 shows all; default: 0.4 for "
        "photographs, else 1",
        float,
        "SHARE",
    ),
    "shift": Option("share of the side by which training moves pictures at most", float, "SHARE"),
    "mirror": Option(
        "whether training mirrors pictures; say no for digits and letters", yes_or_no, "yes|no"
    ),
}

SYSTEMS = (
    System(
        "classifier", "ConvNet classifier", "Krizhevsky 2012", CLASSIFICATION, _build,
        SETTINGS, RECIPES, options=OPTIONS,
    ),
)  # fmt: skip
