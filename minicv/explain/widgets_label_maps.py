"""Interactive parts of segmenters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

WIDGETS: Mapping[str, Callable[..., dict[str, Any] | None]] = {}  # by the kind of the stage
