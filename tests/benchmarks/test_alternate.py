"""Turns and ratios, with sides that only say what they were asked."""

import pytest

from benchmarks.alternate import MOST_CALLS, Schedule, ratio, take_turns


class FakeSide:
    def __init__(self, name, seconds, log):
        self.name, self.seconds, self.log = name, seconds, log

    def time(self, calls):
        self.log.append((self.name, calls))
        return [self.seconds] * (calls - 1) + [100.0]  # one disturbed call, which a median ignores


def run(schedule, **seconds):
    log = []
    times = take_turns({n: FakeSide(n, s, log) for n, s in seconds.items()}, schedule)
    return times, log


def test_sides_alternate_and_every_other_round_goes_backwards():
    schedule = Schedule(rounds=3, turn_seconds=1.0)
    times, log = run(schedule, minicv=0.1, torch=0.2)
    assert [name for name, _ in log] == ["minicv", "torch", "torch", "minicv", "minicv", "torch"]
    assert {calls for name, calls in log if name == "minicv"} == {10}
    assert {calls for name, calls in log if name == "torch"} == {5}
    assert times == {"minicv": [0.1] * 3, "torch": [0.2] * 3}
    assert ratio(times["torch"], times["minicv"]) == pytest.approx(2.0)


def test_a_slow_side_has_fewer_turns_of_one_call():
    schedule = Schedule(rounds=5, turn_seconds=1.0, slow_seconds=2.0, slow_rounds=2)
    times, log = run(schedule, minicv=0.5, chainer=10.0)
    assert [call for call in log if call[0] == "chainer"] == [("chainer", 1)] * 2
    assert len(times["minicv"]) == 5 and len(times["chainer"]) == 2


def test_an_endless_side_is_not_called_again():
    times, log = run(Schedule(rounds=2), minicv=0.5, chainer=300.0)
    assert times["chainer"] == [300.0]
    assert {name for name, _ in log} == {"minicv"}


def test_a_turn_of_next_to_nothing_ends():
    _, log = run(Schedule(rounds=1, turn_seconds=1.0), minicv=0.0)
    assert log == [("minicv", MOST_CALLS)]


def test_ratio_is_the_median_over_rounds_and_not_of_the_medians():
    peer, own = [1.0, 20.0, 3.0], [1.0, 10.0, 1.0]  # the machine was slow in the second round
    assert ratio(peer, own) == 2.0
    assert ratio(peer[:1], own) == 1.0
