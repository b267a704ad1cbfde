import math
import pickle

import pytest

from minicv.optim import (
    ConstantLR,
    CosineAnnealingLR,
    LinearWarmup,
    MultiStepLR,
    StepLR,
    WarmupThen,
)


@pytest.mark.parametrize(
    ("schedule", "points"),
    [
        (ConstantLR(0.1), {0: 0.1, 10**6: 0.1}),
        (StepLR(0.8, 3, gamma=0.5), {0: 0.8, 2: 0.8, 3: 0.4, 5: 0.4, 6: 0.2, 300: 0.8 / 2**100}),
        (StepLR(1.0, 10), {9: 1.0, 10: 0.1, 20: 0.01}),
        (MultiStepLR(1.0, (30, 80)), {29: 1.0, 30: 0.1, 79: 0.1, 80: 0.01, 999: 0.01}),
        (MultiStepLR(1.0, [4, 4, 2], 0.5), {1: 1.0, 2: 0.5, 3: 0.5, 4: 0.125}),
        (
            CosineAnnealingLR(1.0, 8, eta_min=0.2),
            {0: 1.0, 2: 0.2 + 0.4 * (1 + math.sqrt(0.5)), 4: 0.6, 8: 0.2, 12: 0.2},
        ),
        (LinearWarmup(0.4, 4, start_factor=0.5), {0: 0.2, 1: 0.25, 3: 0.35, 4: 0.4, 99: 0.4}),
        (LinearWarmup(0.4, 0), {0: 0.4}),
        (WarmupThen(StepLR(1.0, 2), 4, 0.0), {0: 0.0, 1: 0.25, 2: 0.05, 3: 0.075, 4: 0.01}),
        (WarmupThen(CosineAnnealingLR(1.0, 4), 2, 0.5), {0: 0.5, 2: 0.5, 4: 0.0}),
        (WarmupThen(LinearWarmup(1.0, 4, 0.0), 4, 0.0), {2: 0.25, 4: 1.0}),
    ],
)
def test_hand_computed_points_in_any_order(schedule, points):
    for step, lr in reversed(points.items()):
        assert math.isclose(schedule.lr(step), lr, rel_tol=1e-12, abs_tol=1e-15), step
    assert [schedule.lr(step) for step in points] == [schedule.lr(step) for step in points]


def test_schedules_are_values():
    schedule = WarmupThen(StepLR(0.1, 5), 3)
    assert schedule == WarmupThen(StepLR(0.1, 5), 3)
    assert schedule != WarmupThen(StepLR(0.1, 6), 3)
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert repr(StepLR(0.1, 5)) == "StepLR(base_lr=0.1, step_size=5, gamma=0.1)"
    with pytest.raises(AttributeError):
        schedule.warmup_steps = 5


def test_messages():
    with pytest.raises(ValueError, match="StepLR: step_size must be at least 1 but is 0"):
        StepLR(0.1, 0)
    with pytest.raises(ValueError, match="CosineAnnealingLR: T_max must be at least 1 but is 0"):
        CosineAnnealingLR(0.1, 0)
    with pytest.raises(ValueError, match=r"WarmupThen: warmup_steps must .* warmup_steps=-1"):
        WarmupThen(ConstantLR(0.1), -1)
    with pytest.raises(ValueError, match=r"start_factor must be in 0\.\.1; .* start_factor=2"):
        LinearWarmup(0.1, 4, start_factor=2)
