import numpy as np
import pytest

from minicv.inspection import draw_number_grid
from minicv.inspection.number_grid import LINE, TINT
from minicv.inspection.palette import BLUE, INK, ORANGE, WHITE, mix

CELL = 50


def cell(picture, row, column):
    """The pixels of a cell without its lines."""
    pixels = np.asarray(picture)
    top, left = LINE + row * CELL, LINE + column * CELL
    return pixels[top : top + CELL - LINE, left : left + CELL - LINE]


def test_cells_have_lines_between_and_around_them():
    pixels = np.asarray(draw_number_grid([[1, 2, 3], [4, 5, 6]], cell_size=CELL))
    assert pixels.shape == (2 * CELL + LINE, 3 * CELL + LINE, 3)
    for line in (0, CELL, 2 * CELL):
        assert (pixels[line : line + LINE] == INK).all()
    for line in (0, CELL, 2 * CELL, 3 * CELL):
        assert (pixels[:, line : line + LINE] == INK).all()


def test_colours_share_a_cell_from_left_to_right():
    picture = draw_number_grid([["", "", ""]], [[[], [BLUE], [BLUE, ORANGE]]], cell_size=CELL)
    assert (cell(picture, 0, 0) == WHITE).all()
    assert (cell(picture, 0, 1) == mix(BLUE, WHITE, TINT)).all()
    shared = cell(picture, 0, 2)
    assert (shared[:, : CELL // 2 - 2] == mix(BLUE, WHITE, TINT)).all()
    assert (shared[:, CELL // 2 :] == mix(ORANGE, WHITE, TINT)).all()


def test_numbers_are_written_zeros_in_grey():
    picture = draw_number_grid([[8, 0, 0.25], ["az + bx", "a", ""]], cell_size=CELL)
    darkest = [[cell(picture, row, column).min() for column in range(3)] for row in range(2)]
    assert darkest[0][0] < 60 and darkest[0][2] < 60 and darkest[1][0] < 90
    assert 90 < darkest[0][1] < 200
    assert darkest[1][2] == 255  # an empty text


@pytest.mark.parametrize("text", ["8", "az + bx", "a rather long text that is made small"])
def test_the_longest_text_stays_in_its_cell(text):
    inside = cell(draw_number_grid([[text]], cell_size=CELL), 0, 0)
    assert inside.min() < 200
    assert (inside[:, :1] == 255).all() and (inside[:, -1:] == 255).all()


def test_refuses():
    with pytest.raises(ValueError, match=r"draw_number_grid: values have the shape \(0,\)"):
        draw_number_grid([])
    with pytest.raises(ValueError, match=r"draw_number_grid: values have the shape"):
        draw_number_grid(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match=r"draw_number_grid: values have the shape \(2,\)"):
        draw_number_grid([[1, 2], [3]])
    with pytest.raises(ValueError, match=r"colours have rows of \[1\] cells, but values are 1 x 2"):
        draw_number_grid([[1, 2]], [[[BLUE]]])
