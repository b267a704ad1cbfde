"""Reads a file of weights of any form that is read; its first bytes say which, not its name."""

from __future__ import annotations

import codecs
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minicv.weights.checkpoint import load_checkpoint
from minicv.weights.errors import DAMAGE, WeightsError
from minicv.weights.foreign_files import looks_like_safetensors, refuse_foreign
from minicv.weights.npz_file import read_npz
from minicv.weights.numpy_pickle import read_numpy_pickle
from minicv.weights.safetensors_file import read_safetensors
from minicv.weights.torch_file import read_torch_file

# The number with which PyTorch's files before 1.6 begin, as a pickle writes it.
_TORCH_NUMBER = bytes.fromhex("8a0a6cfc9c46f9206aa85019")
_OWN = "model/"  # before the names in a checkpoint of minicv train
_FORMS = "PyTorch's .pth, .safetensors, a .pkl of arrays, or .npz"

SAFETENSORS = "safetensors"
TORCH_ZIP = "PyTorch (zip)"
TORCH_LEGACY = "PyTorch (before 1.6)"
NUMPY_PICKLE = "pickle of NumPy arrays"
NPZ = "NumPy .npz"
CHECKPOINT = "checkpoint of minicv train"


class WeightsFile(NamedTuple):
    """What is in a file of weights.

    Attributes:
        form: `SAFETENSORS`, `TORCH_ZIP`, `TORCH_LEGACY`, `NUMPY_PICKLE`, `NPZ` or `CHECKPOINT`.
        arrays: by name. Of a checkpoint those of the model, as in its state_dict.
        description: of a checkpoint, see `minicv.weights.load_checkpoint`; else empty.
    """

    form: str
    arrays: dict[str, np.ndarray]
    description: Mapping[str, Any]


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays by name in a file of weights; PyTorch is not needed, and nothing is executed.

    Read are ``.pth`` of PyTorch (`minicv.weights.read_torch_file`), ``.safetensors``, ``.pkl`` of
    detectron2 and Caffe2, ``.npz`` of chainercv, and checkpoints of minicv train, of which the
    arrays of the model are taken. The file may have any name.

    Raises:
        WeightsError: there is no such file, it is damaged or cut short, or it is something else,
            such as a web page in the place of a file, an ONNX model or a Keras file; says which.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "weights"
    >>> with file.open("wb") as opened:
    ...     np.savez(opened, **{"conv1/W": np.ones((2, 3))})
    >>> list(read_weights(file))
    ['conv1/W']
    """
    return read_weights_file(path).arrays


def read_weights_file(path: str | Path) -> WeightsFile:
    """As `read_weights`, with the form of the file and, of a checkpoint, its description."""
    path = Path(path)
    form = form_of(path)
    if form == CHECKPOINT:
        arrays, description = load_checkpoint(path)
        start = len(_OWN)
        own = {name[start:]: array for name, array in arrays.items() if name.startswith(_OWN)}
        return WeightsFile(form, own, description)
    readers = {SAFETENSORS: read_safetensors, NUMPY_PICKLE: read_numpy_pickle, NPZ: read_npz}
    return WeightsFile(form, readers.get(form, read_torch_file)(path), {})


def form_of(path: str | Path) -> str:
    """The form of a file of weights, see `WeightsFile`.

    Raises:
        WeightsError: there is no such file, or it is none that is read; says what it is.
    """
    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path}: a folder, expected a file of weights")
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        refuse_foreign(path)
        return _form(path)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(f"{path}: cannot be read ({reason:.200})") from None


def _form(path: Path) -> str:
    with path.open("rb") as file:
        begin = file.read(4096)
    if not begin:
        raise WeightsError("it is empty (0 bytes); load it again")
    if looks_like_safetensors(begin):
        return SAFETENSORS
    if begin.startswith(b"PK"):
        return _form_of_archive(path)
    if begin[:1] == b"\x80" and begin[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return TORCH_LEGACY if _TORCH_NUMBER in begin[:32] else NUMPY_PICKLE
    if begin.startswith((b"}q", b"ccopy_reg", b"(dp", b"ccollections")):
        raise WeightsError(
            "it is a pickle of protocol 0 or 1, which is not read; load it in Python and write it "
            "with pickle.dump(..., protocol=2)"
        )
    if not any(begin):
        raise WeightsError("it begins with nothing but zeros, as a transfer that was cut; load it "
                           "again")  # fmt: skip
    shown = begin[:16].decode("utf-8", "replace") if _is_text(begin) else begin[:8].hex(" ")
    kind = "a text" if _is_text(begin) else "of a form that is not known"
    raise WeightsError(f"it is {kind} (it begins with {shown!r}); expected {_FORMS}")


def _form_of_archive(path: Path) -> str:
    if not zipfile.is_zipfile(path):
        raise WeightsError(
            "cut short: it begins as a zip archive, but the directory at its end is missing; load "
            "it again"
        )
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    inner = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
        raise WeightsError(
            "it is a TorchScript archive; save torch.jit.load(file).state_dict() with torch.save "
            "instead"
        )
    if "data.pkl" in inner or "data.pkl" in names:
        return TORCH_ZIP
    if "__description__.npy" in names:
        return CHECKPOINT
    if any(name.endswith(".npy") for name in names):
        return NPZ
    if "model.weights.h5" in names:
        raise WeightsError("it is a Keras file (.keras), which is not read; save the weights as "
                           ".npz")  # fmt: skip
    some = ", ".join(f"{name!r:.40}" for name in names[:3]) or "nothing"
    raise WeightsError(f"a zip archive of {some}, of a form that is not known; expected {_FORMS}")


def _is_text(begin: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(begin)  # which may end anywhere
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


__all__ = [
    "CHECKPOINT",
    "NPZ",
    "NUMPY_PICKLE",
    "SAFETENSORS",
    "TORCH_LEGACY",
    "TORCH_ZIP",
    "WeightsFile",
    "form_of",
    "read_weights",
    "read_weights_file",
]
