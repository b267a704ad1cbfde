"""The versions that are tried are those that setup.py promises."""

import re

from source_tree import REPOSITORY

REQUIREMENT = re.compile(r'"([a-z0-9-]+)>=([0-9.]+)"')


def test_the_oldest_versions_are_those_of_setup():
    text = (REPOSITORY / "setup.py").read_text(encoding="utf-8")
    core = text.partition("install_requires=[")[2].partition("]")[0]
    tools = "".join(
        text.partition(f"{name} = [")[2].partition("]")[0] for name in ("LEARN", "TEST")
    )
    promised = dict(REQUIREMENT.findall(core + tools))
    lines = (REPOSITORY / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    tried = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert {"numpy", "scipy", "pillow", "tqdm", "threadpoolctl", "pytest"} <= promised.keys()
    assert tried.keys() == promised.keys()
    for name, version in tried.items():
        # "2" promises every 2.x.y, so 2.0.0 is tried.
        assert re.fullmatch(rf"{re.escape(promised[name])}(\.0)*", version), name


def test_ci_and_make_try_them():
    workflow = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "make oldest" in workflow
    text = (REPOSITORY / "setup.py").read_text(encoding="utf-8")
    oldest = re.search(r'python_requires=">=(3\.\d+)"', text)
    assert oldest and f'python-version: "{oldest[1]}"' in workflow
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert "-c constraints-oldest.txt" in makefile
