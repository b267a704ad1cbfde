"""What can be known of a data set before the first epoch, in a small part of an epoch's time.

`minicv doctor` looks at more. This is the cheap part of it, which every training begins with: a
photograph that cannot be read would end the training in the middle of an epoch, and a class without
objects is better heard of now than after a night.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from minicv.data import Dataset, Subset
from minicv.data.check_pictures import check_pictures
from minicv.data.checks import check_learnable
from minicv.data.faults import Faults
from minicv.data.image_files import ImageError
from minicv.data.picture_size import picture_size
from minicv.data.sources import Splits
from minicv.tasks.task import Classes, Task


def checked(
    splits: Splits,
    task: Task,
    *,
    batch_size: int = 1,
    cell: int = 1,
    skip_unreadable: bool = False,
    say: Callable[[str], None] = print,
) -> Splits:
    """The splits that a training can begin with, after a look at all of their files.

    Data sets that draw their pictures pass as they are.

    Args:
        splits: training and validation are looked at.
        task: the kind of task.
        batch_size: of the training.
        cell: how many pixels of a side the network needs; 1 where pictures are resized.
        skip_unreadable: leave pictures out that cannot be read.
        say: takes each sentence.

    Raises:
        ImageError: pictures cannot be read; all of them are named.
        ValueError: there is nothing to learn from.
    """
    started = time.perf_counter()
    train, validation = readable((splits.train, splits.validation), skip_unreadable)
    try:
        of_pixels = check_learnable(train, task.needs)
    except ValueError as error:
        if "label" in task.needs:  # one class is nothing wrong, but nothing to tell apart
            raise
        raise ValueError(f"{error}; minicv doctor says what is wrong with the labels") from None
    if train is not splits.train or validation is not splits.validation:
        splits = _with_parts(splits, train, validation)
    small = _smaller_than(cell, (train, validation))
    to_learn, to_judge = _objects(train), _objects(validation)
    if hasattr(train, "paths"):
        counted = [count for count in (to_learn, to_judge) if count is not None]
        total = sum(sum(count.values()) for count in counted)
        of_objects = f" and {total:,} objects" if counted and "labels" in task.needs else ""
        files = {*train.paths, *getattr(validation, "paths", ())}  # a picture may be several crops
        seconds = time.perf_counter() - started
        say(f"checked {len(files):,} pictures{of_objects} in {seconds:.1f} s")
    for sentence in (*of_pixels, *_oddities(task.classes_of(train), to_learn, to_judge)):
        say(sentence)
    if small:
        say(
            f"{_counted(len(small), 'picture')} smaller than one cell of the network, which is "
            f"{cell} pixels wide ({small[0]}); --min-size enlarges them"
        )
    if 0 < len(train) < batch_size:
        say(
            f"{_counted(len(train), 'training picture')}, fewer than the {batch_size} of a batch: "
            "each step learns from all of them"
        )
    return splits


def readable(datasets: Sequence[Dataset], skip_unreadable: bool = False) -> list[Dataset]:
    """The data sets without the pictures, or label maps, that cannot be read.

    Args:
        datasets: with ``paths`` and maybe ``label_paths``; others pass as they are.
        skip_unreadable: leave them out, with a warning; else they are an error.

    Raises:
        ImageError: some cannot be read; names those of all data sets.
        ValueError: none of a data set can be read.
    """
    # All data sets are gone through before the first error is raised.
    faults = Faults(raises=False, skip_unreadable=skip_unreadable)
    good = []
    for dataset in datasets:
        indices = set(range(len(dataset)))
        for name in ("paths", "label_paths"):
            files = getattr(dataset, name, None)
            if files is not None:
                indices &= set(check_pictures([*files], faults))
        good.append(sorted(indices))
    faults.raises = True
    try:
        faults.settle("unreadable pictures")
    except ImageError as error:
        joint = "\n" if "\n" in str(error) else "; "
        raise ImageError(f"{error}{joint}--skip-unreadable goes on without them") from None
    parts: list[Dataset] = []
    for dataset, indices_of in zip(datasets, good, strict=True):
        if len(indices_of) == len(dataset):
            parts.append(dataset)
        elif indices_of:
            parts.append(Subset(dataset, indices_of))
        else:
            raise ImageError(f"none of {len(dataset)} pictures can be read")
    return parts


def _with_parts(splits: Splits, train: Dataset, validation: Dataset) -> Splits:
    """The same splits with other training and validation images."""
    return Splits(
        lambda: train,
        lambda: validation,
        lambda: None if splits.tested_on_validation else splits.test,
        splits.drawn,
        splits.rule,
    )


def _smaller_than(cell: int, datasets: Sequence[Dataset]) -> list[str]:
    """Pictures with a side of less than ``cell`` pixels, each with its size."""
    found = []
    for dataset in datasets if cell > 1 else ():
        for path in getattr(dataset, "paths", ()):
            size = picture_size(path)
            if min(size.width, size.height) < cell:
                found.append(f"{path} is {size.width} x {size.height}")
    return found


def _objects(dataset: Any) -> Counter[int] | None:
    """Number of objects to learn from by label; None where that would need the pictures."""
    labels_of = getattr(dataset, "labels_of", None)
    if labels_of is None:
        return None
    counts: Counter[int] = Counter()
    for index in range(len(dataset)):
        counts.update(labels_of(index).tolist())
    return counts


def _oddities(
    classes: Classes, train: Counter[int] | None, validation: Counter[int] | None
) -> list[str]:
    """What is odd about the numbers of objects.

    >>> _oddities(("cow", "cat"), Counter({0: 5}), Counter({0: 1}))
    ['no object of cat in training: it cannot be learnt']
    """
    said = []
    absent = [name for k, name in enumerate(classes) if train is not None and not train[k]]
    if absent:
        they = "they" if len(absent) > 1 else "it"
        said.append(f"no object of {', '.join(absent)} in training: {they} cannot be learnt")
    if validation is not None and not validation.total():
        said.append(
            "no object in the validation pictures: there is no AP to choose best.npz by, so it "
            "will be the latest epoch"
        )
    return said


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
