"""Whatever a learner's file does ends in a sentence with its line, and nothing stays behind."""

import io
import json
import os
import struct
import sys
import textwrap
import time

import numpy as np
import pytest

from minicv.exercises import load
from minicv.exercises.learner import Learner, LearnerError, LearnerProcess, TimeUpError
from minicv.exercises.learner_process import (
    Answering,
    FrameError,
    packed,
    read_frame,
    unpacked,
    write_frame,
)

HOLE = load("unpool_nearest").holes[0]
ARGUMENTS = {"x": np.array([[[[1.0, 2.0]]]]), "scale_factor": 2}
SECONDS = 30  # of those that must not come to the limit, on a busy machine


def file_with(tmp_path, body, before="import numpy as np"):
    """A learner's file; the body begins at line 4."""
    file = tmp_path / "unpool_nearest.py"
    text = f"{before}\n\ndef unpool_nearest(x, scale_factor):\n{textwrap.indent(body, '    ')}\n"
    file.write_text(text, encoding="utf-8")
    return file


def sentence_of(learner):
    """With what the call ends."""
    with pytest.raises(LearnerError) as caught:
        learner.load()
        learner.call(HOLE, ARGUMENTS)
    return str(caught.value)


# What a function may do without harm to its process is tried in ours, which is faster.
HARMLESS = {
    "raises": ("x / (1 // 0)", "unpool_nearest stops at line 4 with ZeroDivisionError: "),
    "raises within numpy": (
        "return np.zeros(3).reshape(2, 2)",
        "at line 4 with ValueError: cannot",
    ),
    "hole": ('raise NotImplementedError("write it")', "is still a hole at line 4: write it"),
    "exits": ("import sys\nsys.exit(3)", "ends the program at line 5, as sys.exit does"),
    "interrupts": ("raise KeyboardInterrupt", "stops at line 4 with KeyboardInterrupt"),
    "recursion": ("return unpool_nearest(x, scale_factor)", "calls itself without end at line 4"),
    "forgets to return": ("y = x", "returns None; is a `return` missing?"),
    "a list": ("return [[1.0]]", "returns a list of 1; np.array(...) makes an array of it"),
    "a tuple": ("return x, x", "returns a tuple of 2"),
    "a generator": ("yield x", "returns a generator, which `yield` makes"),
    "objects": ("return np.array([x, None], dtype=object)", "returns an array of objects"),
    "masked": ("return np.ma.masked_less(x, 2)", "returns a masked array; return a plain one"),
    "matrix": ("return x[0, 0].view(np.matrix)", "returns a matrix; return a plain array"),
    "complex": ("return x * 1j", "returns complex numbers"),
    "words": ("return np.array('abc')", "returns an array of <U3"),
    "an object": ("return unpool_nearest", "returns a function"),
    "Tensor": ("from minicv import Tensor\nreturn Tensor(x)", "a Tensor; return a plain array, as"),
    "too much": ("return np.broadcast_to(x, (2**40, 1, 1, 2))", "returns too much: an array of"),
    "changes x": ("x += 1\nreturn x", "changes its argument x in place at line 4, though"),
    "sorts x": ("x[..., ::-1].sort()\nreturn x", "changes its argument x in place at line 4"),
    "other arguments": (None, "unpool_nearest takes (x) but is called with x, scale_factor"),
    "other name": (None, "unpool_nearest.py has no function unpool_nearest"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_function_does_becomes_a_sentence(name, tmp_path):
    body, said = HARMLESS[name]
    file = file_with(tmp_path, body or "return x")
    if name == "other arguments":
        file.write_text("def unpool_nearest(x):\n    return x\n", encoding="utf-8")
    if name == "other name":
        file.write_text("unpool_nearest = 3\n", encoding="utf-8")
    assert said in sentence_of(Learner(file))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "x = 1\ndef f(:\n",
            "unpool_nearest.py at line 2 is no Python: invalid syntax\n    def f(:",
        ),
        ("def f():\nreturn 1", "at line 2 is no Python: expected an indented block"),
        ("if 1:\n\tx = 1\n        y = 2", "at line 3 is no Python: "),
        ("x = '\0'", "is no Python"),
        ("import torch_is_not_here", "stops at line 1 with ModuleNotFoundError: No module named"),
        ("x = 1\nprint(y)", "stops at line 2 with NameError: name 'y' is not defined"),
        ("raise SystemExit", "ends the program at line 1"),
        ("class E(Exception):\n    def __str__(self): raise E\nraise E", "at line 3 with E"),
    ],
)
def test_a_file_that_cannot_be_loaded(text, said, tmp_path):
    file = tmp_path / "unpool_nearest.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LearnerError) as caught:
        Learner(file).load()
    assert said in str(caught.value)


def test_a_file_of_other_letters(tmp_path):
    file = tmp_path / "unpool_nearest.py"
    file.write_bytes(b"x = 'caf\xe9'\n")
    with pytest.raises(LearnerError, match=r"is no Python"):
        Learner(file).load()


def test_several_results_must_be_as_many(tmp_path):
    hole = load("max_pool2d").holes[0]
    file = tmp_path / "max_pool2d.py"
    for returned, said in [
        ("x", "must return a tuple of 2: result, indices; but it returns an array of float64"),
        ("(x, x, x)", "a tuple of 2: result, indices; but it returns a tuple of 3"),
        ("(x, None)", "must return an array but returns as indices None"),
    ]:
        file.write_text(f"def max_pool2d(x, kernel_size, stride):\n    return {returned}\n")
        learner = Learner(file)
        learner.load()
        with pytest.raises(LearnerError) as caught:
            learner.call(hole, hole.cases[0].arguments)
        assert said in str(caught.value)


def test_numbers_of_python_are_results(tmp_path):
    learner = Learner(file_with(tmp_path, "return 3.5"))
    learner.load()
    (result,) = learner.call(HOLE, ARGUMENTS)
    assert result.shape == () and result == 3.5


# From here on in a process of its own.

FATAL = {
    "endless loop": ("while True:\n    x = x + 1", "the time is up after ", "at line 5"),
    "sleeps": ("import time\ntime.sleep(1000)", "the time is up after", "at line 5"),
    "leaves at once": (
        "import os\nos._exit(0)",
        "ended its own process with exit status 0",
        "line 5",
    ),
    "segmentation fault": (
        "import ctypes\nctypes.string_at(0)",
        "was ended by SIGSEGV, a crash of compiled code",
        "at line 5",
    ),
    "kills itself": ("import os\nos.kill(os.getpid(), 9)", "was ended by SIGKILL", ""),
    "stops itself": ("import os\nos.kill(os.getpid(), 19)", "the time is up after", ""),
    "closes its pipes": ("import os\nos.closerange(0, 64)\nreturn x", "ended its own process", ""),
    "prints without end": ("while True:\n    print('x' * 100000)", "prints without end", ""),
    "writes nonsense": (
        "import os\nfor k in range(3, 20):\n    try: os.write(k, b'nonsense' * 100)\n"
        "    except OSError: pass\nreturn x",
        "wrote into the pipe of the check, or closed it",
        "",
    ),
    "memory": ("return np.ones(2**34)", "asks for more than 4 GB of memory at line 4", ""),
    "input": ("return input()", "waits for input at line 4, but nobody types", ""),
    "exits within a thread that stays": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n"
        "raise SystemExit",
        "ends the program at line 6",
        "",
    ),
}


@pytest.mark.skipif(os.name != "posix", reason="signals and limits of memory are those of POSIX")
@pytest.mark.parametrize("name", FATAL)
def test_what_ends_a_process_becomes_a_sentence(name, tmp_path, monkeypatch):
    body, *said = FATAL[name]
    monkeypatch.setattr("minicv.exercises.learner.GRACE", 0.5)
    monkeypatch.setattr("minicv.exercises.learner.ENDLESS", 1_000_000)
    limited = said[0].startswith("the time") or name == "memory" or name == "writes nonsense"
    begun = time.monotonic()
    with LearnerProcess(file_with(tmp_path, body), 0.7 if limited else SECONDS) as learner:
        sentence = sentence_of(learner)
    assert all(words in sentence for words in said), sentence
    assert time.monotonic() - begun < SECONDS
    assert learner.process.poll() is not None


@pytest.mark.skipif(os.name != "posix", reason="groups of processes are POSIX's")
def test_nothing_stays_behind(tmp_path):
    """A thread, a child, a fork that comes back; and what is printed is shown."""
    body = """
import os, subprocess, sys, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
os.write(1, b"straight to standard output\\n")
print("printed, before", os.fork() and "and after", flush=True)
return np.array([[[[float(child.pid)]]]])
"""
    with LearnerProcess(file_with(tmp_path, body), SECONDS) as learner:
        learner.load()
        (first,) = learner.call(HOLE, ARGUMENTS)
        printed = learner.printed()
        (second,) = learner.call(HOLE, ARGUMENTS)
    assert "straight to standard output\n" in printed and "printed, before and after" in printed
    for pid in (int(first.item()), int(second.item())):
        assert pid > 1
        until = time.monotonic() + 5
        while _runs(pid) and time.monotonic() < until:
            time.sleep(0.02)
        assert not _runs(pid)


def _runs(pid):
    """Whether a process is there and no zombie."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_process_gives_what_this_one_gives(tmp_path):
    """The whole way through the pipe: pairs, empty arrays, other bytes, seconds."""
    file = tmp_path / "max_unpool2d.py"
    file.write_text(
        "import numpy as np\nimport beside\n"
        "def max_unpool2d(x, indices, output_size):\n"
        "    assert type(output_size) is tuple and x.flags.writeable\n"
        "    return np.full((0, *output_size), beside.VALUE, '>f4')\n"
    )
    (tmp_path / "beside.py").write_text("VALUE = 3\n")
    hole = load("max_unpool2d").holes[0]
    with LearnerProcess(file, SECONDS) as learner:
        learner.load()
        (result,) = learner.call(hole, hole.cases[0].arguments)
        assert 0 < learner.seconds(hole, hole.cases[0].arguments) < SECONDS
    assert result.shape == (0, 4, 4) and result.dtype == ">f4"


def test_our_solutions_are_not_in_the_learners_way(tmp_path):
    """The folder of the script is none that the learner's code imports from."""
    file = file_with(tmp_path, "import nms\nreturn nms")
    with LearnerProcess(file, SECONDS) as learner:
        assert "No module named 'nms'" in sentence_of(learner)


def test_time_that_is_up_is_told_apart(tmp_path):
    file = file_with(tmp_path, "pass", before="while True: pass")
    said = "was running at line 1\n    while True: pass"
    with LearnerProcess(file, 0.3) as learner, pytest.raises(TimeUpError, match=said):
        learner.load()


# What comes through the pipe is not trusted.


def frame(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">IQ", len(text), len(body)) + text + body


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        struct.pack(">IQ", 10, 0),
        struct.pack(">IQ", 2**31, 0),
        struct.pack(">IQ", 2, 2**60) + b"{}",
        frame(b"\xff\xfe"),
        frame([]),
        frame({}),
        frame({"arrays": 3}),
        frame({"arrays": [{"dtype": "O", "shape": [1]}]}, b"12345678"),
        frame({"arrays": [{"dtype": "V8", "shape": [1]}]}, b"12345678"),
        frame({"arrays": [{"dtype": "f8", "shape": [2]}]}, b"12345678"),
        frame({"arrays": [{"dtype": "f8", "shape": [-1]}]}, b"12345678"),
        frame({"arrays": [{"dtype": "f8", "shape": [2**62, 2**62]}]}, b"12345678"),
        frame(b"[" * 100_000),
    ],
)
def test_a_frame_that_is_none_is_refused(data):
    with pytest.raises(FrameError):
        read_frame(io.BytesIO(data))


def test_answers_that_make_no_sense(tmp_path):
    for header in ({}, {"kind": "result"}, {"kind": "what"}, {"kind": "timed", "seconds": "x"}):
        learner = Learner(tmp_path / "f.py", lambda request, arrays, h=header: (h, []))
        for ask in (learner.call, learner.seconds):
            with pytest.raises(LearnerError, match="gave an answer that makes no sense"):
                ask(HOLE, ARGUMENTS)


def test_what_a_file_says_does_not_steer_the_terminal(tmp_path):
    body = "raise ValueError('\\x1b[2J' + 'very long ' * 1000)"
    sentence = sentence_of(Learner(file_with(tmp_path, body)))
    assert "\x1b" not in sentence and len(sentence) < 1000


def test_arguments_come_out_as_they_went_in():
    arguments = {"a": np.arange(3), "b": (1, 2.5), "c": [None, "x"], "d": np.float64(2), "e": {}}
    arrays = []
    stream = io.BytesIO()
    write_frame(stream, {"arguments": packed(arguments, arrays)}, arrays)
    header, arrays = read_frame(io.BytesIO(stream.getvalue()))
    again = unpacked(header["arguments"], arrays)
    assert again["a"].tolist() == [0, 1, 2]
    assert {k: again[k] for k in "bcde"} == {"b": (1, 2.5), "c": [None, "x"], "d": 2.0, "e": {}}
    assert read_frame(io.BytesIO(b"")) is None


def test_a_module_of_the_same_name_is_not_taken(tmp_path):
    """The learner's file is run, not one that was imported under its name before."""
    file = file_with(tmp_path, "return x")
    assert Answering(file).load() == {"kind": "loaded"}
    assert sys.modules["unpool_nearest"].__file__ == str(file)
