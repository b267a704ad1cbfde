"""The reader of PyTorch files: what it reads, and above all what it refuses."""

import collections
import os
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from torch_files import Call, Global, Storage, Tensor, tensor, write_legacy, write_zip

from minicv.weights import WeightsError, read_torch_file


@pytest.fixture(params=[write_legacy, write_zip], ids=["legacy", "zip"])
def write(request):
    return request.param


def test_reads_tensors_of_both_layouts(tmp_path, write):
    weight = np.arange(6, dtype="f4").reshape(2, 3)
    count = np.array([7], dtype="i8")
    state = collections.OrderedDict(weight=tensor("a", weight), count=tensor("b", count))
    write(tmp_path / "x.pth", state, {"a": weight, "b": count})
    read = read_torch_file(tmp_path / "x.pth")
    assert list(read) == ["weight", "count"]
    np.testing.assert_array_equal(read["weight"], weight)
    assert read["weight"].dtype == np.float32 and read["count"].tolist() == [7]
    read["weight"][0, 0] = 5.0  # a copy of one's own


def test_reads_transposed_and_offset_views(tmp_path, write):
    numbers = np.arange(7, dtype="f4")
    state = {"t": Tensor(Storage("a", numbers), 1, (3, 2), (1, 3))}
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
    write(tmp_path / "y.pth", {"w": Global(module, name)}, {})
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
        {"w": Tensor(Storage("a", numbers), offset, size, stride)},
        {"a": numbers},
    )
    with pytest.raises(WeightsError, match="'w'"):
        read_torch_file(tmp_path / "x.pth")


def test_truncated_and_foreign_files_end_in_one_sentence(tmp_path, write):
    weight = np.arange(600, dtype="f4")
    write(tmp_path / "x.pth", {"w": tensor("a", weight)}, {"a": weight})
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


NUMBERS = np.arange(12, dtype="f4")


def test_expanded_tensors_get_their_full_size(tmp_path, write):
    """`expand` repeats numbers by a stride of 0, so a tensor may be larger than its storage."""
    pair = np.array([1, 2], "f4")
    state = {
        "rows": Tensor(Storage("a", pair), 0, (3, 2), (0, 1)),
        "columns": Tensor(Storage("a", pair), 0, (2, 3), (1, 0)),
        "one": Tensor(Storage("a", pair), 1, (100, 100), (0, 0)),
    }
    write(tmp_path / "x.pth", state, {"a": pair})
    read = read_torch_file(tmp_path / "x.pth")
    assert read["rows"].tolist() == [[1, 2]] * 3
    assert read["columns"].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert read["one"].shape == (100, 100) and (read["one"] == 2).all()
    read["one"][0, 0] = 5
    assert read["one"].sum() == 2 * 9999 + 5  # no number is shared


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "?", "c8", "c16"]
)
def test_every_dtype(tmp_path, write, dtype):
    values = (np.arange(6) % 2 if dtype == "?" else np.arange(6)).astype(dtype)
    write(tmp_path / "x.pth", {"w": tensor("a", values)}, {"a": values})
    read = read_torch_file(tmp_path / "x.pth")["w"]
    assert read.dtype == np.dtype(dtype) and read.tolist() == values.tolist()


def test_bfloat16_becomes_float32(tmp_path, write):
    # Sign, 8 bits of exponent, 7 of mantissa: 1.0, -2.5, the largest, infinity.
    bits = np.array([0x3F80, 0xC020, 0x7F7F, 0x7F80], "<u2")
    state = {"w": Tensor(Storage("a", bits, "BFloat16Storage"), 0, (2, 2), (1, 2))}
    write(tmp_path / "x.pth", state, {"a": bits})
    read = read_torch_file(tmp_path / "x.pth")["w"]
    assert read.dtype == np.float32
    assert read.tolist() == [[1.0, float.fromhex("0x1.fep127")], [-2.5, np.inf]]


def test_unsigned_tensors_in_a_storage_of_bytes(tmp_path):
    values = np.array([1, 2, 65535, 7], "<u2")
    storage = Storage("a", values.view("u1"), "UntypedStorage")
    rebuilt = Call(
        "torch._utils", "_rebuild_tensor_v3", storage, 1, (3,), (1,), False,
        collections.OrderedDict(), Global("torch", "uint16"),
    )  # fmt: skip
    write_zip(tmp_path / "x.pth", {"w": rebuilt}, {"a": values})
    read = read_torch_file(tmp_path / "x.pth")["w"]
    assert read.dtype == np.uint16 and read.tolist() == [2, 65535, 7]


def test_no_dimension_and_no_element(tmp_path, write):
    one, none = np.array([3.5], "f4"), np.array([], "i8")
    state = {
        "scalar": Tensor(Storage("a", one), 0, (), ()),
        "none": Tensor(Storage("b", none), 0, (0,), (1,)),
        "rows": Tensor(Storage("b", none), 0, (0, 5), (5, 1)),
    }
    write(tmp_path / "x.pth", state, {"a": one, "b": none})
    read = read_torch_file(tmp_path / "x.pth")
    assert read["scalar"].shape == () and read["scalar"] == 3.5
    assert read["none"].shape == (0,) and read["rows"].shape == (0, 5)
    assert read["rows"].dtype == np.int64


def test_two_names_of_one_storage_are_two_arrays(tmp_path, write):
    storage = Storage("a", NUMBERS)
    state = {"a": Tensor(storage, 0, (12,), (1,)), "b": Tensor(storage, 4, (2, 2), (4, 1))}
    write(tmp_path / "x.pth", state, {"a": NUMBERS})
    read = read_torch_file(tmp_path / "x.pth")
    assert read["b"].tolist() == [[4, 5], [8, 9]]
    read["a"][:] = 0
    assert read["b"].tolist() == [[4, 5], [8, 9]]


def test_parameters_and_the_attributes_of_dictionaries(tmp_path, write):
    inner = tensor("a", NUMBERS)
    hooks = collections.OrderedDict()
    parameter = Call("torch._utils", "_rebuild_parameter", inner, True, hooks)
    with_state = Call(
        "torch._utils", "_rebuild_parameter_with_state", inner, True, hooks, {"tag": 1}
    )
    own_class = Call(
        "torch._tensor", "_rebuild_from_type_v2", Global("torch._utils", "_rebuild_tensor_v2"),
        Global("torch.nn.parameter", "Parameter"), (*inner.arguments, False, hooks), {"tag": 1},
    )  # fmt: skip
    state = Call(
        "collections", "OrderedDict", [["p", parameter], ["s", with_state], ["c", own_class]],
        state={"_metadata": {"": {"version": 1}}},
    )  # fmt: skip
    write(tmp_path / "x.pth", state, {"a": NUMBERS})
    read = read_torch_file(tmp_path / "x.pth")
    assert list(read) == ["p", "s", "c"]
    for array in read.values():
        assert array.tolist() == NUMBERS.tolist()


def test_numbers_that_are_changed_when_they_are_read(tmp_path, write):
    """The imaginary part of a conjugated tensor is a view with a note that its sign is turned."""
    values = np.array([1 + 2j, 3 - 4j], "c8")
    conjugated = Tensor(Storage("a", values), 0, (2,), (1,), {"conj": True})
    parts = Storage("b", values.view("f4"))
    negated = Tensor(parts, 1, (2,), (2,), {"neg": True})
    write(
        tmp_path / "x.pth", {"c": conjugated, "n": negated}, {"a": values, "b": values.view("f4")}
    )
    read = read_torch_file(tmp_path / "x.pth")
    assert read["c"].tolist() == [1 - 2j, 3 + 4j] and read["n"].tolist() == [-2, 4]


def test_numbers_of_a_big_endian_computer(tmp_path):
    state = {"w": tensor("a", NUMBERS), "h": Tensor(Storage("b", NUMBERS[:2], "BFloat16Storage"),
                                                    0, (2,), (1,))}  # fmt: skip
    bits = np.array([0x3F80, 0xC020], ">u2")
    write_zip(tmp_path / "x.pth", state, {"a": NUMBERS.astype(">f4"), "b": bits}, b"big")
    read = read_torch_file(tmp_path / "x.pth")
    assert read["w"].tolist() == NUMBERS.tolist() and read["w"].dtype.isnative
    assert read["h"].tolist() == [1.0, -2.5]
    write_zip(tmp_path / "y.pth", state, {"a": NUMBERS, "b": bits.astype("<u2")}, b"little")
    assert read_torch_file(tmp_path / "y.pth")["w"].tolist() == NUMBERS.tolist()
    write_zip(tmp_path / "z.pth", state, {"a": NUMBERS, "b": bits}, b"middle")
    with pytest.raises(WeightsError, match=r"z\.pth: "):
        read_torch_file(tmp_path / "z.pth")


OPTIMIZER = {
    "state": {0: {"step": 3, "exp_avg": tensor("a", NUMBERS)}},
    "param_groups": [{"lr": 0}],
}


@pytest.mark.parametrize(
    "around",
    [
        lambda state: {"state_dict": state},
        lambda state: {"epoch": 3, "model_state_dict": state, "optimizer": OPTIMIZER, "best": 0.5},
        lambda state: {"optimizer": OPTIMIZER, "model": state, "rng": tensor("a", NUMBERS)},
        lambda state: {"net": state, "acc": 91.2, "epoch": 7},
        lambda state: {"model": {"state_dict": state}, "args": Call("argparse", "Namespace")},
        lambda state: {"anything": state, "epoch": None, "names": ["cow"], "done": False},
        lambda state: {"state_dict": state, "state_dict_ema": {"w": tensor("a", -NUMBERS)}},
        lambda state: {"model": state, "best": Call("numpy._core.multiarray", "scalar", 1, b"x")},
        lambda state: {"model": state, "s": Call("collections", "defaultdict",
                                                 Global("builtins", "dict"))},
    ],
)  # fmt: skip
def test_a_checkpoint_around_the_tensors_is_looked_through(tmp_path, write, around):
    state = collections.OrderedDict(w=tensor("a", NUMBERS))
    write(tmp_path / "x.pth", around(state), {"a": NUMBERS})
    read = read_torch_file(tmp_path / "x.pth")
    assert list(read) == ["w"] and read["w"].tolist() == NUMBERS.tolist()


def test_two_networks_are_not_mixed_up(tmp_path, write):
    state = {"student": {"w": tensor("a", NUMBERS)}, "teacher": {"w": tensor("a", NUMBERS)}}
    write(tmp_path / "x.pth", state, {"a": NUMBERS})
    with pytest.raises(WeightsError, match=r"2 dictionaries of tensors \('student', 'teacher'\)"):
        read_torch_file(tmp_path / "x.pth")


def test_what_a_layer_keeps_beside_its_tensors_is_passed_over(tmp_path, write):
    state = {"w": tensor("a", NUMBERS), "quant._extra_state": None}
    write(tmp_path / "x.pth", state, {"a": NUMBERS})
    assert list(read_torch_file(tmp_path / "x.pth")) == ["w"]


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        ("torch._utils", "_rebuild_qtensor", "a quantised tensor, which is not read"),
        ("torch", "QInt8Storage", "numbers of the kind QInt8Storage, which are not read"),
        ("torch._utils", "_rebuild_sparse_tensor", r"a sparse tensor, which is not read; save te"),
        ("torch._utils", "_rebuild_sparse_csr_tensor", "a sparse tensor"),
        ("torch._utils", "_rebuild_meta_tensor_no_storage", "without numbers"),
        ("__torch__.net", "Net", r"TorchScript archive; save torch\.jit\.load"),
        ("torch.nn.modules.container", "Sequential", r"a whole pickled model: save model\.state_d"),
    ],
)  # fmt: skip
def test_other_things_than_tensors_are_refused_by_name(tmp_path, write, module, name, said):
    write(tmp_path / "x.pth", {"w": Call(module, name)}, {})
    with pytest.raises(WeightsError, match=rf"x\.pth: .*{said}"):
        read_torch_file(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a readable PyTorch file"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
        ((40).to_bytes(8, "little") + b'{"w":{"dtype":"F32","shape":[2]}}' + bytes(99), "safetens"),
    ],
)
def test_files_of_other_programs_are_named(tmp_path, content, said):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=rf"x\.pth: .*{said}"):
        read_torch_file(tmp_path / "x.pth")


def assert_refused_cheaply(path, said):
    """Refused in a second, and with no more memory than 20 MB."""
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises(WeightsError, match=said):
            read_torch_file(path)
        assert time.perf_counter() - start < 5
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_hundred_views_of_one_storage_are_not_a_hundred_copies(tmp_path):
    """The fault before: 39 kB became 3.9 GB."""
    zeros = np.zeros(10_000_000, "f4")
    state = {f"w{i}": Tensor(Storage("a", zeros), 0, (10_000_000,), (1,)) for i in range(100)}
    write_zip(tmp_path / "x.pth", state, {"a": zeros}, compression=zipfile.ZIP_DEFLATED)
    assert (tmp_path / "x.pth").stat().st_size < 60_000
    assert_refused_cheaply(tmp_path / "x.pth", r"'w\d+': size .* takes far more memory than the f")


def test_a_storage_that_unpacks_to_a_gigabyte_for_six_numbers(tmp_path):
    state = {"w": Tensor(Storage("a", NUMBERS[:6]), 0, (6,), (1,))}
    member = np.zeros(100_000_000, "u1")
    member[:24].view("f4")[:] = NUMBERS[:6]
    write_zip(tmp_path / "x.pth", state, {"a": member}, compression=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    assert read_torch_file(tmp_path / "x.pth")["w"].tolist() == [0, 1, 2, 3, 4, 5]
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


class Huge:
    """An array that says that it is longer than it is."""

    dtype, size = np.dtype("f4"), 10**12


def test_a_storage_that_claims_more_than_the_file_has(tmp_path, write):
    view = Tensor(Storage("a", Huge), 0, (2,), (1,))
    storages = {"a": NUMBERS}
    if write is write_legacy:
        storages = {"a": type("Claims", (), {"size": 10**12, "tobytes": lambda self: b"1234"})()}
    write(tmp_path / "x.pth", {"w": view}, storages)
    assert_refused_cheaply(tmp_path / "x.pth", "takes far more memory|cut short")


def test_an_encrypted_or_damaged_archive(tmp_path):
    write_zip(tmp_path / "x.pth", {"w": tensor("a", NUMBERS)}, {"a": NUMBERS},
              compression=zipfile.ZIP_DEFLATED)  # fmt: skip
    whole = bytearray((tmp_path / "x.pth").read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for position in rng.integers(len(whole), size=rng.integers(1, 6)):
            damaged[position] = rng.integers(256)
        (tmp_path / "y.pth").write_bytes(damaged)
        try:
            read_torch_file(tmp_path / "y.pth")
        except WeightsError as error:
            assert str(error).startswith(f"{tmp_path / 'y.pth'}: ")
