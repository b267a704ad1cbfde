"""profile: counts, bytes, times forward and backward apart, the table, and no trace when off."""

import sys

import numpy as np
import pytest

from minicv import Function, Tensor
from minicv.autograd import profile
from minicv.autograd.profile import duration, size_in_bytes


class Clock:
    seconds = 0.0

    def perf_counter(self):
        return self.seconds


def test_calls_seconds_and_bytes(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(sys.modules["minicv.autograd.profile"], "time", clock)

    class Slow(Function):
        def forward(self, x):
            clock.seconds += 3.0
            return x + 1

        def backward(self, grad):
            clock.seconds += 20.0
            return grad + 0

    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with profile() as p:
        clock.seconds += 0.5  # of no operation
        (Slow()(Slow()(x)) * 2.0).sum().backward()
    costs = {cost.name: cost for cost in p.by_operation()}
    slow = costs["Slow"]
    assert (slow.calls, slow.backward_calls) == (2, 2)
    assert (slow.forward_seconds, slow.backward_seconds, slow.seconds) == (6.0, 40.0, 46.0)
    assert (slow.forward_bytes, slow.backward_bytes, slow.bytes) == (2 * 48, 2 * 48, 4 * 48)
    assert costs["Sum"].forward_bytes == 8 and costs["Sum"].seconds == 0
    assert p.by_operation()[0].name == "Slow"
    assert p.seconds == 46.5
    assert p.table().splitlines()[-1].split() == ["elsewhere", "500", "ms"]


def test_a_view_takes_no_memory():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with profile() as p:
        y = x.reshape(6)
    (cost,) = p.by_operation()
    assert (cost.name, cost.forward_bytes) == ("Reshape", 0)
    assert y.shape == (6,)


def test_entries_by_shape():
    small, large = Tensor(np.ones(2)), Tensor(np.ones((4, 5)))
    with profile() as p:
        for x in (small, large, large):
            x * 2.0
    by_shape = {cost.shapes: cost.calls for cost in p.by_shape()}
    assert by_shape == {((2,), ()): 1, ((4, 5), ()): 2}
    assert [cost.calls for cost in p.by_operation()] == [3]
    assert "Multiply 4×5, 1 " in p.table(group_by_input_shape=True)


def test_the_table_has_every_operation_and_the_sum():
    x = Tensor(np.ones(3), requires_grad=True)
    with profile() as p:
        (x * x).exp().sum().backward()
    lines = p.table(sort_by="calls").splitlines()
    assert " ".join(lines[0].split()) == "operation calls forward bytes backward bytes share"
    assert {line.split()[0] for line in lines[2:5]} == {"Multiply", "Exp", "Sum"}
    total = lines[-2].split()
    assert lines[-2].startswith("all operations") and total[2] == "3" and total[-1] == "100%"
    assert lines[-1].startswith("elsewhere")
    with pytest.raises(ValueError, match="sort_by is 'time'; expected one of seconds, forward"):
        p.table(sort_by="time")


def test_outside_of_the_block_nothing_is_noted():
    with profile() as p:
        pass
    y = Tensor([1.0], requires_grad=True) * 2.0
    assert p.by_operation() == [] and y.creator.forward_seconds is None
    assert "elsewhere" in p.table()


def test_units():
    assert [duration(s) for s in (0, 0.00999, 9.96, 1234)] == [
        "0.000 ms",
        "9.99 ms",
        "10.0 s",
        "1,234 s",
    ]
    assert size_in_bytes(1000) == "1.0 kB"
