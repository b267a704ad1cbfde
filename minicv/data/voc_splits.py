"""The parts of a set in Pascal VOC's form: what its lists say, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from minicv.data.faults import Faults
from minicv.data.split_names import TEST_NAMES, TRAIN_NAMES, VALIDATION_NAMES
from minicv.data.voc_layout import VOCFolder
from minicv.data.wrapped import Subset


class VOCParts:
    """Opens the parts of a set by name.

    A test list whose pictures have no annotations, as the challenges publish it, is no part: it
    cannot judge. Where no list is for validation, the pictures come sorted by name. A trainval list
    without a train list beside it is taken without what val and test list.

    Args:
        folder: the files of the set.
        open_part: from the name of a part to a data set with ``ids``; None opens all.
        faults: takes pictures that two lists share; None warns.

    Attributes:
        names: of the parts; empty for a set without lists.
    """

    def __init__(
        self, folder: VOCFolder, open_part: Callable[[str | None], Any], faults: Faults | None
    ) -> None:
        self.folder, self._open, self._faults = folder, open_part, faults
        self.names = list(folder.parts)

    def open(self, name: str | None) -> Any:
        """The data set of that name, all pictures for None; None for a test that cannot judge."""
        if name is None:
            return self._open(None)
        if self._is(name, TEST_NAMES) and len(self.names) > 1:
            return self._open(name) if self.folder.is_annotated(name) else None
        dataset = self._open(name)
        if not self._is(name, TRAIN_NAMES) and len(self.names) > 1:
            return dataset
        order = list(range(len(dataset)))
        roles = (VALIDATION_NAMES, TEST_NAMES)
        others = [n for role in roles for n in self.names if self._is(n, role) and n != name]
        if name.lower() == "trainval":
            held_out = {entry for other in others for entry in self._entries(other)}
            order = [i for i in order if dataset.ids[i] not in held_out]
        else:
            self._note_shared(name, others)
        if not any(self._is(n, VALIDATION_NAMES) for n in others):
            order.sort(key=dataset.ids.__getitem__)
        return dataset if order == list(range(len(dataset))) else Subset(dataset, order)

    def _note_shared(self, train: str, others: list[str]) -> None:
        """Note the pictures to learn from that also choose the best weights, or judge them."""
        faults = Faults() if self._faults is None else self._faults
        learnt = set(self._entries(train))
        for other in others:
            shared = [entry for entry in self._entries(other) if entry in learnt]
            if shared:
                count = f"{len(shared)} pictures are" if len(shared) > 1 else "1 picture is"
                more = ", ..." if len(shared) > 3 else ""
                what = f"{count} in {self._file(train)} too: {', '.join(shared[:3])}{more}"
                faults.repaired("picture in two splits", self._file(other), what, "kept in both")
        if self._faults is None:
            faults.settle(self.folder.reader)

    def _entries(self, part: str) -> list[str]:
        return [entry.name for entry in self.folder.entries(part, Faults(raises=False))]

    def _file(self, part: str) -> Path:
        return self.folder.parts[part]

    def _is(self, name: str, role: tuple[str, ...]) -> bool:
        return name.lower() in role
