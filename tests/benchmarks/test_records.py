"""The plan of a whole measurement, and the page that the records become."""

import doctest

import pytest

from benchmarks import records, speed_page
from benchmarks.growth import exponents
from benchmarks.records import LEAST_ROUNDS, MOST_ROUNDS, ORDER, expected_seconds, plan
from benchmarks.speed import BENCHMARKS
from benchmarks.speed_page import PAGE, put_between, read_records, table_of_rows, tables, write_page


@pytest.mark.parametrize("module", [records, speed_page])
def test_examples(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


def test_every_benchmark_is_taken_and_shown():
    assert set(ORDER) == set(BENCHMARKS) == set(speed_page.BENCHMARKS)


def test_fewer_rounds_where_there_is_less_time():
    known = read_records()
    long, seconds = plan(ORDER, known, ["torch"], 1e9)
    assert long == MOST_ROUNDS
    short, less = plan(ORDER, known, ["torch"], 0.9 * seconds)
    assert LEAST_ROUNDS <= short < long and less <= 0.9 * seconds
    least, too_many = plan(ORDER, known, ["torch"], 1.0)
    assert least == LEAST_ROUNDS and too_many > 1.0


def test_peers_and_slow_calls_count():
    case = BENCHMARKS["autograd"].CASES[0]
    of_one = expected_seconds("autograd", {}, ["torch"], 9)
    assert expected_seconds("autograd", {}, ["torch", "chainer"], 9) > of_one
    slow = {"row": case.row, "case": case.name, "seconds": {"torch": 300.0 / case.per}}
    of_slow = expected_seconds("autograd", {"autograd": {"cases": [slow]}}, ["torch"], 9)
    assert 290 < of_slow - of_one < 300  # called once


def result(row, ratio, memory):
    return {"row": row, "case": "c", "ratio": ratio, "memory_mib": memory}


def test_rows_have_time_and_memory_of_each_peer():
    cases = [
        result("a", {"torch": 0.5}, {"minicv": 100, "torch": 200, "chainer": 50}),
        result("a", {"torch": 2.0}, {"minicv": 100, "torch": 50}),
        result("b", {"torchvision": 15.2}, {"minicv": 10, "torchvision": 30}),
    ]
    table = table_of_rows({"layers": {"cases": cases}}).splitlines()
    # A peer that failed has no ratio, and Chainer, which has none at all, no columns.
    assert table[2] == "| a | 1.00 (0.50 to 2.00) | 1.00 (0.50 to 2.00) |  |  |"
    assert table[3] == "| b |  |  | 15 | 3.00 |"


def test_growth_and_bounds_have_a_line_each():
    series = {"name": "s", "axis": "boxes", "sizes": [10, 1000],
              "seconds": {"minicv": [1.0, 10.0], "torch": [1.0, 100.0]},
              "memory_mib": {"minicv": [10.0, 10.0], "torch": [1.0, 1.0]}}  # fmt: skip
    series["exponents"] = exponents(series)
    bound = {"row": "r", "case": "c", "ratio": {"torch": 0.7, "torchvision": 0.9},
             "least_seconds": {"products": 1e-3, "memory": 2e-3, "calls": 1e-6},
             "seconds": 5e-3, "bound": "memory"}  # fmt: skip
    found = tables({"growth": {"series": [series]}, "roofline": {"cases": [bound]}})
    assert found["growth"].splitlines()[2] == ("| s | boxes, 10 to 1,000 | 0.50 | 1.00 | 0.00 |  |")
    line = "| r: c | 0.70 | 1.00 ms | 2.00 ms | 1.00 µs | 5.00 ms | memory |"
    assert found["roofline"].splitlines()[2] == line


def test_a_page_without_a_place_is_refused():
    with pytest.raises(ValueError, match="rows: begin"):
        put_between("nothing here", "rows", "table")


def test_the_page_shows_the_records(tmp_path):
    copy = tmp_path / "speed.md"
    copy.write_text(PAGE.read_text("utf-8"), encoding="utf-8")
    write_page(read_records(), copy)
    assert copy.read_text("utf-8") == PAGE.read_text("utf-8"), (
        "run `python -m benchmarks records --page`"
    )
