"""Pictures that a list names: a COCO file, or a text file with a path a line."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath

from minicv.data.faults import Faults
from minicv.data.picture_folder import PictureFolder


class ListedPictures:
    """Finds the pictures of a list in a folder, and only there.

    A path is taken as it is, or else, since it was written on another computer, by the name at its
    end: with another suffix or case, in a subfolder that the path does not contradict.

    Args:
        folder: where the pictures are, or anywhere below.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "cow.JPG").touch()
    >>> faults = Faults(raises=False)
    >>> pictures = ListedPictures(folder)
    >>> pictures.find("C:\\\\photos\\\\cow.jpg", Path("train.txt"), "line 1", faults).name
    'cow.JPG'
    >>> pictures.find("../cow.jpg", Path("train.txt"), "line 2", faults)
    >>> [fault.kind for fault in faults.found]
    ['path outside of the folder']
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._listing: PictureFolder | None = None

    @property
    def listing(self) -> PictureFolder:
        """All pictures of the folder; listed when it is first needed."""
        if self._listing is None:
            self._listing = PictureFolder(self.folder, recursive=True)
        return self._listing

    def find(self, name: str, file: Path, where: str, faults: Faults) -> Path | None:
        """The picture called ``name``; None, and a note, if there is none, or several, or outside.

        Args:
            name: as the list has it.
            file, where: the list and the place in it, for messages.
            faults: takes what is wrong.
        """
        wanted = name.replace("\\", "/")
        inside = self._inside(wanted)
        if inside is None:
            what = f"{where} names {name!r}, which leads outside of {self.folder}"
            advice = "write the path as it is within that folder"
            faults.error("path outside of the folder", file, f"{what}; {advice}")
            return None
        exact = self.folder / inside
        if is_file(exact):
            return exact
        folders = PurePosixPath(wanted).parts[:-1]
        found = [path for path in self.listing.named(wanted) if self._agrees(path, folders)]
        if len(found) == 1:
            return found[0]
        if found:
            fitting = ", ".join(str(path) for path in found)
            faults.error("ambiguous picture", file, f"{where} names {name!r}, which fits {fitting}")
        elif faults.skip_unreadable:
            faults.unreadable(exact, f"{where} of {file} names it, but it is not there")
        else:
            what = f"{where} names {name!r}, which is not in {self.folder}"
            faults.error("annotation without picture", file, what, FileNotFoundError)
        return None

    def _inside(self, wanted: str) -> str | None:
        """The path within the folder; None if it leads out of it."""
        if wanted.startswith("/") or re.match(r"[a-zA-Z]:", wanted):  # of any computer
            own = self.folder.absolute().as_posix().rstrip("/") + "/"
            path = posixpath.normpath(wanted)
            return path[len(own) :] if path.startswith(own) else posixpath.basename(wanted)
        path = posixpath.normpath(wanted)
        own_name = f"../{self.folder.absolute().name}/"  # ../images/cow.jpg, where this is images
        if path.startswith(own_name):
            path = path[len(own_name) :]
        return None if path == ".." or path.startswith("../") else path

    def _agrees(self, path: Path, folders: tuple[str, ...]) -> bool:
        """Whether the subfolder of a picture and the folders that were named end alike, if any."""
        subfolder = path.relative_to(self.folder).parts[:-1]
        pairs = zip(reversed(folders), reversed(subfolder), strict=False)
        return all(named.casefold() == there.casefold() for named, there in pairs)


def is_file(path: Path) -> bool:
    """Whether there is such a file; there is none of a name that no disk can have.

    >>> is_file(Path("p" * 5000)), is_file(Path("a\\0b"))
    (False, False)
    """
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds a zero byte
        return False
