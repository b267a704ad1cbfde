"""Labels that follow from others: from boxes a class for each crop, from keypoints a pose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from minicv.data.object_crops import ObjectCrops
from minicv.data.one_object import OneObject
from minicv.data.person_crops import PersonCrops
from minicv.data.splits import Splits


@dataclass(frozen=True)
class Derivation:
    """How labels are made of others.

    Attributes:
        gives: the labels.
        made_of: the labels that a data set must have.
        wrap: from such a data set to one with the labels that it gives.
        rule: a sentence that says what is done.
    """

    gives: tuple[str, ...]
    made_of: tuple[str, ...]
    wrap: Callable[[Any], Any]
    rule: str

    def of(self, splits: Splits) -> Splits:
        """The splits with these labels; what comes of one picture stays in one split."""

        def rule() -> str:
            return "; ".join(filter(None, (splits.rule, self.rule)))

        def part(name: str) -> Any:
            dataset = getattr(splits, name)
            try:
                return self.wrap(dataset)
            except ValueError as error:
                if type(error) is ValueError:  # nothing is left of this part, say
                    raise ValueError(f"the {name} part: {error}") from None
                raise

        return Splits(
            lambda: part("train"),
            lambda: part("validation"),
            lambda: None if splits.tested_on_validation else part("test"),
            splits.drawn,
            rule,
        )


DERIVATIONS = (
    Derivation(
        ("label",), ("boxes", "labels"), ObjectCrops, "each object is cut out of its picture"
    ),
    Derivation(
        ("label", "box"),
        ("boxes", "labels"),
        OneObject,
        "only the pictures that show exactly one object are taken",
    ),
    Derivation(
        ("joints",),
        ("boxes", "labels", "keypoints"),
        PersonCrops,
        "each person with an annotated joint is cut out of the picture",
    ),
)


def derivation(needs: Sequence[str], native: Sequence[str]) -> Derivation | None:
    """How ``needs`` are made of the labels that a source has; None where they cannot be.

    >>> derivation(("box", "label"), ("boxes", "labels", "masks")).wrap.__name__
    'OneObject'
    """
    for one in DERIVATIONS:
        if set(needs) == set(one.gives) and set(one.made_of) <= set(native):
            return one
    return None


def with_derived(native: Sequence[str]) -> tuple[str, ...]:
    """The labels that a source has, and after them those that can be made of them.

    >>> with_derived(("boxes", "labels"))
    ('boxes', 'labels', 'label', 'box')
    """
    made = [name for one in DERIVATIONS if set(one.made_of) <= set(native) for name in one.gives]
    return tuple(dict.fromkeys((*native, *made)))
