"""Where Pascal VOC's form keeps its files: the folder of a set, split lists, photographs."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")


def find_voc_root(root: Path, needed: str, reader: str) -> Path:
    """The folder that has a folder `needed`: root, root/VOC<year>, or root/VOCdevkit/VOC<year>.

    Args:
        root: what the user gave.
        needed: "Annotations" or "SegmentationClass".
        reader: name of the data set, for the messages.

    Raises:
        FileNotFoundError: there is none, or several years have it.
    """
    if (root / needed).is_dir():
        return root
    years = [
        path
        for parent in (root, root / "VOCdevkit")
        if parent.is_dir()
        for path in sorted(parent.glob("VOC*"))
        if (path / needed).is_dir()
    ]
    if len(years) == 1:
        return years[0]
    if years:
        names = ", ".join(str(path) for path in years)
        raise FileNotFoundError(f"{reader}: {root} holds several sets; give one of {names}")
    raise FileNotFoundError(
        f"{reader}: {root} has no folder {needed}, nor a VOC2007 or VOCdevkit/VOC2007 in it"
    )


def read_voc_split(
    root: Path, split: str | None, lists: str, annotations: str, reader: str
) -> list[str]:
    """The names in a split's file, such as ImageSets/Main/train.txt.

    Args:
        root: the folder of the set.
        split: name of the file; None takes the names of all annotations, sorted.
        lists: the folder in ImageSets.
        annotations: pattern of their files, such as "Annotations/*.xml".
        reader: name of the data set, for the message.

    Raises:
        FileNotFoundError: the file is missing; names the splits that are there.
    """
    if split is None:
        return sorted(path.stem for path in root.glob(annotations))
    path = root / "ImageSets" / lists / f"{split}.txt"
    if not path.is_file():
        others = sorted(p.stem for p in path.parent.glob("*.txt")) if path.parent.is_dir() else []
        raise FileNotFoundError(
            f"{reader}: split {split!r} needs {path}, which is not there; "
            f"splits here: {', '.join(others) or 'none (split=None takes every file)'}"
        )
    # A line holds a name; the lists of one class add -1, 0 or 1.
    return [line.split()[0] for line in path.read_text().splitlines() if line.strip()]


def find_photograph(root: Path, name: str, reader: str, otherwise: str = "") -> Path:
    """The photograph of that name, whatever its suffix, or else the file called `otherwise`.

    Raises:
        FileNotFoundError: there is neither.
    """
    folder = root / "JPEGImages"
    names = [*(f"{name}{suffix}" for suffix in SUFFIXES), Path(otherwise).name]
    for path in (folder / file_name for file_name in names):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{reader}: there is no photograph {folder / name} (.jpg, .jpeg or .png)"
    )
