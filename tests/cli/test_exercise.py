"""``minicv exercise`` as a learner meets it: from an empty folder to a solved exercise."""

import os
import subprocess
import sys

import pytest
from command_line import refused, run

from minicv.cli.main import main
from minicv.exercises import ORDER, load
from minicv.exercises.progress import FILE, FOLDER, Progress

NAME = "unpool_bed_of_nails"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, where the learner is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_from_an_empty_folder_to_a_solved_exercise(folder, capsys):
    status, text, _ = run(capsys, "exercise", "list")
    assert status == 0
    assert f"0 of {len(ORDER)} solved. Next: minicv exercise start conv2d" in text
    assert all(f" {name} " in text and load(name).title in text for name in ORDER)
    assert not list(folder.iterdir())

    status, text, _ = run(capsys, "exercise", "start", NAME)
    assert status == 0 and f"minicv exercise check {NAME}.py" in text
    assert "docs/chapters/05_upsampling.md and examples/03_four_upsamplings.py" in text
    file = folder / f"{NAME}.py"
    assert "a hole" not in file.read_text() and "raise NotImplementedError" in file.read_text()
    assert "  begun" in run(capsys, "exercise", "list")[1]

    # Nobody's work is lost.
    file.write_text(f"def {NAME}(x, scale_factor): return x.repeat(2, axis=2).repeat(2, axis=3)\n")
    assert "is there already, perhaps with work" in refused(capsys, "exercise", "start", NAME)

    status, text, error = run(capsys, "exercise", "check", file)
    assert status == 1 and error == ""
    assert f"  {NAME}: result[0, 0, 0, 1] is 1 but must be 0; 12 of 16 cells are wrong" in text
    assert "1  0  2  0" in text and "1 [1] 2 [2]" in text and "\x1b" not in text
    assert f"minicv exercise hint {NAME} shows hint 1 of 3" in text
    assert "small cases wrong" in run(capsys, "exercise", "list")[1]

    solution = run(capsys, "exercise", "solution", NAME)[1]
    file.write_text(solution)
    status, text, error = run(capsys, "exercise", "check", file)
    assert status == 0 and error == "", text + error
    assert f"{NAME} is solved" in text and "Next: minicv exercise start max_unpool2d" in text
    text = run(capsys, "exercise", "list")[1]
    assert "  solved\n" in text and f"1 of {len(ORDER)} solved" in text
    assert sorted(path.name for path in folder.iterdir()) == [FOLDER, file.name]

    status, _, _ = run(capsys, "exercise", "start", NAME, "--overwrite")
    assert status == 0 and "raise NotImplementedError" in file.read_text()
    assert f"0 of {len(ORDER)} solved" in run(capsys, "exercise", "list")[1]


def test_hints_come_one_after_the_other(folder, capsys):
    for step in (1, 2, 3, 3):
        _, text, _ = run(capsys, "exercise", "hint", NAME)
        assert text.startswith(f"hint {step} of 3\n")
        words = load(NAME).hints[step - 1].split()
        assert text.split()[4:] == words
    assert run(capsys, "exercise", "hint", NAME, "--step", 2)[1].startswith("hint 2 of 3\n")
    assert Progress(folder).record(NAME).hints == 3
    (folder / "other").mkdir()
    text = run(capsys, "exercise", "hint", NAME, "--folder", folder / "other")[1]
    assert text.startswith("hint 1 of 3")


def test_where_the_file_goes(folder, capsys):
    (folder / "mine").mkdir()
    assert run(capsys, "exercise", "start", NAME, "--out", "mine")[0] == 0
    assert (folder / "mine" / f"{NAME}.py").is_file()
    assert run(capsys, "exercise", "start", NAME, "--out", f"new/{NAME}.py")[0] == 0
    assert (folder / "new" / f"{NAME}.py").is_file()
    said = refused(capsys, "exercise", "start", NAME, "--out", "mine/first.py")
    assert f"the file must be named {NAME}.py" in said and "--out mine" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("check nms.py", "nms.py: there is no such file; minicv exercise start nms writes it"),
        ("check here", "here: there is no such file"),
        ("check conv2d", "conv2d: there is no such file; did you mean conv2d.py?"),
        ("check conv2.py", "there is no exercise 'conv2'; did you mean conv2d?"),
        ("list --folder absent", "--folder absent: there is no such folder"),
        ("hint nms --folder absent", "--folder absent: there is no such folder"),
    ],
)
def test_what_cannot_be_done(folder, capsys, words, said):
    for name in ("conv2d.py", "conv2.py"):
        (folder / name).write_text("")
    assert said in refused(capsys, "exercise", *words.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "the following arguments are required: ACTION"),
        ("lsit", "there is no 'lsit'; did you mean list?"),
        ("start convd2", "there is no 'convd2'; did you mean conv2d?"),
        ("hint nms --step 4", "--step"),
        ("check nms.py --seconds 0", "0 is not between 0.1 and 3600 seconds"),
        ("check nms.py --seconds nan", "nan is not between 0.1 and 3600 seconds"),
        ("check nms.py --second 0 --sekonds 2", "there is no option --sekonds"),
    ],
)
def test_usage_errors(folder, capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        main(["exercise", *words.split()])
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_a_broken_record_is_named(folder, capsys):
    (folder / FOLDER).mkdir()
    (folder / FILE).write_text("{")
    assert "this is no record of exercises any more" in refused(capsys, "exercise", "list")


def test_colours_are_for_terminals(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    Progress(folder).change("conv2d", solved=True)
    assert "\x1b[32msolved\x1b[0m" in run(capsys, "exercise", "list")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(capsys, "exercise", "list")[1]


def test_an_interruption_ends_the_process_too(folder):
    """Ctrl-C during an endless loop: exit status 130, and nothing that runs on."""
    (folder / f"{NAME}.py").write_text("import os\nprint(os.getpid(), flush=True)\nwhile 1: pass\n")
    code = (
        "import os, signal, sys, threading, time\n"
        "from minicv.cli.main import main\n"
        "from minicv.exercises.learner import LearnerProcess as L\n"
        "def interrupt():\n"
        "    while not any(L.seen): time.sleep(0.02)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        # A shell's background job ignores Ctrl-C, and so do the processes that it starts.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "L.seen, collect = [], L.__enter__\n"
        "def entered(self):\n"
        "    L.seen = self.kept\n"
        "    return collect(self)\n"
        "L.__enter__ = entered\n"
        "threading.Thread(target=interrupt, daemon=True).start()\n"
        f"status = main(['exercise', 'check', '{NAME}.py', '--seconds', '60'])\n"
        "print(b''.join(L.seen).decode())\n"
        "sys.exit(status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=120
    )
    assert done.returncode == 130, done.stderr
    assert "minicv exercise: interrupted" in done.stderr
    with pytest.raises(OSError):
        os.kill(int(done.stdout.split()[-1]), 0)
