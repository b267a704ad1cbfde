"""Which of the dictionaries in a training's checkpoint is the one of weights."""

from __future__ import annotations

from typing import Any, TypeVar

from minicv.weights.errors import WeightsError

T = TypeVar("T")
# Under which the dictionary of tensors stands in a training's checkpoint, the likeliest first.
WRAPPERS = (
    *("state_dict", "model_state_dict", "model_state", "model", "net", "network", "module"),
    *("weights", "params", "blobs", "backbone", "encoder", "generator"),
    *("model_ema", "ema", "state_dict_ema"),
)


def state_dict_in(found: Any, kind: type[T], what: str = "tensor") -> dict[str, T]:
    """The dictionary of tensors: ``found`` itself, or one that it holds under some name.

    Args:
        found: what a file describes.
        kind: of the tensors in it.
        what: they are called in the messages.

    Raises:
        WeightsError: there is none, or there are several of which none is the likeliest.

    >>> state_dict_in({"epoch": 3, "state_dict": {"w": 0.5}}, float)
    {'w': 0.5}
    """
    return _inner(found, kind, what, 3)


def _inner(found: Any, kind: type[T], what: str, depth: int) -> dict[str, T]:
    if not isinstance(found, dict):
        raise WeightsError(f"holds a {type(found).__name__}, expected a dictionary of {what}s")
    other = {n: v for n, v in found.items() if not isinstance(v, kind) and not _extra(n)}
    if not other:
        for name in found:
            if not isinstance(name, str):
                raise WeightsError(f"entry {name!r:.80}: expected names, not {type(name).__name__}")
        return {name: view for name, view in found.items() if isinstance(view, kind)}
    inner = {n: v for n, v in other.items() if isinstance(v, dict) and _holds(v, kind)}
    known = [name for name in WRAPPERS if name in inner]
    if depth and (known or (inner and len(other) == len(found))):
        if len(inner) > 1 and not known:
            names = ", ".join(f"{name!r:.40}" for name in list(inner)[:10])
            raise WeightsError(
                f"it holds {len(inner)} dictionaries of {what}s ({names}); save the one that is "
                "meant alone"
            )
        return _inner(inner[known[0] if known else next(iter(inner))], kind, what, depth - 1)
    name, value = next(iter(other.items()))
    article = "an" if what[0] in "aeiou" else "a"
    raise WeightsError(
        f"entry {name!r:.80} is a {type(value).__name__}, expected {article} {what}; pass the "
        "state_dict alone, not a training checkpoint"
    )


def _holds(found: dict[Any, Any], kind: type, depth: int = 2) -> bool:
    """Whether this is a dictionary of names and tensors, or one that holds such a dictionary."""
    values = list(found.items())
    if any(isinstance(name, str) and isinstance(value, kind) for name, value in values):
        return True
    return depth > 0 and any(
        name in WRAPPERS and isinstance(value, dict) and _holds(value, kind, depth - 1)
        for name, value in values
    )


def _extra(name: Any) -> bool:
    """Whether the entry is what a layer keeps beside its tensors, which is not needed."""
    return isinstance(name, str) and name.endswith("_extra_state")


__all__ = ["WRAPPERS", "state_dict_in"]
