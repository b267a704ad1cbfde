"""What is measured agrees with what the networks say of themselves."""

import numpy as np
import pytest

from minicv.data import Farmyard
from minicv.models.segmentation import (
    EncoderDecoder,
    EncoderDecoderSettings,
    FullResolution,
    FullResolutionSettings,
)


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("02_full_resolution_vs_down_and_up")


def test_it_runs_prints_and_draws(script, tmp_path, check_pictures, capsys):
    script.run(tmp_path / "new", seed=1, seconds=0.2, scenes=(8, 3), size=32)
    check_pictures(tmp_path / "new", ["labels.png"])
    assert "mean IoU on unseen scenes" in capsys.readouterr().out


@pytest.mark.parametrize(("width", "depth"), [(8, 1), (8, 3), (16, 7)])
def test_the_view_of_the_stack_is_that_of_its_formula(script, width, depth):
    """Also where the convolutions are fast ones, whose rounding errors reach further."""
    settings = FullResolutionSettings(width=width, depth=depth)
    model = FullResolution(script.CLASSES, settings, rng=np.random.default_rng(0))
    before = model.state_dict()
    assert script.field_of_view(model, (64, 64)) == model.receptive_field
    assert all(model.state_dict()[name].dtype == values.dtype for name, values in before.items())


def test_measuring_counts_and_leaves_the_weights_alone(script):
    rng = np.random.default_rng(0)
    batch = [Farmyard(2, size=(32, 32))[i] for i in range(2)]
    stack = FullResolution(script.CLASSES, FullResolutionSettings(width=8, depth=3), rng=rng)
    down_and_up = EncoderDecoder(script.CLASSES, EncoderDecoderSettings(widths=(8, 16)), rng=rng)
    before = {name: parameter.data.copy() for name, parameter in stack.named_parameters()}
    measured = script.measure(stack, batch)
    assert measured.multiplications == stack.multiply_adds_per_pixel
    # At the least the result of each of the three convolutions is kept for the way back.
    assert measured.step_memory > 3 * 2 * 8 * 32 * 32 * 4 / 1e6
    for name, parameter in stack.named_parameters():
        np.testing.assert_array_equal(parameter.data, before[name])
        assert parameter.grad is None
    assert script.measure(down_and_up, batch).sees > measured.sees
