"""What a file is that should be a picture and is none: an error page, a PDF, a HEIC photograph."""

from __future__ import annotations

from pathlib import Path

_EXPORT = "export it as JPEG or PNG"
# The beginning of a file, what it is, and what to do.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", f"it is a PDF document; {_EXPORT}"),
    (b"%!PS", "it is a PostScript program, which is never run; " + _EXPORT),
    (b"\xc5\xd0\xd3\xc6", "it is a PostScript program (EPS), which is never run; " + _EXPORT),
    (b"\xd7\xcd\xc6\x9a", f"it is a Windows metafile (WMF), which is never run; {_EXPORT}"),
    (b"\x01\x00\x09\x00\x00\x03", f"it is a Windows metafile (WMF), which is never run; {_EXPORT}"),
    (b"8BPS", f"it is a Photoshop file; {_EXPORT}"),
    (b"gimp xcf", f"it is a GIMP file; {_EXPORT}"),
    (b"\0\0\x01\0", f"it is an icon; {_EXPORT}"),
    (b"DDS ", f"it is a DDS texture; {_EXPORT}"),
    (b"\x93NUMPY", "it is a NumPy array; save it as a picture"),
    (b"\x76\x2f\x31\x01", f"it is an OpenEXR picture; {_EXPORT}"),
    (b"FUJIFILM", f"it is a camera's raw file; {_EXPORT}"),
    (b"\x49\x49\x55\x00", f"it is a camera's raw file; {_EXPORT}"),
    (b"PK\x03\x04", "it is a zip archive; unpack it"),
    (b"\x1f\x8b", "it is packed with gzip; unpack it"),
    (b"Rar!", "it is a RAR archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive; unpack it"),
    (b"version https://git-lfs", "it is a pointer of Git LFS, not the picture: run git lfs pull"),
    (b"II*\0", "it is a TIFF of a kind that Pillow does not read; save it with 8 or 16 bits"),
    (b"MM\0*", "it is a TIFF of a kind that Pillow does not read; save it with 8 or 16 bits"),
    (b"II+\0", "it is a BigTIFF of a kind that Pillow does not read; save it with 8 or 16 bits"),
)
_BEGUN: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
NEEDS_HEIF = "it is a HEIC photograph; convert it to JPEG, or pip install pillow-heif"
NO_PICTURE = "it is no picture that Pillow reads"


def is_heif(path: str | Path) -> bool:
    """Whether the file begins as a HEIC photograph does, whatever its name."""
    return _is_heif(_beginning(path))


def why_no_picture(path: str | Path) -> str:
    """What the file is instead of a picture, and what to do, for a message.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "cow.jpg"
    >>> _ = file.write_text("<!DOCTYPE html><html><body>404: no such cow</body></html>")
    >>> why_no_picture(file)
    'it is a web page (HTML), not a picture; load the picture itself'
    """
    begin = _beginning(path)
    if not begin:
        return "it is empty (0 bytes)"
    if not begin.strip(b"\0"):
        return "it begins with zero bytes only; the disk or the copying failed"
    if _is_heif(begin):
        return NEEDS_HEIF
    if begin[4:8] == b"ftyp":
        brand = begin[8:12].decode("latin-1").strip()
        if brand in ("avif", "avis"):
            return "it is an AVIF picture that is cut short or damaged"
        return f"it is a video or another file of kind {brand!r}, not a picture"
    if begin[:4] == b"RIFF" and begin[8:12] != b"WEBP":
        return "it is a video or a sound (RIFF), not a picture"
    for start, what in _BEGINNINGS:
        if begin.startswith(start):
            return what
    for start, name in _BEGUN:
        if begin.startswith(start):
            return f"it begins as a {name} but is cut short or damaged"
    text = begin.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "it is a web page (HTML), not a picture; load the picture itself"
    if b"<svg" in text:
        return f"it is an SVG drawing, which has no pixels; {_EXPORT}"
    if text.startswith(b"<?xml"):
        return "it is an XML file, not a picture"
    if text.startswith(b"<"):
        return "it is a web page or XML, not a picture; load the picture itself"
    if _is_text(begin):
        return "it is a text file, not a picture"
    return NO_PICTURE


def _beginning(path: str | Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(512)


def _is_heif(begin: bytes) -> bool:
    if begin[4:8] != b"ftyp":
        return False
    brands = begin[8 : max(16, min(int.from_bytes(begin[:4], "big"), len(begin)))]
    # An AVIF picture is of the same family and may name mif1 among others.
    return begin[8:12] in _HEIF_BRANDS and b"avif" not in brands and b"avis" not in brands


def _is_text(begin: bytes) -> bool:
    try:
        begin[:-4].decode("utf-8")  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return all(byte >= 32 or byte in b"\t\r\n\f\x1b" for byte in begin)
