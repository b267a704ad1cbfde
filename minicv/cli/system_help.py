"""What ``minicv train SYSTEM --help`` says of one system: its recipe and its defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from minicv.tasks import System

_WHOLE = (("backbone_lr_ratio", 1.0), ("freeze", False))  # all learns, at one rate


def description_of(system: System) -> str:
    """Title, source and task, and the numbers of its recipe for each backbone.

    >>> from minicv.tasks import SYSTEMS
    >>> print(description_of(SYSTEMS["segnet"]))
    SegNet (Badrinarayanan 2017), for segmentation.
    <BLANKLINE>
    recipe: epochs 6, batch_size 4, lr 0.002, warmup_steps 100, weight_decay 0, balance 0.5,
      scale 0.75 1.5
    """
    lines = [f"{system.title} ({system.source}), for {system.task.name}.", ""]
    for named, recipe in _grouped(system.recipes).items():
        numbers = [
            f"{name} {_number(value)}"
            for name, value in dataclasses.asdict(recipe).items()
            if value is not None and (name, value) not in _WHOLE
        ]
        lines += _wrapped(f"recipe{f' on {named}' if named else ''}: ", numbers)
    return "\n".join(lines)


def default_of(system: System, field: str, text: str) -> str:
    """``text`` of an option, and its default in this system.

    >>> from minicv.tasks import SYSTEMS
    >>> default_of(SYSTEMS["segnet"], "lr", "peak learning rate")
    'peak learning rate; default: 0.002'
    """
    values = {
        backbone: getattr(recipe, field, getattr(system.settings[backbone], field, None))
        for backbone, recipe in system.recipes.items()
    }
    if None in values.values():
        return text  # which says what comes then
    grouped = _grouped(values)
    named = [f"{_number(v)}{f' ({of})' if len(grouped) > 1 else ''}" for of, v in grouped.items()]
    return f"{text.partition('; default')[0]}; default: {', '.join(named)}"


def _grouped(by_backbone: Mapping[str | None, Any]) -> dict[str, Any]:
    """Backbones of the same value together: from their names to the value."""
    names: dict[Any, list[str]] = {}
    for backbone, value in by_backbone.items():
        names.setdefault(value, []).append(backbone or "")
    return {", ".join(backbones): value for value, backbones in names.items()}


def _number(value: Any) -> str:
    """As it would be written on the command line."""
    if isinstance(value, (tuple, list)):
        return " ".join(map(_number, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _wrapped(start: str, parts: list[str], width: int = 88) -> list[str]:
    lines = [start]
    for number, part in enumerate(parts):
        part += "," if number < len(parts) - 1 else ""
        if len(lines[-1]) + len(part) > width:
            lines.append("  ")
        lines[-1] += part + " "
    return [line.rstrip() for line in lines]
