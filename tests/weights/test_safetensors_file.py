"""Safetensors: what is written and read, byte by byte, and headers that lie."""

import json
import tracemalloc

import numpy as np
import pytest

from minicv.weights import WeightsError, read_safetensors, write_safetensors
from minicv.weights.safetensors_file import read_safetensors_metadata


def content(header, numbers=b""):
    """A file of a header, which is a text or JSON-able."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def entry(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


@pytest.fixture
def read(tmp_path):
    def read(*parts):
        (tmp_path / "a.safetensors").write_bytes(content(*parts))
        return read_safetensors(tmp_path / "a.safetensors")

    return read


def test_a_file_written_by_hand(read):
    numbers = np.array([1, 2.5], "<f4").tobytes() + b"\x01\x00"
    found = read({"w": entry(), "flags": entry("BOOL", (1, 2), (8, 10))}, numbers)
    assert list(found) == ["w", "flags"]
    assert found["w"].tolist() == [1, 2.5] and found["w"].dtype == np.float32
    assert found["flags"].tolist() == [[True, False]] and found["flags"].dtype == np.bool_
    found["w"][0] = 3  # an array of one's own


def test_bfloat16_is_the_upper_half_of_float32(read):
    # 1.0 is 3f80, -2.5 is c020, 2^-126 is 0080
    found = read({"w": entry("BF16", (3,), (0, 6))}, bytes.fromhex("803f20c08000"))["w"]
    assert found.dtype == np.float32 and found.tolist() == [1.0, -2.5, 2.0**-126]


DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U8": "u1", "U16": "u2", "U32": "u4", "U64": "u8", "BOOL": "?",
}  # fmt: skip


@pytest.mark.parametrize(("name", "code"), DTYPES.items())
def test_every_dtype_comes_back(tmp_path, name, code):
    array = np.arange(6).reshape(2, 3).astype(code)
    write_safetensors(tmp_path / "a", {"w": array})
    header = (tmp_path / "a").read_bytes()[8:]
    assert header.startswith(f'{{"w":{{"dtype":"{name}","shape":[2,3]'.encode())
    found = read_safetensors(tmp_path / "a")["w"]
    assert found.dtype == array.dtype and found.tolist() == array.tolist()


def test_the_bytes_are_those_of_the_format(tmp_path):
    """Wide numbers first, then by name; the header filled up with spaces to eight bytes."""
    arrays = {"b": np.float32([3]), "a": np.float32([1, 2]), "n": np.int64(7), "f": np.bool_([1])}
    write_safetensors(tmp_path / "a", arrays, {"format": "pt"})
    header = (
        b'{"__metadata__":{"format":"pt"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},'
        b'"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},'
        b'"b":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},'
        b'"f":{"dtype":"BOOL","shape":[1],"data_offsets":[20,21]}}'
    )
    header += b" " * (-len(header) % 8)
    numbers = np.int64(7).tobytes() + np.float32([1, 2, 3]).tobytes() + b"\x01"
    assert (tmp_path / "a").read_bytes() == content(header, numbers)
    write_safetensors(tmp_path / "b", dict(reversed(arrays.items())), {"format": "pt"})
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    assert read_safetensors_metadata(tmp_path / "a") == {"format": "pt"}
    assert read_safetensors(tmp_path / "a")["n"].shape == ()


def test_layouts_and_byte_orders_are_written_as_the_format_wants_them(tmp_path):
    array = np.arange(12, dtype="f4").reshape(3, 4)
    arrays = {
        "t": array.T, "big": array.astype(">f4"), "every": array[::2, ::-1],
        "none": np.zeros((0, 3), "f4"), "\u00fcml\u00e4ut/\u96ea": array,
    }  # fmt: skip
    write_safetensors(tmp_path / "a", arrays)
    found = read_safetensors(tmp_path / "a")
    assert set(found) == set(arrays)
    for name, wanted in arrays.items():
        assert found[name].shape == wanted.shape and found[name].tolist() == wanted.tolist()
        assert found[name].dtype == np.float32 and found[name].dtype.isnative


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"w": np.zeros(2, "c8")}, "'w' has dtype complex64"),
        ({"w": np.array(["x"])}, "'w' has dtype <U1"),
        ({"w": np.array([None])}, "'w' has dtype object"),
        ({"w": np.zeros(2, "M8[s]")}, "'w' has dtype datetime64"),
        ({"__metadata__": np.zeros(2)}, "'__metadata__' cannot be the name"),
        ({"\ud800": np.zeros(2)}, "is no Unicode"),
    ],
)
def test_what_cannot_be_written(tmp_path, arrays, sentence):
    with pytest.raises(ValueError, match=sentence):
        write_safetensors(tmp_path / "a", arrays)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"file/a: the weights could not be written"):
        write_safetensors(tmp_path / "file" / "a", {"w": np.zeros(2)})


ONE = entry()
TWICE = b'{"a": 1, "a": 1}'
HOSTILE = {
    "hole at the beginning": ({"a": entry(offsets=(8, 16))}, bytes(16), "'a' at 8 leaves a hole"),
    "hole": ({"a": ONE, "b": entry(offsets=(9, 17))}, bytes(17), "leaves a hole after 'a'"),
    "overlap": ({"a": ONE, "b": entry(offsets=(4, 12))}, bytes(12), "'b' at 4 overlaps 'a'"),
    "same place": ({"a": ONE, "b": ONE}, bytes(8), "overlaps"),
    "bytes left": ({"a": ONE}, bytes(9), "1 bytes at its end belong to no entry"),
    "cut": ({"a": ONE}, bytes(7), "cut short: it has 7 of 8 bytes"),
    "larger shape": ({"a": entry(shape=(3,))}, bytes(8), "takes 12 bytes, and its data"),
    "huge shape": ({"a": entry(shape=(2**62, 2**62))}, bytes(8), "takes"),
    "no int64": ({"a": entry(shape=(2**63, 0))}, b"", "expected up to 32 lengths"),
    "negative shape": ({"a": entry(shape=(-2, -1))}, bytes(8), "has shape"),
    "real shape": ({"a": entry(shape=(2.0,))}, bytes(8), "has shape"),
    "true shape": ({"a": entry(shape=(True, 2))}, bytes(8), "has shape"),
    "shape of 40": ({"a": entry(shape=(1,) * 40)}, bytes(4), "has shape"),
    "text shape": ({"a": {**ONE, "shape": "22"}}, bytes(8), "has shape '22'"),
    "backwards": ({"a": entry(offsets=(8, 0))}, bytes(8), "has data_offsets [8, 0]"),
    "negative": ({"a": entry(offsets=(-8, 0))}, bytes(8), "has data_offsets [-8, 0]"),
    "three offsets": ({"a": entry(offsets=(0, 8, 9))}, bytes(8), "has data_offsets"),
    "other dtype": ({"a": entry("F8_E4M3", (8,))}, bytes(8), "has dtype 'F8_E4M3'"),
    "no dtype": ({"a": entry(None)}, bytes(8), "has dtype None"),
    "list for dtype": ({"a": entry(["F32"])}, bytes(8), "has dtype ['F32']"),
    "no entry": ({"a": 3}, bytes(8), "entry 'a' is 3, expected dtype, shape and data_offsets"),
    "no offsets": ({"a": {"dtype": "F32", "shape": [2]}}, bytes(8), "expected dtype, shape and"),
    "metadata": ({"__metadata__": {"a": 3}}, b"", "__metadata__ is no object of texts"),
    "metadata list": ({"__metadata__": []}, b"", "__metadata__ is no object of texts"),
    "half character": (b'{"\\ud800": 3}', b"", "is no Unicode"),
    "twice": (TWICE, b"", "names 'a' twice"),
    "twice inside": (b'{"a": {"dtype": "F32", "dtype": "F32"}}', b"", "names 'dtype' twice"),
    "list": (b"[1]", b"", "its header is no JSON object"),
    "spaces first": (b" {}", b"", "its header is no JSON object"),
    "no JSON": (b"{,}", b"", "its header is no JSON ("),
    "no UTF-8": (b'{"\xff": 1}', b"", "its header is no JSON ("),
    "NaN": (b'{"a": NaN}', b"", "NaN, which is no JSON"),
    "deep": (b'{"a":' + b"[" * 100_000, b"", "its header is no JSON ("),
    "long number": (b'{"a": ' + b"9" * 5000 + b"}", b"", "a number of 5,000 digits"),
    "long name": ({"a" * 20_000: ONE}, bytes(8), "a name of 20,000 characters"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_headers(read, case):
    header, numbers, sentence = HOSTILE[case]
    with pytest.raises(WeightsError) as caught:
        read(header, numbers)
    assert sentence in str(caught.value) and "a.safetensors: " in str(caught.value)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize("length", [0, 1, 2**20, 2**40, 2**64 - 1])
def test_a_header_that_is_longer_than_the_file_is_not_read(tmp_path, length):
    (tmp_path / "a").write_bytes(length.to_bytes(8, "little") + b"{}")
    tracemalloc.start()
    with pytest.raises(WeightsError, match=r"cut short|no JSON|no safetensors"):
        read_safetensors(tmp_path / "a")
    assert tracemalloc.get_traced_memory()[1] < 200_000
    tracemalloc.stop()


def test_what_more_a_header_may_say(read):
    assert read(b"{}") == {}
    assert list(
        read(b'{"a": {"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}}  ', b"x")
    ) == ["a"]
    empty = {
        "a": entry(shape=(0, 5), offsets=(0, 0)),
        "b": ONE,
        "c": entry(shape=(0,), offsets=(8, 8)),
    }
    assert read(empty, bytes(8))["a"].shape == (0, 5)


def test_missing(tmp_path):
    with pytest.raises(WeightsError, match="none: no such file"):
        read_safetensors(tmp_path / "none")
