"""Bad checkpoints, trainings and files of PyTorch."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy_pickles
import torch_files
from hardening import small_sets
from hardening.bad_inputs import Case, Family, command
from hardening.targets import backbone_weights, load_and_predict, resume

from minicv.weights import read_torch_file

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
        (["training", "terms", "backbone"], ..., "its training/terms lacks backbone"),
        (["training", "terms", "seed"], ..., "its training/terms lacks seed"),
        (["training", "terms", "recipe", "epochs"], ..., "its training/terms/recipe lacks epochs"),
        (["training", "terms", "data", "source"], ..., "its training/terms/data lacks source"),
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


W = "a.weights"
PUBLISHED = Family("published", {W: small_sets.safetensors()}, command("weights", f"{{}}/{W}"))


def published() -> Iterator[Case]:
    """What is given to `minicv weights`."""
    good, pickled = PUBLISHED.files[W], small_sets.pickle_of_arrays()
    one = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    evil = torch_files.Call("os", "system", "true")
    for what, content, sentence in (
        ("empty", b"", "it is empty (0 bytes)"),
        ("page", b"<!DOCTYPE html><title>404", "it is a web page (HTML)"),
        ("json", b'{"message": "Not Found"}', "it is a text (JSON)"),
        ("pointer", b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        ("text", b"hello", "it is a text (it begins with 'hello')"),
        ("zeros", bytes(99), "nothing but zeros"),
        ("picture", small_sets.picture(), "it is a picture"),
        ("onnx", b"\x08\x08\x12\x07pytorch", "it is an ONNX model"),
        ("tensorflow", b"\x08\x01\x12\xa4\x05", "it is a TensorFlow model"),
        ("keras", b"\x89HDF\r\n\x1a\n", "it is an HDF5 file (Keras)"),
        ("gzip", b"\x1f\x8b\x08", "it is packed with gzip"),
        ("noise", b"\xde\xad\xbe\xef" * 9, "of a form that is not known"),
        ("cut zip", small_sets.torch_zip()[:300], "cut short: it begins as a zip archive"),
        ("cut legacy", small_sets.torch_legacy()[:-3], "cut short"),
        ("cut safetensors", good[:-3], "cut short: it has"),
        ("cut header", good[:30], "its header is said to have"),
        ("cut pickle", pickled[:-30], "not a readable pickle of arrays, or cut short"),
        ("longer", good + b"x", "1 bytes at its end belong to no entry"),
        ("huge header", (2**31).to_bytes(8, "little") + b"{}", "its header is said to have"),
        ("hole", _safetensors({"w": {**one, "data_offsets": [8, 16]}}, 16), "leaves a hole"),
        ("overlap", _safetensors({"w": one, "v": one}, 8), "overlaps"),
        ("shape", _safetensors({"w": {**one, "shape": [3]}}, 8), "takes 12 bytes"),
        ("huge shape", _safetensors({"w": {**one, "shape": [2**62] * 9}}, 8), "takes"),
        ("dtype", _safetensors({"w": {**one, "dtype": "F8"}}, 8), "has dtype 'F8'"),
        ("no entry", _safetensors({"w": 3}, 8), "entry 'w' is 3, expected dtype, shape and"),
        ("metadata", _safetensors({"__metadata__": [1]}, 0), "__metadata__ is no object of texts"),
        ("twice", struct.pack("<Q", 17) + b'{"a": 1, "a": 1} ', "names 'a' twice"),
        ("deep", struct.pack("<Q", 90_005) + b'{"a":' + b"[" * 90_000, "its header is no JSON"),
        ("pickle that calls", numpy_pickles.dumped(evil), "refused: the file asks for os.system"),
        ("pickle of a list", numpy_pickles.dumped([1]), "expected a dictionary of arrays"),
        ("pickle of a text", numpy_pickles.dumped({"w": "x"}), "expected an array"),
        ("pickle of texts", numpy_pickles.dumped({"w": np.array(["x"])}), "else than numbers"),
        ("pickle of objects", numpy_pickles.dumped({"w": np.array([None])}), "else than numbers"),
        ("protocol 0", b"(dp0\nS'w'\np1\nI1\ns.", "a pickle of protocol 0 or 1"),
        ("npz of objects", _npz({"w": np.array([None])}), "something else than numbers"),
    ):
        yield Case(PUBLISHED, what, sentence, W, {W: content})
    shape = numpy_pickles.old_array(np.ones(2, "f4"), shape=(10**9, 10**9))
    content = numpy_pickles.dumped({"w": shape})
    yield Case(PUBLISHED, "pickle of a huge shape", "holds 8 bytes of it", W, {W: content})
    yield Case(PUBLISHED, "missing", "no such file", W, {W: None})


def _safetensors(header: Any, size: int) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


def files() -> list[Case]:
    """All of them."""
    return [*weights(), *torch(), *published()]
