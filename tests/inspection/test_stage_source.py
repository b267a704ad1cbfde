"""SourceTrail: the lines between two records, whoever makes them."""

import inspect
import sys
from pathlib import Path

from minicv.inspection.stage import StageRecorder
from minicv.inspection.stage_source import SourceTrail

HERE = __file__
LINES = Path(HERE).read_text(encoding="utf-8").split("\n")


def nothing():
    return {"class_scores": [0.5]}


def note(record, name):
    record(name, "", "class scores", nothing)


def record_by_helper(record, name):
    note_of_it = name
    record(note_of_it, "", "class scores", nothing)


def lines_of(stage):
    """The lines of a stage's code, stripped; each function's own first line says where it began."""
    assert {own.file for own in stage.source} == {HERE}
    return [[line.strip() for line in LINES[own.first - 1 : own.last]] for own in stage.source]


def stages_of(run):
    record = StageRecorder(keep=True)
    run(record)
    return {stage.name: lines_of(stage) for stage in record.stages}


def test_within_a_function_they_are_those_below_the_record_before():
    def run(record):
        first = 1
        record("one", "", "class scores", nothing)
        second = first + 1
        record_by_helper(record, "two")
        return second

    found = stages_of(run)
    assert found["one"] == [
        ["def run(record):", "first = 1", 'record("one", "", "class scores", nothing)']
    ]
    assert found["two"] == [["second = first + 1", 'record_by_helper(record, "two")']]


def test_over_a_call_they_are_those_of_the_caller_and_then_of_the_function():
    def inner(record):
        deep = 2
        record("deep", "", "class scores", nothing)
        after = deep + 1
        return after

    def between(record):
        on_the_way = 1
        return inner(record) + on_the_way

    def run(record):
        record("one", "", "class scores", nothing)
        ready = 1
        result = between(record) + ready
        last = result
        record("last", "", "class scores", nothing)
        return last

    found = stages_of(run)
    assert found["deep"] == [
        ["ready = 1", "result = between(record) + ready"],
        ["def between(record):", "on_the_way = 1", "return inner(record) + on_the_way"],
        ["def inner(record):", "deep = 2", 'record("deep", "", "class scores", nothing)'],
    ]
    assert found["last"] == [
        ["after = deep + 1", "return after"],
        ["return inner(record) + on_the_way"],
        ["result = between(record) + ready", "last = result",
         'record("last", "", "class scores", nothing)'],
    ]  # fmt: skip


def test_lines_that_called_what_came_back_are_told_from_lines_that_are_new():
    def inner(record):
        record("deep", "", "class scores", nothing)
        return 1

    def run(record):
        result = inner(record) + 1
        record("last", "", "class scores", nothing)
        return result

    record = StageRecorder(keep=True)
    run(record)
    assert [own.resumed for own in record.stages[0].source] == [False]
    assert [own.resumed for own in record.stages[1].source] == [False, True]


def test_stages_of_one_line_have_the_same_lines_and_a_second_call_begins_anew():
    def part(record, name):
        made = name
        record(made, "", "class scores", nothing)

    def run(record):
        part(record, "a")
        part(record, "b")
        for name in ("c", "d"):
            record(name, "", "class scores", nothing)

    found = stages_of(run)
    head = ["def part(record, name):", "made = name", 'record(made, "", "class scores", nothing)']
    assert found["a"] == [head]
    assert found["b"] == [['part(record, "a")', 'part(record, "b")'], head]
    assert found["c"] == found["d"]
    assert found["c"][-1][-1] == 'record(name, "", "class scores", nothing)'


def test_a_list_in_between_is_no_function_of_its_own():
    def run(record):
        return [note_of(record, name) for name in ("a", "b")]

    def note_of(record, name):
        record(name, "", "class scores", nothing)

    found = stages_of(run)
    assert [len(found[name]) for name in ("a", "b")] == [1, 1]


def test_without_a_frame_there_is_nothing():
    assert SourceTrail().to_here(None) == ()
    assert SourceTrail().to_here(sys._getframe())[0].last == inspect.currentframe().f_lineno
