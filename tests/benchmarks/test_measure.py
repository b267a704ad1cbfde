"""The harness as a whole on tiny cases: without peers, with false ones, and by the command line."""

import sys

import pytest

from benchmarks import measure as harness
from benchmarks import peers, speed
from benchmarks.alternate import Schedule
from benchmarks.case import Case
from benchmarks.side import WorkerError

SHORT = Schedule(rounds=2, turn_seconds=0.0)
CHAIN = Case(
    "short chain", "row", "tanh_chain", {"length": 2, "shape": (2, 2), "backward": True}, per=6,
    accuracy=True,
)  # fmt: skip


class FakeSide:
    """``python`` says how it behaves."""

    version, seconds = "1.0", 0.5

    def __init__(self, library, python, case, threads):
        if python == "dies":
            raise WorkerError("no such thing")
        self.seconds = 1.0 if python == "slower" else 0.5
        self.fingerprint = [[1.0, 1.0, 9.0 if python == "differs" else 1.0]]

    def time(self, calls):
        return [self.seconds] * calls

    def memory(self):
        return {"start": 10.4, "peak": 20.6}

    def error(self):
        return 1e-7

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def test_minicv_alone():
    result = harness.measure(CHAIN, {}, SHORT, threads=1)
    assert 0 < result["seconds"]["minicv"] < 1
    assert result["ratio"] == {} and "failed" not in result
    assert result["memory_mib"]["minicv"] > 10
    assert result["error"]["minicv"] < 1e-5


def test_ratio_memory_and_time_for_one_operation(monkeypatch):
    monkeypatch.setattr(harness, "Side", FakeSide)
    result = harness.measure(CHAIN, {"torch": "slower", "mygrad": "not in the case"}, SHORT, 2)
    assert result["ratio"] == {"torch": 2.0}
    assert result["seconds"] == pytest.approx({"minicv": 0.5 / 6, "torch": 1.0 / 6})
    assert result["memory_mib"] == {"minicv": 21, "torch": 21}
    assert result["memory_at_start_mib"] == {"minicv": 10, "torch": 10}
    assert result["rounds"] == {"minicv": 2, "torch": 2}
    assert len(result["cores_used_by_others"]) == 2


@pytest.mark.parametrize(("how", "why"), [("dies", "no such"), ("differs", "something else")])
def test_a_peer_that_dies_or_differs_gets_no_ratio(monkeypatch, how, why):
    monkeypatch.setattr(harness, "Side", FakeSide)
    result = harness.measure(CHAIN, {"torch": how, "chainer": "slower"}, SHORT, 2)
    assert why in result["failed"]["torch"]
    assert result["ratio"] == {"chainer": 2.0}


def test_without_minicv_there_is_nothing_to_compare_with(monkeypatch):
    monkeypatch.setattr(harness, "Side", FakeSide)
    monkeypatch.setattr(sys, "executable", "dies")
    result = harness.measure(CHAIN, {"torch": "slower"}, SHORT, 2)
    assert result["seconds"] == {} and set(result["failed"]) == {"minicv"}


def test_a_peer_that_is_not_there_is_left_out_with_a_way_to_get_it(capsys, monkeypatch):
    monkeypatch.delenv("MINICV_TORCH_PYTHON", raising=False)
    monkeypatch.setenv("MINICV_CHAINER_PYTHON", "/no/such/python")
    monkeypatch.setattr(peers, "PEERS", {**peers.PEERS, "torch": peers.Peer("no_such", "get it")})
    assert peers.find_peers(["torch", "chainer"], {}) == {}
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert "get it" in said[0] and "--torch-python" in said[0]
    assert "/no/such/python" in said[1] and "chainer==7.8.1" in said[1]


def test_the_interpreter_given_comes_before_the_environments(monkeypatch):
    monkeypatch.setenv("MINICV_TORCH_PYTHON", "/no/such/python")
    monkeypatch.setattr(peers, "PEERS", {"torch": peers.Peer("json", "")})
    assert peers.find_peers(["torch"], {"torch": sys.executable}) == {"torch": sys.executable}
    assert peers.find_peers(["torch"], {}) == {}


@pytest.mark.parametrize(("cores", "warned"), [(0.1, False), (1.5, True), (None, False)])
def test_a_busy_machine_is_mentioned(monkeypatch, capsys, cores, warned):
    monkeypatch.setattr(harness, "Side", FakeSide)
    monkeypatch.setattr(harness, "cores_used_by_others", lambda: cores)
    monkeypatch.setattr(speed, "find_peers", lambda names, given: {})
    speed.main("detectors", ["--quick"])
    assert ("other processes use 1.5 cores" in capsys.readouterr().out) == warned


@pytest.mark.parametrize(("arguments", "kept"), [([], True), (["--quick"], False)])
def test_a_full_run_is_kept_and_a_quick_one_is_not(monkeypatch, capsys, arguments, kept):
    records = {}
    monkeypatch.setattr(harness, "Side", FakeSide)
    monkeypatch.setattr(speed, "find_peers", lambda names, given: {"torch": "slower"})
    monkeypatch.setattr(speed, "write_record", lambda name, values: records.update({name: values}))
    assert speed.main("detectors", arguments) == 0
    said = capsys.readouterr().out
    assert "torch / minicv: 2.00, of the memory 1.00; wanted 1: reached" in said
    assert set(records) == ({"detectors"} if kept else set())
    if kept:
        assert records["detectors"]["threads"] == 2
        assert records["detectors"]["cases"][0]["ratio"] == {"torch": 2.0}
