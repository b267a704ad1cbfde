import numpy as np
import pytest

from minicv.inspection.bars import draw_bars
from minicv.inspection.palette import BLUE, LINE_COLOURS


def bar_lengths(picture, colour, top=60):
    """Lengths of the runs of a colour, from above: each bar once."""
    here = (np.asarray(picture)[top:] == colour).all(axis=2)
    rows = np.flatnonzero(here.any(axis=1))
    first_of_bar = rows[np.insert(np.diff(rows) > 1, 0, True)] if len(rows) else rows
    return here[first_of_bar + 5].sum(axis=1).tolist()


def test_bars_are_as_long_as_their_numbers():
    assert LINE_COLOURS[0] == BLUE
    picture = draw_bars("time", {"R-CNN": {"s": 40.0}, "Fast": {"s": 10.0}, "Faster": {"s": 0.0}})
    long, short, least = bar_lengths(picture, BLUE)
    assert long == pytest.approx(4 * short, abs=4)
    assert least <= 3


def test_each_series_has_its_colour_and_may_be_absent():
    rows = {"a": {"with": 3.0, "without": 1.0}, "b": {"without": 2.0}}
    picture = draw_bars("time", rows, "s")
    assert len(bar_lengths(picture, LINE_COLOURS[0], top=84)) == 1
    assert len(bar_lengths(picture, LINE_COLOURS[1], top=84)) == 2


def test_more_rows_make_a_higher_picture_and_long_names_fit():
    few = draw_bars("time", {"a": {"s": 1.0}})
    many = draw_bars(
        "time", {f"a very long name of a system {i}" * 3: {"s": 1.0} for i in range(5)}
    )
    assert many.height > few.height and many.width == few.width


def test_no_rows_and_only_zeros_are_drawn():
    assert draw_bars("nothing", {}).height >= 60
    assert draw_bars("zero", {"a": {"s": 0.0}}).height >= 60


@pytest.mark.parametrize("number", [-1.0, float("nan"), float("inf")])
def test_numbers_that_have_no_length_are_refused_by_name(number):
    with pytest.raises(ValueError, match="'s' of 'Fast' is"):
        draw_bars("time", {"Fast": {"s": number}})
