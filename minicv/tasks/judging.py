"""A trained model on a data set of other classes or joints: what is judged, and what is said."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from minicv.data import Dataset, Relabelled, Subset
from minicv.data.class_names import match_names
from minicv.data.wrapped import Renamed
from minicv.metrics.metric import Metric
from minicv.models.model import Model
from minicv.tasks.task import Classes, Task

MOST_NAMES = 30  # in a sentence


@dataclass(frozen=True)
class Judging:
    """How a model is judged on a data set.

    Attributes:
        dataset: its labels have the model's numbers.
        classes: the model's.
        labelled: those of them that the data set labels, in the model's order.
        left_out: classes of the data set that the model does not know.
        sentences: what a user must know about it; empty where the classes are the same.
        task: the kind of task.
        judge: a trained model by which the metric judges; None for a metric that needs none.
    """

    dataset: Dataset
    classes: Classes
    labelled: Classes
    left_out: Classes
    sentences: tuple[str, ...]
    task: Task
    judge: Model | None = None

    def metric(self) -> Metric:
        """An empty metric, in which classes that the data set does not label have no value."""
        if self.judge is not None:
            assert self.task.metric_by is not None
            return self.task.metric_by(self.classes, self.judge)
        if self.labelled != self.classes and self.task.metric_of_some is not None:
            return self.task.metric_of_some(self.classes, self.labelled)
        return self.task.metric(self.classes)


def judging(
    task: Task, classes: Sequence[str], dataset: Dataset, data: str = "the data"
) -> Judging:
    """How a model of ``classes`` is judged on ``dataset``, whose classes may be others.

    - The order of the classes does not matter: names decide.
    - A class that only the model knows has no value, and no part in a mean. A detection of it is
      neither right nor wrong. A pixel of another class that the model gives to it is still missed
      by that class.
    - A class that only the data set knows is left out: its objects are no truth, so that a cow
      found there is a false alarm; its pixels have no class; a picture of it as a whole is left
      out.
    - Names that differ by case, blanks, hyphens or underscores only are the same class; it is said.

    Args:
        task: the kind of task.
        classes: the model's.
        dataset: the images.
        data: names the data set in the sentences.

    Raises:
        ValueError: no class is in both, or no picture is of such a class.
    """
    ours, theirs = tuple(classes), task.classes_of(dataset)
    if "label" in task.needs and theirs != tuple(dataset.classes):
        dataset = Renamed(dataset, theirs)  # such as WordNet's ids, by their words
    if ours == theirs or not task.needs:  # without a label there is nothing to match
        return Judging(dataset, ours, ours, (), (), task)
    matched = match_names(theirs, ours)
    if not matched:
        raise ValueError(
            f"the model knows {_listed(ours)}, but {data} labels {_listed(theirs)}: no class is in "
            "both; use weights trained on these classes"
        )
    labelled = tuple(name for name in ours if name in matched.values())
    left_out = tuple(name for name in theirs if name not in matched)
    absent = [name for name in ours if name not in labelled]
    alike = [f"{name!r} and {other!r}" for name, other in matched.items() if name != other]
    sentences = []
    if alike:
        sentences.append(f"taken as one class, though written in two ways: {_listed(alike)}")
    if absent:
        them = "them" if len(absent) > 1 else "it"
        sentences.append(f"not judged, for {data} does not label {them}: {_listed(absent)}")
    if left_out:
        them = "them" if len(left_out) > 1 else "it"
        sentences.append(f"left out, for the model does not know {them}: {_listed(left_out)}")
    if left_out and "label" in task.needs:
        dataset = _pictures_of(matched, dataset, data)
    return Judging(Relabelled(dataset, ours), ours, labelled, left_out, tuple(sentences), task)


def check_joints(
    task: Task, joint_names: Sequence[str], dataset: Dataset, data: str = "the data"
) -> None:
    """Refuse to judge joints by others: of the same number, they would give meaningless values.

    Names that differ by case, blanks, hyphens or underscores only are the same joint.

    Args:
        task: the kind of task.
        joint_names: the model's.
        dataset: the images.
        data: names the data set in the message.

    Raises:
        ValueError: the data set has other joints, or the same in another order.

    >>> from minicv.data import Farmyard
    >>> from minicv.tasks.instances import POSES
    >>> check_joints(POSES, ("nose", "tail"), Farmyard(1), "farmyard:1")
    Traceback (most recent call last):
    ...
    ValueError: the model finds the joints nose, tail, but those of farmyard:1 are right ankle,...
    """
    if not {"keypoints", "joints"} & set(task.needs):
        return
    theirs = tuple(getattr(dataset, "joint_names", None) or ())
    if [_folded(name) for name in joint_names] != [_folded(name) for name in theirs]:
        raise ValueError(
            f"the model finds the joints {_listed(joint_names)}, but those of {data} are "
            f"{_listed(theirs)}; expected the same joints in the same order"
        )


def _pictures_of(names: Container[str], dataset: Dataset, data: str) -> Dataset:
    """The pictures whose class, as a whole, is one of ``names``."""
    labels_of = getattr(dataset, "labels_of", None)
    known = []
    for index in range(len(dataset)):
        label = int(labels_of(index)[0]) if labels_of else dataset[index][1]["label"]
        if dataset.classes[label] in names:
            known.append(index)
    if not known:
        raise ValueError(f"no picture of {data} is of a class that the model knows")
    return Subset(dataset, known)


def _folded(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.casefold().strip()))


def _listed(names: Sequence[str]) -> str:
    """All names, or of many the first ones and how many more there are."""
    more = len(names) - MOST_NAMES
    if more > 1:
        names = [*names[:MOST_NAMES], f"and {more:,} more"]
    return ", ".join(names) or "nothing"
