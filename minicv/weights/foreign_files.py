"""Files that are taken for weights and are none: each is named, with what to do instead."""

from __future__ import annotations

import re
from pathlib import Path

from minicv.weights.errors import WeightsError

_BEGIN = 512  # bytes of a file that are looked at
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (
        rb"\s*version https://git-lfs",
        "it is a pointer of Git LFS, not the weights: run git lfs pull",
    ),
    (rb"\x89HDF", "it is an HDF5 file (Keras), which is not read; save the weights as .npz"),
    (
        rb"(?:\xef\xbb\xbf)?\s*<",
        "it is a web page (HTML), not weights; a download that failed leaves one: load the file "
        "itself",
    ),
    (
        rb"(?:\xef\xbb\xbf)?\s*\{\s*\"(?:metadata|weight_map)\"",
        "it is the index of weights in several files; give one of the files that it names",
    ),
    (rb"(?:\xef\xbb\xbf)?\s*[{\[]\s*(?:\"|\{|\})", "it is a text (JSON), not weights"),
    (rb"\x1f\x8b", "it is packed with gzip; unpack it first"),
    (rb"BZh[1-9]|\xfd7zXZ\0|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!", "it is packed; unpack it first"),
    (rb"(?s:.{257})ustar", "it is a tar archive; unpack it and give a file in it"),
    (rb"\x93NUMPY", "it is a single array (.npy), without a name"),
    (rb"GGUF|ggml|lmgg", "it is a GGUF file of a language model, which is not read"),
    (rb"(?s:.{4})TFL3", "it is a TensorFlow Lite model, which is not read"),
    (rb"MATLAB 5", "it is a MATLAB file, which is not read; save the arrays as .npz"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF(?s:.{4})WEBP", "it is a picture, not weights"),
    (rb"%PDF", "it is a PDF, not weights"),
    # Protocol buffers have no magic number; the first fields say which message it is.
    (
        rb"\x08\x01\x12",
        "it is a TensorFlow model (SavedModel), which is not read; save the weights as .npz",
    ),
    (
        rb"\x08[\x02-\x1e][\x12\x1a\x22\x28\x32\x3a\x42]",
        "it is an ONNX model, which is not read; save the weights that it was made from",
    ),
    (
        rb"(?s)\n[\x80-\xff]{0,4}[\0-\x7f]\n.{0,120}\x12.(?:Const|Placeholder|VariableV2|NoOp)",
        "it is a TensorFlow graph, which is not read; save the weights as .npz",
    ),
)
_SSTABLE = bytes.fromhex("57fb808b247547db")


def refuse_foreign(path: Path) -> None:
    """Raise if the file's first bytes are those of something else than weights that are read.

    Raises:
        WeightsError: says what it is; without the path.
        OSError: the file cannot be read.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "resnet50.pth"
    >>> _ = file.write_bytes(b"<!DOCTYPE html><title>404</title>")
    >>> refuse_foreign(file)
    Traceback (most recent call last):
        ...
    minicv.weights.errors.WeightsError: it is a web page (HTML), not weights; ...
    """
    with path.open("rb") as file:
        begin = file.read(_BEGIN)
        size = path.stat().st_size
        file.seek(max(0, size - len(_SSTABLE)))
        end = file.read(len(_SSTABLE))
    if looks_like_safetensors(begin):
        return
    for pattern, what in _FOREIGN:
        if re.match(pattern, begin):
            raise WeightsError(what)
    if end == _SSTABLE or re.search(r"\.data-\d{5}-of-\d{5}$", path.name):
        raise WeightsError(
            "it is a part of a TensorFlow checkpoint, which is not read; save the weights as .npz"
        )


def looks_like_safetensors(begin: bytes) -> bool:
    """Whether a file begins as `safetensors` does: with the length of a JSON object, and with it.

    >>> looks_like_safetensors((2).to_bytes(8, "little") + b"{}")
    True
    """
    return begin[8:9] == b"{" and int.from_bytes(begin[:8], "little") < 2**32


def refuse_safetensors(path: Path) -> None:
    """Raise if it is a file of another reader.

    Raises:
        WeightsError: it is; without the path.
    """
    with path.open("rb") as file:
        if looks_like_safetensors(file.read(9)):
            raise WeightsError(
                "it is a safetensors file; minicv.weights.read_weights reads files of every form"
            )


__all__ = ["looks_like_safetensors", "refuse_foreign", "refuse_safetensors"]
