"""Arrays in an archive: what NumPy reads back, and an archive that is closed whatever happens."""

import gc
import io

import numpy as np
import pytest

from minicv.files import write_npz


def test_numpy_reads_what_was_written_and_nothing_else():
    arrays = {
        "model/weight": np.arange(6, dtype=np.float32).reshape(2, 3).T,  # columns first
        "allow_pickle": np.array(7),
        "text": np.array("cow"),
        "none": np.zeros((0, 4)),
    }
    file = io.BytesIO()
    write_npz(file, arrays)
    file.seek(0)
    with np.load(file) as read:
        assert sorted(read.files) == sorted(arrays)
        for name, array in arrays.items():
            assert read[name].dtype == array.dtype
            np.testing.assert_array_equal(read[name], array)


class FullDisk(io.BytesIO):
    """Takes ``room`` bytes, and fails with all that follow."""

    def __init__(self, room):
        super().__init__()
        self.room = room

    def write(self, content):
        if self.tell() + len(content) > self.room:
            raise OSError(28, "No space left on device")
        return super().write(content)


@pytest.mark.parametrize("room", [0, 10, 100, 1000, 1300])
def test_on_a_full_disk_the_archive_is_closed(room):
    """An archive left open would complain on standard error when it is forgotten."""
    file = FullDisk(room)
    with pytest.raises(OSError, match="No space left"):
        write_npz(file, {"a": np.ones(64), "b": np.ones(64)})
    file.close()
    gc.collect()  # warnings of what is forgotten are errors here


def test_objects_are_not_pickled():
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_npz(io.BytesIO(), {"a": np.array([{}], dtype=object)})
