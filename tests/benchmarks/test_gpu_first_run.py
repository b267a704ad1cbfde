"""The script for ten minutes on a GPU: it is well formed, and ends early where there is none."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu_peaks
from minicv.backend import gpu_status

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "benchmarks" / "gpu_first_run.sh"
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@needs_bash
def test_its_syntax():
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


def test_the_modules_that_it_runs_are_there():
    modules = set(re.findall(r"-m (benchmarks\.\w+)", SCRIPT.read_text(encoding="utf-8")))
    assert modules == {"benchmarks.gpu_peaks", "benchmarks.gpu_sanitize"}
    for name in modules:
        assert (REPOSITORY / f"{name.replace('.', '/')}.py").is_file()


def test_together_the_parts_take_ten_minutes():
    limits = re.findall(r"part \S+ (\d+) ", SCRIPT.read_text(encoding="utf-8"))
    assert sum(map(int, limits)) + int(limits[-1]) <= 600  # the last is for two tools


@needs_bash
@pytest.mark.skipif(gpu_status()[0], reason="a CUDA device works here")
def test_without_a_gpu_it_says_so(tmp_path):
    done = subprocess.run(
        ["bash", str(SCRIPT), str(tmp_path / "out")],
        env={**os.environ, "PYTHON": sys.executable},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert "there is no GPU to run on" in done.stdout
    assert (tmp_path / "out" / "parts.txt").read_text().startswith("environment: status 1, ")


def test_peaks_of_memory(capsys):
    assert gpu_peaks.main(["minicv", "eval", "--weights", "absent", "--data", "farmyard"]) == 2
    text = capsys.readouterr().out
    assert int(re.search(r"peak of host memory: (\d+) MiB", text)[1]) > 20
    assert gpu_peaks.main(["ls"]) == 2
