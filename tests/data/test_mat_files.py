"""MATLAB files: SciPy writes them, MATLAB's other forms by hand, and files that are damaged."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import scipy.io

from minicv.data.image_files import AnnotationError
from minicv.data.mat_files import read_mat_array

ARRAY = np.random.default_rng(0).normal(size=(14, 3, 5))


def element(kind, data, order="<"):
    return struct.pack(order + "II", kind, len(data)) + data + bytes(-len(data) % 8)


def variable(array, name=b"joints", order="<", of=6, kind=9, flags=0, shape=None):
    """A MATLAB variable by the format's description."""
    shape = array.shape if shape is None else shape
    parts = (
        element(6, struct.pack(order + "II", of | flags, 0), order),
        element(5, struct.pack(f"{order}{len(shape)}i", *shape), order),
        element(1, name, order),
        element(kind, array.ravel(order="F").tobytes(), order),
    )
    return element(14, b"".join(parts), order)


def packed(content, order="<"):
    data = zlib.compress(content)
    return struct.pack(order + "II", 15, len(data)) + data


def file_of(*elements, order="<"):
    head = b"MATLAB 5.0 MAT-file, by hand".ljust(124)
    return head + struct.pack(order + "HH", 0x0100, 0x4D49) + b"".join(elements)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4", "u1", "i2", "u4", "i8", "bool"])
def test_what_scipy_writes(tmp_path, compressed, dtype):
    array = (ARRAY * 50).clip(0, 250).astype(dtype)
    others = {"readme": "text", "cells": np.array([1, "a"], object), "s": {"joints": 1}}
    scipy.io.savemat(
        tmp_path / "a.mat", {**others, "joints": array, "z": 1}, do_compression=compressed
    )
    read = read_mat_array(tmp_path / "a.mat", "joints", "R")
    np.testing.assert_array_equal(read, scipy.io.loadmat(tmp_path / "a.mat")["joints"])
    np.testing.assert_array_equal(read, array)
    assert read.dtype == np.float64


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_orders_of_bytes(tmp_path, order):
    array = ARRAY.astype(order + "f8")
    for elements in ([variable(array, order=order)], [packed(variable(array, order=order), order)]):
        (tmp_path / "a.mat").write_bytes(file_of(*elements, order=order))
        np.testing.assert_array_equal(read_mat_array(tmp_path / "a.mat", "joints", "R"), ARRAY)
        np.testing.assert_array_equal(scipy.io.loadmat(tmp_path / "a.mat")["joints"], ARRAY)


def test_numbers_that_are_stored_in_fewer_bytes(tmp_path):
    """MATLAB stores doubles that are small whole numbers as bytes."""
    array = np.arange(42, dtype=np.uint8).reshape(14, 3)
    (tmp_path / "a.mat").write_bytes(file_of(variable(array, kind=2)))
    np.testing.assert_array_equal(read_mat_array(tmp_path / "a.mat", "joints", "R"), array)


def test_short_data_in_place_of_the_length(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"a": np.array([[7, 8]], np.uint8)})
    assert read_mat_array(tmp_path / "a.mat", "a", "R").tolist() == [[7, 8]]


def refused(file, content, sentence, name="joints"):
    file.write_bytes(content)
    with pytest.raises(AnnotationError, match=sentence) as error:
        read_mat_array(file, name, "R")
    assert str(error.value).startswith(f"R: {file}: ") and "\n" not in str(error.value)


def test_what_is_no_array_of_numbers(tmp_path):
    file = tmp_path / "a.mat"
    for value, sentence in (
        (np.array([1, "a"], object), "joints is a cell array, expected an array of real numbers"),
        ({"a": 1}, "joints is a structure"),
        ("text", "joints is text"),
        (ARRAY * 1j, "joints is complex"),
        (scipy.sparse.eye(3).tocsc(), "joints is a sparse matrix"),
    ):
        scipy.io.savemat(file, {"joints": value})
        refused(file, file.read_bytes(), sentence)
    scipy.io.savemat(file, {"a": 1, "Joints": ARRAY})
    refused(file, file.read_bytes(), "holds no variable 'joints'; it holds a, Joints")
    refused(file, file_of(variable(ARRAY, of=16)), "of an unknown class")


def test_damaged_files(tmp_path):
    file, whole = tmp_path / "a.mat", file_of(variable(ARRAY))
    refused(file, b"", "no MATLAB file of version 5 to 7")
    refused(file, b"\x89HDF\r\n\x1a\n" + bytes(200), "version 7.3 .HDF5.; save it with .* -v7")
    refused(file, b"MATLAB 7.3 MAT-file" + bytes(600), "version 7.3")
    refused(file, whole[:126] + b"XX" + whole[128:], "no MATLAB file")
    refused(file, whole[:128], "holds no variable 'joints'$")
    refused(file, whole[:128] + bytes(10**7), "an element of type 0 stands in place of a variable")
    refused(file, whole[:-9], "ends within an element")
    refused(file, file_of(variable(ARRAY, shape=(14, 3, 4))), "14 x 3 x 4, but the numbers that")
    refused(file, file_of(variable(ARRAY, shape=(14, 3, -5))), "dimensions 14 x 3 x -5; it is dama")
    refused(file, file_of(variable(ARRAY, shape=(10**9, 10**9))), "more than 10,000,000 numbers")
    refused(file, file_of(variable(ARRAY, kind=16)), "or no numbers")
    refused(file, file_of(element(14, bytes(8))), "a variable has no dimensions")
    refused(file, file_of(struct.pack("<HHI", 1, 9, 0)), "9 bytes where 4 fit")


def test_damaged_packed_files(tmp_path):
    file = tmp_path / "a.mat"
    content = zlib.compress(variable(ARRAY))
    tag = struct.pack("<II", 15, len(content))
    refused(file, file_of(tag, content[:50] + b"\xff" * (len(content) - 50)), "packed variable is")
    cut = content[:-40]
    refused(file, file_of(struct.pack("<II", 15, len(cut)), cut), "joints is cut short")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_mat_array(tmp_path / "away.mat", "joints", "R")


def test_a_bomb_takes_no_memory(tmp_path):
    """5 MB of zeros behind the dimensions 14 x 3 x 5."""
    bomb = packed(variable(ARRAY) + bytes(5_000_000))
    tracemalloc.start()
    refused(tmp_path / "a.mat", file_of(bomb), "joints is cut short, or longer than its dimensions")
    assert tracemalloc.get_traced_memory()[1] < 500_000
    tracemalloc.stop()
