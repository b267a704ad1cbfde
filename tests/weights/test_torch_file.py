"""The reader of PyTorch files: what it reads, and above all what it refuses."""

import collections
import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from minicv.weights import WeightsError, read_torch_file
from minicv.weights.torch_file import _MAGIC_NUMBER


class _Global:
    """Pickles as the bare name module.name, without needing that module."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class _Storage:
    def __init__(self, key, array):
        self.key, self.array = key, array


class _Tensor:
    def __init__(self, storage, offset, size, stride):
        self.arguments = (storage, offset, size, stride)


class _Pickler(pickle._Pickler):
    """Writes tensors as PyTorch does, without PyTorch."""

    def persistent_id(self, obj):
        if isinstance(obj, _Storage):
            kind = {"f4": "FloatStorage", "i8": "LongStorage"}[obj.array.dtype.str[1:]]
            return ("storage", _Global("torch", kind), obj.key, "cpu", obj.array.size, None)
        return None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, _Global):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
            return
        if isinstance(obj, _Tensor):
            self.save(_Global("torch._utils", "_rebuild_tensor_v2"))
            self.save((*obj.arguments, False, collections.OrderedDict()))
            self.write(pickle.REDUCE)
            return
        super().save(obj, save_persistent_id)


def _pickled(obj):
    buffer = io.BytesIO()
    _Pickler(buffer, 2).dump(obj)
    return buffer.getvalue()


def _tensor(key, array):
    strides = tuple(s // array.itemsize for s in array.strides)
    return _Tensor(_Storage(key, array.ravel(order="K")), 0, array.shape, strides)


def _write_legacy(path, state, storages):
    parts = [pickle.dumps(_MAGIC_NUMBER, 2), pickle.dumps(1001, 2), pickle.dumps({}, 2)]
    parts += [_pickled(state), pickle.dumps(sorted(storages), 2)]
    for key in sorted(storages):
        array = storages[key]
        parts += [struct.pack("<q", array.size), array.tobytes()]
    path.write_bytes(b"".join(parts))


def _write_zip(path, state, storages):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", _pickled(state))
        for key, array in storages.items():
            archive.writestr(f"net/data/{key}", array.tobytes())


@pytest.fixture(params=[_write_legacy, _write_zip], ids=["legacy", "zip"])
def write(request):
    return request.param


def test_reads_tensors_of_both_layouts(tmp_path, write):
    weight = np.arange(6, dtype="f4").reshape(2, 3)
    count = np.array([7], dtype="i8")
    state = collections.OrderedDict(weight=_tensor("a", weight), count=_tensor("b", count))
    write(tmp_path / "x.pth", state, {"a": weight, "b": count})
    read = read_torch_file(tmp_path / "x.pth")
    assert list(read) == ["weight", "count"]
    np.testing.assert_array_equal(read["weight"], weight)
    assert read["weight"].dtype == np.float32 and read["count"].tolist() == [7]
    read["weight"][0, 0] = 5.0  # a copy of one's own


def test_reads_transposed_and_offset_views(tmp_path, write):
    numbers = np.arange(7, dtype="f4")
    state = {"t": _Tensor(_Storage("a", numbers), 1, (3, 2), (1, 3))}
    write(tmp_path / "x.pth", state, {"a": numbers})
    expected = numbers[1:].reshape(2, 3).T
    np.testing.assert_array_equal(read_torch_file(tmp_path / "x.pth")["t"], expected)


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("builtins", "eval"), ("numpy", "fromfile")]
)
def test_malicious_pickle_is_refused_before_it_runs(tmp_path, write, module, name):
    trap = tmp_path / "trap"

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    write(tmp_path / "x.pth", {"w": Hostile()}, {})
    with pytest.raises(WeightsError, match=r"x\.pth: refused: the file asks for .*mkdir"):
        read_torch_file(tmp_path / "x.pth")
    assert not trap.exists()
    write(tmp_path / "y.pth", {"w": _Global(module, name)}, {})
    with pytest.raises(WeightsError, match=f"refused: the file asks for {module}.{name}"):
        read_torch_file(tmp_path / "y.pth")


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (4, 4), (4, 1)),
        (3, (4,), (1,)),
        (-1, (2,), (1,)),
        (0, (2, 10**9), (0, 0)),
        (0, (2,), (9,)),
    ],
)
def test_views_beyond_their_storage_are_refused(tmp_path, write, offset, size, stride):
    numbers = np.arange(6, dtype="f4")
    write(
        tmp_path / "x.pth",
        {"w": _Tensor(_Storage("a", numbers), offset, size, stride)},
        {"a": numbers},
    )
    with pytest.raises(WeightsError, match="'w'"):
        read_torch_file(tmp_path / "x.pth")


def test_truncated_and_foreign_files_end_in_one_sentence(tmp_path, write):
    weight = np.arange(600, dtype="f4")
    write(tmp_path / "x.pth", {"w": _tensor("a", weight)}, {"a": weight})
    whole = (tmp_path / "x.pth").read_bytes()
    for keep in (0, 1, 10, len(whole) // 2, len(whole) - 9):
        (tmp_path / "cut.pth").write_bytes(whole[:keep])
        with pytest.raises(WeightsError, match=r"cut\.pth: "):
            read_torch_file(tmp_path / "cut.pth")
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(WeightsError, match=r"text\.pth: "):
        read_torch_file(tmp_path / "text.pth")


def test_not_a_state_dict(tmp_path, write):
    write(tmp_path / "list.pth", [1, 2], {})
    with pytest.raises(WeightsError, match="holds a list, expected a dictionary"):
        read_torch_file(tmp_path / "list.pth")
    write(tmp_path / "training.pth", {"epoch": 3}, {})
    with pytest.raises(WeightsError, match="'epoch' is a int, expected a tensor"):
        read_torch_file(tmp_path / "training.pth")
    with pytest.raises(WeightsError, match="no such file"):
        read_torch_file(tmp_path / "absent.pth")


def test_zip_without_pickle(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("readme", "nothing")
    with pytest.raises(WeightsError, match="not one that PyTorch wrote"):
        read_torch_file(tmp_path / "x.pth")
