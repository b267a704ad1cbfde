"""The parts of a data set: to learn from, to choose the best weights, to judge them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data.checks import inner_of
from minicv.data.split_names import TEST_NAMES, TRAIN_NAMES, VALIDATION_NAMES
from minicv.data.wrapped import Subset


class Splits:
    """The parts of a data set, each opened when it is first used, and then remembered.

    ``validation`` chooses the best weights, ``test`` judges them. The names of the labels are the
    data sets' own: ``train.classes`` of boxes, ``train.segmentation_classes`` of pixels.

    Args:
        train, validation, test: functions that open each part. One that gives None for ``test``
            says that the source has no test part; ``test`` is then ``validation``.
        drawn: whether there can be as many images as are wanted; photographs are few.
        rule: a sentence that says how the parts were made, where the set itself does not say it; or
            a function that gives the sentence, where the set must be open for that.

    >>> from minicv.data.farmyard import Farmyard
    >>> splits = Splits(lambda: Farmyard(3), lambda: Farmyard(2, seed=1), lambda: None)
    >>> len(splits.train), splits.test is splits.validation
    (3, True)
    """

    def __init__(
        self,
        train: Callable[[], Any],
        validation: Callable[[], Any],
        test: Callable[[], Any],
        drawn: bool = False,
        rule: str | Callable[[], str] = "",
    ) -> None:
        self._train, self._validation, self._test = train, validation, test
        self.drawn, self._rule = drawn, rule

    @property
    def rule(self) -> str:
        """How the parts were made, where the set itself does not say it."""
        return self._rule if isinstance(self._rule, str) else self._rule()

    @cached_property
    def train(self) -> Any:
        """The data set to learn from."""
        return self._train()

    @cached_property
    def validation(self) -> Any:
        """The data set that chooses the best weights."""
        return self._validation()

    @cached_property
    def test(self) -> Any:
        """The data set that judges the result."""
        return self.validation if self._own_test is None else self._own_test

    @property
    def tested_on_validation(self) -> bool:
        """Whether the images that judge are those that chose the best weights."""
        return self._own_test is None

    @cached_property
    def _own_test(self) -> Any:
        return self._test()


def _every_tenth_of(dataset: Any) -> np.ndarray:
    """(N,) bool: every tenth sample; of fewer than ten the last one."""
    held_out = np.arange(len(dataset)) % 10 == 9
    if len(dataset) < 10:
        held_out[-1:] = True
    return held_out


def every_tenth(
    open_all: Callable[[], Any], choose: Callable[[Any], np.ndarray] = _every_tenth_of
) -> Splits:
    """Splits of a set that has none: by sorted name every tenth picture validates.

    Of fewer than ten pictures the last one validates. There is no test part.

    Args:
        open_all: opens the set.
        choose: from the set to the samples that validate, (N,) bool, where it is to be others.

    Raises:
        ValueError: on opening, a set of less than two pictures.
    """
    whole = cache(open_all)

    def part(held_out: bool) -> Subset:
        dataset = whole()
        count = len(dataset)
        if count < 2:
            place = place_of(dataset)
            raise ValueError(
                f"{type(inner_of(dataset)).__name__}: {f'{place}: ' if place else ''}{count} "
                "labelled pictures; expected at least 2, one to learn from and one to validate on"
            )
        return Subset(dataset, np.flatnonzero(choose(dataset) == held_out).tolist())

    return Splits(
        lambda: part(False),
        lambda: part(True),
        lambda: None,
        rule="the set has no lists of its own: by sorted name every tenth picture validates",
    )


def place_of(dataset: Any) -> str:
    """The folder of a data set's files; "" where it has none.

    >>> from minicv.data.farmyard import Farmyard
    >>> place_of(Farmyard(3))
    ''
    """
    inner = inner_of(dataset)
    return str(getattr(inner, "root", None) or getattr(inner, "images", None) or "")


def named_splits(
    names: Sequence[str],
    open_part: Callable[[str], Any],
    choose: Callable[[Any], np.ndarray] = _every_tenth_of,
    where: str | Path = "",
) -> Splits:
    """Splits of a set whose parts have names: lists, folders, or subsets.

    Training takes the part that is called train, trainval or default, or else the only one;
    validation val, valid or validation, or else every tenth picture of the training part; the test
    test, if there is one. Case does not count.

    Args:
        names: of the parts that there are.
        open_part: from a name to the data set.
        choose: as for `every_tenth`.
        where: the folder of the set, for the message.

    Raises:
        ValueError: none of several parts is for training.

    >>> from minicv.data.farmyard import Farmyard
    >>> splits = named_splits(["Test", "Train"], lambda name: Farmyard(20, seed=len(name)))
    >>> len(splits.train), len(splits.validation), splits.test.seed, splits.rule[:14]
    (18, 2, 4, 'there is no li')
    """
    by_role = {
        role: next((n for wanted in allowed for n in names if n.lower() == wanted), None)
        for role, allowed in (
            ("train", TRAIN_NAMES),
            ("validation", VALIDATION_NAMES),
            ("test", TEST_NAMES),
        )
    }
    train, validation, test = by_role.values()
    if train is None and len(names) == 1:
        train, validation, test = names[0], None, None
    if train is None:
        raise ValueError(
            f"{f'{where}: ' if where else ''}the set has the parts {', '.join(names) or 'none'}, "
            f"but none to learn from; expected {' or '.join(TRAIN_NAMES)}"
        )
    whole = cache(open_part)
    tenths = every_tenth(functools.partial(whole, train), choose)
    return Splits(
        (lambda: whole(train)) if validation else (lambda: tenths.train),
        (lambda: whole(validation)) if validation else (lambda: tenths.validation),
        (lambda: whole(test)) if test else (lambda: None),
        rule=""
        if validation
        else f"there is no list for validation: by sorted name every tenth picture of {train} "
        "validates",
    )
