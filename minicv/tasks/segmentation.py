"""Segmentation, a class for every pixel: the task, its recipe, the segmenters and their numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import numpy as np
from PIL import Image

from minicv.data import Cached, DataLoader, Dataset, Subset, Transformed
from minicv.data.sources import Splits
from minicv.data.transforms import ColorJitter, Compose, RandomScaleCrop, Resize
from minicv.inspection import draw_segmentation, draw_segmentation_comparison
from minicv.inspection.label_maps import percent
from minicv.inspection.label_pictures import background_labels, palette_picture
from minicv.metrics.metric import Metric, SegmentationMetric
from minicv.models.backbones import build_backbone
from minicv.models.model import Model, Target
from minicv.models.segmentation import (
    DeconvNet,
    DeconvNetSettings,
    DensePatchClassifier,
    EncoderDecoder,
    EncoderDecoderSettings,
    FCN8s,
    FCN16s,
    FCN32s,
    FCNSettings,
    FullResolution,
    FullResolutionSettings,
    PatchClassifier,
    PatchClassifierSettings,
    SegNet,
    SegNetSettings,
)
from minicv.models.segmentation.upsampling import Upsampling
from minicv.optim import Adam
from minicv.tasks.task import (
    COMMON_OPTIONS,
    Classes,
    Colours,
    Option,
    Prediction,
    Spec,
    System,
    Task,
    check_jitter,
)
from minicv.training import Learning, Preparation, Recipe, flip_for
from minicv.training.progress import Progress
from minicv.vision.label_maps import class_frequencies, median_frequency_weights

CACHED_BYTES = 1 << 30  # of memory for decoded images
BYTES_OF_A_PIXEL = 3 * 4 + 1  # three colours in float32, and a label


def _draw(prediction: Prediction, threshold: float) -> Image.Image:
    """The classes in colour, with a legend. The threshold is not used: every pixel has a class."""
    return draw_segmentation(
        prediction.image,
        prediction.result["segmentation"],
        prediction.classes,
        prediction.colours,
        clear=background_labels(prediction.classes),
    )


def _draw_labels(prediction: Prediction) -> Image.Image:
    """The label map itself: numbers in a palette picture, the background transparent."""
    return palette_picture(
        prediction.result["segmentation"],
        len(prediction.classes),
        prediction.colours,
        clear=background_labels(prediction.classes),
    )


def _colours_of(dataset: Dataset) -> Colours | None:
    """The colours of the label maps of a data set that names some."""
    colours = getattr(dataset, "segmentation_colors", None)
    if colours is None or len(colours) != len(SEGMENTATION.classes_of(dataset)):
        return None
    return tuple((int(red), int(green), int(blue)) for red, green, blue in colours)


def _compare(prediction: Prediction, target: Target, dataset: Dataset) -> Image.Image:
    """Photograph, truth, prediction and errors."""
    return draw_segmentation_comparison(
        prediction.image,
        target["segmentation"],
        prediction.result["segmentation"],
        prediction.classes,
        getattr(dataset, "segmentation_colors", None),
        title=prediction.name,
    )


def class_shares(segmentation: np.ndarray, classes: Classes) -> dict[str, float]:
    """How much of a label map (H, W) each class has, 0..1.

    >>> class_shares(np.array([[0, 0, 0, 2]]), ("sky", "tree", "cow"))
    {'sky': 0.75, 'tree': 0.0, 'cow': 0.25}
    """
    counts = np.bincount(segmentation.ravel(), minlength=len(classes))
    return dict(zip(classes, (counts / segmentation.size).tolist(), strict=True))


def _to_json(prediction: Prediction) -> list[dict[str, Any]]:
    """One entry for a picture: its size, the seconds, the share of each class, what was drawn."""
    shares = class_shares(prediction.result["segmentation"], prediction.classes)
    return [
        {
            "image_id": prediction.name,
            "height": prediction.image.shape[1],
            "width": prediction.image.shape[2],
            "seconds": round(prediction.seconds, 4),
            "shares": {name: round(share, 6) for name, share in shares.items()},
            "picture": prediction.picture,
        }
    ]


def _summary(prediction: Prediction, threshold: float) -> str:
    """The classes that occur, the largest first."""
    shares = class_shares(prediction.result["segmentation"], prediction.classes)
    largest_first = sorted(shares.items(), key=lambda item: -item[1])
    named = ", ".join(f"{name} {percent(share)}" for name, share in largest_first if share)
    return f"{named} ({prediction.seconds:.2f} s)"


def class_table(metric: Metric) -> list[str]:
    """A line for each class: its share of the labelled pixels, accuracy and IoU; then the means.

    >>> metric = SegmentationMetric(("grass", "cow"))
    >>> metric.confusion += np.array([[6, 2], [0, 2]])
    >>> print("\\n".join(class_table(metric)[:3]))
    class    pixels  accuracy    IoU
    grass      80 %     0.750  0.750
    cow        20 %     1.000  0.500
    """
    assert isinstance(metric, SegmentationMetric)
    values = metric.of_all()
    width = max(5, *map(len, metric.classes))
    pixels = metric.confusion.sum(axis=1)
    shares = pixels / max(int(pixels.sum()), 1)
    lines = [f"{'class':<{width}}  {'pixels':>8}  accuracy    IoU"]
    for name, share, accuracy, iou in zip(
        metric.classes, shares, values.class_accuracy, values.class_iou, strict=True
    ):
        lines.append(
            f"{name:<{width}}  {percent(share):>8}  {_number(accuracy):>8}  {_number(iou):>5}"
        )
    of_all = {name: v for name, v in metric.values().items() if not name.startswith("IoU ")}
    return lines + [f"{name:<14} {_number(value):>6}" for name, value in of_all.items()]


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"


SEGMENTATION = Task(
    name="segmentation",
    needs=("segmentation",),
    metric=SegmentationMetric,
    best_by="mIoU",
    draw=_draw,
    to_json=_to_json,
    summary=_summary,
    watched=("mIoU", "pixel accuracy"),
    picture="segmentation",
    results="segmentations",
    compare=_compare,
    report=class_table,
    metric_of_some=SegmentationMetric,
    classes_of=lambda dataset: tuple(dataset.segmentation_classes),  # type: ignore[attr-defined]
    colours_of=_colours_of,
    more_pictures={"labels": _draw_labels},
)


@dataclass(frozen=True)
class SegmentationRecipe(Recipe):
    """Adam, and pictures that are mirrored, zoomed, cut to one window and changed in colour.

    Drawn scenes are only mirrored: there are as many as one wants, in many scales and lights.

    Attributes:
        weight_decay: as for all recipes; by default none.
        balance: how much more a pixel of a rare class counts in the loss. Each class has its
            weight by median frequency to the power of ``balance``: with 0 all pixels count alike,
            with 1 all classes do. More balance finds more of the rare classes, and gives more
            false alarms.
        scale: least and greatest factor of the zoom.
        jitter: of brightness, contrast and saturation; None is 0.2 for photographs, and 0 for drawn
            scenes.
        crop: (height, width) of the window; None for the median size of the training images.
        validation_images: how many validation images, evenly spread, are predicted after each
            epoch; None takes all. For systems that predict slowly.

    Raises:
        ValueError: a balance below 0, a jitter outside of 0..1, or an empty crop; see also
            `Recipe`.
    """

    weight_decay: float = 0.0
    balance: float = 0.5
    scale: tuple[float, float] = (0.75, 1.5)
    jitter: float | None = None
    crop: tuple[int, int] | None = None
    validation_images: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.balance < math.inf:
            raise ValueError(f"recipe: balance={self.balance}; expected a number from 0 on")
        check_jitter(self.jitter or 0.0)
        if self.crop is not None and min(self.crop) < 1:
            raise ValueError(
                f"recipe: crop={self.crop}; expected (height, width) of at least 1 pixel"
            )

    def optimizer(self, parameters: Learning) -> Adam:
        """Adam with the recipe's weight decay."""
        return Adam(parameters, lr=self.lr, weight_decay=self.weight_decay)

    def validated(self, model: Model) -> Model:
        """A patch classifier as convolutions: the same answers in a thirtieth of the time."""
        return DensePatchClassifier(model) if isinstance(model, PatchClassifier) else model

    def class_weights(self, by_frequency: np.ndarray) -> tuple[float, ...] | None:
        """The K weights of the loss, from those of a `Survey`; None where all pixels count alike.

        >>> recipe = SegmentationRecipe(epochs=1, batch_size=1, lr=0.1, balance=0.5)
        >>> recipe.class_weights(np.array([0.25, 1, 4]))
        (0.5, 1.0, 2.0)
        """
        return tuple((by_frequency**self.balance).tolist()) if self.balance else None

    def prepare(self, splits: Splits, settings: Any, *, workers: int = 1) -> Preparation:
        """Images resized as the settings say, decoded once, and surveyed.

        The settings gain the weights of the classes and the size of the training images.
        Prediction then resizes a photograph of any other size to that scale.
        """
        train = _at_size(splits.train, settings.min_size, settings.max_size)
        validation = _at_size(splits.validation, settings.min_size, settings.max_size)
        few = self.validation_images
        if few is not None and few < len(validation):
            validation = Subset(validation, (np.arange(few) * len(validation) // few).tolist())
        classes = SEGMENTATION.classes_of(splits.train)
        weights, size = survey(train, len(classes), workers=workers)
        settings = dataclasses.replace(
            settings,
            class_weights=self.class_weights(weights),
            min_size=min(size),
            max_size=2 * max(size),
        )
        usual = 0.0 if splits.drawn else 0.2
        jitter = usual if self.jitter is None else self.jitter
        recipe = self.changed(scale=(1.0, 1.0) if splits.drawn else self.scale, jitter=jitter)
        transform = Compose(
            [
                flip_for(splits.train),
                RandomScaleCrop(size if self.crop is None else self.crop, recipe.scale),
                ColorJitter(jitter, jitter, jitter),
            ]
        )
        return Preparation(recipe, settings, train, validation, transform)


def _at_size(dataset: Dataset, min_size: int | None, max_size: int | None) -> Dataset:
    """The images resized, if there is a size, and cached in memory once they are decoded."""
    if len(dataset) == 0:
        return dataset
    if min_size is not None and max_size is not None:
        dataset = Transformed(dataset, Resize(min_size, max_size))
    elif isinstance(dataset, Cached):
        return dataset
    height, width = dataset[0][0].shape[1:]
    return Cached(dataset, most=max(1, CACHED_BYTES // (height * width * BYTES_OF_A_PIXEL)))


class Survey(NamedTuple):
    """What the label maps of a training set say.

    Attributes:
        class_weights: (K,) float32, median frequency over frequency; 0 for a class that is absent.
            See `minicv.vision.median_frequency_weights`.
        size: median height and median width of the images.
    """

    class_weights: np.ndarray
    size: tuple[int, int]


def survey(train: Dataset, num_classes: int, *, workers: int = 1, progress: bool = True) -> Survey:
    """Read every training image once; a `Cached` data set then has all of them in memory.

    Raises:
        ValueError: no images, or a label outside of 0..K-1.
    """
    if len(train) == 0:
        raise ValueError("survey: there are no training images")
    sizes = []

    def label_maps() -> Iterator[np.ndarray]:
        loader = DataLoader(train, batch_size=1, workers=workers)
        for (image,), (target,) in Progress(loader, "counting classes", shown=progress):
            sizes.append(image.shape[1:])
            yield target["segmentation"]

    weights = median_frequency_weights(class_frequencies(label_maps(), num_classes))
    height, width = np.median(sizes, axis=0).astype(int).tolist()
    return Survey(weights, (height, width))


FCN_RECIPES: dict[str | None, SegmentationRecipe] = {
    "small": SegmentationRecipe(epochs=8, batch_size=8, lr=2e-3, balance=0),
    "efficientnet_lite0": SegmentationRecipe(epochs=30, batch_size=8, lr=1e-3),
    "resnet18": SegmentationRecipe(epochs=30, batch_size=8, lr=1e-3),
    "resnet50": SegmentationRecipe(epochs=30, batch_size=8, lr=3e-4),
    "alexnet": SegmentationRecipe(epochs=30, batch_size=8, lr=1e-4),
    "vgg16": SegmentationRecipe(epochs=30, batch_size=8, lr=1e-4),
}

OPTIONS = {
    **COMMON_OPTIONS,
    "crop": Option(
        "window to which training images are cut after a random zoom; default: their size",
        int,
        ("HEIGHT", "WIDTH"),
        count=2,
    ),
    "balance": Option(
        "how far rare classes count more in the loss: 1 by median frequency, all alike, 0 as often "
        "as they occur, 0.5 between; default: by the recipe",
        float,
        "POWER",
    ),
}
_UPSAMPLING = Option("how the decoder enlarges; default: max_unpool", choices=get_args(Upsampling))
_SCALES = Option("levels of the image pyramid; default: 1", int, "N")
_WIDTH = Option(
    "of all layers; default: 1, the paper's 252 million weights, which need 4 GB in training; 0.25 "
    "suits a CPU",
    float,
    "FACTOR",
)


def _on_backbone(kind: Callable[..., Model]) -> Callable[[Spec, np.random.Generator], Model]:
    """How an FCN is built, on three maps of its backbone."""

    def build(spec: Spec, rng: np.random.Generator) -> Model:
        assert spec.backbone is not None  # SYSTEMS names no FCN without a backbone
        backbone = build_backbone(spec.backbone, (8, 16, 32), frozen=False, rng=rng)
        return kind(backbone, spec.classes, spec.settings, rng=rng)

    return build


def _whole(kind: Callable[..., Model]) -> Callable[[Spec, np.random.Generator], Model]:
    """How a segmenter without a backbone is built."""
    return lambda spec, rng: kind(spec.classes, spec.settings, rng=rng)


def _fcn(name: str, title: str, kind: Callable[..., Model]) -> System:
    settings = dict.fromkeys(FCN_RECIPES, FCNSettings())
    build = _on_backbone(kind)
    return System(
        name, title, "Long 2015", SEGMENTATION, build, settings, FCN_RECIPES,
        cells=dict.fromkeys(FCN_RECIPES, 8), options=OPTIONS,
    )  # fmt: skip


SYSTEMS = (
    System(
        "patch_classifier", "sliding-window patch classifier", "Farabet 2013", SEGMENTATION,
        _whole(PatchClassifier),
        {None: PatchClassifierSettings()},
        {None: SegmentationRecipe(
            epochs=3, batch_size=8, lr=1e-3, balance=0, validation_images=10
        )},
        options={**OPTIONS, "scales": _SCALES},
    ),
    System(
        "full_resolution", "fully convolutional at full resolution", "the lecture's second step",
        SEGMENTATION, _whole(FullResolution),
        {None: FullResolutionSettings()},
        {None: SegmentationRecipe(epochs=4, batch_size=8, lr=3e-3, balance=0)},
        options=OPTIONS,
    ),
    System(
        "encoder_decoder", "down- and upsampling, four ways", "the lecture's third step",
        SEGMENTATION, _whole(EncoderDecoder),
        {None: EncoderDecoderSettings()},
        {None: SegmentationRecipe(epochs=7, batch_size=8, lr=3e-3, balance=0)},
        options={**OPTIONS, "upsampling": _UPSAMPLING},
    ),
    _fcn("fcn32s", "FCN-32s", FCN32s),
    _fcn("fcn16s", "FCN-16s", FCN16s),
    _fcn("fcn8s", "FCN-8s", FCN8s),
    System(
        "segnet", "SegNet", "Badrinarayanan 2017", SEGMENTATION, _whole(SegNet),
        {None: SegNetSettings()},
        {None: SegmentationRecipe(epochs=6, batch_size=4, lr=2e-3)},
        options=OPTIONS,
    ),
    System(
        "deconvnet", "DeconvNet", "Noh 2015", SEGMENTATION, _whole(DeconvNet),
        {None: DeconvNetSettings()},
        {None: SegmentationRecipe(epochs=30, batch_size=8, lr=1e-3)},
        options={**OPTIONS, "width": _WIDTH},
    ),
)  # fmt: skip
