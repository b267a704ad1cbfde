"""Progress: a bar on a terminal, elsewhere a line every ten seconds, or nothing if so wanted."""

import io
import re
from pathlib import Path

import pytest

import minicv
from minicv.training.progress import Progress, is_terminal


class Clock:
    """Goes on by so many seconds whenever it is asked."""

    def __init__(self, seconds):
        self.now, self.seconds = -seconds, seconds

    def __call__(self):
        self.now += self.seconds
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_elsewhere_a_line_every_ten_seconds(capsys):
    loop = Progress(range(8), "epoch 1/2", clock=Clock(4.0))
    for item in loop:
        loop.note({"box_reg": item / 10})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "epoch 1/2: 3 of 8, 12 s, box_reg 0.200",
        "epoch 1/2: 6 of 8, 24 s, box_reg 0.500",
    ]


def test_the_last_item_needs_no_line_and_a_short_loop_has_none(capsys):
    assert list(Progress(range(3), "reading", clock=Clock(4.0))) == [0, 1, 2]
    assert list(Progress([], "reading", clock=Clock(99.0))) == []
    assert capsys.readouterr().err == ""


def test_a_loop_of_unknown_length(capsys):
    assert list(Progress(iter("abc"), "reading", clock=Clock(10.0))) == ["a", "b", "c"]
    assert capsys.readouterr().err.splitlines()[0] == "reading: 1, 10 s"
    list(Progress(iter("abc"), "reading", total=3, clock=Clock(10.0)))
    assert capsys.readouterr().err.splitlines()[-1] == "reading: 2 of 3, 20 s"


def test_a_terminal_has_a_bar_that_goes_away(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    loop = Progress(range(3), "epoch 1/2")
    for _ in loop:
        loop.note({"mask": 0.25})
    written = terminal.getvalue()
    assert "epoch 1/2" in written and "3" in written and "\n" not in written
    assert written.split("\r")[-2].strip() == ""  # wiped out


def test_not_shown(monkeypatch, capsys):
    assert list(Progress(range(3), "x", shown=False, clock=Clock(99.0))) == [0, 1, 2]
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    loop = Progress(range(3), "x", shown=False)
    for _ in loop:
        loop.note({"a": 1.0})
    assert terminal.getvalue() == ""


def test_a_loop_that_is_left_leaves_its_source(monkeypatch):
    for stream in (io.StringIO(), Terminal()):
        closed = []

        def items(closed=closed):
            try:
                yield from range(9)
            finally:
                closed.append(True)

        monkeypatch.setattr("sys.stderr", stream)
        iterator = iter(Progress(items(), "x"))
        next(iterator)
        iterator.close()
        del iterator
        assert closed == [True]


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_no_terminal(stream):
    if stream is not None:
        stream.close()
    assert not is_terminal(stream)


def test_every_loop_shows_its_progress_in_this_one_way():
    folder = Path(minicv.__file__).parent
    users = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if re.search(r"^(import|from) tqdm", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    # Weights stand below training; a transfer has its own bar, of bytes.
    assert set(users) == {"training/progress.py", "weights/download.py", "weights/transfer.py"}
