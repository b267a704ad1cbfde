"""The guide holds together, as far as that is seen without Sphinx; `make docs` builds it."""

import ast
import doctest
import importlib
import importlib.util
import json
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import minicv
from minicv.cli.main import _parser

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
MADE = ("_build", "auto_examples", "generated", "out")  # folders that a build fills
PAGES = {
    path.relative_to(DOCS).as_posix(): path.read_text("utf-8")
    for path in sorted(DOCS.rglob("*.md"))
    if not set(path.relative_to(DOCS).parts) & set(MADE)
}
CHAPTERS = [name for name in PAGES if re.match(r"chapters/\d", name)]


def load(path):
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def directives(text, name):
    """``(argument, options)`` of each ```` ```{name} argument ```` in a page."""
    for block in re.finditer(rf"^(`{{3,}}|:{{3,}})\{{{name}\}} *(.*)\n((?:.*\n)*?)\1$", text, re.M):
        options = dict(re.findall(r"^:([\w-]+): *(.*)$", block[3], re.M))
        yield block[2], options, block[3]


# --- pages and what they point to -----------------------------------------------------------


def listed(page):
    """The pages that the tables of contents of ``page`` name."""
    folder = DOCS / Path(page).parent
    for _, options, body in directives(PAGES[page], "toctree"):
        for line in body.splitlines():
            if line.strip() and not line.startswith(":"):
                names = folder.glob(f"{line}.md") if "glob" in options else [folder / f"{line}.md"]
                yield from (path.relative_to(DOCS).as_posix() for path in names)


def test_every_page_is_in_the_table_of_contents():
    reached, due = {"index.md"}, ["index.md"]
    while due:
        found = [name for name in listed(due.pop()) if name in PAGES and name not in reached]
        reached |= set(found)
        due += found
    assert set(PAGES) - reached == set()


def test_chapters_are_numbered_without_gaps():
    numbers = [int(Path(name).name[:2]) for name in CHAPTERS]
    assert numbers == list(range(1, len(numbers) + 1))


def places(text):
    """The anchors of a page's headings, as code hosts and MyST make them."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    headings = re.findall(r"^#+ +(.*)$", text, re.M)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```(?!\{).*?^```", "", PAGES[page], flags=re.M | re.S)
    links = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text)
    links += [argument for argument, _, _ in directives(text, "(?:figure|image)")]
    figures = [script.stem for script in (DOCS / "figures").glob("[0-9]*.py")]
    broken = []
    for link in links:
        target, _, place = link.partition("#")
        path = (DOCS / page).parent / target if target else DOCS / page
        if path.parent.name == "out":  # a build draws it
            fine = any(path.name.startswith(stem) for stem in figures)
        else:
            fine = path.exists()
        if place and path.suffix == ".md" and fine:
            fine = place in places(path.read_text("utf-8"))
        if not fine:
            broken.append(link)
    assert broken == []


def found_in(tree, dotted):
    """The class or function ``dotted`` of a module's syntax tree, or None."""
    body = tree.body
    for name in dotted.split("."):
        kinds = (ast.FunctionDef, ast.ClassDef)
        node = next((n for n in body if isinstance(n, kinds) and n.name == name), None)
        if node is None:
            return None
        body = node.body
    return node


@pytest.mark.parametrize("page", PAGES)
def test_included_code_is_found_by_name_or_text(page):
    for directive in ("literalinclude", "include"):
        for argument, options, _ in directives(PAGES[page], directive):
            path = ((DOCS / page).parent / argument).resolve()
            assert path.is_file(), argument
            text = path.read_text("utf-8")
            if "pyobject" in options:
                assert found_in(ast.parse(text), options["pyobject"]), (argument, options)
            for name in ("start-at", "start-after", "end-at", "end-before"):
                assert options.get(name, "").strip("\"'") in text, (argument, name, options)
            drifting = {"lines", "start-line", "end-line", "lineno-match"} & set(options)
            assert drifting - {"lineno-match"} == set(), f"{argument}: line numbers move"


@pytest.mark.parametrize("page", [page for page in PAGES if "/" in page])
def test_commands_parse(page):
    for block in re.findall(r"```sh\n(.*?)```", PAGES[page], re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("minicv "):
                words = shlex.split(line, comments=True)[1:]
                assert _parser().parse_args(words).command == words[0]
            if line.startswith("python examples/"):
                assert (REPOSITORY / line.split()[1]).is_file(), line


def test_exercises_and_examples_that_pages_name_exist():
    from minicv.exercises import ORDER

    text = "\n".join(PAGES.values())
    exercises = set(re.findall(r"minicv exercise (?:start|check|hint|solution) (\w+)", text))
    assert exercises <= set(ORDER)
    examples = set(re.findall(r"examples/(\d\d_\w+\.py)", text))
    assert examples <= {path.name for path in (REPOSITORY / "examples").glob("*.py")}


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if ">>> " in text])
def test_examples_in_pages_run(page):
    blocks = re.findall(r"^```(?:python|pycon)\n(.*?)^```", PAGES[page], re.M | re.S)
    text = "\n".join(block for block in blocks if ">>> " in block)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    test = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    assert doctest.DocTestRunner(optionflags=flags).run(test).failed == 0


# --- from PyTorch to minicv -------------------------------------------------------------------

TABLE, _, MISSING = PAGES["from_pytorch.md"].partition("## What is not here")
ROWS = [row.split(" | ") for row in TABLE.splitlines() if row.startswith("| `torch")]


def names(cell):
    return re.findall(r"`([\w.]+)`", cell)


def resolved(dotted):
    """The object that a dotted name means, module by module."""
    value = minicv
    parts = dotted.split(".")
    for number, part in enumerate(parts[1:], start=2):
        if not hasattr(value, part):
            importlib.import_module(".".join(parts[:number]))
        value = getattr(value, part)
    return value


def test_names_of_minicv_in_the_table_exist():
    for row in ROWS:
        for name in names(row[1]):
            assert name.startswith("minicv.") and resolved(name) is not None, name
        assert len(row) == 3


def test_every_name_of_pytorch_is_in_the_table_or_said_to_be_missing():
    recorded = json.loads((REPOSITORY / "tests/fixtures/torch_names.json").read_text("utf-8"))
    in_table = {name for row in ROWS for name in names(row[0])}
    parts = dict(re.findall(r"^### ([\w.]+)\n(.*?)(?=^###|\Z)", MISSING, re.M | re.S))
    assert set(parts) == set(recorded)
    for package, there in recorded.items():
        missing = names(parts[package])
        assert len(missing) == len(set(missing))
        assert {n for n in there if f"{package}.{n}" not in in_table} == set(missing), package
        ours = {"torch.nn": "nn", "torch.nn.functional": "functional", "torch.optim": "optim"}
        room = importlib.import_module(f"minicv.{ours.get(package, 'vision')}")
        assert [name for name in missing if name in room.__all__] == []


def test_names_that_both_libraries_have_are_in_the_table():
    recorded = json.loads((REPOSITORY / "tests/fixtures/torch_names.json").read_text("utf-8"))
    said = {name for row in ROWS for name in names(row[1])}
    for package, room in (("torch.nn", "nn"), ("torch.nn.functional", "functional")):
        shared = set(importlib.import_module(f"minicv.{room}").__all__) & set(recorded[package])
        assert {f"minicv.{room}.{name}" for name in shared} <= said


def test_the_page_for_pytorch_users_runs():
    (block,) = re.findall(r"```python\n(.*?)```", TABLE, re.S)
    found: dict = {}
    exec(compile(block, "from_pytorch.md", "exec"), found)
    assert found["loss"].shape == ()


# --- what a build is made of ------------------------------------------------------------------


def test_the_reference_has_every_package_with_public_names():
    packages = load(DOCS / "_sphinx" / "api_pages.py").PACKAGES
    found = set()
    for module in pkgutil.walk_packages(minicv.__path__, "minicv."):
        if module.ispkg and hasattr(importlib.import_module(module.name), "__all__"):
            found.add(module.name)
    assert found == set(packages)


def test_a_page_of_the_reference_has_a_heading_for_each_name():
    page = load(DOCS / "_sphinx" / "api_pages.py").page_of("minicv.optim", "Optimizers")
    assert page.startswith("Optimizers: ``minicv.optim``\n============================\n")
    for name in minicv.optim.__all__:
        assert f"\n{name}\n{'-' * len(name)}\n" in page and f"\n   {name}\n" in page


def test_docstrings_become_what_sphinx_reads():
    docstrings = load(DOCS / "_sphinx" / "docstrings.py")
    assert doctest.testmod(docstrings).failed == 0
    lines = ["As a * b::", "", "    |x| * y", "", "- a", "* b | c", ">>> 2 * 3 | 1", "7"]
    expected = ["As a \\* b::", "", "    |x| * y", "", "- a", "* b \\| c", ">>> 2 * 3 | 1", "7"]
    assert docstrings.convert(lines) == expected
    table = docstrings.convert(["  | x | `y|z` |", "  |---|---|", "  | 1 | 2 |"])
    assert table[1] == "  .. list-table::" and table[-3:] == ["     * - 1", "       - 2", ""]


@pytest.mark.parametrize("path", sorted((REPOSITORY / "examples").glob("[0-9]*.py")), ids=str)
def test_the_gallery_shows_each_example_as_it_is(path):
    gallery = load(DOCS / "_sphinx" / "gallery_pages.py")
    results = gallery.results_of((REPOSITORY / "examples" / "README.md").read_text("utf-8"))
    text = path.read_text("utf-8")
    copy = gallery.prepared(path.name, text, results)
    whole, shown = ast.parse(text), ast.parse(copy)
    (said,) = [node for node in shown.body if ast.unparse(node).startswith("__doc__ = ")]
    assert said.value.value == ast.get_docstring(whole).splitlines()[0]
    code = [ast.dump(node) for node in shown.body[1:] if node is not said]
    assert [ast.dump(node) for node in whole.body[1:]] == code
    title, line = ast.get_docstring(shown).splitlines()[:2]
    assert title.startswith(f"{int(path.name[:2])}. ") and line == "=" * len(title)
    (picture,) = re.findall(r"\.\. image:: /(\S+)", copy)
    assert picture == f"gallery/{path.stem}.webp" and (DOCS / picture).is_file()
    assert results[path.stem][0][:20].partition("*")[0] in copy or "see below" in results[path.stem]


def test_pictures_of_the_gallery_are_small():
    sizes = [path.stat().st_size for path in (DOCS / "gallery").glob("*.webp")]
    assert sizes and max(sizes) < 100_000 and sum(sizes) < 1_500_000


def figures(folder, *arguments):
    command = [sys.executable, str(folder / "docs" / "figures"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_a_figure_is_drawn_when_something_changed_that_it_read(tmp_path):
    folder = tmp_path / "docs" / "figures"
    folder.mkdir(parents=True)
    shutil.copy(DOCS / "figures" / "__main__.py", folder)
    (tmp_path / "numbers.json").write_text("[1]")
    script = (
        "from pathlib import Path\n"
        "def draw(out):\n"
        "    read = Path('numbers.json').read_text()\n"
        "    (out / '01_bars.svg').write_text(read)\n"
    )
    (folder / "01_bars.py").write_text(script)
    assert figures(tmp_path)[0] == 0
    assert "01_bars: unchanged" in figures(tmp_path)[1]
    (tmp_path / "numbers.json").write_text("[2]")
    assert "01_bars: 01_bars.svg in" in figures(tmp_path, "01")[1]
    assert (folder / "out" / "01_bars.svg").read_text() == "[2]"
    (folder / "02_odd.py").write_text(script)  # its picture has the name of another's
    status, _, message = figures(tmp_path, "02_odd")
    assert status == 1 and "02_odd.py" in message and "saved 01_bars.svg" in message
    assert sorted(path.name for path in (folder / "out").glob("*.svg")) == ["01_bars.svg"]


PAGE = '<a href="b.html#there">b</a><a href="https://far.example/x">x</a><img src="p.png" id="i">'


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("#i", None),
        ("b.html", None),
        ("c.html", "no such file"),
        ("b.html#nowhere", "no place #nowhere"),
        ("../../etc/passwd", "no such file"),
        ("http:///x", "no host"),
    ],
)
def test_links_of_the_built_guide_are_checked(tmp_path, link, fault):
    check = load(DOCS / "_sphinx" / "check_links.py")
    (tmp_path / "b.html").write_text('<h1 id="there">b</h1>')
    (tmp_path / "p.png").write_text("")
    (tmp_path / "index.html").write_text(f'{PAGE}<a href="{link}">link</a>')
    broken = check.broken(tmp_path)
    assert broken == [] if fault is None else fault in broken[0]


def test_make_docs_is_what_the_workflow_runs():
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    workflow = (REPOSITORY / ".github" / "workflows" / "docs.yml").read_text("utf-8")
    (recipe,) = re.findall(r"^docs:.*\n((?:\t.*\n)+)", makefile, re.M)
    assert "-W --keep-going" in recipe and "check_links.py" in recipe
    assert "make docs" in workflow and "github-pages" in workflow
