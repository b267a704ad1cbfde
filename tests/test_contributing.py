"""The worked example of CONTRIBUTING.md is put into a copy of the package, and run.

And what several files of the project must agree on: versions, and the Pythons that are tested.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from source_tree import REPOSITORY

import minicv

# A file's name in backticks at the start of a line, at most a remark, a colon, and a block.
BLOCK = re.compile(r"^`([\w/.]+\.py)`([^\n]*):\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def extended_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and the shared tests, with every block of the example in its place."""
    copy = tmp_path_factory.mktemp("contributing")
    shutil.copytree(REPOSITORY / "minicv", copy / "minicv", ignore=_generated)
    for shared in ("cupy_stand_in", "cuda_emulator", "fake_cuda"):
        shutil.copytree(REPOSITORY / "tests" / shared, copy / "tests" / shared)
    for test in (REPOSITORY / "tests").glob("*.py"):
        shutil.copy(test, copy / "tests")
    for file in ("conftest.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / file, copy)
    text = _text("CONTRIBUTING.md")
    for path, remark, code in BLOCK.findall(text):
        _put(copy / path, remark, code)
    return copy


def _put(file: Path, remark: str, code: str) -> None:
    """A new file; or one line more in a file, at its end or in the list that the remark names."""
    if not remark:
        assert not file.exists(), f"the example may not replace {file}"
        file.parent.mkdir(exist_ok=True)
        file.write_text(code, encoding="utf-8")
        return
    before = file.read_text(encoding="utf-8")
    wanted_list = re.fullmatch(r", in `(\w+)`", remark)
    opening = f"{wanted_list[1]} = [\n" if wanted_list else None
    if opening is None:
        assert remark == ", one line more"
        file.write_text(before + code, encoding="utf-8")
    else:
        assert before.count(opening) == 1
        file.write_text(before.replace(opening, opening + code), encoding="utf-8")


def _generated(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__"]


def test_the_example_has_all_its_pieces():
    text = _text("CONTRIBUTING.md")
    assert [path for path, _, _ in BLOCK.findall(text)] == [
        "minicv/reference/softplus.py",
        "minicv/functional/softplus.py",
        "minicv/reference/__init__.py",
        "minicv/functional/__init__.py",
        "tests/functional/test_softplus.py",
        "tests/operation_cases.py",
    ]
    assert len(BLOCK.findall(text)) == text.count("```python")


def test_its_tests_and_doctests_pass(extended_copy: Path):
    output = _run(
        extended_copy,
        *("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"),
        "minicv/reference/softplus.py",
        "minicv/functional/softplus.py",
        "tests/functional/test_softplus.py",
    )
    assert "5 passed" in output


def test_its_case_is_used_by_the_shared_tests(extended_copy: Path):
    output = _run(
        extended_copy,
        *("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"),
        *("tests/test_checker_has_teeth.py", "tests/test_on_stand_in.py"),
        *("-k", "softplus"),
    )
    assert "5 passed" in output


def test_it_keeps_the_style(extended_copy: Path):
    files = [
        "minicv/reference/softplus.py",
        "minicv/functional/softplus.py",
        "tests/functional/test_softplus.py",
    ]
    _run(extended_copy, "-m", "ruff", "check", "--no-cache", *files)
    _run(extended_copy, "-m", "ruff", "format", "--no-cache", "--check", *files)


def test_one_version_of_minicv_and_of_its_tools():
    changes = _text("CHANGELOG.md")
    released = re.findall(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", changes, re.MULTILINE)
    assert released[0] == minicv.__version__
    assert "## [Unreleased]" in changes
    assert re.findall(r"\"ruff==(.+)\"", _text("setup.py")) == re.findall(
        r"rev: v(.+)", _text(".pre-commit-config.yaml")
    )


def test_every_python_that_is_promised_is_tested():
    (promised,) = re.findall(r"python_requires=\">=3\.(\d+)\"", _text("setup.py"))
    (matrix,) = re.findall(r"python: \[(.+)\]", _text(".github/workflows/ci.yml"))
    tested = [int(minor) for minor in re.findall(r"\"3\.(\d+)\"", matrix)]
    assert tested == list(range(int(promised), 15))


def _text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def _run(folder: Path, *arguments: str) -> str:
    """The output of ``python arguments`` with the copy in ``folder`` as the package."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
