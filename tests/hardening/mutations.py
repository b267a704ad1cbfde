"""Small and large damage to files, as disks, networks, other programs and attackers do it.

A mutator takes the content of a file, a generator and other contents to take pieces from, and gives
a damaged content. The same seed gives the same damage.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

Mutator = Callable[[bytes, np.random.Generator, Sequence[bytes]], bytes]

# Numbers as texts, of which each has broken some reader.
NUMBERS = (
    *("-1", "0", "1", "255", "256", "65536", "2147483648", "-2147483649", "4294967296"),
    *("18446744073709551616", "9" * 400, "1e308", "1e309", "-1e999", "1e-320", "0.1", "-0.0"),
    *("nan", "NaN", "inf", "-Infinity", "1_0", "0x10", "1,5", "", " ", "٣", "¼", "1e", "--1"),
    *("9" * 5000, "true", "null", "1.0.0", "0b1", "+7", "1/3", "1e9", "1e18", "123456789012345"),
)
WORDS = (
    *("", " ", "\t", "cow", "../../secret", "/etc/passwd", "C:\\cow.jpg", "\\\\host\\x", "."),
    *("..", "a" * 5000, "cow\n", "\u202ecow", "\ufeff", "cow\u0000", "é", "e\u0301", "🐄", "%s"),
    *("{}", "<cow>", "&amp;", "&cow;", "]]>", "-->", "'", '"', "#", ": ", "- ", "~", "null", "CON"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.5, 255, 2**31, -(2**63), 10**30, 1e308, 1e-320),
    *(float("nan"), float("inf"), -float("inf"), "", "0", "x", "1_0", "NaN", "1e999", "\ud800"),
    *([], {}, [[]], [None], [0], [1, 2, 3, 4], [[1, 2], [3, 4]], ["a"], {"a": 1}, [True], [1e999]),
    *({"counts": [], "size": [0, 0]}, {"counts": "", "size": [1, 1]}, [[0.0] * 6], "a" * 1000),
)
DEEPEST = 100_000  # lists within each other


def flip(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """Some bits or bytes are other ones."""
    damaged = bytearray(content or b"\0")
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(damaged)))
        if rng.random() < 0.5:
            damaged[place] ^= 1 << int(rng.integers(8))
        else:
            damaged[place] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF, 0x0A, 0x22]))
    return bytes(damaged)


def truncate(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """The end is missing, or the beginning, or all."""
    place = int(rng.integers(len(content) + 1))
    return content[place:] if rng.random() < 0.2 else content[:place]


def duplicate(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A piece stands there twice, or many times."""
    start, end = _piece(content, rng)
    times = int(rng.choice([2, 2, 2, 50]))
    return content[:start] + content[start:end] * times + content[end:]


def delete(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A piece in the middle is missing."""
    start, end = _piece(content, rng)
    return content[:start] + content[end:]


def splice(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A piece of another file stands there."""
    other = others[int(rng.integers(len(others)))] if others else content
    start, end = _piece(content, rng)
    begin, finish = _piece(other, rng)
    return content[:start] + other[begin:finish] + content[end:]


def exchange(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """Another file has this one's name."""
    return others[int(rng.integers(len(others)))] if others else content


def zeros(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A piece is nothing but zero bytes, as after a crash of the computer."""
    start, end = _piece(content, rng)
    return content[:start] + bytes(end - start) + content[end:]


def huge_integer(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A binary number is one at the edge."""
    value = int(rng.choice([0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
    form = str(rng.choice(["<H", ">H", "<I", ">I", "<Q", ">Q"]))
    packed = struct.pack(form, value & (0xFFFF if form[1] == "H" else 0xFFFFFFFF))
    place = int(rng.integers(max(1, len(content) - len(packed) + 1)))
    return content[:place] + packed + content[place + len(packed) :]


BYTES: tuple[Mutator, ...] = (
    *(flip, flip, truncate, duplicate, delete, splice, zeros, huge_integer, exchange),
)


def other_number(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A number in a text is another one."""
    return _replaced(content, rb"-?\d+(?:\.\d+)?", NUMBERS, rng)


def other_word(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A word in a text is another one."""
    return _replaced(content, rb"[A-Za-z_./-]+", WORDS, rng)


def other_lines(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """Lines are exchanged, repeated, missing, or joined."""
    lines = content.splitlines(keepends=True) or [b""]
    one, two = (int(rng.integers(len(lines))) for _ in range(2))
    match int(rng.integers(5)):
        case 0:
            lines[one], lines[two] = lines[two], lines[one]
        case 1:
            lines.insert(two, lines[one])
        case 2:
            del lines[one]
        case 3:
            lines[one] = lines[one].strip()
        case _:
            lines = [line.rstrip(b"\r\n") + b"\r" for line in lines]
    return b"".join(lines)


def other_encoding(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """The text is in another encoding, or declares one that it is not in."""
    text = content.decode("utf-8", "replace")
    marks = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff")
    match int(rng.integers(5)):
        case 0:
            return text.encode(str(rng.choice(["utf-16", "utf-16-be", "utf-32", "utf-7", "cp037"])))
        case 1:
            return marks[int(rng.integers(len(marks)))] + content
        case 2:
            place = int(rng.integers(len(text) + 1))
            return (text[:place] + "kühe" + text[place:]).encode("latin-1", "replace")
        case 3:
            names = [
                "zip",
                "rot13",
                "utf-17",
                "idna",
                "undefined",
                "hex",
                "unicode_escape",
                "x" * 99,
            ]
            names += ["punycode", "gb2312", "shift_jis", "utf-16", "mbcs", "raw_unicode_escape"]
            head = f'<?xml version="1.0" encoding="{rng.choice(names)}"?>'.encode()
            return head + re.sub(rb"^<\?xml.*?\?>", b"", content)
        case _:
            place = int(rng.integers(len(content) + 1))
            broken = (b"\0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x85", b"\x1a", b"\x0c")
            return content[:place] + broken[int(rng.integers(len(broken)))] + content[place:]


TEXT: tuple[Mutator, ...] = (
    *(other_number, other_number, other_word, other_word, other_lines, other_encoding),
)


def other_json(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A value of a JSON file is of another type, missing, repeated, or far too deep."""
    try:
        root = json.loads(content)
    except ValueError:
        return flip(content, rng, others)
    return _json_text(damaged_json(root, rng), rng).encode("utf-8", "surrogatepass")


def damaged_json(root: Any, rng: np.random.Generator) -> Any:
    """One to three places of JSON-able values are other ones."""
    root = json.loads(json.dumps(root))
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places([root]))
        holder, key = places[int(rng.integers(len(places)))] if places else (None, None)
        value = VALUES[int(rng.integers(len(VALUES)))]
        if holder is None or rng.random() < 0.02:
            return value
        match int(rng.integers(7)):
            case 0 | 1 | 2:
                holder[key] = value
            case 3:
                del holder[key]
            case 4:
                holder[key] = [holder[key]]
            case 5 if isinstance(holder, list):
                holder.insert(0, holder[key])
            case _:
                other, at = places[int(rng.integers(len(places)))]
                holder[key] = json.loads(json.dumps(other[at]))
    return root


def other_xml(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """An element of an XML file is another one, missing, repeated, or a bomb."""
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError):
        return flip(content, rng, others)
    elements = [(parent, child) for parent in root.iter() for child in parent]
    if not elements:
        return flip(content, rng, others)
    parent, child = elements[int(rng.integers(len(elements)))]
    other = elements[int(rng.integers(len(elements)))][1]
    word = NUMBERS[int(rng.integers(len(NUMBERS)))]
    match int(rng.integers(9)):
        case 0 | 1:
            child.text = word
        case 2:
            child.tag = str(rng.choice(["x", "object", "size", "image", "{urn:x}name"]))
        case 3:
            parent.remove(child)
        case 4:
            parent.append(child)
        case 5:
            child.append(other) if not any(e is child for e in other.iter()) else parent.clear()
        case 6:
            names = list(child.attrib) or ["xtl"]
            child.set(str(rng.choice(names)), word)
        case 7:
            root.tag = str(rng.choice(["annotations", "annotation", "svg", "html", "x"]))
        case _:
            return _xml_bomb(ElementTree.tostring(root), rng)
    return ElementTree.tostring(root)


def members(*inner: Mutator) -> Mutator:
    """A mutator of zip archives: one member is damaged, and its checksum fits again."""

    def other_member(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                contents = {info.filename: archive.read(info) for info in archive.infolist()}
        except (zipfile.BadZipFile, ValueError):
            return flip(content, rng, others)
        name = list(contents)[int(rng.integers(len(contents)))]
        match int(rng.integers(8)):
            case 0:
                contents[name + str(rng.choice(["x", ".npy", "/", "\0"]))] = contents.pop(name)
            case 1:
                del contents[name]
            case 2:
                contents[name] = contents[list(contents)[int(rng.integers(len(contents)))]]
            case _:
                mutate = inner[int(rng.integers(len(inner)))]
                contents[name] = mutate(contents[name], rng, list(contents.values()))
        methods = [zipfile.ZIP_STORED] * 4 + [
            *(zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        ]
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", methods[int(rng.integers(len(methods)))]) as archive:
            for member, inside in contents.items():
                archive.writestr(member, inside)
        return written.getvalue()

    return other_member


def zip_header(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A field of a zip directory is another: the method, the flag of encryption, a size."""
    damaged = bytearray(content)
    entries = [match.start() for match in re.finditer(rb"PK\x01\x02|PK\x03\x04", content)]
    if not entries:
        return flip(content, rng, others)
    for _ in range(int(rng.integers(1, 3))):
        place = entries[int(rng.integers(len(entries)))]
        at, size = [(8, 2), (10, 2), (6, 2), (16, 4), (20, 4), (24, 4), (28, 2), (42, 4)][
            int(rng.integers(8))
        ]
        value = int(rng.choice([0, 1, 8, 9, 12, 14, 20, 99, 2**16 - 1]))
        damaged[place + at : place + at + size] = value.to_bytes(size, "little")
    return bytes(damaged)


def npy_header(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """The header of an array says another type, order or shape."""
    found = re.search(rb"\{'descr'.*?\}", content)
    if found is None:
        return flip(content, rng, others)
    types = ("<f4", "<f8", "|O", "<U9", "<c8", "|V4", "<M8[ns]", "|b1", "<i8", ">f4", "<f2", "x")
    shapes = ("()", "(3,)", "(99999999999,)", "(4, 99999, 99999)", "(-1,)", "(0,)", "x", "(1e9,)")
    more = ("[('a', '<f4')]", "'<f4', 'x': (" + "(" * 200, "None")
    kind = types[int(rng.integers(len(types)))]
    descr = f"'{kind}'" if rng.random() < 0.9 else str(rng.choice(more))
    order = str(rng.choice(["False", "True", "1", "None"]))
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': "
    header += f"{shapes[int(rng.integers(len(shapes)))]}, }}"
    room = content.index(b"\n", found.start()) - found.start()
    padded = header.encode()[:room].ljust(room)
    return content[: found.start()] + padded + content[found.start() + room :]


def png_chunk(content: bytes, rng: np.random.Generator, others: Sequence[bytes]) -> bytes:
    """A chunk of a PNG is damaged, and its checksum fits again; or it moves, or stands twice."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    if not content.startswith(b"\x89PNG") or not chunks:
        return flip(content, rng, others)
    one, two = (int(rng.integers(len(chunks))) for _ in range(2))
    kind, inside = chunks[one]
    match int(rng.integers(5)):
        case 0:
            chunks.insert(two, chunks[one])
        case 1:
            chunks[one], chunks[two] = chunks[two], chunks[one]
        case 2 if kind == b"IDAT":
            pixels = zlib.decompressobj().decompress(inside) if inside[:1] == b"x" else inside
            chunks[one] = (kind, zlib.compress(flip(pixels, rng, others)))
        case 3:
            names = [b"tRNS", b"PLTE", b"eXIf", b"iCCP", b"zTXt", b"acTL", b"gAMA", b"iTXt"]
            chunks.insert(two, (names[int(rng.integers(len(names)))], rng.bytes(20)))
        case _:
            mutate = (flip, huge_integer, truncate)[int(rng.integers(3))]
            chunks[one] = (kind, mutate(inside, rng, others))
    written = [content[:8]]
    for kind, inside in chunks:
        checksum = zlib.crc32(kind + inside)
        written += [struct.pack(">I", len(inside)), kind, inside, struct.pack(">I", checksum)]
    return b"".join(written)


def _piece(content: bytes, rng: np.random.Generator) -> tuple[int, int]:
    start = int(rng.integers(len(content) + 1))
    longest = len(content) - start if rng.random() < 0.2 else min(64, len(content) - start)
    return start, start + int(rng.integers(longest + 1))


def _replaced(
    content: bytes, pattern: bytes, texts: Sequence[str], rng: np.random.Generator
) -> bytes:
    found = list(re.finditer(pattern, content))
    if not found:
        return flip(content, rng, ())
    match = found[int(rng.integers(len(found)))]
    text = texts[int(rng.integers(len(texts)))].encode("utf-8")
    return content[: match.start()] + text + content[match.end() :]


def _places(values: list[Any]) -> Any:
    """(holder, key) of every value within the first one."""
    for holder in values:
        keys: Sequence[Any] = ()
        if isinstance(holder, dict):
            keys = list(holder)
        elif isinstance(holder, list):
            keys = range(len(holder))
        for key in keys:
            yield holder, key
            yield from _places([holder[key]])


def _json_text(root: Any, rng: np.random.Generator) -> str:
    text = json.dumps(root)
    if rng.random() < 0.03:  # what json.dumps cannot write
        deep = "[" * DEEPEST + "]" * DEEPEST
        odd = (
            "1e999",
            "9" * 5000,
            deep,
            '{"a":' * 5000 + "1" + "}" * 5000,
            "-",
            '{"a": 1, "a": 2}',
        )
        numbers = list(re.finditer(r"\d+", text)) or list(re.finditer(r"$", text))
        match = numbers[int(rng.integers(len(numbers)))]
        return text[: match.start()] + odd[int(rng.integers(len(odd)))] + text[match.end() :]
    return text


def _xml_bomb(content: bytes, rng: np.random.Generator) -> bytes:
    """Entities that grow, entities of other files, or elements within each other."""
    match int(rng.integers(4)):
        case 0:
            lines = ['<!ENTITY a0 "cow">']
            lines += [f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)]
            head = f"<!DOCTYPE annotation [{''.join(lines)}]>"
            return head.encode() + re.sub(rb">[^<>]+<", b">&a11;<", content, count=1)
        case 1:
            head = b'<!DOCTYPE annotation [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            return head + re.sub(rb">[^<>]+<", b">&a;<", content, count=1)
        case 2:
            return b"<a>" * DEEPEST + content + b"</a>" * DEEPEST
        case _:
            return b"<annotation " + b" ".join(b"a%d='1'" % i for i in range(20_000)) + b"/>"
