"""Checks links within the built guide: ``python docs/_sphinx/check_links.py docs/_build/html``.

A page, a picture or a download that a link names must be there, and so must the place within the
page that comes after ``#``. Links to other sites are only parsed: nothing goes over the network.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the places in it that links can lead to."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.places |= {found[name] for name in ("id", "name") if found.get(name)}
        self.links += [found[name] for name in ("href", "src", "srcset") if found.get(name)]


def broken(folder: Path) -> list[str]:
    """``page: link: what is wrong``, for each link that leads nowhere."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            if fault := fault_of(link, path, folder, pages):
                found.append(f"{path.relative_to(folder)}: {link}: {fault}")
    return found


def fault_of(link: str, page: Path, folder: Path, pages: dict[Path, Page]) -> str:
    """What is wrong with one link; empty where it leads somewhere or to another site."""
    try:
        parts = urlsplit(link)
    except ValueError as error:
        return str(error)
    if parts.scheme in ("http", "https"):
        return "" if parts.netloc else "no host"
    if parts.scheme in ("mailto", "data", "javascript"):
        return ""
    if parts.scheme or parts.netloc:
        return f"an address of the kind {parts.scheme or parts.netloc!r}"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(folder.resolve()) or not target.is_file():
        return "no such file"
    place = unquote(parts.fragment)
    if place and target in pages and place not in pages[target].places:
        return f"no place #{place} in it"
    return ""


def main(folder: str) -> int:
    found = broken(Path(folder).resolve())
    print("\n".join(found) or f"every link within {folder} leads somewhere")
    return min(len(found), 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
