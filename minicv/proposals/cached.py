"""Proposals that are costly to make, kept on disk."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicv.backend import Array
from minicv.proposals.proposer import Proposer, checked_image


@dataclass(frozen=True)
class CachedProposals:
    """Proposes as ``proposer`` does, but for each picture only once.

    A file stands for one picture and one set of parameters: its name is a hash of the pixels and of
    the ``repr`` of the proposer, so that a changed parameter or a changed pixel never finds old
    boxes. The random numbers too come from that hash, and not from the ``rng`` that is given: the
    answer is the same whether it was found on disk or not. Several processes may share a folder. A
    file that is damaged is made anew.

    Args:
        proposer: the one whose answers are kept.
        folder: where; it is made when the first answer is.

    Raises:
        ValueError: from `propose`, if the ``repr`` of the proposer holds an address in memory and
            so differs from run to run; make it (and what it holds) a dataclass.
    """

    proposer: Proposer
    folder: str | Path

    def propose(self, image: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """As `Proposer.propose`; ``rng`` is not used."""
        image = checked_image(image, "CachedProposals")
        digest = _digest(image, self.proposer)
        path = Path(self.folder) / f"{digest.hex()}.npz"
        kept = _read(path)
        if kept is None:
            own_rng = np.random.default_rng(int.from_bytes(digest, "big"))
            kept = self.proposer.propose(image, own_rng)
            _write(path, *kept)
        return kept


def _digest(image: np.ndarray, proposer: Proposer) -> bytes:
    # All digits of all elements: a usual repr leaves out most of a large array.
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


def _read(path: Path) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        with open(path, "rb") as stream, np.load(stream) as file:
            return file["boxes"], file["scores"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not there, or cut off


def _write(path: Path, boxes: np.ndarray, scores: np.ndarray) -> None:
    """Write beside and rename, so that nobody ever reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(suffix=".unfinished", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, boxes=boxes, scores=scores)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise
