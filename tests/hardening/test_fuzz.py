"""Damaged files are read, or refused as documented; longer: ``python -m benchmarks fuzz``."""

import json
from pathlib import Path

import numpy as np
import pytest
from hardening.fuzzing import SECONDS, Bench, Outcome, Target
from hardening.mutations import BYTES, TEXT, flip, truncate
from hardening.targets import targets

MUTATIONS = 200  # of each reader
SLOW = {"doctor": 60, "checkpoint faster_rcnn": 60, "backbone": 40, "training": 150}
TARGETS = targets()


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_no_undocumented_error(target, tmp_path):
    target_folder = tmp_path
    bench, outcome = Bench(target, target_folder), Outcome()
    count = SLOW.get(target.name, SLOW.get(target.name.partition(" ")[0], MUTATIONS))
    for number in range(count):
        bench.run(number, outcome)
    assert not outcome.findings, "\n".join(map(str, outcome.findings))
    assert outcome.mutations == count
    assert outcome.works > 0  # damage that is small leaves something to read
    never = target.name == "cached proposals" or target.name.startswith("doctor ")
    assert never != bool(outcome.errors)


def test_the_files_are_read_when_they_are_whole(tmp_path, recwarn):
    for number, target in enumerate(TARGETS):
        Bench(target, tmp_path / str(number))
        target.read(tmp_path / str(number))


def test_the_same_number_is_the_same_damage(tmp_path):
    target = TARGETS[0]
    one, two = Bench(target, tmp_path), Bench(target, tmp_path)
    other = Bench(target, tmp_path, seed=1)
    for number in range(20):
        assert one.mutation(number) == two.mutation(number)
    assert any(one.mutation(number) != other.mutation(number) for number in range(20))


def broken_reader(error):
    def read(folder):
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (TypeError("no"), "TypeError: no"),
        (ValueError(""), "ValueError: "),
        (ValueError("a value is wrong"), "ValueError: a value is wrong"),  # of which file?
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "y"), "UnicodeDecodeError"),
        (KeyError("xmin"), "KeyError: 'xmin'"),
        (MemoryError(), "MemoryError"),
        (RecursionError("deep"), "RecursionError: deep"),
        (RuntimeWarning("overflow"), "RuntimeWarning: overflow"),
    ],
)
def test_a_finding_is_found(tmp_path, error, what):
    target = Target("broken", {"a": b"cow"}, {"a": (flip,)}, broken_reader(error))
    outcome = Outcome()
    Bench(target, tmp_path).run(3, outcome)
    (finding,) = outcome.findings
    assert finding.what.startswith(what) and (finding.number, finding.file) == (3, "a")
    assert (tmp_path / "a").read_bytes() == b"cow"  # whole again


def test_documented_errors_name_the_file(tmp_path):
    outcome = Outcome()
    for error in (ValueError(f"{tmp_path}/a: no"), FileNotFoundError(f"no {tmp_path}/a")):
        target = Target("right", {"a": b"cow"}, {"a": (truncate,)}, broken_reader(error))
        Bench(target, tmp_path).run(0, outcome)
    assert outcome.errors == {"ValueError": 1, "FileNotFoundError": 1} and not outcome.findings


def test_a_reading_without_end_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("hardening.fuzzing.SECONDS", 1)

    def read(folder):
        while True:
            try:
                while True:
                    pass
            except Exception:  # as readers do that take any error for damage
                continue

    outcome = Outcome()
    Bench(Target("slow", {"a": b""}, {"a": (flip,)}, read), tmp_path).run(0, outcome)
    assert [finding.what for finding in outcome.findings] == ["took more than 1 s"]


def test_memory_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("hardening.fuzzing.MEGABYTES", 20)
    kept = []
    outcome = Outcome()
    # More than the most that the process has ever had.
    peaks = iter([100.0, 150.0, 150.0])
    monkeypatch.setattr("hardening.fuzzing.peak_megabytes", lambda: next(peaks))
    Bench(Target("large", {"a": b""}, {"a": (flip,)}, kept.append), tmp_path).run(0, outcome)
    assert [finding.what for finding in outcome.findings] == ["took 50 MB"]


@pytest.mark.parametrize("mutate", [*BYTES, *TEXT], ids=lambda mutate: mutate.__name__)
@pytest.mark.parametrize("content", [b"", b"a", b"1", b"cow 1 2 3\nduck 4\n" * 20])
def test_mutators_take_any_content(mutate, content):
    for number in range(20):
        assert isinstance(mutate(content, np.random.default_rng(number), [b"", content]), bytes)


def test_the_page_says_what_the_record_says():
    repository = Path(__file__).resolve().parents[2]
    record = json.loads((repository / "benchmarks" / "results" / "fuzz.json").read_text("utf-8"))
    page = " ".join((repository / "docs" / "reliability.md").read_text("utf-8").split())
    assert record["findings"] == [] and record["slowest_seconds"] < SECONDS
    assert f"{record['mutations']:,} mutations of {len(record['readers'])} readers" in page
    assert set(record["readers"]) == {target.name for target in TARGETS}
