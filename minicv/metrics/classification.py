"""How good is a classifier? The confusion matrix of all images, and the values that follow from it.

n(i, j) is the number of images of true class i whose best class was j. Top-5 asks only whether the
true class is among the five best: of a photograph of a dog on a sofa, "sofa" is no mistake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minicv.backend import to_numpy

TOP = 5
UNKNOWN = -1  # the label of an image whose class the model does not know: it is not judged


class Confusion(NamedTuple):
    """Images of one class that were taken for another.

    Attributes:
        truth, taken_for: names.
        images: how many.
        share: of all images of the true class, 0..1.
    """

    truth: str
    taken_for: str
    images: int
    share: float


class ClassificationMetric:
    """Top-1, top-5 and the accuracy of each class.

    Args:
        classes: the K names; label k means ``classes[k]``.

    Raises:
        ValueError: a name is there twice.

    Attributes:
        classes: the K names.
        confusion: (K, K) int64, images by true class (row) and best class (column).

    >>> metric = ClassificationMetric(["cow", "cat"])
    >>> for label in (0, 0, 0, 1):
    ...     metric.add({"labels": np.array([0, 1])}, {"label": label})
    >>> values = metric.values()
    >>> values["top-1"], values["top-1 cow"], values["mean class accuracy"]
    (0.75, 1.0, 0.5)
    >>> metric.confusion.tolist()
    [[3, 0], [1, 0]]
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        for name in self.classes:
            if self.classes.count(name) > 1:
                raise ValueError(f"ClassificationMetric: classes holds {name!r} more than once")
        self.confusion = np.zeros((len(self.classes), len(self.classes)), np.int64)
        self._among_the_best = 0
        self._images = 0  # with those that are not judged

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take one image.

        Args:
            result: "labels" (n,), n from 1 on, 0..K-1, the best class first.
            target: "label", 0..K-1, or `UNKNOWN`, and perhaps "image_id", for messages.

        Raises:
            ValueError: a field is missing, or a label is no class; names the image.
        """
        name = f"ClassificationMetric: image {target.get('image_id', self._images)!r}"
        for what, fields, field in (("result", result, "labels"), ("target", target, "label")):
            if field not in fields:
                raise ValueError(f"{name}: the {what} has no {field!r}; it has {sorted(fields)}")
        best = np.asarray(to_numpy(result["labels"]))[:TOP]
        truth = np.asarray(target["label"])
        self._images += 1
        if best.ndim != 1 or len(best) == 0 or truth.ndim:
            raise ValueError(
                f"{name}: labels of the result have the shape {best.shape} and the label of the "
                f"target {truth.shape}; expected (n,), the best first, and one number"
            )
        for own, allowed in ((best, ()), (truth[None], (UNKNOWN,))):
            wrong = [
                label
                for label in own.tolist()
                if label not in allowed
                and not (isinstance(label, int) and 0 <= label < len(self.classes))
            ]
            if wrong:
                raise ValueError(
                    f"{name}: {wrong[0]} is no label; expected whole numbers "
                    f"0..{len(self.classes) - 1}"
                )
        if truth == UNKNOWN:
            return
        self.confusion[truth, best[0]] += 1
        self._among_the_best += int(truth in best)

    @property
    def judged(self) -> int:
        """How many images were judged."""
        return int(self.confusion.sum())

    def class_accuracy(self) -> np.ndarray:
        """(K,), n(i, i) / Σⱼ n(i, j); NaN for a class without images."""
        of_class = self.confusion.sum(axis=1)
        right = self.confusion.diagonal()
        return np.where(of_class > 0, right / np.maximum(of_class, 1), np.nan)

    def confusions(self, most: int = TOP) -> list[Confusion]:
        """The pairs of classes that are confused most often, the most frequent first.

        >>> metric = ClassificationMetric(["cow", "cat"])
        >>> metric.confusion[:] = [[6, 2], [0, 4]]
        >>> metric.confusions()
        [Confusion(truth='cow', taken_for='cat', images=2, share=0.25)]
        """
        wrong = self.confusion - np.diag(self.confusion.diagonal())
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        of_class = self.confusion.sum(axis=1)
        return [
            Confusion(
                self.classes[i], self.classes[j], int(wrong[i, j]), float(wrong[i, j] / of_class[i])
            )
            for i, j in np.transpose(np.unravel_index(order, wrong.shape)).tolist()
            if wrong[i, j]
        ]

    def values(self) -> dict[str, float]:
        """The values over all images, in 0..1; NaN where there is no image.

        "top-1" is the share of images whose best class is the true one, "top-5" of those that have
        it among the five best (with up to five classes it is always 1), "mean class accuracy" the
        mean over the classes that have images, "top-1 NAME" the share of one class.
        """
        of_class = self.class_accuracy()
        known = of_class[~np.isnan(of_class)]
        judged = self.judged
        values = {
            "top-1": float(self.confusion.trace()) / judged if judged else float("nan"),
            "top-5": self._among_the_best / judged if judged else float("nan"),
            "mean class accuracy": float(known.mean()) if len(known) else float("nan"),
        }
        return values | {
            f"top-1 {name}": float(own) for name, own in zip(self.classes, of_class, strict=True)
        }
