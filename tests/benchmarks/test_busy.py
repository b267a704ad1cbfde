"""The share of the machine that others use."""

import pytest

from benchmarks import busy


def test_ticks_become_cores(monkeypatch, tmp_path):
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 9000 0 0 0 0\ncpu0 ...\n")
    monkeypatch.setattr(busy, "_STAT", stat)
    monkeypatch.setattr(busy.os, "sysconf", lambda name: 100)
    # While it sleeps for 0.3 s, 45 hundredths of a second of work are done: one and a half cores.
    later = "cpu  120 5 70 9100 50 0 0 0\ncpu0 ...\n"
    monkeypatch.setattr(busy.time, "sleep", lambda seconds: stat.write_text(later))
    assert busy.cores_used_by_others() == pytest.approx(1.5)


def test_without_such_a_file_nothing_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(busy, "_STAT", tmp_path / "none")
    assert busy.cores_used_by_others() is None
