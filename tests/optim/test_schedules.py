import math
import pickle

import pytest

from minicv.optim import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearWarmup,
    MultiStepLR,
    OneCycleLR,
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
        (ExponentialLR(0.8, 0.5), {0: 0.8, 1: 0.4, 3: 0.1, 40: 0.8 / 2**40}),
        (ExponentialLR(0.8, 1.0), {0: 0.8, 99: 0.8}),
        (  # from 0.4 up to 10 at step 2, down to 0.4 / 8 at step 9
            OneCycleLR(10.0, 10, 0.3, "linear", 25, 8),
            {0: 0.4, 1: 5.2, 2: 10.0, 3: 10 - 9.95 / 7, 9: 0.05, 10: 0.05, 99: 0.05},
        ),
        (
            OneCycleLR(10.0, 10, 0.3, div_factor=25, final_div_factor=8),
            {
                **{0: 0.4, 1: 5.2, 2: 10.0, 9: 0.05, 11: 0.05},
                3: 0.05 + 9.95 * (1 + math.cos(math.pi / 7)) / 2,
            },
        ),
        (  # up at step 4, down to where it began at step 8, then to nearly 0
            OneCycleLR(1.0, 12, 5 / 12, "linear", 2, 1000, three_phase=True),
            {0: 0.5, 2: 0.75, 4: 1.0, 6: 0.75, 8: 0.5, 11: 0.0005, 12: 0.0005},
        ),
        (OneCycleLR(1.0, 10, 0.25, "linear"), {1: 0.04 + 0.96 / 1.5, 2: 1 - (1 - 4e-6) / 15}),
        (OneCycleLR(1.0, 10, 0.1, "linear"), {0: 1.0, 9: 4e-6}),  # no step is left to rise in
        (OneCycleLR(1.0, 4, 0.0, "linear"), {0: 1 - (1 - 4e-6) / 4, 3: 4e-6}),
        (OneCycleLR(1.0, 4, 1.0, "linear"), {0: 0.04, 3: 1.0, 4: 4e-6}),
        (OneCycleLR(1.0, 1), {0: 4e-6, 1: 4e-6}),
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
    with pytest.raises(ValueError, match="OneCycleLR: total_steps must be at least 1 but is 0"):
        OneCycleLR(0.1, 0)
    with pytest.raises(ValueError, match=r"OneCycleLR: pct_start must be in 0\.\.1 but is 1\.5"):
        OneCycleLR(0.1, 10, 1.5)
    with pytest.raises(ValueError, match=r"pct_start must be in 0\.\.0\.5 but is 0\.6"):
        OneCycleLR(0.1, 10, 0.6, three_phase=True)
    with pytest.raises(ValueError, match="OneCycleLR: div_factor and final_div_factor must not be"):
        OneCycleLR(0.1, 10, div_factor=0)
    with pytest.raises(ValueError, match="anneal_strategy must be 'cos' or 'linear' but is 'cub'"):
        OneCycleLR(0.1, 10, anneal_strategy="cub")
