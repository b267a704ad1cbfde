"""What each algorithm does, counted by hand; more of it costs more, on any machine."""

import itertools
from typing import get_args

import numpy as np
import pytest
from convolution_cases import Case

from minicv.backend.convolution_layer import Direction
from minicv.backend.cpu import convolution
from minicv.backend.cpu.convolution import ALGORITHMS, LARGE, choose_algorithm, costs
from minicv.backend.cpu.machine import BUILT_IN

SLOW_PRODUCTS = BUILT_IN._replace(
    product=tuple(map(tuple, (100 * np.array(BUILT_IN.product)).tolist())),
    product_of_rows=tuple(map(tuple, (100 * np.array(BUILT_IN.product_of_rows)).tolist())),
)
SLOW_COPIES = BUILT_IN._replace(
    run=tuple(100 * time for time in BUILT_IN.run),
    picked=tuple(100 * time for time in BUILT_IN.picked),
    memory=100 * BUILT_IN.memory,
)


@pytest.mark.parametrize("direction", get_args(Direction))
def test_multiply_adds_by_hand(direction):
    # 2 images of 8x8, 3 -> 5 channels
    c, o = (5, 3) if direction == "grad_input" else (3, 5)
    of = costs(Case((2, 3, 8, 8), (5, 3, 3, 3), padding=(1, 1)).layer, direction)
    assert of["im2col"].multiply_adds == pytest.approx(2 * 64 * 3 * 5 * 9)
    products, images, results, kernels = 8 * 36 * 15, 8 * c * 36**2, 8 * o * 36 * 16, 15 * 36 * 9
    assert of["winograd_4x4"].multiply_adds == pytest.approx(products + images + results + kernels)
    products, images, results, kernels = 32 * 16 * 15, 32 * c * 16**2, 32 * o * 16 * 4, 15 * 16 * 9
    assert of["winograd_2x2"].multiply_adds == pytest.approx(products + images + results + kernels)
    of = costs(Case((2, 3, 8, 8), (5, 3, 1, 1)).layer, direction)
    assert of["pointwise"].multiply_adds == of["im2col"].multiply_adds == pytest.approx(2 * 64 * 15)
    of = costs(Case((2, 3, 8, 8), (3, 1, 3, 3), padding=(1, 1), groups=3).layer, direction)
    assert of["im2col"].multiply_adds == pytest.approx(2 * 64 * 3 * 9)
    of = costs(Case((2, 3, 8, 8), (5, 3, 4, 4), stride=(2, 2), padding=(1, 1)).layer, direction)
    assert of["im2col"].multiply_adds == pytest.approx(2 * 16 * 15 * 16)
    assert of["space_to_depth"].multiply_adds == pytest.approx(2 * 25 * 15 * 16)
    if direction == "grad_input":  # the image is dL/dy of 5 channels, the result planes of 3
        images, results = 2 * 5 * 36 * 100, 2 * 3 * 2 * 50 * 32
    else:
        images, results = 2 * 3 * 4 * 25**2, 2 * 5 * 25 * 16
    transforms = images + results + 15 * 4 * 25 * 4
    assert of["winograd_strided"].multiply_adds == pytest.approx(2 * 25 * 4 * 15 + transforms)
    # The gradient of the input goes phase by phase, without what fills up the last cells.
    of = costs(Case((2, 3, 8, 8), (5, 3, 3, 3), stride=(2, 2), padding=(1, 1)).layer, direction)
    elements = 9 if direction == "grad_input" else 16
    assert of["space_to_depth"].multiply_adds == pytest.approx(2 * 25 * 15 * elements)


@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize(
    "layers",
    [
        [Case((n, 64, 20, 22), (64, 64, 3, 3), padding=(1, 1)) for n in (0, 1, 4, 9)],
        [Case((2, c, 20, 22), (64, c, 4, 4), stride=(2, 2), padding=(1, 1)) for c in (3, 40, 300)],
        [Case((2, 24, s, s), (o, 24, 1, 1)) for s, o in ((7, 5), (19, 24), (40, 300))],
        [Case((2, c, 20, 22), (c, 1, 3, 3), groups=c) for c in (3, 40, 300)],
    ],
)
def test_a_larger_layer_takes_longer(layers, direction):
    for smaller, larger in itertools.pairwise(layers):
        before, after = costs(smaller.layer, direction), costs(larger.layer, direction)
        assert before.keys() <= after.keys()  # some want more than one image
        for name, cost in before.items():
            assert np.isfinite(cost).all() and min(cost) >= 0
            assert after[name].time >= cost.time > 0


@pytest.mark.parametrize(
    ("machine", "expected"),
    [(SLOW_PRODUCTS, {"winograd_2x2", "winograd_4x4"}), (SLOW_COPIES, {"im2col", "shifted"})],
)
def test_slow_products_are_saved_and_slow_memory_is_spared(machine, expected):
    """Winograd's algorithm multiplies less, but reads four times the weights."""
    of = costs(Case((1, 512, 7, 7), (512, 512, 3, 3), padding=(1, 1)).layer, "forward", machine)
    assert min(of, key=lambda name: of[name].time) in expected


def test_only_large_layers_ask_for_the_machine(monkeypatch):
    asked = []

    def machine():
        asked.append(True)
        return SLOW_COPIES

    monkeypatch.setattr(convolution, "machine", machine)
    convolution._cheapest.cache_clear()
    small = Case((1, 16, 12, 12), (16, 16, 3, 3), padding=(1, 1)).layer
    large = Case((3, 64, 40, 44), (64, 64, 3, 3), padding=(1, 1)).layer
    assert ALGORITHMS["im2col"].work(small, "forward").multiply_adds < LARGE
    choose_algorithm(small, "forward")
    assert not asked
    assert choose_algorithm(large, "forward") in ("im2col", "shifted")
    assert asked
    convolution._cheapest.cache_clear()
