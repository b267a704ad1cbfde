"""Arrays out of files that say wrong things of themselves."""

import io
import json
import zipfile

import numpy as np
import pytest

from minicv.weights import WeightsError, load_checkpoint
from minicv.weights.npz_file import read_npz

GOOD = {
    "w": np.arange(6, dtype="f4").reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "one": np.array(3.5),
    "empty": np.zeros((0, 4), "f4"),
    "text": np.array("a cow"),
    "words": np.array(["cow", "duck"]),
    "flags": np.array([True, False]),
    "big": np.arange(3, dtype=">f8"),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read_as_numpy_reads_it(tmp_path, save):
    save(tmp_path / "a.npz", **GOOD)
    found = read_npz(tmp_path / "a.npz")
    assert found.keys() == GOOD.keys()
    for name, array in GOOD.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
    assert list(read_npz(tmp_path / "a.npz", only=["w", "absent"])) == ["w"]


def rewritten(path, name="w", member=None, header=None, **named):
    """An archive whose array has another content, or another header."""
    stream = io.BytesIO()
    np.save(stream, GOOD[name])
    content = stream.getvalue()
    if header is not None:
        end = content.index(b"\n")
        room = end - 10
        content = content[:10] + header.encode().ljust(room) + content[end:]
    with zipfile.ZipFile(path, "w", **named) as archive:
        archive.writestr(f"{name}.npy", content if member is None else member)
    return path


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 9), }",
            "the array 'w' is said to be float32 (99999999999, 9), but the file holds 24 bytes",
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }", "float32 (7,), but the file"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,), }", "its header is damaged"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (6,), }", "something else than numbers"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (", "its header is damaged"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }", "something else"),
        ("((((((((((((((((((((((((", "its header is damaged"),
        ("__import__('os').system('true')", "its header is damaged"),
        ("{'descr': '<f3', 'fortran_order': False, 'shape': (8,), }", "not a readable .npz"),
    ],
)
def test_a_header_is_held_against_the_bytes(tmp_path, header, sentence):
    with pytest.raises(WeightsError) as refused:
        read_npz(rewritten(tmp_path / "a.npz", header=header))
    assert str(refused.value).startswith(f"{tmp_path / 'a.npz'}: ")
    assert sentence in str(refused.value)


def test_members_that_are_no_arrays(tmp_path):
    with pytest.raises(WeightsError, match="'w' is no array"):
        read_npz(rewritten(tmp_path / "a.npz", member=b"hello, world"))
    with pytest.raises(WeightsError, match="'w' is no array"):
        read_npz(rewritten(tmp_path / "a.npz", member=b""))
    with pytest.raises(WeightsError, match="its header is damaged"):
        read_npz(rewritten(tmp_path / "a.npz", member=b"\x93NUMPY\x03\x00\xff\xff\xff\xff"))
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("readme.txt", "no array, and left out")
    assert read_npz(tmp_path / "b.npz") == {}


def test_an_array_of_more_bytes_than_the_file(tmp_path):
    """A gigabyte of zeros is a megabyte when it is compressed."""
    header = (
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (250000000,), }"
    )
    path = tmp_path / "a.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("w.npy", "w", force_zip64=True) as member,
    ):
        member.write(header.ljust(127) + b"\n")
        for _ in range(1000):
            member.write(bytes(1_000_000))
    with pytest.raises(WeightsError, match=r"its arrays take 1,000,000,128 bytes, far more than"):
        read_npz(path)


def test_archives_that_zipfile_cannot_open(tmp_path):
    path = rewritten(tmp_path / "a.npz")
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")

    def changed(place, value):
        damaged = bytearray(content)
        damaged[place], damaged[directory + place + 2] = value, value
        path.write_bytes(damaged)

    changed(6, 1)  # the flag of encryption
    with pytest.raises(WeightsError, match="it is encrypted"):
        read_npz(path)
    changed(8, 99)  # a method of compression that nobody knows
    with pytest.raises(WeightsError, match=r"not a readable \.npz checkpoint \(.*compression"):
        read_npz(path)
    for method in (8, 12, 14):  # deflate, bzip2 and lzma, but the bytes are stored
        changed(8, method)
        with pytest.raises(WeightsError, match=r"a\.npz: "):
            read_npz(path)
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(path, "w") as archive,
    ):
        archive.writestr("w.npy", b"")
        archive.writestr("w.npy", b"")
    with pytest.raises(WeightsError, match="it holds two arrays called 'w'"):
        read_npz(path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "its description is no JSON"),
        ("[" * 100_000, "its description is no JSON"),
        ("[1, 2]", "its description is [1, 2], expected an object of names and values"),
        ("null", "its description is None, expected an object"),
        ('{"format": [2]}', "a checkpoint of format [2]"),
        ('{"format": NaN}', "a checkpoint of format nan"),
        (
            '{"format": "' + "2" * 9999 + '"}',
            "a checkpoint of format '222222222222...2222222222222'",
        ),
    ],
)
def test_a_description_is_an_object(tmp_path, text, sentence):
    np.savez(tmp_path / "a.npz", __description__=np.array(text))
    with pytest.raises(WeightsError) as refused:
        load_checkpoint(tmp_path / "a.npz")
    assert str(refused.value).startswith(f"{tmp_path / 'a.npz'}: {sentence}")


def test_a_description_that_is_no_text(tmp_path):
    np.savez(tmp_path / "a.npz", __description__=np.zeros((5, 3)))
    with pytest.raises(WeightsError, match="its description is no JSON"):
        load_checkpoint(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", __description__=np.array(json.dumps({"format": 2})))
    assert load_checkpoint(tmp_path / "b.npz") == ({}, {})
