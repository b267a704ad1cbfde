"""What a checkpoint says of its model, checked before anything is built of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from minicv.proposals import PROPOSERS
from minicv.tasks.ranges import check_ranges
from minicv.tasks.task import Colours, Spec, System
from minicv.weights import WeightsError
from minicv.weights.schema import check_value

_HINTS: dict[str, Any] = {
    "system": str,
    "classes": list[str],
    "settings": dict[str, Any],
    "backbone": str | None,
    "proposals": str | None,
    "frozen": bool,
    "colours": tuple[tuple[int, int, int], ...] | None,
}
_MAY_LACK = ("colours",)  # as checkpoints that were written without


def described(
    description: Mapping[str, Any], path: str | Path, systems: Mapping[str, System]
) -> tuple[Spec, System]:
    """The spec in a checkpoint's description, and the system that it names.

    Args:
        description: of `minicv.weights.load_checkpoint`.
        path: of the checkpoint, for the messages.
        systems: by name.

    Raises:
        WeightsError: a field is missing, is of another type, or holds what no training writes;
            names the file, the field, what it holds and what was expected.
    """
    absent = [name for name in _HINTS if name not in description and name not in _MAY_LACK]
    if absent:
        raise WeightsError(
            f"{path}: no checkpoint of minicv train; its description lacks {', '.join(absent)}"
        )
    for name, hint in _HINTS.items():
        check_value(path, name, description.get(name), hint)
    name = description["system"]
    if name not in systems:
        raise WeightsError(
            f"{path}: weights of another model ({name!r:.40}, expected one of {', '.join(systems)})"
        )
    system = systems[name]
    classes = tuple(description["classes"])
    if not classes or "" in classes or len({*classes}) < len(classes):
        raise WeightsError(
            f"{path}: its classes are {', '.join(classes)!r:.80}, expected a name for each, once"
        )
    backbone, proposals = description["backbone"], description["proposals"]
    if backbone not in system.settings:
        takes = ", ".join(system.backbones) or "none"
        raise WeightsError(f"{path}: its backbone is {backbone!r:.40}, expected {takes}")
    if proposals not in PROPOSERS and (system.on_proposals or proposals is not None):
        raise WeightsError(
            f"{path}: its proposals are {proposals!r:.40}, expected one of {', '.join(PROPOSERS)}"
        )
    settings = _settings(description["settings"], system, path)
    others = {"backbone": backbone, "proposals": proposals, "frozen": description["frozen"]}
    return Spec(name, classes, settings, **others, colours=_colours(description, path)), system


def _settings(values: Mapping[str, Any], system: System, path: str | Path) -> Any:
    kind = type(next(iter(system.settings.values())))
    hints = get_type_hints(kind)
    unknown = [name for name in values if name not in hints]
    if unknown:  # a checkpoint may lack settings that came later
        raise WeightsError(
            f"{path}: settings of another version of the model (there is no setting "
            f"{', '.join(unknown):.200})"
        )
    for name, value in values.items():
        check_value(path, f"settings/{name}", value, hints[name])
    try:
        settings = kind(**{n: tuple(v) if isinstance(v, list) else v for n, v in values.items()})
        check_ranges(settings)
    except ValueError as error:
        raise WeightsError(f"{path}: settings that no model can have ({error})") from None
    return settings


def _colours(description: Mapping[str, Any], path: str | Path) -> Colours | None:
    """The colours of the classes; a checkpoint need not have any."""
    colours, classes = description.get("colours"), len(description["classes"])
    if colours is None:
        return None
    if len(colours) != classes or not all(0 <= part <= 255 for own in colours for part in own):
        raise WeightsError(
            f"{path}: its colours are {colours}; expected red, green and blue of 0..255 for each "
            f"of {classes} classes"
        )
    return tuple((red, green, blue) for red, green, blue in colours)


class BoundedGenerator(np.random.Generator):
    """A generator that draws the weights of a model only as far as a checkpoint holds them.

    A description that asks for a thousand million channels would otherwise take all memory before
    it was seen that the file has no such weights.

    Args:
        seed: of the generator.
        arrays: of the checkpoint.
    """

    def __init__(self, seed: int, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(np.random.PCG64(seed))
        self.weights: int | None = 4 * len(arrays) + 100
        self.numbers = 2 * sum(array.size for array in arrays.values()) + 1_000_000

    def random(self, size: Any = None, *more: Any, **named: Any) -> Any:
        """As NumPy's."""
        self._count(size)
        return super().random(size, *more, **named)

    def standard_normal(self, size: Any = None, *more: Any, **named: Any) -> Any:
        """As NumPy's."""
        self._count(size)
        return super().standard_normal(size, *more, **named)

    def _count(self, size: Any) -> None:
        if self.weights is None:  # the model is built
            return
        self.weights -= 1
        self.numbers -= int(np.prod(size, dtype=object)) if size is not None else 1
        if self.weights < 0 or self.numbers < 0:
            raise ValueError("it would have far more weights than the file holds")
