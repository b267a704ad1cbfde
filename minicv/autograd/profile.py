"""Where the time goes: calls, seconds and bytes of each operation, forward and backward."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from minicv.autograd.watching import Watcher, watched_by
from minicv.backend import Array

if TYPE_CHECKING:
    from minicv.autograd.function import Function

Shapes = tuple[tuple[int, ...] | None, ...]
SortBy = Literal["seconds", "forward", "backward", "calls", "bytes"]


@dataclass
class OperationCost:
    """What the calls of one operation took together.

    Attributes:
        name: of the operation, such as "Conv2d".
        shapes: of its inputs, None for one that is left out; () in a sum over several shapes.
        calls, backward_calls: how often it ran.
        forward_seconds, backward_seconds: in its own mathematics.
        forward_bytes: of its results; a result that is a view of an input counts 0.
        backward_bytes: of the gradients that it made.
    """

    name: str
    shapes: Shapes = ()
    calls: int = 0
    forward_seconds: float = 0.0
    forward_bytes: int = 0
    backward_calls: int = 0
    backward_seconds: float = 0.0
    backward_bytes: int = 0

    @property
    def seconds(self) -> float:
        return self.forward_seconds + self.backward_seconds

    @property
    def bytes(self) -> int:
        return self.forward_bytes + self.backward_bytes

    def add(self, other: OperationCost) -> None:
        """Count the calls of another one as well."""
        self.calls += other.calls
        self.forward_seconds += other.forward_seconds
        self.forward_bytes += other.forward_bytes
        self.backward_calls += other.backward_calls
        self.backward_seconds += other.backward_seconds
        self.backward_bytes += other.backward_bytes


class Profile(Watcher):
    """What `profile` gives: the operations that ran in its block.

    Attributes:
        seconds: of the whole block; known when it has ended.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._costs: dict[tuple[str, Shapes], OperationCost] = {}

    def forward(self, function: Function, arrays: Sequence[Array | None]) -> Any:
        """Run the operation, and note its time and the size of its result."""
        since = time.perf_counter()
        result = super().forward(function, arrays)
        seconds = time.perf_counter() - since
        function.forward_seconds = seconds
        shapes = tuple([None if array is None else array.shape for array in arrays])
        cost = self._cost(function.name, shapes)
        cost.calls += 1
        cost.forward_seconds += seconds
        cost.forward_bytes += _new_bytes(result, arrays)
        return result

    def backward(self, function: Function, grad: Array) -> Any:
        """Run the operation's backward, and note its time and the size of its gradients."""
        since = time.perf_counter()
        gradients = super().backward(function, grad)
        seconds = time.perf_counter() - since
        function.backward_seconds = seconds
        shapes = tuple([None if each is None else each.shape for each in function.inputs])
        cost = self._cost(function.name, shapes)
        cost.backward_calls += 1
        cost.backward_seconds += seconds
        made = gradients if isinstance(gradients, tuple) else (gradients,)
        cost.backward_bytes += sum(_new_bytes(each, [grad]) for each in made)
        return gradients

    def by_operation(self) -> list[OperationCost]:
        """One entry for each operation, the slowest first."""
        sums: dict[str, OperationCost] = {}
        for (name, _), cost in self._costs.items():
            sums.setdefault(name, OperationCost(name)).add(cost)
        return sorted(sums.values(), key=lambda cost: cost.seconds, reverse=True)

    def by_shape(self) -> list[OperationCost]:
        """One entry for each operation and shape of its inputs, the slowest first."""
        return sorted(self._costs.values(), key=lambda cost: cost.seconds, reverse=True)

    def table(self, sort_by: SortBy = "seconds", group_by_input_shape: bool = False) -> str:
        """The entries as lines of text; the last lines say what is not in them.

        "elsewhere" is the time of the block in which no operation computed: the engine's records,
        about two microseconds an operation, and all Python around it.

        Args:
            sort_by: the greatest of these comes first.
            group_by_input_shape: a line for each shape instead of one for each operation.

        Raises:
            ValueError: another word for ``sort_by``.
        """
        if sort_by not in get_args(SortBy):
            raise ValueError(
                f"table: sort_by is {sort_by!r}; expected one of {', '.join(get_args(SortBy))}"
            )
        name = {"forward": "forward_seconds", "backward": "backward_seconds"}.get(sort_by, sort_by)
        costs = self.by_shape() if group_by_input_shape else self.by_operation()
        costs = sorted(costs, key=lambda cost: getattr(cost, name), reverse=True)
        total = OperationCost("all operations")
        for cost in costs:
            total.add(cost)
        heads = ("operation", "calls", "forward", "bytes", "backward", "bytes", "share")
        rows: list[tuple[str, ...]] = [heads, *(_row(cost, total.seconds) for cost in costs)]
        last = [_row(total, total.seconds)]
        elsewhere = max(0.0, self.seconds - total.seconds)
        last.append(("elsewhere", "", duration(elsewhere), "", "", "", ""))
        widths = [max(map(len, column)) for column in zip(*rows, *last, strict=True)]
        lines = [_line(row, widths) for row in rows]
        rule = "-" * max(map(len, lines))
        end = [_line(row, widths) for row in last]
        return "\n".join([lines[0], rule, *lines[1:], rule, *end])

    def __repr__(self) -> str:
        return self.table()

    def _cost(self, name: str, shapes: Shapes) -> OperationCost:
        cost = self._costs.get((name, shapes))
        if cost is None:
            cost = self._costs[name, shapes] = OperationCost(name, shapes)
        return cost


@contextlib.contextmanager
def profile() -> Iterator[Profile]:
    """Within this block, note what each operation of this thread takes, forward and backward.

    The seconds are those of an operation's own mathematics. On a GPU they end when its work is
    queued, not when it is done. Outside of such a block nothing is measured and nothing is slower.

    Source: the name and the table follow ``torch.autograd.profiler.profile``.

    >>> import minicv
    >>> w = minicv.Tensor([[1.0, 2.0]] * 2, requires_grad=True)
    >>> with profile() as p:
    ...     (w @ w @ w).sum().backward()
    >>> sorted((cost.name, cost.calls, cost.forward_bytes) for cost in p.by_operation())
    [('Matmul', 2, 32), ('Sum', 1, 4)]
    >>> print(p.table())  # doctest: +SKIP
    operation       calls   forward  bytes  backward  bytes  share
    --------------------------------------------------------------
    Matmul              2  0.006 ms   32 B  0.011 ms   64 B    71%
    ...
    """
    found = Profile()
    since = time.perf_counter()
    try:
        with watched_by(found):
            yield found
    finally:
        found.seconds += time.perf_counter() - since


def duration(seconds: float) -> str:
    """Seconds in the unit in which they read best.

    >>> [duration(s) for s in (3.1e-6, 0.00042, 0.0123, 0.5, 75.0)]
    ['0.003 ms', '0.42 ms', '12 ms', '500 ms', '75 s']
    """
    if seconds >= 1:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s"
    milliseconds = 1000 * seconds
    if milliseconds >= 10:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds:.2f} ms" if milliseconds >= 0.1 else f"{milliseconds:.3f} ms"


def size_in_bytes(number: int) -> str:
    """Bytes in the unit in which they read best, 1 kB = 1000 B.

    >>> [size_in_bytes(n) for n in (0, 999, 12_345, 4_200_000, 31_000_000_000)]
    ['0 B', '999 B', '12.3 kB', '4.2 MB', '31.0 GB']
    """
    if number < 1000:
        return f"{number} B"
    for power, unit in ((3, "GB"), (2, "MB")):
        if number >= 1000**power:
            return f"{number / 1000**power:,.1f} {unit}"
    return f"{number / 1000:.1f} kB"


def _new_bytes(result: Any, sources: Sequence[Array | None]) -> int:
    """Bytes of an array that is none of the sources, nor a view of one."""
    if not hasattr(result, "nbytes"):
        return 0
    base = _base(result)
    return 0 if any(each is not None and _base(each) is base for each in sources) else result.nbytes


def _base(array: Any) -> Any:
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


def _row(cost: OperationCost, total: float) -> tuple[str, ...]:
    shapes = ["×".join(map(str, each)) or "1" for each in cost.shapes if each is not None]
    return (
        f"{cost.name} {', '.join(shapes)}".rstrip(),
        f"{cost.calls:,}",
        duration(cost.forward_seconds),
        size_in_bytes(cost.forward_bytes),
        duration(cost.backward_seconds) if cost.backward_calls else "",
        size_in_bytes(cost.backward_bytes) if cost.backward_calls else "",
        f"{100 * cost.seconds / total:.0f}%" if total > 0 else "",
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    pairs = zip(cells[1:], widths[1:], strict=True)
    return "  ".join([cells[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in pairs)]).rstrip()
