"""A training that went astray is stopped, with a sentence that says what to look at.

    pictures   before a step       a NaN in a picture is no matter of the learning rate
    losses     after each step     a number that is not finite, or far above where training began
    epoch      after each epoch    means and validation losses far above where training began
    numbers    after each epoch    weights, running statistics, the optimizer's memory: all finite

How far is too far? Good trainings hardly pass their first loss. With ten times the best learning
rate they reach three times the first loss, and a hundred times on validation images while the
running statistics of batch normalisation have not settled, and still end well. With a hundred times
the best rate some reach 400 times the first loss, 200 000 times on validation images, and yet come
back. The bounds lie above that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv.vision.label_maps import VOID

Images = Sequence[np.ndarray]
Targets = Sequence[Mapping[str, Any]]

OF_A_STEP = OF_VALIDATION = 1e6  # times the first losses
OF_AN_EPOCH = 1e3
_ADVICE = (
    "Try a tenth of the learning rate or a longer warm-up, and look at the labels of these images"
)


class DivergenceError(ArithmeticError):
    """A training went astray; the message names the loss, the images and likely causes."""


class Guard:
    """Watches one training; its methods raise `DivergenceError`, and `pictures` a ValueError.

    Args:
        history: of the epochs before, where a training goes on.

    >>> guard = Guard()
    >>> guard.losses({"loss_a": 2.0}, [{"image_id": "im1"}], 0.1, 0)
    >>> guard.losses({"loss_a": 3e9}, [{"image_id": "im2"}], 0.1, 1)
    Traceback (most recent call last):
        ...
    minicv.training.divergence.DivergenceError: training diverged at step 1: loss_a is 3e+09, and
    the losses began at 2; images im2; learning rate 0.1 for a batch of 1. ...
    """

    def __init__(self, history: Sequence[Mapping[str, float]] = ()) -> None:
        began = {name: v for name, v in history[0].items() if _is_loss(name)} if history else {}
        self._first: float | None = _size(began) if began else None
        self._worst = -1.0
        self._targets: Targets = ()

    def pictures(self, images: Images, targets: Targets) -> None:
        """Raise unless all pixels are finite.

        Raises:
            ValueError: names the image.

        >>> Guard().pictures([np.array([[[0.5, np.nan]]])], [{"image_id": "im7"}])
        Traceback (most recent call last):
            ...
        ValueError: image im7: 1 of its 2 numbers are NaN or infinite; look at its file and at ...
        """
        sentence = picture_fault(images, targets)
        if sentence:
            raise ValueError(sentence)

    def losses(
        self, values: Mapping[str, float], targets: Targets, rate: float | None, step: int
    ) -> None:
        """Look at the losses of one step.

        Args:
            values: by name.
            targets: of its images.
            rate: the learning rate, where there is one.
            step: its number.
        """
        check_losses(values, targets, rate, step)
        size = _size(values)
        if self._first is None:
            self._first = size
        if size > self._worst:
            self._worst, self._targets = size, targets
        if size > OF_A_STEP * self._unit:
            raise DivergenceError(
                f"training diverged at step {step}: {self._compared(values)}; "
                f"{_seen(targets, rate)}"
            )

    def epoch(
        self,
        means: Mapping[str, float],
        judged: Mapping[str, float],
        epoch: int,
        rate: float | None,
    ) -> None:
        """Look at an epoch.

        Args:
            means: of the training losses.
            judged: what validation gave; its losses, "val loss_..." or "val_loss", are looked at.
            epoch: its number.
            rate: the learning rate, where there is one.
        """
        parts = {name: v for name, v in judged.items() if name.startswith("val loss_")}
        parts = parts or {name: v for name, v in judged.items() if name == "val_loss"}
        for values, most in ((means, OF_AN_EPOCH), (parts, OF_VALIDATION)):
            size = _size(values)
            if not size <= most * self._unit:  # true for NaN
                raise DivergenceError(
                    f"training diverged in epoch {epoch}: {self._compared(values)}; the "
                    f"greatest loss was on {_seen(self._targets, rate)}"
                )
        self._worst = -1.0

    def numbers(self, arrays: Mapping[str, np.ndarray], epoch: int, rate: float | None) -> None:
        """Look at all that a checkpoint would hold, by name; whole numbers are passed over."""
        bad = [n for n, a in arrays.items() if a.dtype.kind == "f" and not np.isfinite(a).all()]
        if bad:
            more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
            verb = "holds" if len(bad) == 1 else "hold"
            raise DivergenceError(
                f"training diverged in epoch {epoch}: {', '.join(bad[:3])}{more} {verb} NaN or "
                f"infinity; the greatest loss was on {_seen(self._targets, rate)}"
            )

    @property
    def _unit(self) -> float:
        return max(self._first or 0.0, 1.0)

    def _compared(self, values: Mapping[str, float]) -> str:
        name = max(values, key=lambda name: abs(np.nan_to_num(values[name], nan=np.inf)))
        return f"{name} is {values[name]:.3g}, and the losses began at {self._first or 0:.3g}"


def check_losses(
    losses: Mapping[str, float],
    targets: Targets,
    learning_rate: float | None,
    step: int,
    images: Images = (),
) -> None:
    """Raise `DivergenceError` if a loss is no finite number.

    Args:
        losses: value by name.
        targets: of the images in this step, with ``"image_id"``; where they have ``"boxes"`` or a
            ``"segmentation"``, the message names the smallest box, or the image with the fewest
            pixels that have a class.
        learning_rate: of this step; None where there is not one.
        step: its number.
        images: in this step; where one has pixels that are no finite numbers, the message says so.

    >>> check_losses({"loss_box_reg": float("nan")},
    ...              [{"image_id": "im7", "boxes": np.array([[3.0, 3.0, 3.5, 9.0]])}], 0.1, 12)
    Traceback (most recent call last):
        ...
    minicv.training.divergence.DivergenceError: training diverged at step 12: loss_box_reg is nan;
    images im7; smallest box 0.5 x 6 pixels (im7); learning rate 0.1 for a batch of 1. ...
    """
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    if not bad:
        return
    said = " and ".join(f"{name} is {losses[name]}" for name in bad)
    fault = picture_fault(images, targets)
    raise DivergenceError(
        f"training diverged at step {step}: {said}; {fault or _seen(targets, learning_rate)}"
    )


def picture_fault(images: Images, targets: Targets) -> str:
    """Which of the images has pixels that are no finite numbers; empty where none has.

    >>> picture_fault([np.ones((3, 2, 2))], [{}])
    ''
    """
    for index, image in enumerate(images):
        if not isinstance(image, np.ndarray) or image.dtype.kind != "f":
            continue
        with np.errstate(all="ignore"):
            suspect = not math.isfinite(float(image.sum()))  # fast, and right but for overflow
        bad = int((~np.isfinite(image)).sum()) if suspect else 0
        if bad:
            name = targets[index].get("image_id", index) if index < len(targets) else index
            return (
                f"image {name}: {bad} of its {image.size} numbers are NaN or infinite; look at its "
                "file and at the augmentation"
            )
    return ""


def _is_loss(name: str) -> bool:
    """Whether a value in the record of an epoch is a training loss, as models name them."""
    return name.startswith("loss")


def _size(values: Mapping[str, float]) -> float:
    return sum(abs(value) for value in values.values())


def _seen(targets: Targets, rate: float | None) -> str:
    """The images, the labels to look at first, the learning rate, and what to do."""
    images = ", ".join(str(target.get("image_id", "?")) for target in targets) or "?"
    of_rate = "" if rate is None else f"learning rate {rate:.3g} for a batch of {len(targets)}"
    return f"images {images}; {_suspect_labels(targets)}{of_rate or 'no learning rate'}. {_ADVICE}"


def _suspect_labels(targets: Targets) -> str:
    """Which labels to look at first, for each kind that there is."""
    described = ""
    for kind, describe in (("boxes", _smallest_box), ("segmentation", _fewest_pixels)):
        labelled = [target for target in targets if kind in target]
        if labelled:
            described += f"{describe(labelled)}; "
    return described


def _smallest_box(targets: Targets) -> str:
    areas = [
        (float((box[2] - box[0]) * (box[3] - box[1])), box, target.get("image_id", "?"))
        for target in targets
        for box in np.asarray(target["boxes"])
    ]
    if not areas:
        return "no boxes"
    _, box, image = min(areas, key=lambda area: area[0])
    return f"smallest box {box[2] - box[0]:.3g} x {box[3] - box[1]:.3g} pixels ({image})"


def _fewest_pixels(targets: Targets) -> str:
    counts = [int((np.asarray(target["segmentation"]) != VOID).sum()) for target in targets]
    least = min(range(len(counts)), key=counts.__getitem__)
    target = targets[least]
    total = np.asarray(target["segmentation"]).size
    return f"fewest pixels with a class {counts[least]} of {total} ({target.get('image_id', '?')})"
