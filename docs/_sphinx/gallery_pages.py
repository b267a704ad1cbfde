"""The examples as a gallery: copies whose docstrings sphinx-gallery can read, with pictures.

An example's docstring begins with a sentence, not with a heading, and its code is one block. The
copy has a heading, the result that examples/README.md records for it, its picture of docs/gallery
(`python docs/gallery` makes it), and a cell for each function. The code itself stays.
"""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent
EXAMPLES = DOCS.parent / "examples"
PREPARED = DOCS / "_build" / "examples"
QUICK = r"/(03_four_upsamplings|13_roi_pool_vs_roi_align|24_gan_on_points)\.py$"
FIRST_CELL = """\
# This needs minicv: in a clone of it, `pip install .`
# The options of the example stand in the list, as on the command line: ["--seed", "1"], say.
import sys
import time

sys.argv = ["example", *[]]
started = time.time()"""
LAST_CELL = """\
# What has been drawn
from pathlib import Path

from IPython.display import Image, display

for picture in sorted(Path("runs/examples").rglob("*.png")):
    if picture.stat().st_mtime >= started:
        display(Image(picture))"""


def write() -> None:
    """The copies in ``PREPARED``, written only where they change."""
    results = results_of((EXAMPLES / "README.md").read_text("utf-8"))
    texts = {"GALLERY_HEADER.rst": HEADER}
    for path in sorted(EXAMPLES.glob("[0-9]*.py")):
        texts[path.name] = prepared(path.name, path.read_text("utf-8"), results)
    PREPARED.mkdir(parents=True, exist_ok=True)
    for old in PREPARED.glob("*.py"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        if not (PREPARED / name).is_file() or (PREPARED / name).read_text("utf-8") != text:
            (PREPARED / name).write_text(text, "utf-8")


HEADER = """\
Examples
========

Each system of the lecture as a script that reads from top to bottom, in the lecture's order. Each
runs from a clone, takes less than about three minutes on two free cores, prints a table, and writes
its pictures to ``runs/examples``. Nothing is downloaded: the scenes are drawn. A page has the
result of a whole run, the code, and below it the script and a notebook to take home.
"""


def results_of(table: str) -> dict[str, tuple[str, str]]:
    """Of each example, what it showed and its processor seconds, from the table of the README."""
    rows = re.findall(r"^\| \[\d+\]\((\w+)\.py\) \| .*? \| (.*) \| (.*?) \|$", table, re.MULTILINE)
    return {name: (showed, seconds) for name, showed, seconds in rows}


def prepared(name: str, text: str, results: dict[str, tuple[str, str]]) -> str:
    """The copy of one example."""
    stem = name.removesuffix(".py")
    tree = ast.parse(text)
    page = page_of(stem, ast.get_docstring(tree), *results[stem])
    parts = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    cells = {min([node.lineno, *(d.lineno for d in node.decorator_list)]) for node in parts}
    cells.add(tree.body[-1].lineno)  # where it calls main
    end = tree.body[0].end_lineno  # of the docstring
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    # Where sphinx-gallery runs a script, __doc__ is empty; argparse gets its first line from it.
    first_line = ast.get_docstring(tree).splitlines()[0]
    added = {imports[-1].end_lineno: f"\n__doc__ = {first_line!r}"}
    code = [
        (f"# %%\n{line}" if number in cells else line) + added.get(number, "")
        for number, line in enumerate(text.splitlines()[end:], start=end + 1)
    ]
    code.insert(0, f"# sphinx_gallery_thumbnail_path = 'gallery/{stem}.webp'")
    quotes = 'r"""' if "\\" in page else '"""'
    return f'{quotes}\n{page}"""\n' + "\n".join(code) + "\n"


def page_of(stem: str, docstring: str, showed: str, seconds: str) -> str:
    """The docstring as reStructuredText: heading, picture, text, result."""
    first, _, rest = docstring.partition("\n\n")
    title, rest_of_title = split_title(" ".join(first.split()))
    number = stem[:2].lstrip("0")
    heading = f"{number}. {title}"
    parts = [f"{heading}\n{'=' * len(heading)}"]
    if rest_of_title:
        parts.append(rest_of_title)
    parts.append(f".. image:: /gallery/{stem}.webp\n   :alt: {title}")
    parts += [as_literal_blocks(rest)]
    if seconds[:1].isdigit():
        seconds = f"It took {seconds} seconds of the processor."
    else:
        seconds = ""
    if showed == "see below":
        showed = "the table below the others in `examples/README.md`"
    result = f"**What a whole run showed**, with ``--seed 0``: {escaped(showed)}. {seconds}".strip()
    parts.append(result)
    return "\n\n".join(parts) + "\n"


def split_title(sentence: str) -> tuple[str, str]:
    """The part before the colon as a heading, the rest as a sentence.

    >>> split_title("FCN-32s, 16s, 8s: what is there from the deep map, where from the others.")
    ('FCN-32s, 16s, 8s', 'What is there from the deep map, where from the others.')
    """
    title, _, rest = sentence.partition(": ")
    if not rest:
        return sentence.rstrip("."), ""
    return title, rest[0].upper() + rest[1:]


def as_literal_blocks(text: str) -> str:
    """Mark paragraphs that are indented as code, as reStructuredText wants it."""
    blocks = []
    for paragraph in re.split(r"\n\s*\n", text):
        if all(line.startswith("    ") for line in paragraph.splitlines()):
            blocks.append("::\n\n" + paragraph)
        else:
            blocks.append(paragraph)
    return "\n\n".join(blocks)


def escaped(markdown: str) -> str:
    """A cell of a Markdown table as reStructuredText: a star is no emphasis there."""
    return re.sub(r"(?<!\\)([*|])", r"\\\1", markdown)


def without_the_folder(app, docname, source) -> None:
    """For Sphinx: what a script printed names its folder of pictures, but not this machine's."""
    if docname.startswith("auto_examples/"):
        source[0] = source[0].replace(f"{PREPARED}/", "")


def new_pictures(block, block_vars, gallery_conf) -> str:
    """For sphinx-gallery: the pictures that an example has just written, as small copies."""
    from PIL import Image

    script = Path(block_vars["src_file"])
    folder = script.parent / "runs" / "examples" / script.stem
    shown = block_vars.setdefault("pictures_shown", set())
    directives = []
    for path in sorted([*folder.glob("*.png"), *folder.glob("*.gif")]):
        if path in shown:
            continue
        shown.add(path)
        target = Path(next(block_vars["image_path_iterator"]))
        if path.suffix == ".gif":
            target = target.with_suffix(".gif")
            target.write_bytes(path.read_bytes())
        else:
            with Image.open(path) as picture:
                picture.convert("RGB").save(target)
        source = Path(gallery_conf["src_dir"])
        name = target.relative_to(source).as_posix()
        directives.append(f".. image:: /{name}\n   :alt: {textwrap.shorten(path.stem, 60)}\n")
    return "\n\n".join(directives)
