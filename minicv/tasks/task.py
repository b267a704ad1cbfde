"""`Task` and `System`: all that training and the command line know of a kind of task."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Dataset
from minicv.data.sources import SOURCES
from minicv.metrics.metric import Metric
from minicv.models.model import Model, Result, Target
from minicv.training.recipe import Recipe

Classes = tuple[str, ...]
Colours = tuple[tuple[int, int, int], ...]  # red, green and blue of each class, 0..255


@dataclass(frozen=True)
class Prediction:
    """A result and where it comes from.

    Attributes:
        name: of the image, such as the name of its file.
        image: (3, H, W), RGB float in 0..1.
        result: of ``model.predict``.
        classes: the names of the model's labels.
        seconds: that the prediction took.
        picture: name of the file on which the result is drawn, if there is one.
        colours: red, green and blue of each class, 0..255; None for those of `class_palette`.
        joint_names: of the joints in the result, in their order; () for a model without joints.
    """

    name: str
    image: np.ndarray
    result: Result
    classes: Classes
    seconds: float = 0.0
    picture: str = ""
    colours: Colours | None = None
    joint_names: tuple[str, ...] = ()


def joint_names_of(model: Model) -> tuple[str, ...]:
    """The names of the joints that a model finds; () for a model without."""
    return tuple(getattr(model.settings, "joint_names", ()))


def classes_of_objects(dataset: Dataset) -> Classes:
    """The names of the labels of boxes and of whole images."""
    return tuple(dataset.classes)


@dataclass(frozen=True)
class Task:
    """A kind of task: which labels it learns from, how results are judged, drawn and written.

    Attributes:
        name: such as "detection".
        needs: what a data source must label, such as ("boxes", "labels"); see
            `minicv.data.sources`.
        metric: from the class names to an empty metric.
        best_by: the value of the metric that chooses ``best.npz``.
        draw: (prediction, threshold) -> the result on its picture; what scores less than the
            threshold is left out.
        to_json: prediction -> the entries of the results' file.
        summary: (prediction, threshold) -> what `minicv predict` says of a picture.
        watched: values that are recorded after every epoch, beside ``best_by``.
        picture: the end of a drawn picture's name: PICTURE_detections.png.
        results: the name of the results' file, without ``.json``.
        compare: (prediction, target, data set) -> the result beside the truth, for
            `minicv eval --pictures`; the data set may name the colours of its classes. None for a
            task that has nothing to show.
        report: metric -> the lines that `minicv eval` prints; None prints all values.
        classes_of: data set -> the names of the labels.
        colours_of: data set -> the colours of its classes, or None.
        more_pictures: by the end of their names, what `minicv predict` writes beside the drawn
            picture, from a prediction.
        metric_of_some: as ``metric``, from the names of all classes and of those that the data set
            labels; None where a class without truth has no value anyway.
        rank: how good the result of one image is, from a result and its target to a number above
            0, and what that number is called; by it `minicv eval --pictures` chooses images. None
            is the value ``best_by`` of that image alone.
        pictures_of_all: by their names, what `minicv eval --pictures` draws of the metric.
        prefers: labels that are taken where the source gives them, in place of ``needs``.
        smaller_is_better: of the value ``best_by``, as of a distance.
        metric_by: as ``metric``, from the names of the classes and a trained model that judges,
            which `minicv eval --judge` names.
        without_pictures: what `minicv predict` writes where it is given no picture, from a model
            and a generator: pictures by the ends of their names.
    """

    name: str
    needs: tuple[str, ...]
    metric: Callable[[Sequence[str]], Metric]
    best_by: str
    draw: Callable[[Prediction, float], Image.Image]
    to_json: Callable[[Prediction], list[dict[str, Any]]]
    summary: Callable[[Prediction, float], str]
    watched: tuple[str, ...] = ()
    picture: str = "result"
    results: str = "results"
    compare: Callable[[Prediction, Target, Dataset], Image.Image] | None = None
    report: Callable[[Metric], list[str]] | None = None
    classes_of: Callable[[Dataset], Classes] = classes_of_objects
    colours_of: Callable[[Dataset], Colours | None] = lambda dataset: None
    more_pictures: Mapping[str, Callable[[Prediction], Image.Image]] = field(default_factory=dict)
    metric_of_some: Callable[[Sequence[str], Sequence[str]], Metric] | None = None
    rank: tuple[str, Callable[[Result, Target], float]] | None = None
    pictures_of_all: Mapping[str, Callable[[Metric], Image.Image]] = field(default_factory=dict)
    prefers: tuple[str, ...] = ()
    smaller_is_better: bool = False
    metric_by: Callable[[Sequence[str], Model], Metric] | None = None
    without_pictures: Callable[[Any, np.random.Generator], dict[str, Image.Image]] | None = None

    def labels_from(self, source: str) -> tuple[str, ...]:
        """The labels that this task asks of a source, such as ``farmyard:200``."""
        known = SOURCES.get(source.partition(":")[0])
        return self.prefers if self.prefers and known and known.gives(self.prefers) else self.needs


@dataclass(frozen=True)
class Option:
    """A field of a system's settings or recipe that `minicv train` can set.

    Attributes:
        help: what it does, for ``--help``.
        type: of its value.
        metavar: the name of the value in ``--help``.
        choices: the allowed values; None for any.
        count: how many values it takes; None for one.
    """

    help: str
    type: Callable[[str], Any] = str
    metavar: str | tuple[str, ...] | None = None
    choices: tuple[str, ...] | None = None
    count: int | None = None


COMMON_OPTIONS = {
    "min_size": Option(
        "the shorter side of an image becomes this; default: by the system (segmenters take images "
        "as they are)",
        int,
        "PIXELS",
    ),
    "max_size": Option(
        "but the longer side at most this; default: in the system's own ratio to --min-size",
        int,
        "PIXELS",
    ),
    "jitter": Option(
        "how far brightness, contrast and saturation change in training, 0 to 1; default: by "
        "recipe",
        float,
        "SHARE",
    ),
}

SCALE = Option(
    "least and greatest factor by which training zooms, such as 0.6 1.6; default: by recipe",
    float,
    ("LEAST", "GREATEST"),
    count=2,
)
# Of systems that see a whole picture as a square, and give one answer.
OPTIONS_OF_A_SQUARE = {
    "size": Option(
        "side of the square that a picture becomes; default: by the system", int, "PIXELS"
    ),
    "units": Option("of each fully connected layer; default: by the system", int, "N"),
    "dropout": Option(
        "share of the units that training drops; default: by the system", float, "SHARE"
    ),
}


def yes_or_no(text: str) -> bool:
    """
    >>> yes_or_no("no")
    False
    """
    if text not in ("yes", "no"):
        raise ValueError(f"{text!r}: expected yes or no")
    return text == "yes"


def check_jitter(jitter: float) -> None:
    """Refuse a share of colour that is none.

    Raises:
        ValueError: it is outside of 0..1, or NaN.

    >>> check_jitter(0.2)
    """
    if not 0 <= jitter <= 1:
        raise ValueError(f"recipe: jitter={jitter}; expected a share from 0 to 1")


def check_scale(scale: tuple[float, float]) -> None:
    """Refuse factors of a zoom that are none.

    Raises:
        ValueError: they are out of order, not positive, infinite, or NaN.

    >>> check_scale((0.7, 1.4))
    """
    if not 0 < scale[0] <= scale[1] < math.inf:
        raise ValueError(
            f"recipe: scale={scale}; expected the least and the greatest factor of the zoom, both "
            "positive"
        )


@dataclass(frozen=True)
class Spec:
    """Which model: enough to build it with fresh weights; a checkpoint's description.

    Attributes:
        system: one of `minicv.tasks.SYSTEMS`.
        classes: the K names.
        settings: the system's frozen dataclass.
        backbone: one of `minicv.models.backbones.BACKBONES`; None for a system without.
        proposals: one of `minicv.proposals.PROPOSERS`; None for a system without a proposer.
        frozen: whether a detector's backbone starts from known weights, whose batch statistics and
            first blocks then stay as they are.
        colours: of the classes, where the training data has them; see `Model.colours`.
    """

    system: str
    classes: Classes
    settings: Any
    backbone: str | None = None
    proposals: str | None = None
    frozen: bool = True
    colours: Colours | None = None

    def describe(self) -> dict[str, Any]:
        """As a checkpoint keeps it: names, numbers and lists.

        >>> Spec("segnet", ("cow",), Option(help="")).describe()["classes"]
        ['cow']
        """
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        settings = {
            f.name: getattr(self.settings, f.name) for f in dataclasses.fields(self.settings)
        }
        described = {**own, "classes": list(self.classes), "settings": settings}
        if self.colours is None:  # as checkpoints have it that were written without colours
            del described["colours"]
        return described


@dataclass(frozen=True)
class System:
    """A system by name: how it is built, its settings and recipes, its options.

    Attributes:
        name: on the command line, such as "faster_rcnn".
        title: as its paper calls it.
        source: the paper.
        task: its kind.
        build: from a spec and a generator to a model with fresh weights.
        settings: by backbone, those that suit it; the one key None for a system without.
        recipes: by backbone, how it is trained.
        on_proposals: whether it needs the boxes of a proposer.
        cells: by backbone, how many pixels of a side are one cell of its finest map: a smaller
            picture is too small. A system that is not named here sees single pixels.
        options: what else `minicv train` can set, by the name of the field.
        after_fit: (model, training images, folder, rng) -> a sentence to print; fits on the best
            weights what gradients do not train, such as R-CNN's SVMs.
    """

    name: str
    title: str
    source: str
    task: Task
    build: Callable[[Spec, np.random.Generator], Model]
    settings: Mapping[str | None, Any]
    recipes: Mapping[str | None, Recipe]
    on_proposals: bool = False
    cells: Mapping[str | None, int] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    after_fit: Callable[[Any, Dataset, Path, np.random.Generator], str] | None = None

    @property
    def backbones(self) -> tuple[str, ...]:
        """Names of the backbones that the system can stand on; empty for one without backbone."""
        return tuple(name for name in self.settings if name is not None)

    def backbone(self, name: str | None) -> str | None:
        """``name`` if the system can stand on it; for None the system's first backbone.

        Raises:
            ValueError: the system cannot stand on it.
        """
        if name is None:
            return next(iter(self.settings))
        if name not in self.settings:
            takes = (
                f"takes one of {', '.join(self.backbones)}"
                if self.backbones
                else ("is one piece and takes none")
            )
            raise ValueError(f"backbone {name!r}: {self.name} {takes}")
        return name
