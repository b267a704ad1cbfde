"""idx files: every type, both packings, names of classes, splits, and files that are damaged."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from minicv.data.faults import Faults
from minicv.data.idx_files import FASHION, IdxImages, find_idx_files, open_idx, read_idx
from minicv.data.image_files import AnnotationError


def idx(array, code=8):
    """The bytes of an idx file, written by the format's description."""
    array = np.asarray(array)
    return (
        bytes([0, 0, code, array.ndim])
        + b"".join(struct.pack(">I", length) for length in array.shape)
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


PIXELS = np.arange(30 * 4 * 3, dtype=np.uint16).reshape(30, 4, 3).astype(np.uint8)
LABELS = np.arange(30, dtype=np.uint8) % 4


def save(folder, *, pixels=PIXELS, labels=LABELS, part="train", packed=False, dot=False):
    folder.mkdir(parents=True, exist_ok=True)
    labels = np.asarray(labels, np.uint8)
    for kind, content in (("images-idx3", idx(pixels)), ("labels-idx1", idx(labels))):
        name = f"{part}-{kind}-ubyte"
        name = name.replace("-idx", ".idx") if dot else name
        if packed:
            name, content = f"{name}.gz", gzip.compress(content)
        (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("code", "dtype"), [(8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")]
)
def test_every_type(tmp_path, code, dtype):
    array = np.array([[[-3, 0, 100], [1, 2, 90]]]).astype(dtype)
    (tmp_path / "a").write_bytes(idx(array, code))
    read = read_idx(tmp_path / "a")
    assert read.dtype == np.dtype(dtype) and read.dtype.isnative
    np.testing.assert_array_equal(read, array)


def test_the_bytes_of_the_format(tmp_path):
    (tmp_path / "a").write_bytes(bytes([0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 255, 254]))
    assert read_idx(tmp_path / "a").tolist() == [[258, -2]]


@pytest.mark.parametrize(("packed", "dot"), [(False, False), (True, False), (False, True)])
def test_pictures_and_labels(tmp_path, packed, dot):
    save(tmp_path, packed=packed, dot=dot)
    dataset = IdxImages(tmp_path)
    assert len(dataset) == 30 and dataset.classes == ("0", "1", "2", "3")
    image, target = dataset[5]
    assert image.shape == (3, 4, 3) and image.dtype == np.float32 and image.flags.c_contiguous
    for channel in image:
        np.testing.assert_allclose(channel, PIXELS[5] / 255, rtol=1e-6)
    assert target == {"label": 1, "image_id": "train-5"} and type(target["label"]) is int
    assert dataset[-1][1]["image_id"] == "train-29"
    assert dataset.pixels.dtype == np.uint8
    with pytest.raises(IndexError):
        dataset[30]


def test_white_is_one(tmp_path):
    save(tmp_path, pixels=np.full((30, 4, 3), 255, np.uint8))
    assert IdxImages(tmp_path)[0][0].max() == 1.0


def test_splits(tmp_path):
    save(tmp_path, packed=True)
    save(tmp_path, part="t10k", pixels=PIXELS[:3] + 1, labels=[3, 3, 3])
    splits = open_idx([str(tmp_path)])
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [27, 3, 3]
    assert [splits.validation[i][1]["image_id"] for i in range(3)] == [
        *("train-9", "train-19", "train-29")
    ]
    assert splits.test[1][1] == {"label": 3, "image_id": "test-1"}
    np.testing.assert_allclose(splits.test[1][0][0], (PIXELS[1] + 1) / 255, rtol=1e-6)
    assert not splits.tested_on_validation and "every tenth picture of the train" in splits.rule


def test_a_set_without_a_test_part_and_a_pair_of_files(tmp_path):
    save(tmp_path)
    assert open_idx([str(tmp_path)]).tested_on_validation
    pair = [str(file) for file in find_idx_files(tmp_path)["train"]]
    splits = open_idx(pair, classes=["a", "b", "c", "d"])
    assert splits.train.classes == ("a", "b", "c", "d") and splits.tested_on_validation
    assert len(splits.train) == 27
    with pytest.raises(ValueError, match="split is 'test', expected one of train"):
        IdxImages(tmp_path, "test")


def test_the_folder_raw(tmp_path):
    save(tmp_path / "FashionMNIST" / "raw")
    assert IdxImages(tmp_path / "FashionMNIST").classes == FASHION


def test_names_of_the_classes(tmp_path):
    save(tmp_path / "my-fashion-set")
    assert IdxImages(tmp_path / "my-fashion-set").classes == FASHION
    (tmp_path / "my-fashion-set" / "classes.txt").write_text("ant\nbee\ncow\nduck\n")
    assert IdxImages(tmp_path / "my-fashion-set").classes == ("ant", "bee", "cow", "duck")
    assert IdxImages(tmp_path / "my-fashion-set", classes="wxyz").classes == ("w", "x", "y", "z")
    save(tmp_path / "few", labels=LABELS % 2)
    save(tmp_path / "few", part="t10k")
    assert IdxImages(tmp_path / "few").classes == ("0", "1", "2", "3")  # both splits agree


def test_the_unpacked_file_is_taken(tmp_path):
    save(tmp_path, packed=True, labels=LABELS[::-1])
    save(tmp_path)
    assert IdxImages(tmp_path).labels == LABELS.tolist()


def test_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        find_idx_files(tmp_path / "away")
    with pytest.raises(FileNotFoundError, match="holds no train-images-idx3-ubyte and"):
        find_idx_files(tmp_path)
    save(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"idx3-ubyte is there, but no file of its labels"):
        find_idx_files(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no file .*x"):
        read_idx(tmp_path / "x")


def test_files_of_several_sets(tmp_path):
    save(tmp_path, part="emnist-letters-train")
    assert IdxImages(tmp_path).labels == LABELS.tolist()
    save(tmp_path, part="emnist-digits-train")
    with pytest.raises(ValueError, match=r"several sets, emnist-digits, emnist-letters; name two"):
        IdxImages(tmp_path)


def refused(path, content, sentence):
    path.write_bytes(content)
    with pytest.raises(AnnotationError, match=sentence) as error:
        read_idx(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_damaged_files(tmp_path):
    file, whole = tmp_path / "a", idx(PIXELS)
    refused(file, b"", "the bytes of nothing, so it is no idx file")
    refused(file, b"\x89PNG....", "bytes 89 50 4e 47, so it is no idx file; .* 0x0d .float32.")
    refused(file, b"\0\0\x0a\3" + whole[4:], "0a 03, so it is no idx file")
    refused(file, b"\0\0\x08\0", "08 00, so it is no idx file")
    refused(file, b"\0\0\x08\x09" + bytes(40), "9 dimensions, expected at most 8")
    refused(file, whole[:14], "ends within its header")
    refused(file, whole[:-1], "30 x 4 x 3 of uint8, which are 360 bytes, but it has 375 bytes")
    refused(file, whole + b"\0", "360 bytes, but it goes on after them")
    refused(file, b"\0\0\x0e\4" + b"\xff" * 16 + bytes(99), "hold less; it is cut short")


def test_damaged_packed_files(tmp_path):
    file, whole = tmp_path / "a.gz", gzip.compress(idx(PIXELS))
    for content in (whole[:40], whole[:-6], whole[:-8] + b"abcdefgh", whole[:30] + b"\xff" * 60):
        refused(file, content, "packed with gzip, but damaged or cut short .*; fetch it again")
    refused(file, gzip.compress(idx(PIXELS)[:-1]), "360 bytes, but there are 359; it is cut short")
    refused(file, gzip.compress(idx(PIXELS) + b"a"), "goes on after them")
    large = b"\0\0\x08\3" + struct.pack(">3I", 1000, 1000, 1000)
    refused(file, gzip.compress(large), "1,000,000,000 bytes, but .* packed bytes hold less")


def test_a_packed_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("minicv.data.idx_files.MOST_UNPACKED", 5000)
    content = gzip.compress(idx(np.zeros((5, 50, 50), np.uint8)))
    refused(tmp_path / "a", content, "of packed files 5,000 are read; unpack it first")


def test_a_bomb_takes_no_memory(tmp_path):
    """50 MB of zeros behind a header that asks for 12 bytes."""
    small = gzip.compress(idx(np.zeros((3, 2, 2), np.uint8)) + bytes(50_000_000), 1)
    tracemalloc.start()
    refused(tmp_path / "a", small, "goes on after them")
    assert tracemalloc.get_traced_memory()[1] < 2_000_000 + 2 * len(small)
    tracemalloc.stop()


def test_pictures_and_labels_that_do_not_fit(tmp_path):
    cases = [
        ({"labels": LABELS[:29]}, "29 labels, but .* 30 pictures; expected a label for each"),
        ({"pixels": PIXELS[..., None]}, "holds 30 x 4 x 3 x 1 of uint8; expected grey pictures, N"),
        ({"pixels": PIXELS[:0], "labels": LABELS[:0]}, "holds no picture"),
        ({"pixels": PIXELS[:, :0]}, "pictures of 3 x 0 pixels"),
        ({"labels": LABELS[:, None]}, "holds 30 x 1 of uint8; expected one whole number for each"),
        ({"labels": LABELS * 0 + 2}, "all 30 labels are 2, so there is nothing to tell apart"),
    ]
    for number, (wrong, sentence) in enumerate(cases):
        save(tmp_path / str(number), **wrong)
        with pytest.raises(AnnotationError, match=sentence):
            IdxImages(tmp_path / str(number))
    save(tmp_path / "f")
    (tmp_path / "f" / "train-images-idx3-ubyte").write_bytes(idx(PIXELS.astype("f4"), 13))
    with pytest.raises(AnnotationError, match="of float32; expected grey pictures"):
        IdxImages(tmp_path / "f")


def test_labels_out_of_range(tmp_path):
    save(tmp_path)
    with pytest.raises(
        AnnotationError,
        match=r"7 labels are 3, the first is that of picture 3; expected 0..2, .* ant, bee, cow",
    ):
        IdxImages(tmp_path, classes=["ant", "bee", "cow"])
    faults = Faults(raises=False)
    IdxImages(tmp_path, classes=["ant", "bee"], faults=faults)
    assert [fault.kind for fault in faults.found] == ["label out of range"] * 2


def test_fashion_mnist(real_data):
    splits = open_idx([str(real_data("fashion-mnist"))])
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [54000, 6000, 10000]
    assert splits.train.classes == FASHION
    inner = splits.train.dataset
    assert np.bincount(inner.labels).tolist() == [6000] * 10
    # The published first labels: ankle boot, T-shirt, T-shirt, dress, T-shirt.
    assert inner.labels[:5] == [9, 0, 0, 3, 0] and splits.test.labels[:3] == [9, 2, 1]
    image, target = splits.test[0]
    assert image.shape == (3, 28, 28) and target == {"label": 9, "image_id": "test-0"}
    assert abs(float(inner.pixels.mean()) / 255 - 0.2860) < 1e-4  # the published mean
