"""Findings: their order, how many places they keep, and what the report's file says."""

from minicv.data.doctor import findings as module
from minicv.data.doctor.findings import Findings, Kind

LOOK, SPOILS = Kind("odd", False, "look"), Kind("wrong", True, "mend it")


def test_what_spoils_comes_first_and_then_the_most_frequent():
    findings = Findings()
    findings.add(LOOK, "a", "x")
    findings.add(Kind("odder", False, ""), "a", "x", count=3)
    assert not findings.spoil
    findings.add(SPOILS, "b", "y")
    assert [finding.kind.name for finding in findings] == ["wrong", "odder", "odd"]
    assert findings.spoil


def test_places_are_bounded_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(module, "KEPT", 2)
    findings = Findings()
    for number in range(5):
        findings.add(LOOK, f"{number}.jpg", "x", count=2)
    (finding,) = findings
    assert finding.as_json() == {
        "kind": "odd",
        "spoils_a_training": False,
        "count": 10,
        "advice": "look",
        "places": [{"where": "0.jpg", "what": "x"}, {"where": "1.jpg", "what": "x"}],
        "more_places": 3,
    }


def test_the_same_kind_with_and_without_repair_are_two_findings():
    findings = Findings()
    findings.add(Kind("unreadable picture", False, ""), "a", "left out")
    findings.add(Kind("unreadable picture", True, ""), "b", "x")
    assert [finding.kind.spoils for finding in findings] == [True, False]
