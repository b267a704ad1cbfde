"""Which interactive parts the section of a stage has, by the kind of the stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from minicv.explain import (
    widgets_channels,
    widgets_code,
    widgets_detections,
    widgets_label_maps,
    widgets_saliency,
    widgets_scores,
    widgets_unpooling,
)
from minicv.inspection.stage import Stage
from minicv.models.model import Model

Widget = Callable[[Sequence[Stage], int, Model], dict[str, Any] | None]

# The tables of all parts. A kind may be in several: its section then has several parts, in order.
TABLES: tuple[Mapping[str, Widget], ...] = (
    widgets_channels.WIDGETS,
    widgets_code.WIDGETS,
    widgets_scores.WIDGETS,
    widgets_detections.WIDGETS,
    widgets_label_maps.WIDGETS,
    widgets_saliency.WIDGETS,
    widgets_unpooling.WIDGETS,
)


def widgets_of(stages: Sequence[Stage], index: int, model: Model) -> list[dict[str, Any]]:
    """The interactive parts of stage ``index``, see `minicv.explain.page`.

    >>> import numpy as np
    >>> stage = Stage("input", "", "image", {"image": np.zeros((3, 4, 4))}, 0.0)
    >>> widgets_of([stage], 0, Model())
    []
    """
    found = []
    for table in TABLES:
        if stages[index].kind in table:
            part = table[stages[index].kind](stages, index, model)
            if part is not None:
                found.append(part)
    return found


def widget_scripts() -> list[str]:
    """The text of every ``widget_*.js`` of this folder, in the order of their names."""
    return _texts("widget_*.js")


def widget_styles() -> list[str]:
    """The text of every ``widget_*.css``, likewise."""
    return _texts("widget_*.css")


def _texts(pattern: str) -> list[str]:
    paths = sorted(Path(__file__).parent.glob(pattern))
    return [path.read_text(encoding="utf-8") for path in paths]
