"""Bars and curves: as long and as high as their numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.inspection.charts import draw_bars, draw_curves, ticks
from minicv.inspection.palette import BLUE, LINE_COLOURS, VERMILLION


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


def test_the_longest_bar_may_be_given():
    rows = {"cow": {"score": 0.5}}
    (full,), (half,) = (
        bar_lengths(draw_bars("score", rows, longest=longest), BLUE) for longest in (None, 1.0)
    )
    assert half == pytest.approx(full / 2, abs=2)


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


def rows_and_columns(picture, colour, top=84):
    """Where a colour is in the plot, below the legend."""
    ys, xs = np.nonzero((np.asarray(picture)[top:] == colour).all(axis=2))
    return ys + top, xs


def test_curve_rises_from_left_to_right():
    picture = draw_curves({"AP50": {"validation": ([0, 1, 2], [0.0, 0.5, 1.0])}})
    ys, xs = rows_and_columns(picture, BLUE)
    left, right = ys[xs < 200].mean(), ys[xs > 700].mean()
    assert left > right + 100
    assert xs.min() >= 70 and xs.max() <= 900 - 20


def test_each_curve_has_its_colour_and_panels_are_stacked():
    steps = [1, 2]
    panels = {
        "loss": {"a": (steps, [1.0, 2.0]), "b": (steps, [2.0, 1.0])},
        "AP": {"c": (steps, [0, 1])},
    }
    picture = draw_curves(panels, size=(500, 300))
    assert picture.size == (500, 600)
    upper, lower = picture.crop((0, 0, 500, 300)), picture.crop((0, 300, 500, 600))
    assert len(rows_and_columns(upper, BLUE)[0]) and len(rows_and_columns(upper, VERMILLION)[0])
    assert len(rows_and_columns(lower, BLUE)[0]) and not len(rows_and_columns(lower, VERMILLION)[0])


def test_unknown_values_leave_a_gap():
    steps = np.arange(60)
    values = np.ones(60)
    whole = draw_curves({"loss": {"a": (steps, values)}})
    values[20:40] = np.nan
    values[30] = np.inf
    broken = draw_curves({"loss": {"a": (steps, values)}})
    _, xs = rows_and_columns(whole, BLUE)
    middle = (xs.min() + xs.max()) // 2
    assert middle in xs
    assert middle not in rows_and_columns(broken, BLUE)[1]


def test_noisy_curve_is_shown_pale_and_as_means():
    rng = np.random.default_rng(0)
    values = 1 + rng.normal(0, 0.3, 1000)
    picture = draw_curves({"loss": {"a": (np.arange(1000), values)}})
    ys, _ = rows_and_columns(picture, BLUE)
    pixels = np.asarray(picture).astype(int)
    bluish = pixels[:, :, 2] - pixels[:, :, 0] > 30
    all_rows = np.nonzero(bluish[84:])[0]
    assert np.ptp(all_rows) > 1.5 * np.ptp(ys)


@pytest.mark.parametrize(
    "panels",
    [
        {},
        {"loss": {}},
        {"loss": {"a": ([], [])}},
        {"loss": {"a": ([5], [0.3])}},
        {"loss": {"a": ([1, 2], [np.nan, np.nan])}},
        {"loss": {"a": ([3, 3], [-1.0, 1e7])}},
        {"loss " * 60: {f"a very long name of a loss {i}": ([0, 1], [i, 2]) for i in range(12)}},
    ],
)
def test_odd_input_is_drawn(panels):
    assert draw_curves(panels, size=(400, 250)).size == (400, 250)


def test_refuses_steps_without_values():
    with pytest.raises(ValueError, match=r"curve 'total' .* \(2,\) steps and \(3,\) values"):
        draw_curves({"loss": {"total": ([1, 2], [1, 2, 3])}})


@given(low=st.floats(-1e6, 1e6), extent=st.floats(1e-6, 1e6), most=st.integers(2, 10))
def test_ticks_lie_inside_evenly_and_are_few(low, extent, most):
    high = low + extent
    if high - low < 1e-9 * max(1, abs(low)):
        return
    marks = ticks(low, high, most)
    slack = 1e-6 * max(extent, abs(low) * 1e-3)
    assert len(marks) <= most
    assert all(low - slack <= mark <= high + slack for mark in marks)
    if len(marks) > 2:
        assert np.ptp(np.diff(marks)) <= 1e-6 * extent + 1e-9 * abs(low)


def test_names_may_stand_at_places_of_the_axis():
    """Ticks below the axis: by default at 0, 1, 2 and 3, else where the names are."""
    panels = {"accuracy": {"frozen": (range(4), [0.1, 0.4, 0.6, 0.7])}}

    def ticks_of(**options):
        pixels = np.asarray(draw_curves(panels, size=(900, 420), **options)).astype(int)
        dark = pixels[420 - 58 + 3].sum(axis=1) < 600
        dark[:70] = False  # a number of the other axis
        return np.flatnonzero(dark & ~np.insert(dark[:-1], 0, False)).tolist()

    left, right = 76, 900 - 32
    thirds = [left + third * (right - left) / 3 for third in range(4)]
    assert ticks_of() == pytest.approx(thirds, abs=1.5)
    named = ticks_of(x_names={0: "1", 2: "20", 3: "100"})
    assert named == pytest.approx([thirds[0], thirds[2], thirds[3]], abs=1.5)
