"""The plain part of YAML: what the ``data.yaml`` of a data set is written in.

Maps and lists by indentation or in brackets, quoted and plain words, comments. Every value stays
text, so that a class called ``no`` or ``007`` keeps its name. What YAML has beyond that (anchors,
tags, several documents) is refused by its line.

Source: YAML 1.2, yaml.org/spec/1.2.2, chapters 6 to 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicv.data.image_files import AnnotationError
from minicv.data.text_files import read_text

DEEPEST = 8  # maps and lists within each other
_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'"""
_KEY = re.compile(
    rf"""({_QUOTED}|[^\s\[\]{{}},"'#&*!|>%@`?-][^\[\]{{}},"'#]{{0,199}}?)[ \t]{{0,99}}:(?:\s+|$)"""
)
_FLOW_WORD = re.compile(rf"{_QUOTED}|[^,\[\]{{}}]*")
_WHOLE_QUOTE = re.compile(_QUOTED)
_BLANKS = re.compile(r"\s*")
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "/": "/", " ": " ", "0": "\0"}
_NOTHING = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class _Line:
    number: int
    indent: int
    text: str  # without comment and blanks at its ends


class _Refusal(Exception):
    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")


def read_yaml(path: str | Path, reader: str) -> dict[str, Any]:
    """The map that a YAML file holds; values are text, None, lists and maps.

    Args:
        path: the file.
        reader: with which a message begins.

    Raises:
        FileNotFoundError: there is no such file.
        AnnotationError: it is no text, no map, or uses more of YAML than is read here.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "data.yaml"
    >>> _ = file.write_text("train: images/train  # two\\nnames: {0: cow, 1: 'a duck'}\\n")
    >>> read_yaml(file, "YoloDetection")
    {'train': 'images/train', 'names': {'0': 'cow', '1': 'a duck'}}
    """
    try:
        value = parse_yaml(read_text(path, reader))
    except _Refusal as error:
        raise AnnotationError(f"{reader}: {path}, {error}") from None
    if not isinstance(value, dict):
        raise AnnotationError(f"{reader}: {path} holds no map of keys to values")
    return value


def parse_yaml(text: str) -> Any:
    """The value of a text; see `read_yaml`."""
    lines = _lines_of(text)
    if not lines:
        return None
    value, rest = _block(lines, 0, lines[0].indent, 0)
    if rest < len(lines):
        raise _Refusal(lines[rest].number, f"{lines[rest].text[:40]!r} is indented unevenly")
    return value


def _lines_of(text: str) -> list[_Line]:
    """The lines that hold something; those of a value in brackets are joined to one."""
    found: list[_Line] = []
    parts: list[list[str]] = []  # of each of them
    open_brackets, skipped_below = 0, -1
    for number, raw in enumerate(text.splitlines(), start=1):
        content = _without_comment(raw).rstrip()
        if not content.strip():
            continue
        indent = len(content) - len(content.lstrip(" "))
        if open_brackets > 0:
            parts[-1].append(content.strip())
            open_brackets += _brackets(content)
        elif skipped_below >= 0 and indent > skipped_below:
            continue  # a text over several lines, such as the program of "download: |"
        elif not found and re.fullmatch(r"---", content):
            continue
        elif content == "...":
            break
        else:
            if content.lstrip(" ").startswith("\t"):
                raise _Refusal(number, "it is indented by a tab; expected blanks")
            if content.startswith(("---", "%")):
                raise _Refusal(number, "a second document or a directive is not read")
            text, skipped_below = content.strip(), -1
            if re.search(r":\s+[|>][+-]?\d?$", text):
                text, skipped_below = re.sub(r"[|>][+-]?\d?$", "''", text), indent
            found.append(_Line(number, indent, text))
            parts.append([text])
            if _value_of(text).startswith(("[", "{")):
                open_brackets = _brackets(_value_of(text))
    if open_brackets > 0:
        raise _Refusal(found[-1].number, "a bracket is not closed")
    return [
        _Line(line.number, line.indent, " ".join(words))
        for line, words in zip(found, parts, strict=True)
    ]


def _without_comment(raw: str) -> str:
    """The line before a # that stands at its beginning or after a blank, and in no quotes."""
    place = 0
    while place < len(raw):
        before = raw[place - 1] if place else " "
        if raw[place] == "#" and before in " \t":
            return raw[:place]
        quoted = _WHOLE_QUOTE.match(raw, place) if before in " \t[{,:" else None
        place = quoted.end() if quoted else place + 1
    return raw


def _brackets(text: str) -> int:
    """How many more brackets open than close in the text."""
    bare = _WHOLE_QUOTE.sub("", text)
    return sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}")


def _value_of(text: str) -> str:
    """What stands behind the key or the dash of a line."""
    match = _KEY.match(text)
    return text[match.end() :] if match else text.lstrip("- ")


def _block(lines: list[_Line], at: int, indent: int, depth: int) -> tuple[Any, int]:
    """The map or list that begins at line ``at``, and the line after it."""
    if depth > DEEPEST:
        raise _Refusal(lines[at].number, f"more than {DEEPEST} maps and lists within each other")
    if _is_item(lines[at].text):
        return _block_list(lines, at, indent, depth)
    if _KEY.match(lines[at].text):
        return _block_map(lines, at, indent, depth)
    return _value(lines[at].text, lines[at].number, depth), at + 1


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _block_list(lines: list[_Line], at: int, indent: int, depth: int) -> tuple[list[Any], int]:
    items = []
    while at < len(lines) and lines[at].indent == indent and _is_item(lines[at].text):
        text = lines[at].text[1:].strip()
        if _is_item(text) or _KEY.match(text):
            raise _Refusal(lines[at].number, "a map or a list as the item of a list is not read")
        items.append(_value(text, lines[at].number, depth))
        at += 1
    return items, at


def _block_map(lines: list[_Line], at: int, indent: int, depth: int) -> tuple[dict[str, Any], int]:
    entries: dict[str, Any] = {}
    while at < len(lines) and lines[at].indent == indent and not _is_item(lines[at].text):
        line = lines[at]
        match = _KEY.match(line.text)
        if match is None:
            raise _Refusal(line.number, f"{line.text[:40]!r} is no 'key: value'")
        key = str(_scalar(match.group(1), line.number))
        if key in entries:
            raise _Refusal(line.number, f"the key {key!r} stands there for the second time")
        rest, at = line.text[match.end() :].strip(), at + 1
        inner = at < len(lines) and (
            lines[at].indent > indent or (lines[at].indent == indent and _is_item(lines[at].text))
        )
        if not rest and inner:
            entries[key], at = _block(lines, at, lines[at].indent, depth + 1)
        elif inner and lines[at].indent > indent:
            raise _Refusal(lines[at].number, "a value over several lines is not read; quote it")
        else:
            entries[key] = _value(rest, line.number, depth)
    return entries, at


def _value(text: str, line: int, depth: int) -> Any:
    """A word, or a list or map in brackets."""
    if not text.startswith(("[", "{")):
        return _scalar(text, line)
    value, end = _flow(text, 0, line, depth + 1)
    if end < len(text):
        raise _Refusal(line, f"{text[end:][:40]!r} follows a closed bracket")
    return value


def _flow(text: str, at: int, line: int, depth: int) -> tuple[Any, int]:
    """The list or map in brackets that begins at ``at``, and where the next word begins."""
    if depth > DEEPEST:
        raise _Refusal(line, f"more than {DEEPEST} maps and lists within each other")
    closing = "]" if text[at] == "[" else "}"
    items: list[Any] = []
    entries: dict[str, Any] = {}
    at = _after_blanks(text, at + 1)
    while not text.startswith(closing, at):
        key = ""
        if closing == "}":
            match = _KEY.match(text, at)
            if match is None:
                raise _Refusal(line, f"{text[at:][:40]!r} is no 'key: value'")
            key, at = str(_scalar(match.group(1), line)), match.end()
            if key in entries:
                raise _Refusal(line, f"the key {key!r} stands there for the second time")
        value: Any
        if text.startswith(("[", "{"), at):
            value, at = _flow(text, at, line, depth + 1)
        else:
            match = _FLOW_WORD.match(text, at)
            assert match is not None  # it matches nothing, too
            value, at = _scalar(match.group().strip(), line), _after_blanks(text, match.end())
        if closing == "}":
            entries[key] = value
        else:
            items.append(value)
        if text.startswith(",", at):
            at = _after_blanks(text, at + 1)
        elif not text.startswith(closing, at):
            raise _Refusal(line, f"{text[at:][:40]!r}: expected a comma or {closing}")
    return (items if closing == "]" else entries), _after_blanks(text, at + 1)


def _after_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _scalar(text: str, line: int) -> str | None:
    if text.startswith("'"):
        if not re.fullmatch(r"'(?:[^']|'')*'", text):
            raise _Refusal(line, f"the quotes of {text[:40]!r} are not closed")
        return text[1:-1].replace("''", "'")
    if text.startswith('"'):
        if not re.fullmatch(r'"(?:[^"\\]|\\.)*"', text):
            raise _Refusal(line, f"the quotes of {text[:40]!r} are not closed")
        return re.sub(r"\\(.)", lambda m: _escaped(m.group(1), line), text[1:-1])
    if text[:1] and text[0] in "&*!|>%@`":
        raise _Refusal(line, f"{text[:40]!r} begins as YAML's anchors, tags and texts do; quote it")
    if re.search(r":(\s|$)", text):
        raise _Refusal(line, f"{text[:40]!r} holds a colon; quote it")
    return None if text in _NOTHING else text


def _escaped(character: str, line: int) -> str:
    if character not in _ESCAPES:
        raise _Refusal(line, f"the escape \\{character} is not read")
    return _ESCAPES[character]
