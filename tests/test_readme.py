"""README and docs/ are true: Python runs, links lead somewhere, commands parse."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from command_line import picture

from minicv.cli.main import COMMANDS, _parser
from minicv.tasks import SYSTEMS, Spec, build, save, table_of_systems

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
TEXTS = {path.relative_to(REPOSITORY).as_posix(): path.read_text("utf-8") for path in PAGES}
README = TEXTS["README.md"]


def commands_of(program):
    """Lines of shell blocks that begin with ``program``, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", "\n".join(TEXTS.values()), re.DOTALL)
    lines = "\n".join(blocks).splitlines()
    return sorted({line for line in lines if line.startswith(f"{program} ")})


def test_it_is_short():
    assert README.count("\n") <= 150


def test_python_blocks_run_in_order(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where there are a trained model and a photograph, as README says
    spec = Spec("faster_rcnn", ("cell",), SYSTEMS["faster_rcnn"].settings["small"], "small")
    (tmp_path / "runs" / "cells").mkdir(parents=True)
    save("runs/cells/best.npz", build(spec, np.random.default_rng(0)), spec)
    picture(tmp_path / "holiday.jpg")
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "Faster R-CNN ('cell',) {'boxes': " in printed and "\nproposals: " in printed
    assert "(1, 3, 8, 8) (4, 3, 3, 3)" in printed


@pytest.mark.parametrize("page", TEXTS)
def test_links_to_files_lead_to_files(page):
    links = re.findall(r"\]\((?!http)([^)#]+)\)", TEXTS[page])
    folder = (REPOSITORY / page).parent
    assert links
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_list_of_systems_is_that_of_the_program():
    (table,) = re.findall(r"<!-- systems -->\n(.*?)\n<!-- /systems -->", README, re.DOTALL)
    assert table == table_of_systems()


@pytest.mark.parametrize("command", commands_of("minicv"))
def test_commands_parse(command):
    words = shlex.split(command, comments=True)[1:]
    options = _parser().parse_args(words)
    assert options.command == words[0]


def test_there_are_commands_of_every_kind():
    kinds = {command.split()[1] for command in commands_of("minicv")}
    assert kinds == set(COMMANDS) - {"demo"}


def test_make_targets_that_it_names_exist():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^make ([a-z]+)", README, re.MULTILINE)
    assert targets == ["demo", "test", "docs"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
