"""Text files as other people's programs write them: byte-order marks, UTF-16, line ends, old codes.

Every reader of lists, JSON, YAML and CSV opens its files here, so that none depends on the settings
of the computer on which it runs.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from minicv.data.image_files import AnnotationError

_MARKS = (  # the longer ones first: UTF-32's little-endian mark begins as UTF-16's does
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["'][^>]*\?>""")


def read_text(path: str | Path, reader: str) -> str:
    """The text of a file: by its byte-order mark, which is left out, or else in UTF-8.

    Args:
        path: the file.
        reader: with which a message begins.

    Raises:
        FileNotFoundError: there is no such file.
        AnnotationError: the file is in no Unicode encoding, or holds zero bytes as no text does.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "train.txt"
    >>> _ = file.write_text("cow\\r\\nduck\\r\\n", encoding="utf-16")
    >>> read_text(file, "VOCDetection").split()
    ['cow', 'duck']
    """
    return _decoded(_bytes_of(path, reader), Path(path), reader)


def read_lines(path: str | Path, reader: str) -> list[str]:
    """The lines of a text file without blanks at their ends; empty lines are left out."""
    lines = (line.strip() for line in read_text(path, reader).splitlines())
    return [line for line in lines if line]


def read_json(path: str | Path, reader: str) -> Any:
    """The content of a JSON file.

    Raises:
        FileNotFoundError, AnnotationError: as `read_text`, and for a file that is no complete JSON
            or holds two values for one key, of which JSON readers would drop one.
    """
    text = read_text(path, reader)
    try:
        return json.loads(text, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as error:
        raise AnnotationError(f"{reader}: {path} is no complete JSON file: {error}") from error


def read_xml(path: str | Path, reader: str) -> ElementTree.Element:
    """The root of an XML file, in any encoding that the file declares and Python knows.

    (Python's XML parser alone knows UTF-8, UTF-16 and Latin-1; Chinese tools write gb2312.)

    Raises:
        FileNotFoundError, AnnotationError: as `read_text`, and for a file that is no complete XML.
    """
    content = _bytes_of(path, reader)
    declared = _DECLARATION.match(content)
    text = _decoded(content, Path(path), reader, declared.group(1) if declared else b"utf-8")
    # The text is decoded: what it declares no longer holds, and the parser must not look at it.
    text = re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise AnnotationError(f"{reader}: {path} is no complete XML file: {error}") from error


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise ValueError(f"an object in it has two values for {twice!r:.80}")
    return entries


def _bytes_of(path: str | Path, reader: str) -> bytes:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{reader}: there is no file {path}")
    return Path(path).read_bytes()


def _decoded(content: bytes, path: Path, reader: str, otherwise: bytes = b"utf-8") -> str:
    """The text of ``content`` by its byte-order mark, or else in the encoding ``otherwise``."""
    encoding = otherwise.decode("latin-1")
    for mark, name in _MARKS:
        if content.startswith(mark):
            content, encoding = content[len(mark) :], name
            break
    try:
        text = content.decode(encoding)  # refuses codecs that are no text, such as zip
    except LookupError:
        raise AnnotationError(
            f"{reader}: {path} declares the encoding {encoding!r}, which is not known; save the "
            "file as UTF-8"
        ) from None
    except (UnicodeError, ValueError) as error:
        raise AnnotationError(
            f"{reader}: {path} is not text in {encoding} ({error}); save the file as UTF-8"
        ) from None
    if "\0" in text:
        raise AnnotationError(f"{reader}: {path} holds zero bytes, so it is no text in {encoding}")
    return text
