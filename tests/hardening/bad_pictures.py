"""Bad pictures and masks."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hardening import small_sets
from hardening.bad_inputs import Case, Family, everything
from hardening.small_sets import HEIGHT, WIDTH
from PIL import Image

from minicv.data import CamVid, ClassFolder, MaskFolder, PennFudan, VOCSegmentation
from minicv.data.image_files import ImageFolder, read_image, read_label_map
from minicv.data.picture_size import picture_size

PICTURE = Family("picture", {"p.png": small_sets.picture()}, lambda f: read_image(f / "p.png"))
HEADS = {
    "html": (b"<!DOCTYPE html><html>404", "it is a web page (HTML), not a picture"),
    "pdf": (b"%PDF-1.7", "it is a PDF document"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "it is a PostScript program, which is never run"),
    "eps": (b"\xc5\xd0\xd3\xc6" + bytes(99), "it is a PostScript program (EPS)"),
    "wmf": (b"\xd7\xcd\xc6\x9a" + bytes(99), "it is a Windows metafile"),
    "zip": (b"PK\x03\x04" + bytes(99), "it is a zip archive"),
    "gzip": (b"\x1f\x8b" + bytes(99), "it is packed with gzip"),
    "numpy": (b"\x93NUMPY\x01\x00", "it is a NumPy array"),
    "photoshop": (b"8BPS\0\1", "it is a Photoshop file"),
    "icon": (b"\0\0\1\0\1\0", "it is an icon"),
    "dds": (b"DDS |\0\0\0" + bytes(200), "it is a DDS texture"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG drawing"),
    "xml": (b"<?xml version='1.0'?><x/>", "it is an XML file"),
    "text": (b"a cow stands in the meadow", "it is a text file"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "it is a pointer of Git LFS"),
    "empty": (b"", "it is empty (0 bytes)"),
    "zeros": (bytes(2000), "it begins with zero bytes only"),
    "noise": (bytes(range(128, 256)) * 9, "it is no picture that Pillow reads"),
    "mp4": (b"\0\0\0\x18ftypmp42" + bytes(99), "it is a video or another file"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(99), "it is a HEIC photograph"),
    "avi": (b"RIFF\0\0\0\0AVI LIST", "it is a video or a sound (RIFF)"),
    "rar": (b"Rar!\x1a\x07\x00", "it is a RAR archive"),
    "exr": (b"\x76\x2f\x31\x01" + bytes(99), "it is an OpenEXR picture"),
}


def pictures() -> Iterator[Case]:
    """Photographs."""
    for what, (content, sentence) in HEADS.items():
        yield Case(PICTURE, what, sentence, "p.png", {"p.png": content})
        yield Case(
            *(PICTURE, f"{what}, its size", sentence, "p.png", {"p.png": content}),
            read=lambda f: picture_size(f / "p.png"),
        )
    for name, content in small_sets.pictures().items():
        if name.endswith((".gif", ".webp", ".jp2")) or "lzw" in name:
            parts = (0.3,)
        else:
            parts = (0.3, 0.6)
        for part in parts:
            cut = content[: int(len(content) * part)]
            yield Case(PICTURE, f"{name} cut at {part}", "cannot read", "p.png", {"p.png": cut})
    wide = _png_of_size(100_000, 100_000)
    sentence = "it has more than the 175 million pixels that are read; scale it down"
    yield Case(PICTURE, "bomb", sentence, "p.png", {"p.png": wide})
    wide = _png_of_size(10_000, 10_000)
    sentence = "it is said to be 10000 x 10000, but"
    yield Case(PICTURE, "small bomb", sentence, "p.png", {"p.png": wide})
    for what, array, sentence in (
        ("float above 1", np.full((3, 4), 255, "f4"), "floating-point numbers lie in 255..255"),
        ("float nan", np.full((3, 4), np.nan, "f4"), "floating-point numbers lie in nan..nan"),
        ("float below 0", np.full((3, 4), -1, "f4"), "floating-point numbers lie in -1..-1"),
        ("32 bits", np.full((3, 4), 10**6, "i4"), "numbers of 32 bits lie in 1000000..1000000"),
        ("negative", np.full((3, 4), -7, "i4"), "numbers of 32 bits lie in -7..-7"),
    ):
        content = small_sets.encoded(Image.fromarray(array), "TIFF")
        yield Case(PICTURE, what, sentence, "p.png", {"p.png": content})
    sentence = "there is no file"
    yield Case(PICTURE, "missing", sentence, "p.png", {"p.png": None})
    yield Case(PICTURE, "folder", "is a folder", "", read=read_image)
    colours = "has the mode RGB, expected one number of 8 bits for each pixel"
    yield Case(PICTURE, "label map", colours, "p.png", read=lambda f: read_label_map(f / "p.png"))
    sentence = "holds no picture"
    yield Case(PICTURE, "no pictures", sentence, "", {"p.png": None}, read=ImageFolder)


def _png_of_size(width: int, height: int) -> bytes:
    import zlib

    content = bytearray(small_sets.picture())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def _grey(values: Any, form: str = "PNG", **how: Any) -> bytes:
    return small_sets.encoded(Image.fromarray(np.asarray(values)), form, **how)


MASKS = Family(
    *("masks", small_sets.masks()), lambda f: everything(MaskFolder(f / "images", f / "masks"))
)
VOCSEG = Family("vocseg", small_sets.vocseg(), lambda f: everything(VOCSegmentation(f, "train")))
CAMVID = Family("camvid", small_sets.camvid(), lambda f: everything(CamVid(f, "train")))
PENN = Family("pennfudan", small_sets.penn_fudan(), lambda f: everything(PennFudan(f)))
FOLDERS = Family("folder", small_sets.class_folders(), lambda f: everything(ClassFolder(f)))


def masks() -> Iterator[Case]:
    """Label maps and what they mean."""
    shape = (HEIGHT, WIDTH)
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    odd = small_sets.labels(0)
    odd[3, 4] = 9
    wrong: dict[str, tuple[bytes, str]] = {
        "jpeg": (_grey(small_sets.labels(), "JPEG"), "it is a JPEG, which blurs"),
        "size": (_grey(np.zeros((5, 6), np.uint8)), "the label map is 5 x 6 (height x width) but"),
        "transparent": (
            small_sets.encoded(Image.fromarray(np.dstack([noise, noise[..., 0]]))),
            "it is partly transparent",
        ),
        "float": (
            small_sets.encoded(Image.fromarray(np.zeros(shape, np.float32)), "TIFF"),
            "it has the mode F",
        ),
        "empty": (b"", "it is empty (0 bytes)"),
        "html": (b"<html>", "web page"),
        "cut": (small_sets.mask()[:40], "it begins as a PNG but is cut short or damaged"),
    }
    for family, file in (
        (MASKS, "masks/p1.png"),
        (VOCSEG, "SegmentationClass/p1.png"),
        (CAMVID, "trainannot/p0.png"),
        (PENN, "PedMasks/p1_mask.png"),
    ):
        name = Path(file).name
        for what, (content, sentence) in wrong.items():
            yield Case(family, what, sentence, name, {file: content})
        sentence = "no class, as smoothed edges have" if family is MASKS else "colours"
        yield Case(family, "colours", sentence, name, {file: small_sets.picture(9)})
    for what, family, file, value in (
        ("number 9", MASKS, "masks/p1.png", 9),
        ("number 12", CAMVID, "trainannot/p0.png", 12),
        ("number 200", CAMVID, "trainannot/p0.png", 200),
    ):
        values = small_sets.labels(1)
        values[3, 4] = value
        sentence = f"label {value} in row 3, column 4"
        yield Case(family, what, sentence, Path(file).name, {file: _grey(values)})
    files = {f"masks/p{n}.png": _grey(np.full(shape, 1, np.uint8)) for n in range(3)}
    sentence = "only 'cow' occurs in 3 masks, so there is nothing to tell apart"
    yield Case(MASKS, "one class", sentence, "masks", files)
    yield Case(
        MASKS,
        "no mask",
        "there is no mask of that name in",
        "p1.jpg",
        {"masks/p1.png": None},
        repaired=True,
    )
    yield Case(
        MASKS, "no picture", "there is no picture of that name", "p1.png", {"images/p1.jpg": None}
    )
    yield Case(
        PENN, "no mask", "p1.png: it has no mask", "p1_mask.png", {"PedMasks/p1_mask.png": None}
    )
    binary = _grey(np.where(odd > 1, 255, 0).astype(np.uint8))
    changes: dict[str, bytes | None] = {"PedMasks/p1_mask.png": binary}
    yield Case(PENN, "0 and 255", "it holds only 0 and 255", "p1_mask.png", changes)
    names = "masks/classes.txt"
    for what, content, sentence in (
        ("twice", b"background\ncow\ncow\n", "classes 2 and 3 are both 'cow'"),
        ("binary", b"\xff\xd8\xff", "is not text in utf-8"),
        ("zeros", b"cow\0", "holds zero bytes"),
        ("empty", b"", "it names no class"),
        (
            "channel",
            b"background 0 0 0\ncow 300 0 0\n",
            "class 'cow': colour (300, 0, 0), expected 0..255",
        ),
        ("some colours", b"background 0 0 0\ncow\nduck 2 2 2\n", "class 2 is 'cow', expected a"),
        ("colour twice", b"a 1 1 1\nb 1 1 1\nc 2 2 2\n", "classes 1 and 2 are both (1, 1, 1)"),
    ):
        yield Case(MASKS, f"names {what}", sentence, "classes.txt", {names: content})
    for what, content, sentence in (
        ("number", b"3", "expected a list of classes, or names and colours"),
        ("null", b"null", "expected a list of classes, or names and colours"),
        ("cut", b'[{"name"', "is no complete JSON file"),
        ("list of numbers", b"[1, 2]", "a class is 1, expected a name"),
        ("no name", b'[{"color": [1, 2, 3]}]', "a class is {'color': [1, 2, 3]}"),
        ("colour of two", b'{"cow": [1, 2]}', "class 'cow': its colour is [1, 2], expected ["),
        (
            "colour of text",
            b'{"cow": ["a", "b", "c"], "duck": [1, 1, 1]}',
            "class 'cow': its colour is ['a', ",
        ),
        ("channel", b'{"cow": [0, 0, 256], "duck": [1, 1, 1]}', "colour (0, 0, 256), expected 0"),
        ("negative", b'{"cow": [0, 0, -1], "duck": [1, 1, 1]}', "colour (0, 0, -1), expected 0"),
        ("deep", b"[" * 100_000, "is no complete JSON file"),
        ("key twice", b'{"cow": 0, "cow": 1}', "two values for 'cow'"),
        ("gap", b'{"0": "a", "5": "b"}', "its numbers are 0, 5, expected 0, 1, 2"),
    ):
        changes = {names: None, "masks/labels.json": content}
        yield Case(MASKS, f"labels.json {what}", sentence, "labels.json", changes)
    train = "ImageSets/Segmentation/train.txt"
    for what, content, sentence in (
        ("unknown name", b"p0\np9\n", "line 2: 'p9'"),
        ("absolute", b"/etc/passwd\n", "line 1: '/etc/passwd'"),
        ("empty", b"", "it holds no name of a picture"),
        ("binary", b"\xff\xd8", "is not text in utf-8"),
    ):
        yield Case(VOCSEG, f"list {what}", sentence, "train.txt", {train: content})
    yield Case(
        VOCSEG,
        "no label map",
        "line 2: 'p1': there is no annotation of",
        "train.txt",
        {"SegmentationClass/p1.png": None},
    )
    yield Case(
        CAMVID, "no label map", "p0.png has no label map", "trainannot", {"trainannot/p0.png": None}
    )
    picture = {f"duck/p{n}.png": None for n in range(3)}
    sentence = "only the folder 'cow' has pictures"
    yield Case(FOLDERS, "one class", sentence, "", picture)
    yield Case(FOLDERS, "html", "it is a web page", "p0.png", {"cow/p0.png": b"<html>"})
    beside = {"stray.png": small_sets.picture()}
    sentence = "it stands beside the folders of the classes"
    yield Case(FOLDERS, "beside", sentence, "stray.png", beside, repaired=True)


def files() -> list[Case]:
    """All of them."""
    return [*pictures(), *masks()]
