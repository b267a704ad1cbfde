"""What is written to the disk: files whole or not at all, one training a folder, no remains."""

from minicv.files.folder_lock import check_unlocked, locked
from minicv.files.npz import write_npz
from minicv.files.unfinished import new_folder, remove_unfinished
from minicv.files.whole_files import WholeFiles, write_whole

__all__ = [
    "WholeFiles",
    "check_unlocked",
    "locked",
    "new_folder",
    "remove_unfinished",
    "write_npz",
    "write_whole",
]
