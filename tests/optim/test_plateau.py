"""ReduceLROnPlateau: when the rate falls, and that it remembers."""

import math

import numpy as np
import pytest

from minicv import Tensor
from minicv.nn import Parameter
from minicv.optim import SGD, ReduceLROnPlateau, WarmupThen


def rates(values, **options):
    schedule = ReduceLROnPlateau(1.0, **options)
    found = []
    for value in values:
        schedule.step(value)
        found.append(schedule.lr(0))
    return found


def test_the_rate_falls_after_more_than_patience_bad_values():
    assert rates([5, 4, 4, 4, 4], factor=0.5, patience=2) == [1, 1, 1, 1, 0.5]
    assert rates([5, 5, 5, 5], factor=0.5, patience=0) == [1, 0.5, 0.25, 0.125]
    # An improvement starts the count again.
    assert rates([5, 6, 4, 6, 6], factor=0.5, patience=1) == [1, 1, 1, 1, 0.5]


def test_mode_max_is_for_accuracies():
    assert rates([0.5, 0.6, 0.6], mode="max", factor=0.5, patience=0) == [1, 1, 0.5]
    assert rates([0.5, 0.4, 0.6], mode="max", factor=0.5, patience=0) == [1, 0.5, 0.5]


@pytest.mark.parametrize(
    ("values", "options", "improves"),
    [
        ((10.0, 9.5), {"threshold": 0.1}, False),  # 1 is asked for
        ((10.0, 8.9), {"threshold": 0.1}, True),
        ((10.0, 9.5), {"threshold": 0.1, "threshold_mode": "abs"}, True),
        ((10.0, 10.5), {"threshold": 0.1, "mode": "max"}, False),
        ((10.0, 11.1), {"threshold": 0.1, "mode": "max"}, True),
        ((10.0, 10.5), {"threshold": 0.6, "threshold_mode": "abs", "mode": "max"}, False),
        ((10.0, 10.0), {"threshold": 0.0}, False),
        ((-1.0, -1.0), {}, False),  # a negative loss that stays is not better
        ((-1.0, -1.5), {}, True),
        ((1.0, math.nan), {}, False),
        ((math.nan, 1.0), {"patience": 1}, True),
    ],
)
def test_what_counts_as_an_improvement(values, options, improves):
    found = rates(values, **{"factor": 0.5, "patience": 0, **options})
    assert found[-1] == (1.0 if improves else 0.5)


def test_cooldown_and_floor():
    # After the second value the rate falls; the next two do not count.
    found = rates([5] * 6, factor=0.5, patience=0, cooldown=2)
    assert found == [1, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert rates([5] * 4, factor=0.1, patience=0, min_lr=0.05) == [1, 0.1, 0.05, 0.05]
    assert rates([5] * 3, factor=0.5, patience=0, eps=0.3) == [1, 0.5, 0.5]


def test_it_stands_where_any_schedule_stands():
    schedule = ReduceLROnPlateau(1.0, factor=0.5, patience=0)
    optimizer = SGD([Parameter([1.0])], lr=1.0)
    warm = WarmupThen(schedule, warmup_steps=4, start_factor=0.0)
    for value, step, rate in ((5, 2, 0.5), (5, 2, 0.25), (4, 9, 0.5)):
        schedule.step(value)
        optimizer.set_lr(warm.lr(step))
        assert optimizer.param_groups[0]["lr"] == rate


def test_a_resumed_schedule_equals_one_without_a_break(tmp_path):
    values = np.random.default_rng(0).normal(size=60)
    options = {"factor": 0.7, "patience": 2, "cooldown": 1}
    for stop in (0, 1, 17, 30):
        schedule = ReduceLROnPlateau(1.0, **options)
        for value in values[:stop]:
            schedule.step(value)
        np.savez(tmp_path / "state.npz", **schedule.state_dict())
        resumed = ReduceLROnPlateau(1.0, **options)
        with np.load(tmp_path / "state.npz") as state:
            resumed.load_state_dict(state)
        found = []
        for value in values[stop:]:
            resumed.step(value)
            found.append(resumed.lr(0))
        assert found == rates(values, **options)[stop:]
    with pytest.raises(ValueError, match="ReduceLROnPlateau: the saved state has no entry 'best'"):
        resumed.load_state_dict({"rate": 0.1})


def test_numbers_of_any_kind_are_taken():
    for value in (Tensor([2.0]).sum(), np.float32(2), np.array(2.0), 2):
        schedule = ReduceLROnPlateau(1.0)
        schedule.step(value)
        assert schedule.best == 2.0
        assert type(schedule.best) is float
    for value in ("2", None, Tensor([1.0, 2.0]), np.ones(3), {"loss": 1.0}):
        with pytest.raises(TypeError, match=r"ReduceLROnPlateau.step: value must be one number"):
            schedule.step(value)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"base_lr": -1}, ValueError, "base_lr must not be negative but is -1"),
        ({"factor": 1.0}, ValueError, "factor must be below 1 but is 1.0"),
        ({"mode": "lowest"}, ValueError, "mode must be 'min' or 'max' but is 'lowest'"),
        ({"threshold_mode": 1}, ValueError, "threshold_mode must be 'rel' or 'abs' but is 1"),
        ({"patience": 1.5}, TypeError, "patience must be a whole number but is 1.5"),
        ({"cooldown": -1}, ValueError, "cooldown must not be negative but is -1"),
        ({"min_lr": "0"}, TypeError, "min_lr must be a number but is '0'"),
        ({"base_lr": SGD([Parameter([1.0])], 0.1)}, TypeError, "base_lr .* but is a SGD; a sched"),
    ],
)
def test_messages(options, kind, message):
    with pytest.raises(kind, match=f"^ReduceLROnPlateau: {message}"):
        ReduceLROnPlateau(**{"base_lr": 1.0, **options})


def test_its_text_names_every_option():
    assert repr(ReduceLROnPlateau(0.1)) == (
        "ReduceLROnPlateau(base_lr=0.1, mode='min', factor=0.1, patience=10, threshold=0.0001, "
        "threshold_mode='rel', cooldown=0, min_lr=0.0, eps=1e-08)"
    )
