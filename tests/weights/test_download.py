"""Weights are fetched by name, once."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from file_server import CONTENT, NAME, SUM, cut_after, serving, status

from minicv.weights import WeightsError, known_files, transfer
from minicv.weights.download import fetch, say_on_stderr

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setattr(transfer, "WAITS", (0.0,))
    monkeypatch.delenv("MINICV_OFFLINE", raising=False)


@pytest.fixture
def served():
    with serving() as served:
        yield served


def test_a_known_file_comes_by_name_and_only_once(served, tmp_path, monkeypatch, capsys):
    known = known_files.KnownFile("net", NAME, "nothing")
    monkeypatch.setattr(known_files, "KNOWN_FILES", (known,))
    monkeypatch.setattr(known_files, "BASE", f"{served.url}/models/")
    monkeypatch.setenv("MINICV_WEIGHTS", str(tmp_path / "weights"))
    path = fetch("net")
    assert path == tmp_path / "weights" / NAME and path.read_bytes() == CONTENT
    assert fetch(NAME) == path and fetch("net") == path
    assert [asked for asked, _ in served.requests] == [f"/models/{NAME}"]
    assert capsys.readouterr() == ("", "")  # there is no terminal
    with pytest.raises(WeightsError, match=r"'nett': no published file .* did you mean 'net'"):
        fetch("nett")


def test_what_is_there_is_held_against_its_sum(served, tmp_path):
    (tmp_path / NAME).write_bytes(b"damaged")
    found = hashlib.sha256(b"damaged").hexdigest()
    with pytest.raises(WeightsError) as refused:
        fetch(served.address(), folder=tmp_path)
    assert str(refused.value) == (
        f"{tmp_path / NAME}: its SHA-256 is {found[:8]}, expected {SUM[:8]}: the file is damaged "
        "or another one; delete it, and it is fetched again"
    )
    assert (tmp_path / NAME).read_bytes() == b"damaged" and served.requests == []


def test_a_whole_sum_counts_where_it_is_given(served, tmp_path):
    assert fetch(served.address("a.pth"), folder=tmp_path, sha256=SUM.upper()).name == "a.pth"
    with pytest.raises(WeightsError, match=f"is {SUM}, expected {'0' * 64}"):
        fetch(served.address("b.pth"), folder=tmp_path, sha256="0" * 64)
    with pytest.raises(WeightsError, match="expected 64 hexadecimal digits as sha256 but got 'ab'"):
        fetch(served.address("b.pth"), folder=tmp_path, sha256="ab")


def test_without_a_sum_what_is_there_is_taken_and_said(served, tmp_path):
    said = []
    for _ in range(2):
        path = fetch(served.address("a.pth"), folder=tmp_path, say=said.append)
    assert len(served.requests) == 1
    assert said == [f"{path}: taken as it is, for its SHA-256 is not known"]


def test_what_stands_in_the_way_is_named(served, tmp_path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(OSError, match="not a file; move it away, or name another folder"):
        fetch(served.address(), folder=tmp_path)
    (tmp_path / "a.pth").symlink_to(tmp_path / "absent")
    with pytest.raises(OSError, match="not a file; move it away"):
        fetch(served.address("a.pth"), folder=tmp_path)
    with pytest.raises(OSError, match="nothing can be written there"):
        fetch(served.address(), folder=__file__)


def test_offline_only_what_is_there_is_given(served, tmp_path, monkeypatch):
    monkeypatch.setenv("MINICV_OFFLINE", "1")
    with pytest.raises(OSError) as refused:
        fetch("resnet18", folder=tmp_path)
    assert str(refused.value) == (
        f"resnet18-f37072fd.pth: not in {tmp_path}, and MINICV_OFFLINE is set; fetch "
        "https://download.pytorch.org/models/resnet18-f37072fd.pth by other means and put it "
        "there, or unset MINICV_OFFLINE"
    )
    (tmp_path / NAME).write_bytes(CONTENT)
    assert fetch(served.address(), folder=tmp_path) == tmp_path / NAME
    copy = fetch((tmp_path / NAME).as_uri(), folder=tmp_path / "other")  # needs no network
    assert copy.read_bytes() == CONTENT
    assert served.requests == []
    monkeypatch.setenv("MINICV_OFFLINE", "0")
    assert fetch(served.address("a.pth"), folder=tmp_path).read_bytes() == CONTENT


def test_no_path_leads_out_of_the_folder(served, tmp_path):
    for last in ("..%2Fa.pth", "%2Ftmp%2Fa.pth", "..", ".bashrc"):
        with pytest.raises(WeightsError, match="no plain name of a file"):
            fetch(f"{served.url}/{last}", folder=tmp_path)
    assert list(tmp_path.iterdir()) == [] and served.requests == []


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_how_far_it_is(served, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    served.faults += [cut_after(50_000)]
    fetch(served.address(), folder=tmp_path)
    shown = sys.stderr.getvalue()
    assert NAME in shown and "102k" in shown
    assert "was cut after 50,000 of 102,400 bytes; trying again in 0 s\n" in shown
    monkeypatch.setattr(sys, "stderr", Terminal())
    fetch(served.address(), folder=tmp_path / "other", progress=False)
    assert sys.stderr.getvalue() == ""


def test_without_standard_error_nothing_is_said(served, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    served.faults += [status(503)]
    assert fetch(served.address(), folder=tmp_path).read_bytes() == CONTENT
    say_on_stderr("nothing")


def start_process(url, folder):
    code = (
        "import sys; from minicv.weights.download import fetch; "
        "print(fetch(sys.argv[1], folder=sys.argv[2]).name)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, url, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MINICV_NUM_THREADS": "1"},
        # A shell that runs the tests in the background lets them ignore Ctrl-C.
        preexec_fn=None
        if os.name == "nt"
        else lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_and_a_second_process(served, tmp_path):
    """One process is interrupted; of two others the second waits, and one transfer serves both."""
    released = []

    def stalls(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.send_header("ETag", '"1"')
        handler.end_headers()
        handler.wfile.write(CONTENT[:40_000])
        handler.wfile.flush()
        wait_for(lambda: released)
        handler.close_connection = True
        return True

    part = tmp_path / f"{NAME}.part"
    served.faults += [stalls]
    first = start_process(served.address(), tmp_path)
    wait_for(lambda: part.exists() and part.stat().st_size == 40_000)
    second = start_process(served.address(), tmp_path)
    waits = second.stderr.readline()
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=120)
    released.append(True)
    assert first.returncode != 0 and said.rstrip().endswith("KeyboardInterrupt")
    out, said = second.communicate(timeout=120)
    assert waits == f"{NAME}: another process fetches it; waiting until that has ended\n"
    assert (second.returncode, out) == (0, f"{NAME}\n")
    assert said == f"{NAME}: going on from 0.0 MB\n"
    assert served.starts == [0, 40_000]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_bytes() == CONTENT
