"""What the ratios of a row come to, and how the table looks."""

import pytest

from benchmarks.case import Wanted
from benchmarks.table import format_results, format_seconds, summarise


def result(case, row, seconds, ratio, **more):
    return {"case": case, "row": row, "seconds": seconds, "ratio": ratio, "memory_mib": {}, **more}


RESULTS = [
    result("first", "layers", {"minicv": 0.01, "torch": 0.02}, {"torch": 2.0}),
    result("second", "layers", {"minicv": 0.04, "torch": 0.02}, {"torch": 0.5},
           error={"minicv": 1e-6}),
    result("alone", "models", {"minicv": 1.0}, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [(Wanted(1.0), True), (Wanted(1.1), False), (Wanted(1.0, least=0.6), False)],
)
def test_summary_holds_mean_and_least_against_what_is_wanted(wanted, reached):
    (line,) = summarise(RESULTS, {"layers": {"torch": wanted}})
    assert (line["row"], line["peer"], line["cases"]) == ("layers", "torch", 2)
    assert line["mean"] == pytest.approx(1.0) and line["least"] == 0.5
    assert line["reached"] == reached


def test_a_row_without_an_aim_has_no_verdict():
    (line,) = summarise(RESULTS, {})
    assert "reached" not in line


def test_table_has_every_case_and_dashes_where_there_is_nothing():
    aims = {"layers": {"torch": Wanted(1.2, least=0.7)}}
    text = format_results(RESULTS, summarise(RESULTS, aims))
    lines = text.splitlines()
    assert lines[0] == "layers"
    assert lines[1].split()[:5] == ["minicv", "torch", "torch", "/", "minicv"]
    assert lines[2].split()[:6] == ["first", "10.0", "ms", "20.0", "ms", "2.00"]
    assert lines[2].split()[-2:] == ["-", "-"] and lines[3].split()[-2:] == ["1.0e-06", "-"]
    assert "1.00 (geometric mean), least 0.50; wanted 1.2, none below 0.7: not reached" in lines[4]
    assert "models" in lines and "1.00 s" in text
    assert len({len(line) for line in lines[1:4]}) == 1  # columns are aligned


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(123.4, "123 s"), (0.9996, "1000 ms"), (0.00123, "1.23 ms"), (5e-8, "0.0500 µs"), (0, "0 µs")],
)
def test_seconds_have_three_digits(seconds, text):
    assert format_seconds(seconds) == text
