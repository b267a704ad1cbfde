"""A cache of proposals on the disk, for proposers that are slow."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicv.backend import Array
from minicv.files import write_npz, write_whole
from minicv.proposals.proposer import Proposer, checked_image


@dataclass(frozen=True)
class CachedProposals:
    """Proposes as ``proposer`` does, but for each picture only once.

    A file belongs to one picture and one set of parameters: its name is a hash of the pixels and of
    the ``repr`` of the proposer, so that a changed parameter or a changed pixel never finds old
    boxes. The random numbers come from that hash too, not from the ``rng`` that is given: the
    result is the same whether it was found on the disk or not. Several processes may share a
    folder. A file that is damaged, or holds what are no boxes in the picture, is written again.

    Args:
        proposer: the one whose results are cached.
        folder: of the cache; it is made together with the first file.

    Raises:
        ValueError: from `propose`, if the ``repr`` of the proposer holds an address in memory and
            so differs from run to run. A proposer, and every object in it, should be a dataclass.
    """

    proposer: Proposer
    folder: str | Path

    def propose(self, image: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """As `Proposer.propose`; ``rng`` is not used."""
        image = checked_image(image, "CachedProposals")
        digest = _digest(image, self.proposer)
        path = Path(self.folder) / f"{digest.hex()}.npz"
        cached = _read(path, *image.shape[1:])
        if cached is None:
            own_rng = np.random.default_rng(int.from_bytes(digest, "big"))
            cached = self.proposer.propose(image, own_rng)
            boxes, scores = cached
            # Whole or not at all, so that no process ever reads half a file.
            write_whole(path, lambda file: write_npz(file, {"boxes": boxes, "scores": scores}))
        return cached


def _digest(image: np.ndarray, proposer: Proposer) -> bytes:
    # All digits of all elements: by default the repr of a large array leaves out most of them.
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        parameters = repr(proposer)
    if " at 0x" in parameters:
        raise ValueError(
            f"CachedProposals: the repr of the proposer, {parameters[:200]}, holds an address in "
            "memory, which is another one in the next run; make it a dataclass"
        )
    digest = hashlib.sha256(f"{image.shape} {parameters}\n".encode())
    digest.update(image.tobytes())
    return digest.digest()


def _read(path: Path, height: int, width: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The boxes and scores in a file; None where it is missing, damaged, or holds anything else."""
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            boxes, scores = np.asarray(file["boxes"]), np.asarray(file["scores"])
    except Exception:  # a damaged archive raises nearly anything, and the boxes can be made again
        return None
    known = boxes.ndim == 2 and boxes.shape[1] == 4 and scores.shape == boxes.shape[:1]
    if not known or boxes.dtype.kind not in "fiu" or scores.dtype.kind not in "fiu":
        return None
    x1, y1, x2, y2 = boxes.T
    # A comparison with NaN is False.
    inside = (x1 >= 0) & (y1 >= 0) & (x1 < x2) & (y1 < y2) & (x2 <= width) & (y2 <= height)
    return (boxes, scores) if inside.all() and np.isfinite(scores).all() else None
