"""Files of weights by their first bytes; what is none is named; damage ends in one error."""

import io
import json
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from torch_files import tensor, write_legacy, write_zip

from minicv.weights import WeightsError, read_torch_file, read_weights, write_safetensors
from minicv.weights.checkpoint import save_checkpoint
from minicv.weights.published.reading import (
    CHECKPOINT,
    NPZ,
    NUMPY_PICKLE,
    SAFETENSORS,
    TORCH_LEGACY,
    TORCH_ZIP,
    form_of,
    read_weights_file,
)

WEIGHT, BIAS = np.arange(6, dtype="f4").reshape(2, 3), np.float32([0.5, -1])


def torch_state():
    return {"w": tensor("0", WEIGHT), "b": tensor("1", BIAS)}, {"0": WEIGHT, "1": BIAS}


def write(path, form):
    """A file with the same two arrays in each form."""
    if form == SAFETENSORS:
        write_safetensors(path, {"w": WEIGHT, "b": BIAS})
    elif form == TORCH_ZIP:
        write_zip(path, *torch_state())
    elif form == TORCH_LEGACY:
        write_legacy(path, *torch_state())
    elif form == NUMPY_PICKLE:
        path.write_bytes(pickle.dumps({"model": {"w": WEIGHT, "b": BIAS}, "__author__": "me"}, 2))
    elif form == NPZ:
        with path.open("wb") as file:
            np.savez_compressed(file, w=WEIGHT, b=BIAS)
    else:
        arrays = {"model/w": WEIGHT, "model/b": BIAS, "step/steps": np.array(3)}
        save_checkpoint(path, arrays, {"system": "x"})


FORMS = [SAFETENSORS, TORCH_ZIP, TORCH_LEGACY, NUMPY_PICKLE, NPZ, CHECKPOINT]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors", "a.npz", "a.pkl", "download"])
def test_the_name_says_nothing(tmp_path, form, name):
    write(tmp_path / name, form)
    assert form_of(tmp_path / name) == form
    found = read_weights_file(tmp_path / name)
    assert found.form == form and dict(found.description) == (
        {"system": "x"} if form == CHECKPOINT else {}
    )
    assert sorted(found.arrays) == ["b", "w"]
    assert found.arrays["w"].tolist() == WEIGHT.tolist()
    assert found.arrays["b"].tolist() == BIAS.tolist()
    assert read_weights(tmp_path / name)["b"].dtype == np.float32


def test_names_with_slashes_of_chainer(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", **{"extractor/base/conv1/conv/W": WEIGHT, "N": 7})
    found = read_weights(tmp_path / "a.npz")
    assert found["extractor/base/conv1/conv/W"].shape == (2, 3)
    assert found["N"].shape == () and found["N"] == 7


def test_an_npz_of_objects_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", w=np.array([None]))  # Chainer writes None so
    with pytest.raises(WeightsError, match="'w' holds something else than numbers"):
        read_weights(tmp_path / "a.npz")


def archive(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for name in names:
            opened.writestr(name, b"x")
    return stream.getvalue()


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as opened:
        opened.addfile(tarfile.TarInfo("a.pth"))
    return stream.getvalue()


GRAPH = b"\n\x1f\n\x05input\x12\x0bPlaceholder*\x09\x0a\x05dtype"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n"
FOREIGN = {
    "empty": (b"", "it is empty (0 bytes)"),
    "page": (b"\n<!DOCTYPE html>\n<html>", "it is a web page (HTML)"),
    "page with a mark": (b"\xef\xbb\xbf<html>", "it is a web page (HTML)"),
    "xml of a bucket": (b"<?xml version='1.0'?><Error>AccessDenied", "it is a web page (HTML)"),
    "json": (b'{"message": "Not Found"}', "it is a text (JSON)"),
    "index": (b'{\n  "metadata": {"total_size": 3},', "the index of weights in several files"),
    "pointer": (LFS, "it is a pointer of Git LFS"),
    "text": (b"not here\n", "it is a text (it begins with 'not here"),
    "onnx": (b"\x08\x08\x12\x07pytorch\x1a\x032.0", "it is an ONNX model"),
    "onnx without a producer": (b"\x08\x0a:\x90\x01\n\x10", "it is an ONNX model"),
    "saved model": (b"\x08\x01\x12\xa4\x05\n\x88\x05", "it is a TensorFlow model (SavedModel)"),
    "graph": (GRAPH, "it is a TensorFlow graph"),
    "lite": (b"\x1c\0\0\0TFL3\0\0", "it is a TensorFlow Lite model"),
    "index of TensorFlow": (b"\0\0\x01" * 9 + bytes.fromhex("57fb808b247547db"), "a TensorFlow"),
    "keras": (b"\x89HDF\r\n\x1a\n\0\0", "it is an HDF5 file (Keras)"),
    "keras 3": (archive("metadata.json", "config.json", "model.weights.h5"), "a Keras file (.ker"),
    "script": (archive("m/data.pkl", "m/code/a.py", "m/constants.pkl"), "a TorchScript archive"),
    "zip": (archive("a.txt"), "a zip archive of 'a.txt'"),
    "empty zip": (archive(), "a zip archive of nothing"),
    "cut zip": (archive("net/data.pkl")[:60], "cut short: it begins as a zip archive"),
    "array": (b"\x93NUMPY\x01\0", "it is a single array (.npy)"),
    "gzip": (b"\x1f\x8b\x08\0", "it is packed with gzip"),
    "tar": (tarred(), "it is a tar archive"),
    "picture": (b"\x89PNG\r\n\x1a\n", "it is a picture"),
    "gguf": (b"GGUF\x03\0\0\0", "it is a GGUF file"),
    "zeros": (bytes(5000), "it begins with nothing but zeros"),
    "protocol 0": (pickle.dumps({"w": 1}, 0), "a pickle of protocol 0 or 1"),
    "protocol 1": (pickle.dumps({"w": 1}, 1), "a pickle of protocol 0 or 1"),
    "protocol 9": (b"\x80\x09abc", "of a form that is not known (it begins with '80 09 61 62 63')"),
    "noise": (b"\xde\xad\xbe\xef" * 9, "(it begins with 'de ad be ef de ad be ef')"),
    "long header": ((2**31).to_bytes(8, "little") + b"{}", "cut short, or no safetensors file"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOREIGN)
def test_what_is_none_is_named(tmp_path, case):
    content, sentence = FOREIGN[case]
    path = tmp_path / "resnet50.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        read_weights(path)
    assert sentence in str(caught.value) and str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    with pytest.raises(WeightsError):
        read_torch_file(path)


def test_missing_folders_and_parts(tmp_path):
    with pytest.raises(WeightsError, match="none: no such file"):
        read_weights(tmp_path / "none")
    with pytest.raises(WeightsError, match="a folder, expected a file"):
        read_weights(tmp_path)
    (tmp_path / "model.ckpt.data-00000-of-00001").write_bytes(b"\xbf\x01\x02\x03" * 9)
    with pytest.raises(WeightsError, match="a part of a TensorFlow checkpoint"):
        read_weights(tmp_path / "model.ckpt.data-00000-of-00001")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("form", FORMS)
def test_cuts_end_in_a_weights_error(tmp_path, form):
    path = tmp_path / "a"
    write(path, form)
    content = path.read_bytes()
    step = 3 if form in (CHECKPOINT, TORCH_ZIP) else 1  # they are long
    for end in range(0, len(content), step):
        path.write_bytes(content[:end])
        with pytest.raises(WeightsError, match="a: "):
            read_weights(path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of escapes in a text of a pickle
@pytest.mark.parametrize("form", FORMS)
def test_other_bytes_are_read_or_end_in_a_weights_error(tmp_path, form):
    path = tmp_path / "a"
    write(path, form)
    content, rng, read = path.read_bytes(), np.random.default_rng(0), 0
    step = 3 if form in (CHECKPOINT, TORCH_ZIP) else 1
    for place in range(0, len(content), step):
        damaged = bytearray(content)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            for array in read_weights(path).values():
                array.sum() if array.dtype.kind != "U" else None
            read += 1
        except WeightsError as error:
            assert str(path) in str(error) and len(str(error)) < 700
    assert 0 < read < len(content)


def test_headers_that_look_like_numbers(tmp_path):
    """The length of a header may begin with any byte, also with that of a page, '<'."""
    text = json.dumps({"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).ljust(60)
    (tmp_path / "a").write_bytes(struct.pack("<Q", 60) + text.encode() + b"x")
    assert (tmp_path / "a").read_bytes()[:1] == b"<"
    assert read_weights(tmp_path / "a")["w"].tolist() == [120]
