"""``--data farmyard | voc:DIR | pennfudan:DIR``: from a word on the command line to the splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data import Cached, Farmyard, PennFudan, Subset, VOCDetection

DATA_HELP = (
    "farmyard or farmyard:SCENES (drawn on the fly), pennfudan:DIR (the folder PennFudanPed) or "
    "voc:DIR (a folder with Annotations, JPEGImages and ImageSets/Main, as Pascal VOC has it)"
)
FARMYARD_TRAINING_SCENES = 900
FARMYARD_HELD_OUT = 40


@dataclass(frozen=True)
class Splits:
    """The parts of a data set; ``validation`` chooses the best weights, ``test`` judges them."""

    train: Any
    validation: Any
    test: Any

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the labels."""
        return tuple(self.train.classes)


def open_data(source: str) -> Splits:
    """The splits of ``source``.

    - ``farmyard``: 900 scenes to train on, or as many as ``farmyard:N`` says, and 40 each for
      validation and test, drawn from three different seeds.
    - ``pennfudan:DIR``: by sorted name, the last 50 of 170 are for testing; of the other 120 every
      tenth is for validation.
    - ``voc:DIR``: its own train, val and test lists; a set without a test list is tested on val.

    Raises:
        ValueError: the word before the colon is unknown, or the folder is missing.

    >>> open_data("farmyard").classes
    ('cow', 'cat', 'dog', 'duck', 'person')
    """
    kind, _, rest = source.partition(":")
    if kind == "farmyard" and (not rest or rest.isdigit()):
        scenes = int(rest) if rest else FARMYARD_TRAINING_SCENES
        lengths = (scenes, FARMYARD_HELD_OUT, FARMYARD_HELD_OUT)
        # Drawn once: later passes need no drawing, and a detector no masks and joints.
        return Splits(
            *(
                Cached(Farmyard(length, seed=seed), keep=("boxes", "labels", "image_id"))
                for seed, length in enumerate(lengths)
            )
        )
    folder = Path(rest)
    if kind not in ("voc", "pennfudan") or not rest:
        raise ValueError(f"--data {source}: expected {DATA_HELP}")
    if not folder.is_dir():
        raise ValueError(f"--data {source}: there is no folder {folder}")
    if kind == "pennfudan":
        development = PennFudan(folder, "train")
        held_out = np.arange(len(development)) % 10 == 9
        return Splits(
            Subset(development, np.flatnonzero(~held_out)),
            Subset(development, np.flatnonzero(held_out)),
            PennFudan(folder, "test"),
        )
    train = VOCDetection(folder, "train")
    validation = VOCDetection(folder, "val", classes=train.classes)
    lists = next(folder.glob("**/ImageSets/Main/test.txt"), None)
    test = VOCDetection(folder, "test", classes=train.classes) if lists else validation
    return Splits(train, validation, test)
