"""Hostile pickles: nothing is called, nothing is written into, and no short one runs for ever."""

import collections
import io
import pickle
import time
import tracemalloc

import numpy as np
import pytest
from torch_files import Call, Global, Storage, Tensor, tensor, write_legacy, write_zip

from minicv.weights import WeightsError, read_torch_file
from minicv.weights.torch_pickle import MOST_BYTES, TensorView, first_value

NUMBERS = np.arange(12, dtype="f4")


@pytest.fixture(params=[write_legacy, write_zip], ids=["legacy", "zip"])
def write(request):
    return request.param


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_of_every_protocol(protocol):
    values = {
        "text": "Kuh \u00fc \U0001f404", "number": -3, "large": 2**70, "real": 0.1, "none": None,
        "flags": [True, False], "nested": ([], (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {}),
        "shared": [1], 7: "x",
    }  # fmt: skip
    values["again"] = values["shared"]
    found = first_value(pickle.dumps(values, protocol))
    assert found == values and found["again"] is found["shared"]
    ordered = collections.OrderedDict([("b", 1), ("a", 2)])
    assert list(first_value(pickle.dumps(ordered, protocol)).items()) == [("b", 1), ("a", 2)]


def test_it_stops_where_the_pickle_ends():
    file = io.BytesIO(pickle.dumps([1]) + b"numbers")
    from minicv.weights.torch_pickle import read_pickle

    assert read_pickle(file)[0] == [1] and file.read() == b"numbers"


TARGETS = {
    "a storage": lambda: Storage("a", NUMBERS),
    "a tensor": lambda: tensor("a", NUMBERS),
    "a function": lambda: Global("torch._utils", "_rebuild_tensor_v2"),
    "a class of ours": lambda: Global("collections", "OrderedDict"),
    "a kind of storage": lambda: Global("torch", "FloatStorage"),
    "a list": lambda: [1],
    "a string": lambda: "x",
}


class Built:
    """Pickles as `value`, into which `state` is written."""

    def __init__(self, value, state):
        self.value, self.state = value, state


@pytest.mark.parametrize(
    "state", [{"length": 10**9}, (None, {"length": 10**9}), {"__defaults__": ()}]
)
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_written_into_an_object(tmp_path, write, target, state, monkeypatch):
    """The fault before: BUILD changed the length of a storage, and the reader looked beyond it."""
    import torch_files

    original = torch_files._Pickler.save

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Built):
            self.save(obj.value)
            self.save(obj.state)
            self.write(pickle.BUILD)
            return
        original(self, obj, save_persistent_id)

    monkeypatch.setattr(torch_files._Pickler, "save", save)
    value = TARGETS[target]()
    held = {"w": tensor("a", NUMBERS), "x": [Built(value, state)]}
    write(tmp_path / "x.pth", held, {"a": NUMBERS})
    with pytest.raises(WeightsError, match=r"x\.pth: refused: the file writes into an object"):
        read_torch_file(tmp_path / "x.pth")


def test_what_stands_for_a_tensor_cannot_be_changed():
    view = TensorView(None, "f4", 0, (1,), (1,))
    for name in ("offset", "length", "new"):
        with pytest.raises(AttributeError):
            setattr(view, name, 3)
    assert not hasattr(view, "__dict__")


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((40,), (10**6,), 0),
        ((2,), (2**61,), 0),
        ((13,), (1,), 0),
        ((1,), (1,), 12),
        ((3, 5), (5, 1), 0),
        ((2, 2), (0, 12), 0),
        ((-1,), (1,), 0),
        ((1,), (-1,), 3),
        ((1,), (1,), -1),
        ((2**62,), (0,), 0),
        ((2**40, 2**40), (0, 0), 0),
        ((1.0,), (1,), 0),
        ((True,), (1,), 0),
        (("1",), (1,), 0),
        ((1, 1), (1,), 0),
        ([1], [1], 0),
        ((1,) * 70, (1,) * 70, 0),
        (None, None, None),
    ],
)
def test_a_tensor_that_does_not_fit_its_storage(tmp_path, write, size, stride, offset):
    write(tmp_path / "x.pth", {"w": Tensor(Storage("a", NUMBERS), offset, size, stride)},
          {"a": NUMBERS})  # fmt: skip
    with pytest.raises(WeightsError, match=r"x\.pth: "):
        read_torch_file(tmp_path / "x.pth")


def test_a_storage_with_two_descriptions(tmp_path, write):
    state = {"a": tensor("a", NUMBERS), "b": tensor("a", NUMBERS[:3])}
    write(tmp_path / "x.pth", state, {"a": NUMBERS})
    with pytest.raises(WeightsError, match="storage a: two descriptions"):
        read_torch_file(tmp_path / "x.pth")


@pytest.mark.parametrize(
    "call",
    [
        Call("collections", "OrderedDict", 5),
        Call("collections", "OrderedDict", [1, 2]),
        Call("torch._utils", "_rebuild_tensor_v2"),
        Call("torch._utils", "_rebuild_tensor_v2", 1, 2, 3, 4, 5, 6),
        Call("torch._utils", "_rebuild_parameter"),
        Call("torch", "FloatStorage", 5),
        Call("torch", "Size", 1, 2),
        Call("torch._tensor", "_rebuild_from_type_v2", 1, 2, 3, 4),
        Call("torch._utils", "_rebuild_tensor_v2", *range(50)),
        Call("torch._utils", "_rebuild_tensor_v3", *range(7)),
    ],
)
def test_calls_that_make_no_sense(tmp_path, write, call):
    write(tmp_path / "x.pth", {"w": call}, {})
    with pytest.raises(WeightsError, match=r"x\.pth: "):
        read_torch_file(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (b"\x80\x02cos\nsystem\n(S'true'\ntR.", r"asks for os\.system"),
        (b"\x80\x02(S'true'\nios\nsystem\n.", "operation INST|asks for"),
        (b"\x80\x02(cos\nsystem\nS'true'\no.", "asks for"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", r"asks for os\.system"),
        (b"\x80\x02\x82\x01.", "operation EXT1"),
        (b"\x80\x05\x97.", "operation NEXT_BUFFER"),
        (b"\x80\x02Pname\n.", "operation PERSID"),
        (b"\x80\x02h\x07.", "not a readable"),
        (b"\x80\x02.", "not a readable"),
        (b"\x80\x02t.", "not a readable"),
        (b"\x80\x02]", "not a readable"),
        (b"\x80\x05\x8e" + (2**62).to_bytes(8, "little") + b"x.", "claims"),
        (b"\x80\x04\x8d" + (2**40).to_bytes(8, "little") + b"x.", "claims"),
        (b"\x80\x02\x8b" + (2**31 - 1).to_bytes(4, "little") + b"x.", "claims"),
        (b"\x80\x02T" + (2**30).to_bytes(4, "little") + b"x.", "claims"),
        (b"\x80\x02L" + b"9" * 10_000 + b"L\n.", "not a readable"),
    ],
)
def test_hostile_programs(tmp_path, program, said):
    write_zip(tmp_path / "x.pth", program, {})
    with pytest.raises(WeightsError, match=rf"x\.pth: .*({said})"):
        read_torch_file(tmp_path / "x.pth")


def tuples_of_tuples():
    """(((), ()), ((), ())) ... sixty deep, each level one object: 2**60 of them to be hashed."""
    return b"\x80\x02}" + b")" + b"q\x00h\x00\x86" * 60 + b"K\x01s."


def one_list_again_and_again(call):
    """A list of 100,000 pairs, which a short program hands to a function 100,000 times."""
    pairs = b"](" + b"K\x01K\x01\x86" * 100_000 + b"eq\x00"
    return b"\x80\x02" + pairs + call * 100_000 + b"."


AMPLIFIED = {
    "tuples of tuples as a key": tuples_of_tuples(),
    "a far place to keep a value": b"\x80\x02}r\xff\xff\xff\x7f\x85\x85.",
    "a dictionary again and again": one_list_again_and_again(
        b"ccollections\nOrderedDict\nh\x00\x85R0"
    ),
    "a long number as a key": (
        b"\x80\x02}q\x01\x8b" + (1_000_000).to_bytes(4, "little") + b"\x7f" * 1_000_000
        + b"q\x000" + b"h\x01h\x00K\x01s0" * 100_000 + b"."
    ),
    "a long text as a key": (
        b"\x80\x02}q\x01X" + (1_000_000).to_bytes(4, "little") + b"a" * 1_000_000
        + b"q\x000" + b"h\x01h\x00K\x01s0" * 100 + b"."
    ),
    "arguments without end": (
        b"\x80\x02(" + b"N" * 100_000 + b"tq\x00" + b"ctorch._utils\n_rebuild_parameter\nh\x00R0"
        * 10_000 + b"."
    ),
    "axes without end": (
        b"\x80\x02(" + b"K\x01" * 100_000 + b"tq\x000ctorch._utils\n_rebuild_tensor_v2\n(NK\x00"
        b"h\x00h\x00tR."
    ),
    "lists without end": b"\x80\x02" + b"]" * 1_500_000 + b".",
}  # fmt: skip


@pytest.mark.parametrize("case", AMPLIFIED)
def test_no_short_program_runs_for_ever(tmp_path, case):
    write_zip(tmp_path / "x.pth", AMPLIFIED[case], {})
    tracemalloc.start() if case == "a far place to keep a value" else None
    start = time.perf_counter()
    with pytest.raises(WeightsError, match=r"x\.pth: "):
        read_torch_file(tmp_path / "x.pth")
    assert time.perf_counter() - start < 10
    if tracemalloc.is_tracing():
        assert tracemalloc.get_traced_memory()[1] < 5e6  # Python's own machine takes 1.6 GB
        tracemalloc.stop()


def test_a_long_program_is_refused():
    with pytest.raises(WeightsError, match=f"longer than {MOST_BYTES:,} bytes"):
        first_value(pickle.dumps(["x" * 1_000_000 + str(i) for i in range(40)]))


def test_damage_anywhere_is_one_kind_of_error(tmp_path):
    """Every byte of a small file in turn is replaced."""
    write_legacy(tmp_path / "x.pth", {"w": tensor("a", NUMBERS)}, {"a": NUMBERS})
    whole = (tmp_path / "x.pth").read_bytes()
    rng = np.random.default_rng(0)
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= int(rng.integers(1, 256))
        (tmp_path / "y.pth").write_bytes(damaged)
        try:
            read_torch_file(tmp_path / "y.pth")
        except WeightsError as error:
            assert str(error).startswith(f"{tmp_path / 'y.pth'}: ") and "\n" not in str(error)
