"""Pages of source code within the guide, so that links to files and to lines lead somewhere.

A page of docs/ links to files as on a code host: ``../minicv/vision/nms.py``. Here such a link
leads to a page that shows the file or lists the folder; that of an example is in the gallery.
The API reference has a link [source] to the lines of each name.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
from html import escape
from pathlib import Path

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

DOCS = Path(__file__).resolve().parent.parent
REPOSITORY = DOCS.parent
ENTRY = "source_path"  # of a reference node: the file or folder, relative to the repository
GALLERY = "auto_examples/index"
PAGES = {"README.md": "index", "examples": GALLERY, "examples/README.md": GALLERY}
TEXTS = (".py", ".cu", ".h", ".md", ".json", ".js")


class LinksOutOfTheGuide(SphinxTransform):
    """Links of Markdown to files and folders outside docs/ become references that we resolve."""

    default_priority = 5

    def apply(self) -> None:
        here = (DOCS / self.env.docname).parent
        found = list(self.document.findall(addnodes.pending_xref))
        found += list(self.document.findall(addnodes.download_reference))
        for node in found:
            target, _, anchor = str(node.get("reftarget", "")).partition("#")
            if not target or node.get("reftype") != "myst":
                continue
            if node.get("refdomain") == "doc":  # a page of Markdown, which may be none of ours
                if target in self.env.found_docs:
                    continue
                places = [REPOSITORY / f"{target}.md", DOCS / f"{target}.md"]
            else:
                places = [(DOCS if target.startswith("/") else here) / target.lstrip("/")]
            paths = [Path(os.path.normpath(place)) for place in places]
            path = next((p for p in paths if p.exists() and p.is_relative_to(REPOSITORY)), None)
            if path is None or (path.is_relative_to(DOCS) and path.suffix == ".md"):
                continue
            name = path.relative_to(REPOSITORY).as_posix()
            reference = nodes.reference("", "", *node.children, internal=True)
            reference[ENTRY], reference["anchor"] = name, anchor
            node.replace_self(reference)


def add_source_links(app, doctree) -> None:
    """[source] beside each class and function of the API reference."""
    for description in doctree.findall(addnodes.desc):
        if description.get("domain") != "py":
            continue
        for signature in description.findall(addnodes.desc_signature):
            place = lines_of(signature.get("module"), signature.get("fullname"))
            if place is None or signature.parent is not description:
                continue
            reference = nodes.reference("", "", internal=True, classes=["viewcode-link"])
            reference[ENTRY], reference["anchor"] = place[0], f"L-{place[1]}"
            reference += nodes.inline("", "[source]", classes=["viewcode-link"])
            signature += reference


def lines_of(module: str | None, name: str | None) -> tuple[str, int] | None:
    """The file, relative to the repository, and the first line of an object."""
    if not module or not name:
        return None
    value = importlib.import_module(module)
    try:
        for part in name.split("."):
            value = getattr(value, part)
        value = value.fget if isinstance(value, property) else inspect.unwrap(value)
        path = Path(inspect.getsourcefile(value)).resolve()
        line = inspect.getsourcelines(value)[1]
    except (AttributeError, TypeError, OSError):
        return None
    if not path.is_relative_to(REPOSITORY):
        return None
    return path.relative_to(REPOSITORY).as_posix(), max(line, 1)


def resolve(app, doctree, docname) -> None:
    """Now the place of each page is known: give every reference its address."""
    for node in doctree.findall(nodes.reference):
        if ENTRY in node:
            uri = app.builder.get_relative_uri(docname, page_for(app, node[ENTRY]))
            node["refuri"] = uri + (f"#{node['anchor']}" if node["anchor"] else "")


def page_for(app, name: str) -> str:
    """The page that stands for a file or folder of the repository."""
    if name in PAGES:
        return PAGES[name]
    example = name.removesuffix(".py").replace("examples/", "auto_examples/")
    if example in app.env.found_docs:
        return example
    return f"source/{name}"


def source_pages(app):
    """The pages themselves, of what is linked and of what a linked folder lists."""
    wanted = set()
    for docname in app.env.found_docs:
        for node in app.env.get_doctree(docname).findall(nodes.reference):
            if ENTRY in node and page_for(app, node[ENTRY]).startswith("source/"):
                wanted.add(node[ENTRY])
    listed = {child for name in wanted for child in children(name)}
    wanted |= {name for name in listed if (REPOSITORY / name).is_file()}
    for name in sorted(wanted):
        path = REPOSITORY / name
        body = folder_page(name, wanted) if path.is_dir() else file_page(path)
        if body is not None:
            title = f"<h1><code>{escape(name)}</code></h1>"
            context = {"title": name, "body": title + body, "toctree": lambda **_: ""}
            yield f"source/{name}", context, "page.html"  # the tree at the side costs most


def children(name: str) -> list[str]:
    """What a page of a folder lists: folders and files of text, relative to the repository."""
    folder = REPOSITORY / name
    if not folder.is_dir():
        return []
    paths = [p for p in sorted(folder.iterdir()) if not p.name.startswith((".", "__pycache__"))]
    shown = [path for path in paths if path.is_dir() or path.suffix in TEXTS]
    return [p.relative_to(REPOSITORY).as_posix() for p in shown]


def folder_page(name: str, wanted: set[str]) -> str:
    """A table of what is in a folder; of a Python file with the first line of its docstring."""
    rows = []
    for child in children(name):
        path = REPOSITORY / child
        label = f"<code>{escape(path.name)}{'/' if path.is_dir() else ''}</code>"
        if child in wanted:
            address = os.path.relpath(f"source/{child}.html", f"source/{Path(name).parent}")
            label = f'<a href="{escape(address)}">{label}</a>'
        rows.append(f"<tr><td>{label}</td><td>{escape(first_sentence(path))}</td></tr>")
    return f'<table class="docutils source-folder"><tbody>{"".join(rows)}</tbody></table>'


def first_sentence(path: Path) -> str:
    """The first line of what a module, or the package in a folder, says of itself."""
    module = path / "__init__.py" if path.is_dir() else path
    if module.suffix != ".py" or not module.is_file():
        return ""
    said = ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""
    return said.partition("\n\n")[0].replace("\n", " ").replace("`", "")


def file_page(path: Path) -> str | None:
    """A file of text with its lines numbered, each with the anchor L-NUMBER."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return None
    try:
        lexer = get_lexer_for_filename(path.name)
    except ClassNotFound:
        lexer = TextLexer()
    formatter = HtmlFormatter(linenos="inline", lineanchors="L", anchorlinenos=True)
    return highlight(text, lexer, formatter)


def setup(app):
    app.add_transform(LinksOutOfTheGuide)
    app.connect("doctree-read", add_source_links)
    app.connect("doctree-resolved", resolve)
    app.connect("html-collect-pages", source_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
