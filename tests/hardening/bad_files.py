"""Bad pictures, masks, weights and caches."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch_files
from hardening import small_sets
from hardening.bad_annotations import everything
from hardening.bad_inputs import Case, Family, command
from hardening.small_sets import HEIGHT, WIDTH
from hardening.targets import backbone_weights, load_and_predict, resume
from PIL import Image

from minicv.data import CamVid, ClassFolder, MaskFolder, PennFudan, VOCSegmentation
from minicv.data.image_files import ImageFolder, read_image, read_label_map
from minicv.data.picture_size import picture_size
from minicv.weights import read_torch_file

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


A = "a.npz"
WEIGHTS = Family("weights", {A: small_sets.checkpoint()}, load_and_predict)
LAST = "last.npz"
TRAINING = Family("training", {LAST: small_sets.checkpoint(training=True)}, resume)


def described(content: bytes, path: list[Any], value: Any) -> bytes:
    """A checkpoint with another value in its description; ``...`` for none."""
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    root = json.loads(str(arrays["__description__"]))
    holder = root
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return _npz({**arrays, "__description__": np.array(json.dumps(root))})


def with_array(content: bytes, name: str, array: Any) -> bytes:
    """A checkpoint with another array; None for none."""
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    arrays[name] = array
    return _npz({name: array for name, array in arrays.items() if array is not None})


def _npz(arrays: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


NAN = float("nan")
FIELDS: dict[str, tuple[tuple[Any, ...], str]] = {
    "system": ((None, 3, [], {}, True), "its system is {}, expected a text"),
    "classes": ((None, "cow", 3, {}, [1], [None]), "its classes is {}, expected a list"),
    "settings": ((None, 3, [], "x", True), "its settings is {}, expected an object"),
    "backbone": ((3, [], {}, True, 0.5), "its backbone is {}, expected a text or none"),
    "proposals": ((3, [], {}, True, 0.5), "its proposals is {}, expected a text or none"),
    "frozen": ((None, 0, 1, "true", []), "its frozen is {}, expected true or false"),
    "colours": ((3, "x", [1], [[1, 2]], [[1, 2, 0.5]]), "its colours is {}, expected a list"),
}
SETTINGS: dict[str, tuple[tuple[Any, ...], str]] = {
    "width": ((None, "2", 0.5, True, [], NAN), "its settings/width is {}, expected a whole number"),
    "depth": ((None, "2", 1.5, False, {}), "its settings/depth is {}, expected a whole number"),
    "min_size": (("x", 0.5, True, []), "its settings/min_size is {}, expected a whole number or"),
    "class_weights": ((3, "x", [None], [True]), "its settings/class_weights is {}, expected a"),
}
TRAININGS: dict[str, tuple[tuple[Any, ...], str]] = {
    "epoch": ((None, "1", 0.5, NAN, True, []), "its training/epoch is {}, expected a whole number"),
    "best": (("x", NAN, float("inf"), True, []), "its training/best is {}, expected a finite"),
    "history": ((None, 3, {}, [3], [{"epoch": "x"}]), "its training/history is {}, expected a li"),
    "generators": ((None, 3, [], {"fit": 3}), "its training/generators is {}, expected an obj"),
    "terms": ((3, [], "x", True), "its training/terms is {}, expected an object"),
}
TERMS: dict[str, tuple[tuple[Any, ...], str]] = {
    "recipe": ((None, 3, []), "its training/terms/recipe is {}, expected an object"),
    "settings": ((None, 3, []), "its training/terms/settings is {}, expected an object"),
    "seed": ((None, "0", 0.5, True), "its training/terms/seed is {}, expected a whole number"),
    "backbone": ((3, []), "its training/terms/backbone is {}, expected a text or none"),
    "data": ((3, [], "x"), "its training/terms/data is {}, expected an object"),
}


def weights() -> Iterator[Case]:
    """Checkpoints."""
    good, last = WEIGHTS.files[A], TRAINING.files[LAST]
    for table, place in ((FIELDS, []), (SETTINGS, ["settings"])):
        for name, (values, sentence) in table.items():
            for value in values:
                content = described(good, [*place, name], value)
                said = sentence.format(repr(value))
                yield Case(WEIGHTS, f"{name} {value!r}", said, A, {A: content})
    for name in ("system", "classes", "settings", "backbone", "proposals", "frozen"):
        content = described(good, [name], ...)
        yield Case(WEIGHTS, f"no {name}", f"its description lacks {name}", A, {A: content})
    for name, value, sentence in (
        ("system", "yolo", "weights of another model ('yolo', expected one of"),
        ("system", "segnet", "settings of another version of the model (there is no setting"),
        ("system", "a" * 5000, "weights of another model ('aaaa"),
        ("classes", [], "expected a name for each, once"),
        ("classes", [""], "expected a name for each, once"),
        ("classes", ["a", "a"], "expected a name for each, once"),
        ("classes", ["a"] * 3, "expected a name for each, once"),
        ("classes", ["a", "b", "c"], "the weights do not fit their own description"),
        ("backbone", "small", "its backbone is 'small', expected none"),
        ("proposals", "magic", "its proposals are 'magic'"),
        ("colours", [[0, 0, 0]], "expected red, green and blue of 0..255 for each of 2 classes"),
        ("colours", [[0, 0, 0], [0, 0, 999]], "expected red, green and blue of 0..255"),
    ):
        content = described(good, [name], value)
        yield Case(WEIGHTS, f"{name} = {str(value)[:30]}", sentence, A, {A: content})
    for name, value, sentence in (
        ("width", 0, "width=0"),
        ("width", -5, "width=-5"),
        ("width", 3, "the weights do not fit their own description"),
        ("width", 10**6, "it would have far more weights than the file holds"),
        ("width", 10**9, "width=1000000000; expected numbers from 1 to 1,000,000"),
        ("depth", 10**5, "it would have far more weights than the file holds"),
        ("depth", 10**18, "expected numbers from 1 to 1,000,000"),
        ("min_size", 5, "expected two positive sizes"),
        ("class_weights", [NAN, 1.0], "its settings/class_weights is [nan, 1.0]"),
        ("class_weights", [-1.0, 1.0], "expected finite numbers from 0 on"),
        ("colour", 3, "there is no setting colour"),
    ):
        content = described(good, ["settings", name], value)
        yield Case(WEIGHTS, f"{name} = {value!r}", sentence, A, {A: content})
    first = "model/layers.0.conv.weight"
    shape = (2, 3, 3, 3)
    with np.load(io.BytesIO(good)) as file:
        assert file[first].shape == shape
    for what, array, sentence in (
        ("NaN", np.full(shape, np.nan, "f4"), "'layers.0.conv.weight' holds NaN, infinity"),
        ("infinity", np.full(shape, np.inf, "f4"), "'layers.0.conv.weight' holds NaN, infinity"),
        ("1e300", np.full(shape, 1e300), "'layers.0.conv.weight' holds NaN, infinity or numbers"),
        ("complex", np.zeros(shape, "c8"), "holds complex64 numbers, expected real ones"),
        ("text", np.zeros(shape, "U3"), "holds <U3 numbers, expected real ones"),
        ("object", np.full(shape, None), "holds something else than numbers or texts"),
        ("date", np.zeros(shape, "M8[s]"), "holds something else than numbers or texts"),
        ("record", np.zeros(shape, [("a", "f4")]), "holds something else than numbers or texts"),
        ("bytes", np.zeros(shape, "S3"), "holds something else than numbers or texts"),
        ("shape", np.zeros((5, 3), "f4"), "mismatched: layers.0.conv.weight is (2, 3, 3, 3)"),
        ("number", np.float32(3), "mismatched: layers.0.conv.weight"),
        ("missing", None, "missing: layers.0.conv.weight"),
    ):
        content = with_array(good, first, array)
        yield Case(WEIGHTS, f"array {what}", sentence, A, {A: content})
    content = with_array(good, "model/extra", np.zeros(3))
    yield Case(WEIGHTS, "array more", "unexpected: extra (3,)", A, {A: content})
    for what, content, sentence in (
        ("empty", b"", "not a readable .npz checkpoint"),
        ("text", b"hello", "not a readable .npz checkpoint"),
        ("cut", good[: len(good) // 2], "not a readable .npz checkpoint"),
        ("zeros", bytes(999), "not a readable .npz checkpoint"),
        ("array", _npy(np.zeros(3)), "a single array, not an .npz file"),
        ("other", _npz({"w": np.zeros(3)}), "its description is missing"),
        ("no JSON", with_array(good, "__description__", np.array("{")), "is no JSON"),
        ("list", with_array(good, "__description__", np.array("[1]")), "its description is [1]"),
        ("null", with_array(good, "__description__", np.array("null")), "its description is None"),
        ("numbers", with_array(good, "__description__", np.zeros((5, 3))), "is no JSON"),
        ("deep", with_array(good, "__description__", np.array("[" * 99_999)), "is no JSON"),
        ("encrypted", _flagged(good, 6, 1), "it is encrypted"),
        ("method 99", _flagged(good, 8, 99), "not a readable .npz checkpoint"),
        ("deflate", _flagged(good, 8, 8), "not a readable .npz checkpoint"),
        ("bzip2", _flagged(good, 8, 12), "not a readable .npz checkpoint"),
        ("lzma", _flagged(good, 8, 14), "not a readable .npz checkpoint"),
        ("shape", good.replace(b"(2, 3, 3, 3)", b"(2, 3, 3, 9)"), "not a readable .npz checkpoint"),
        ("pth", small_sets.torch_zip(), "its description is missing"),
        ("picture", small_sets.picture(), "not a readable .npz checkpoint"),
        ("format 1", described(good, ["format"], 1), "a checkpoint of format 1"),
        ("format 99", described(good, ["format"], 99), "a checkpoint of format 99"),
        ("format None", described(good, ["format"], None), "a checkpoint of format None"),
        ("format text", described(good, ["format"], "2"), "a checkpoint of format '2'"),
        ("format list", described(good, ["format"], [2]), "a checkpoint of format [2]"),
    ):
        yield Case(WEIGHTS, what, sentence, A, {A: content})
    yield Case(WEIGHTS, "missing", "no such file", A, {A: None})
    for table, place in ((TRAININGS, ["training"]), (TERMS, ["training", "terms"])):
        for name, (values, sentence) in table.items():
            for value in values:
                content = described(last, [*place, name], value)
                said = sentence.format(repr(value)[:25])
                title = f"{place[-1]}/{name} {value!r}"
                yield Case(TRAINING, title, said, LAST, {LAST: content})
    for path, value, sentence in (
        (["training"], ..., "holds weights alone, no training to resume"),
        (["training"], 3, "its training is 3, expected an object"),
        (["training"], [], "its training is [], expected an object"),
        (["training", "epoch"], ..., "its training lacks epoch"),
        (["training", "epoch"], -5, "its training/epoch is -5, but training/history has 1"),
        (["training", "epoch"], 0, "its training/epoch is 0, but training/history has 1"),
        (["training", "epoch"], 10**9, "training/history has 1 epochs"),
        (["training", "history"], [], "training/history has 0 epochs"),
        (["training", "history"], [{}], "its training/history[0] is of epoch None, expected 1"),
        (["training", "history", 0, "epoch"], 7, "its training/history[0] is of epoch 7"),
        (["training", "generators"], {}, "cannot resume, its generators are {}"),
        (["training", "generators", "fit"], {}, "cannot resume, its generators are"),
        (["training", "generators", "fit", "state"], 3, "its training/generators/fit is no state"),
        (["training", "generators", "fit", "bit_generator"], "MT19937", "its generators are"),
        (["training", "terms", "recipe", "epochs"], "3", "recipe/epochs is '3', expected a whole"),
        (["training", "terms", "recipe", "lr"], NAN, "recipe/lr is nan, expected a finite number"),
        (["training", "terms", "recipe", "lr"], -1.0, "a recipe of another version"),
        (["training", "terms", "recipe", "more"], 1, "a recipe of another version"),
        (["training", "terms", "settings", "width"], "2", "settings/width is '2', expected a"),
        (["training", "terms", "data", "classes"], "cow", "data/classes is 'cow', expected a"),
        (["training", "terms", "data", "training images"], NAN, "training images is nan"),
    ):
        content = described(last, path, value)
        title = f"{'/'.join(map(str, path))} = {value!r}"
        yield Case(TRAINING, title, sentence, LAST, {LAST: content})
    for name, array, sentence in (
        ("step/steps", None, "cannot resume"),
        ("step/steps", np.zeros((5, 3)), "cannot resume"),
        ("step/steps", np.array(np.nan), "'step/steps' holds NaN"),
        ("step/steps", np.array("x"), "'step/steps' holds <U1 numbers, expected real ones"),
        ("step/optimizer/number_of_parameters", np.array(99), "the saved state is of 99"),
        ("step/optimizer/number_of_parameters", np.zeros(3), "cannot resume"),
        ("step/optimizer/x.y", np.zeros(3), "the unknown entry 'x.y'"),
    ):
        content = with_array(last, name, array)
        title = f"{name} {'missing' if array is None else array.shape} {sentence[:20]}"
        yield Case(TRAINING, title, sentence, LAST, {LAST: content})
    start = Family("backbone", {A: small_sets.checkpoint("faster_rcnn")}, backbone_weights)
    entry = "model/backbone.layers.0.weight"
    for what, array, sentence in (
        ("NaN", np.full((32, 3, 3, 3), np.nan, "f4"), "'layers.0.weight' holds NaN"),
        ("complex", np.zeros((32, 3, 3, 3), "c8"), "'layers.0.weight' holds complex64"),
        ("shape", np.zeros((5, 3), "f4"), "'layers.0.weight' has shape (5, 3), the model needs"),
    ):
        content = with_array(start.files[A], entry, array)
        yield Case(start, what, sentence, A, {A: content})


def _npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _flagged(content: bytes, place: int, value: int) -> bytes:
    """The first member's header with another value, in both directories of the archive."""
    damaged = bytearray(content)
    directory = content.index(b"PK\x01\x02")
    damaged[place], damaged[directory + place + 2] = value, value
    return bytes(damaged)


P = "a.pth"
TORCH = Family("torch", {P: small_sets.torch_zip()}, lambda f: read_torch_file(f / P))


def torch() -> Iterator[Case]:
    """Files of PyTorch, and what calls itself so."""
    good, legacy = TORCH.files[P], small_sets.torch_legacy()
    for what, content, sentence in (
        ("empty", b"", "not a readable PyTorch file"),
        ("text", b"hello", "not a readable PyTorch file"),
        ("zeros", bytes(99), "not a readable PyTorch file"),
        ("cut", good[: len(good) // 2], "not a readable PyTorch file"),
        ("legacy cut", legacy[:-3], "cut short"),
        ("legacy cut early", legacy[:60], "not a readable PyTorch file"),
        ("html", b"<!DOCTYPE html>", "it is a web page (HTML)"),
        ("lfs", b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        ("hdf5", b"\x89HDF\r\n\x1a\n", "it is an HDF5 file (Keras)"),
        ("safetensors", struct.pack("<Q", 2) + b"{}" + bytes(9), "it is a safetensors file"),
        ("npz", WEIGHTS.files[A], "not one that PyTorch wrote"),
        ("encrypted", _flagged(good, 6, 1), "not a readable PyTorch file"),
        ("method", _flagged(good, 8, 99), "not a readable PyTorch file"),
        ("number", _pickle(3), "holds a int, expected a dictionary of tensors"),
        ("list", _pickle([1]), "holds a list, expected a dictionary of tensors"),
        ("value", _pickle({"a": 3}), "entry 'a' is a int, expected a tensor"),
        ("call", _pickle(torch_files.Call("os", "system", "true")), "asks for os.system"),
        ("eval", _pickle(torch_files.Call("builtins", "eval", "1")), "asks for builtins.eval"),
        ("no storage", _pickle({"w": torch_files.tensor("9", np.ones(3, "f4"))}), "not a read"),
        ("stride", _view(0, (40,), (10**6,)), "looks beyond the end of its storage"),
        ("offset", _view(99, (2,), (1,)), "looks beyond the end of its storage"),
        ("negative", _view(-1, (2,), (1,)), "a negative length, offset or stride"),
        ("huge", _view(0, (10**9, 10**3), (0, 0)), "takes far more memory than the file"),
        ("float size", _view(0, (0.5,), (1,)), "a length or an offset is a float"),
    ):
        yield Case(TORCH, what, sentence, P, {P: content})
    yield Case(TORCH, "missing", "no such file", P, {P: None})


def _pickle(state: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("net/data.pkl", torch_files.pickled(state))
    return stream.getvalue()


def _view(offset: Any, size: Any, stride: Any) -> bytes:
    storage = torch_files.Storage("0", np.ones(6, "f4"))
    view = torch_files.Tensor(storage, offset, size, stride)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("net/data.pkl", torch_files.pickled({"w": view}))
        archive.writestr("net/data/0", np.ones(6, "f4").tobytes())
    return stream.getvalue()


def files() -> list[Case]:
    """All of them."""
    return [*pictures(), *masks(), *weights(), *torch()]


__all__ = ["command", "files"]
