"""docs/reliability.md: every promise names a test, and the tests are there."""

import json
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "reliability.md").read_text("utf-8")
NAMED = re.compile(r"`((?:tests/[\w/]+\.py)?)(?:::(\w+))?`")


def named(text):
    """(file, test) of each test that the text names; ``::test`` is of the file before it."""
    file, found = "", []
    for path, test in NAMED.findall(text):
        if path or test:
            file = path or file
            found.append((file, test))
    return found


def test_the_tests_are_there():
    tests = named(PAGE)
    assert len(tests) >= 20
    for file, test in tests:
        content = (REPOSITORY / file).read_text("utf-8")
        assert not test or f"\ndef {test}(" in content, f"{file}::{test}"


def test_every_promise_names_one():
    """A promise is a point of a list; what it says of a file that may be wrong is a table."""
    for section in PAGE.split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        points = re.split(r"\n(?=- )", text)
        assert named(text), title
        for point in points[1:]:
            assert named(point), point


def test_the_page_says_what_the_record_of_kills_says():
    record = json.loads((REPOSITORY / "benchmarks" / "results" / "kills.json").read_text("utf-8"))
    stops = sum(counts["stops"] for counts in record["kinds"].values())
    assert f"{stops} stops, all resumed to identical bits" in PAGE and stops >= 100
    assert record["faults"] == []
    assert all(set(counts.values()) == {counts["stops"]} for counts in record["kinds"].values())
