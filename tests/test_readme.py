"""The README is true: its Python runs, its links lead somewhere, its commands exist."""

import re
from pathlib import Path

import pytest

from minicv.cli.main import main

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_python_blocks_run_in_order(capsys):
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert "(1, 3, 8, 8)" in capsys.readouterr().out


def test_links_to_files_lead_to_files():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert len(links) > 5
    missing = [link for link in links if not (REPOSITORY / link).exists()]
    assert not missing


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"minicv (train|eval|detect|segment|demo)\b", README)))
)
def test_options_that_it_names_are_options_of_the_command(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = capsys.readouterr().out
    for line in re.findall(rf"^(?:\S*/)?minicv {command} (.*)$", README, re.MULTILINE):
        for option in re.findall(r"--[a-z-]+", line):
            assert option in text, f"{command} has no {option}"


def test_make_targets_that_it_names_exist():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
