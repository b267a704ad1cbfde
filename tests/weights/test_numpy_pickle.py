"""Pickles of arrays: those of Python 2 and of NumPy today; hostile ones call nothing."""

import collections
import pickle
import tracemalloc

import numpy as np
import pytest
from numpy_pickles import Text, dumped, old_array
from torch_files import Call, Global

from minicv.weights import WeightsError
from minicv.weights.numpy_pickle import read_numpy_pickle

ARRAYS = {
    "f4": np.arange(6, dtype="f4").reshape(2, 3), "f8": np.array([0.1, -np.inf]),
    "f2": np.float16([1.5]), "i8": np.array([[2**40]]), "u1": np.uint8([0, 128, 255]),
    "flags": np.array([True, False]), "number": np.array(2.5), "empty": np.zeros((0, 3), "f4"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "large": np.ones((300, 300), "f4"),
    "big": np.arange(3, dtype=">i4"), "scalar": np.float32(0.5), "every": np.arange(8)[::-2],
}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def read(content):
        (tmp_path / "a.pkl").write_bytes(content)
        return read_numpy_pickle(tmp_path / "a.pkl")

    return read


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("wrapper", ["", "model", "blobs"])
def test_numpys_own_pickles(read, protocol, wrapper):
    beside = {
        "__author__": "somebody",
        "cfg": "a: 1\n",
        "iteration": 3,
        "matching_heuristics": True,
    }
    found = read(pickle.dumps({wrapper: ARRAYS, **beside} if wrapper else ARRAYS, protocol))
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].shape == array.shape and found[name].tolist() == array.tolist()
        assert found[name].dtype == array.dtype.newbyteorder("=") and found[name].dtype.isnative
    found["f4"][0, 0] = 7  # an array of one's own


def test_pickles_of_python_2(read):
    blobs = {
        Text(b"conv1_w"): old_array(np.arange(200, dtype="f4")),  # bytes above 127 too
        "unicode": old_array(np.float64([[0.1, -2]]), ">"),
        Text(b"conv1_w_momentum"): old_array(np.ones(3, "f4")),
        Text(b"new"): old_array(np.int64([-1, 7]), core="_core"),
    }
    found = read(dumped({Text(b"blobs"): blobs, Text(b"cfg"): Text(b"MODEL: {}\n")}))
    assert list(found) == ["conv1_w", "unicode", "new"]
    assert found["conv1_w"].tolist() == list(range(200))
    assert found["unicode"].tolist() == [[0.1, -2]] and found["new"].tolist() == [-1, 7]


def test_ordered_dictionaries(read):
    ordered = collections.OrderedDict([("b", np.ones(1)), ("a", np.zeros(1))])
    assert list(read(pickle.dumps(ordered, 2))) == ["b", "a"]


ONE = np.ones(2, "f4")
SIX = old_array(np.arange(6, dtype="f4").reshape(2, 3))
HOSTILE = {
    "system": (Call("os", "system", "true"), "refused: the file asks for os.system"),
    "eval": ({"w": Call("builtins", "eval", "1")}, "refused: the file asks for builtins.eval"),
    "load": (Call("numpy", "load", "/etc/passwd"), "refused: the file asks for numpy.load"),
    "memmap": (Call("numpy", "memmap", "/etc/passwd"), "refused: the file asks for numpy.memmap"),
    "fromfile": (Call("numpy._core.multiarray", "fromfile", "x"), "asks for numpy._core.multiarr"),
    "tensor": (Call("torch._utils", "_rebuild_tensor_v2"), "it holds PyTorch's tensors"),
    "list": ([1], "holds a list, expected a dictionary of arrays"),
    "text": ({"w": "x"}, "entry 'w' is a str, expected an array"),
    "more bytes": ({"w": old_array(ONE, shape=(1,))}, "is said to be float32 (1,), but the"),
    "fewer bytes": ({"w": old_array(ONE, shape=(10**9, 10**9))}, "the file holds 8 bytes of it"),
    "negative": ({"w": old_array(ONE, shape=(-1, -2))}, "but the file holds 8 bytes of it"),
    "not whole": ({"w": old_array(ONE, shape=(2.0,))}, "a length or an offset is a float"),
    "2^70": ({"w": old_array(ONE, shape=(2**70,))}, "a length or an offset is a int, or out of"),
    "no tuple": ({"w": old_array(ONE, shape=[2])}, "not a readable pickle of arrays"),
    "40 axes": ({"w": old_array(ONE, shape=(1,) * 40)}, "not a readable pickle of arrays"),
    "objects": ({"w": np.array([None, 1])}, "'w' holds something else than numbers (dtype 'O8')"),
    "texts": ({"w": np.array(["ab"])}, "'w' holds something else than numbers (dtype 'U2')"),
    "dates": ({"w": np.zeros(2, "M8[s]")}, "something else than numbers (dtype 'M8')"),
    "records": ({"w": np.zeros(2, [("a", "f4")])}, "something else than numbers (dtype 'V4')"),
    "a number for bytes": ({"w": old_array(ONE, content=3)}, "not a readable pickle of arrays"),
    "a wide character": ({"w": old_array(ONE, content="\u2603" * 8)}, "not a readable pickle"),
    "nothing said": ({"w": Call("numpy.core.multiarray", "_reconstruct")}, "nothing is said"),
    "short state": ({"w": old_array(ONE, state=(1, (2,)))}, "not a readable pickle of arrays"),
    "a state twice": ({"w": old_array(ONE, state={"__class__": 1})}, "not a readable pickle"),
    "odd dtype": ({"w": old_array(np.zeros(3, "V3"))}, "else than numbers (dtype 'V3')"),
    "named by a number": ({3: ONE}, "entry 3: expected names, not int"),
    "written into": (Call("numpy", "ndarray", state={"a": 1}), "holds a PassedOver, expected"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_pickles(read, case):
    value, sentence = HOSTILE[case]
    with pytest.raises(WeightsError) as caught:
        read(dumped(value))
    assert sentence in str(caught.value) and "a.pkl: " in str(caught.value)
    assert len(str(caught.value)) < 500


class Evil:
    """Would write a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(2, 6))
def test_nothing_is_called(read, tmp_path, protocol):
    with pytest.raises(WeightsError, match=r"refused: the file asks for (_io|io)\.open"):
        read(pickle.dumps({"w": ONE, "x": Evil(tmp_path / "made")}, protocol))
    assert not (tmp_path / "made").exists()


def test_buffers_beside_the_pickle_are_refused(read):
    buffers = []
    content = pickle.dumps({"w": np.ones(9)}, 5, buffer_callback=buffers.append)
    with pytest.raises(WeightsError, match="the operation NEXT_BUFFER"):
        read(content)


def test_arrays_of_the_same_bytes_may_not_take_far_more_than_the_file(read):
    array = np.zeros(10**6, "f4")
    content = pickle.dumps({f"w{number}": array for number in range(200)}, 4)
    assert len(content) < 4_100_000
    tracemalloc.start()
    with pytest.raises(WeightsError, match="take far more memory than the file"):
        read(content)
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()
    assert len(read(pickle.dumps({"a": array, "b": array}, 4))) == 2


def test_a_length_that_is_claimed_takes_no_memory(read):
    tracemalloc.start()
    for content in (b"\x80\x04\x8e" + (2**60).to_bytes(8, "little"), b"\x80\x02T\xff\xff\xff\x7f"):
        with pytest.raises(WeightsError, match=r"claims|cut short"):
            read(content + b"abc")
    assert tracemalloc.get_traced_memory()[1] < 300_000
    tracemalloc.stop()


def test_missing_and_foreign(read, tmp_path):
    with pytest.raises(WeightsError, match="none: no such file"):
        read_numpy_pickle(tmp_path / "none")
    with pytest.raises(WeightsError, match=r"a web page \(HTML\)"):
        read(b"<html>")
    with pytest.raises(WeightsError, match="holds a"):
        read(pickle.dumps(Global("numpy", "ndarray").module, 2))
