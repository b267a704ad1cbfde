"""The commands write under the paths that they are given, and nowhere else: not even to /tmp."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import picture
from label_map_folders import camvid_folder

# Every file that is opened for writing, and every name that is made, changed or removed.
WATCHED = """
import json, os, sys
names = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate",
         "os.chmod", "os.chown", "os.utime", "tempfile.mkstemp", "tempfile.mkdtemp",
         "socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.fork",
         "pty.spawn", "os.posix_spawn")
events = []

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            events.append(("open", path))
    elif event in names:
        count = 2 if event in ("os.rename", "os.link", "os.symlink") else 1
        folders = [a for a in arguments[count:] if isinstance(a, int) and a > 2]
        for path in arguments[:count]:
            if folders and not os.path.isabs(path):  # relative to a folder that is open
                path = os.path.join(os.readlink(f"/proc/self/fd/{folders[0]}"), path)
            events.append((event, path))

sys.addaudithook(watch)
if sys.argv[1] == "rcnn":
    from pathlib import Path
    from hardening.trainings import detector
    status = detector("rcnn", Path(sys.argv[2])) or 0
else:
    from minicv.cli.main import main
    status = main(sys.argv[1:])
said = [[event, os.path.abspath(os.fsdecode(path)) if isinstance(path, (str, bytes, os.PathLike))
         else repr(path)] for event, path in events if not isinstance(path, int)]
print("EVENTS" + json.dumps([status, said]))
"""


def watched(place, *arguments):
    """The exit status, and what was written where: [(event, path)]."""
    for name in ("home", "tmp", "here"):
        (place / name).mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",  # the caches of Python itself
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, arguments)],
        capture_output=True, text=True, check=False, env=environment, cwd=place / "here",
    )  # fmt: skip
    assert "EVENTS" in done.stdout, done.stderr
    status, events = json.loads(done.stdout.partition("EVENTS")[2])
    return status, [(event, path) for event, path in events]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="folders that are open, by /proc")
def test_only_under_the_paths_that_are_given(tmp_path):
    data = camvid_folder(tmp_path / "data")
    picture(tmp_path / "photos" / "a.png")
    run, weights = tmp_path / "run", tmp_path / "run" / "best.npz"
    options = ["--data", data, "--epochs", 1, "--batch-size", 2]
    commands = [
        (["train", "encoder_decoder", *options, "--out", run], [run]),
        (["train", "encoder_decoder", *options, "--out", run, "--epochs", 2, "--resume"], [run]),
        (["eval", "--weights", weights, "--data", data], []),
        (["eval", "--weights", weights, "--data", data, "--json", tmp_path / "j" / "values.json",
          "--pictures", tmp_path / "drawn"], [tmp_path / "j", tmp_path / "drawn"]),
        (["predict", tmp_path / "photos", "--weights", weights, "--out", tmp_path / "found",
          "--json", "--stages"], [tmp_path / "found"]),
        (["explain", tmp_path / "photos", "--weights", weights, "--out", tmp_path / "pages"],
         [tmp_path / "pages"]),
        (["doctor", data], []),
        (["doctor", data, "--out", tmp_path / "report"], [tmp_path / "report"]),
        (["rcnn", tmp_path / "rcnn"], [tmp_path / "rcnn"]),
    ]  # fmt: skip
    for arguments, given in commands:
        status, events = watched(tmp_path, *arguments)
        assert status == 0, arguments
        elsewhere = [
            (event, path)
            for event, path in events
            if path != os.devnull and not any(_within(path, folder) for folder in given)
            # When they are imported, old versions of NumPy and threadpoolctl ask the computer.
            if event != "subprocess.Popen" or Path(path).name not in ("lscpu", "ldconfig")
        ]
        assert elsewhere == [], arguments
        assert bool(events) >= bool(given)
    for name in ("home", "tmp", "here"):
        assert list((tmp_path / name).iterdir()) == []


def _within(path, folder):
    return path == str(folder) or path.startswith(f"{folder}{os.sep}")
