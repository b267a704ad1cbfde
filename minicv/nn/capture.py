"""What chosen modules give, caught while a network runs."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minicv.nn.module import Module


class NotCaptured(KeyError):
    """There is no output under this name; says why."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would put it in quotation marks


class Captured(Mapping[str, list[Any]]):
    """By the name of a module, what its ``forward`` gave: an entry for each time that it ran.

    Args:
        outputs: by name.

    Raises:
        NotCaptured: at ``captured[name]``: the module was not asked for, or it has not run.
    """

    def __init__(self, outputs: dict[str, list[Any]]) -> None:
        self._outputs = outputs

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._outputs:
            raise NotCaptured(
                f"captured: {name!r} was not asked for; the block captures "
                f"{', '.join(map(repr, self._outputs))}"
            )
        if not self._outputs[name]:
            raise NotCaptured(
                f"captured: the forward of {name!r} did not run in the block. Either nothing ran, "
                "or its network takes it apart: it calls the parts of a Sequential one by one, or "
                "a ReLU as a function. Capture the module around it or one inside"
            )
        return self._outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name!r}: {len(own)}" for name, own in self._outputs.items())
        return f"Captured({counts})"


@contextlib.contextmanager
def capture(module: Module, *names: str) -> Iterator[Captured]:
    """Within the block, keep what the modules of these names give; see `Module.capture`."""
    parts = dict(module.named_modules())
    for name in names:
        if name not in parts:
            raise ValueError(_no_such_module(module, name, list(parts)))
    if not names:
        raise ValueError("capture: no names; give one or more, such as 'backbone'")
    outputs: dict[str, list[Any]] = {name: [] for name in names}
    hidden: list[tuple[Module, Any]] = []

    def hide(part: Module, forward: Callable[..., Any]) -> None:
        hidden.append((part, vars(part).get("forward")))
        vars(part)["forward"] = forward  # hides the method of the class

    try:
        if any(next(parts[name].children(), None) is None for name in names):
            # A layer with a forward of its own does not run together with its neighbours.
            for part in parts.values():
                if next(part.children(), None) is None:
                    hide(part, part.forward)
        for name in outputs:
            hide(parts[name], _keeping(parts[name], outputs[name]))
        yield Captured(outputs)
    finally:
        for part, before in reversed(hidden):
            if before is None:
                vars(part).pop("forward", None)
            else:
                vars(part)["forward"] = before


def _keeping(part: Module, kept: list[Any]) -> Callable[..., Any]:
    run = part.forward

    def forward(*inputs: Any, **options: Any) -> Any:
        output = run(*inputs, **options)
        kept.append(output)
        return output

    return forward


def _no_such_module(module: Module, name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3)
    if near:
        advice = f"did you mean {' or '.join(map(repr, near))}?"
    else:
        beginning = [own for own in names if own and "." not in own]
        advice = (
            f"it has {', '.join(map(repr, beginning)) or 'no modules inside'}, and those inside"
        )
    return f"capture: {type(module).__name__} has no module named {name!r}; {advice}"
