"""What a file is that is no picture. More files in tests/data/test_image_files.py."""

import pytest

from minicv.data.no_picture import NO_PICTURE, is_heif, why_no_picture


def box(brand, *others):
    """The beginning of a file of the family of HEIC, AVIF and MP4."""
    brands = brand + b"\0\0\0\0" + b"".join(others)
    return (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (box(b"heic", b"mif1", b"heic"), True),
        (box(b"mif1", b"mif1", b"heic"), True),
        (box(b"heix"), True),
        (box(b"avif", b"avif", b"mif1"), False),
        (box(b"mif1", b"avif", b"mif1"), False),  # AVIF that names the family first
        (box(b"isom", b"mp42"), False),
        (b"\xff\xd8\xff\xe0", False),
        (b"", False),
    ],
)
def test_heic_is_told_from_its_relatives(tmp_path, content, expected):
    (tmp_path / "a").write_bytes(content + bytes(40) if content else b"")
    assert is_heif(tmp_path / "a") is expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"RIFF\x10\0\0\0AVI LIST", "a video or a sound"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "begins as a WebP but is cut short"),
        (b"\x93NUMPY\x01\0", "a NumPy array"),
        (b"\x1f\x8b\x08\0", "packed with gzip"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "begins as a JPEG 2000 but"),
        ("Zeile für Zeile\n".encode(), "a text file"),
        (b"\xef\xbb\xbf<html>", "web page"),
        (b"<div>404</div>", "web page or XML"),
        (b"\x00\x01\x02\x03", NO_PICTURE),
    ],
)
def test_more_files(tmp_path, content, said):
    (tmp_path / "a.jpg").write_bytes(content)
    assert said in why_no_picture(tmp_path / "a.jpg")
