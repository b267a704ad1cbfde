"""Drawings of codes and reconstructions: what is where, and in which colour."""

import numpy as np
import pytest

from minicv.inspection.palette import BLUE, VERMILLION
from minicv.inspection.reconstruction import (
    MOST_BARS,
    draw_code,
    draw_denoising,
    draw_reconstruction,
    draw_square,
)


def colours_of(picture, column):
    pixels = np.asarray(picture)[:, column]
    return [tuple(row) for row in pixels.tolist()]


def test_bars_are_blue_above_and_red_below_and_as_long_as_their_numbers():
    picture = draw_code(np.array([1.0, -0.5]), (200, 240))
    first, second = colours_of(picture, 70), colours_of(picture, 130)
    assert first.count(BLUE) == pytest.approx(100, abs=2) and VERMILLION not in first
    assert second.count(VERMILLION) == pytest.approx(50, abs=2) and BLUE not in second
    assert first.index(BLUE) < 120 <= second.index(VERMILLION)


def test_a_long_code_is_a_grid_of_cells():
    code = np.zeros(MOST_BARS + 36)
    code[0], code[-1] = 1, -1
    pixels = np.asarray(draw_code(code, (100, 100)))  # 10 x 10 cells
    assert tuple(pixels[5, 5]) == BLUE and tuple(pixels[95, 95]) == VERMILLION
    assert tuple(pixels[5, 15]) == (255, 255, 255)


@pytest.mark.parametrize("code", [np.zeros(3), np.zeros(1), np.zeros(500)])
def test_zeros_can_be_drawn(code):
    assert draw_code(code).size == (420, 320)


@pytest.mark.parametrize("code", [np.zeros(0), np.zeros((2, 2)), np.array([np.nan])])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(ValueError, match="draw_code: code has the shape"):
        draw_code(code)


def test_pixels_stay_sharp_where_a_small_picture_is_enlarged():
    square = np.array([[[0.0, 1.0], [1.0, 0.0]]])
    pixels = np.asarray(draw_square(square, 100))
    assert pixels[49, 49].max() == 0 and pixels[49, 50].min() == 255
    assert draw_square(np.zeros((3, 400, 400)), 100).size == (100, 100)


def test_the_parts_stand_beside_each_other():
    levels = {"picture": 0.2, "noisy": 0.4, "denoised": 0.6, "reconstruction": 0.8}
    result = {name: np.full((1, 4, 4), level) for name, level in levels.items()}
    result["code"] = np.array([1.0])
    for drawn, names in (
        (draw_reconstruction(result, "MSE 0.1"), ("picture", "reconstruction")),
        (draw_denoising(result, ("a", "b"), "title"), ("picture", "noisy", "denoised")),
    ):
        row = np.asarray(drawn)[-100, :, 0].tolist()
        places = [row.index(round(levels[name] * 255)) for name in names]
        assert places == sorted(places)
