"""Checkpoints are written whole or not at all."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from minicv.weights import WeightsError, load_checkpoint, load_description, save_checkpoint
from minicv.weights.checkpoint import FORMAT


def test_round_trip(tmp_path):
    arrays = {"a.weight": np.arange(6, dtype="f4").reshape(2, 3), "empty": np.zeros((0, 4))}
    save_checkpoint(tmp_path / "new" / "x.npz", arrays, {"step": 7, "classes": ["cow"]})
    read, description = load_checkpoint(tmp_path / "new" / "x.npz")
    assert description == {"step": 7, "classes": ["cow"]}
    assert read.keys() == arrays.keys()
    for name in arrays:
        np.testing.assert_array_equal(read[name], arrays[name])
        assert read[name].dtype == arrays[name].dtype


def test_objects_are_not_pickled(tmp_path):
    with pytest.raises(ValueError, match="'names' is no array of numbers but has dtype object"):
        save_checkpoint(tmp_path / "x.npz", {"names": np.array(["a", None])}, {})
    assert not list(tmp_path.iterdir())


def test_the_description_is_read_without_the_arrays(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    save_checkpoint(path, {"weight": np.ones(1000)}, {"step": 7})
    np.savez(tmp_path / "other.npz", weight=np.ones(2))
    read = []
    real = zipfile.ZipFile.open
    monkeypatch.setattr(
        zipfile.ZipFile,
        "open",
        lambda file, info: read.append(info.filename) or real(file, info),
    )
    assert load_description(path) == {"step": 7}
    assert read == ["__description__.npy"]
    with pytest.raises(WeightsError, match="its description is missing"):
        load_description(tmp_path / "other.npz")
    with pytest.raises(WeightsError, match="no such file"):
        load_description(tmp_path / "absent.npz")


def test_an_interruption_leaves_no_unfinished_file(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "x.npz", {"weight": np.ones(2)}, {"step": 1})

    def interrupted(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, "write_array", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "x.npz", {"weight": np.zeros(2)}, {"step": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
    assert load_checkpoint(tmp_path / "x.npz")[1] == {"step": 1}


@pytest.mark.parametrize("written", [None, FORMAT + 1])
def test_another_format_is_refused_with_what_to_do(tmp_path, written):
    """None: a checkpoint of the versions that did not write a number; it counts as format 1."""
    description = {"model": "fcn8s"} if written is None else {"format": written}
    np.savez(tmp_path / "old.npz", w=np.ones(2), __description__=json.dumps(description))
    with pytest.raises(WeightsError) as refused:
        load_checkpoint(tmp_path / "old.npz")
    assert str(refused.value) == (
        f"{tmp_path / 'old.npz'}: a checkpoint of format {written or 1}, and this version of "
        f"minicv reads format {FORMAT}; train the model again, or use the version of minicv that "
        "wrote it"
    )


_FULL_DISK = """
import resource, sys
import numpy as np
from minicv.weights import WeightsError, save_checkpoint
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # every write beyond 4 kB fails
try:
    save_checkpoint(sys.argv[1], {"w": np.zeros(100_000)}, {"step": 2})
except WeightsError as error:
    print(error)
"""


def test_a_full_disk_loses_no_earlier_checkpoint(tmp_path):
    path = tmp_path / "last.npz"
    save_checkpoint(path, {"w": np.ones(3)}, {"step": 1})
    command = [sys.executable, "-c", _FULL_DISK, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "last.npz: the checkpoint could not be written" in said
    assert "the earlier checkpoint of that name is kept" in said
    arrays, description = load_checkpoint(path)
    assert description == {"step": 1} and arrays["w"].tolist() == [1.0, 1.0, 1.0]
    assert [p.name for p in tmp_path.iterdir()] == ["last.npz"]  # nothing left lying about


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WeightsError, match="could not be written"):
        save_checkpoint(tmp_path / "file" / "x.npz", {}, {})


def test_files_that_are_no_checkpoint(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        load_checkpoint(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(WeightsError, match="not a readable"):
        load_checkpoint(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", w=np.ones(2))
    with pytest.raises(WeightsError, match="its description is missing"):
        load_checkpoint(tmp_path / "other.npz")
    np.save(tmp_path / "one.npy", np.ones(2))
    with pytest.raises(WeightsError, match="a single array"):
        load_checkpoint(tmp_path / "one.npy")
    save_checkpoint(tmp_path / "x.npz", {"w": np.zeros(1000)}, {})
    whole = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="not a readable"):
        load_checkpoint(tmp_path / "cut.npz")
