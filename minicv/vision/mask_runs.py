"""The masks of one image as runs of ones: small to keep, and quick to overlap.

A mask of 640 x 480 pixels is 300 kB as an array and some 2 kB as runs, since an object of 100
columns has a few hundred of them.

**Overlap.** Let c(p) be how many ones of mask B lie before pixel p, counted down the columns. Then
the run [s, e) of mask A shares c(e) - c(s) pixels with B, and the sum over the runs of A is the
intersection. c is a broken line with slope 1 on the runs of B and slope 0 between them, so that it
is found by interpolation: exactly, because all numbers are whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.vision.run_lengths import checked_runs, counts_of, ones_of_counts, runs_of_ones


def mask_runs(masks: Array | MaskRuns | Sequence[Mapping], where: str = "mask_runs") -> MaskRuns:
    """The runs of the masks of one image.

    Args:
        masks: (N, H, W) bool, or of 0 and 1; or N dicts in COCO's form, ``size`` (height, width)
            and ``counts``, plain or compressed; or what this function returned.
        where: begins the message of an error.

    Raises:
        ValueError: the masks have another form, another number than 0 and 1, counts that do not
            fill the size, or two sizes.

    >>> square = np.zeros((1, 480, 640), dtype=bool)
    >>> square[0, 100:200, 300:400] = True
    >>> runs = mask_runs(square)
    >>> len(runs), runs.size, len(runs.starts), runs.area().tolist()
    (1, (480, 640), 100, [10000])
    >>> left = mask_runs([{"size": [480, 640], "counts": [0, 480 * 350, 480 * 290]}])
    >>> runs.intersection(left).tolist()
    [[5000]]
    """
    if isinstance(masks, MaskRuns):
        return masks
    if isinstance(masks, (list, tuple)) and all(isinstance(mask, Mapping) for mask in masks):
        return _of_coco(masks, where)
    array: np.ndarray = np.asarray(to_numpy(masks))
    if array.ndim != 3 or array.dtype.kind not in "biuf":
        raise ValueError(
            f"{where} expects shape (n, H, W), or n dicts with size and counts, but has shape "
            f"{array.shape} of {array.dtype}"
        )
    ones = array if array.dtype == bool else array != 0
    if array.dtype != bool and (ones != array).any():
        raise ValueError(f"{where} expects 0 or 1 but holds {array[ones != array][0]}")
    height, width = array.shape[1:]
    return MaskRuns([runs_of_ones(mask) for mask in ones], (height, width))


def _of_coco(masks: Sequence[Mapping], where: str) -> MaskRuns:
    runs, sizes = [], []
    for number, mask in enumerate(masks):
        try:
            height, width = (index(length) for length in mask["size"])
            if height < 0 or width < 0:
                raise ValueError(f"size is {mask['size']}, expected height and width")
            counts = checked_runs(mask["counts"], (height, width), (height, width))
        except KeyError as error:
            have = list(mask)
            raise ValueError(f"{where}: mask {number} has no {error}; it has {have}") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: mask {number}: {error}") from None
        runs.append(ones_of_counts(counts))
        sizes.append((height, width))
    if len(set(sizes)) > 1:
        raise ValueError(f"{where}: masks of {sizes[0]} and of {sizes[-1]} (height, width)")
    return MaskRuns(runs, sizes[0] if sizes else None)


class MaskRuns:
    """N masks of one image of H x W pixels, as runs of ones down the columns.

    `mask_runs` makes them.

    Attributes:
        size: H, W; None if there is no mask that could tell.
        starts, ends: (R,) pixel numbers of all runs, mask after mask; see
            `minicv.vision.run_lengths.runs_of_ones`.
        splits: (N + 1,) int64; the runs of mask i are ``starts[splits[i] : splits[i + 1]]``.
    """

    def __init__(
        self,
        runs: Sequence[tuple[np.ndarray, np.ndarray]],
        size: tuple[int, int] | None,
    ) -> None:
        self.size = size if runs else None
        pixels = 0 if self.size is None else self.size[0] * self.size[1]
        dtype = np.int32 if pixels < 2**31 else np.int64
        nothing = np.zeros(0, dtype)
        self.starts = np.concatenate([nothing, *[starts.astype(dtype) for starts, _ in runs]])
        self.ends = np.concatenate([nothing, *[ends.astype(dtype) for _, ends in runs]])
        self.splits = np.cumsum([0, *[len(starts) for starts, _ in runs]])

    def __len__(self) -> int:
        return len(self.splits) - 1

    def __getitem__(self, chosen: np.ndarray | slice) -> MaskRuns:
        """Some of the masks: numbers (n,), marks (N,) bool, or a slice."""
        numbers = np.arange(len(self))[chosen]
        return MaskRuns([self._runs(number) for number in numbers], self.size)

    def area(self) -> np.ndarray:
        """(N,) int64, pixels."""
        return self._sums((self.ends - self.starts).astype(np.int64))

    def counts(self, number: int) -> np.ndarray:
        """The run lengths of one mask in COCO's form, int64."""
        if self.size is None:
            raise IndexError(f"MaskRuns: mask {number} of none")
        return counts_of(*self._runs(number), self.size[0] * self.size[1])

    def intersection(self, other: MaskRuns) -> np.ndarray:
        """(M, N) int64: how many pixels each of these masks shares with each of the others.

        Raises:
            ValueError: the others are of another size.
        """
        shared = np.zeros((len(self), len(other)), np.int64)
        if self.size is None or other.size is None:
            return shared
        if self.size != other.size:
            raise ValueError(
                f"masks of {self.size[0]} x {self.size[1]} and of {other.size[0]} x "
                f"{other.size[1]} pixels (height x width); expected one size"
            )
        for number in range(len(other)):
            starts, ends = other._runs(number)
            if len(starts) == 0:
                continue
            # c(p): 0 up to the first run, then up along each run and level to the next.
            corners = np.stack([starts, ends], axis=1).ravel()
            ones = np.cumsum(ends - starts, dtype=np.int64)
            before = np.stack([ones - (ends - starts), ones], axis=1).ravel()
            covered = np.interp(self.ends, corners, before)
            covered -= np.interp(self.starts, corners, before)
            shared[:, number] = self._sums(np.rint(covered).astype(np.int64))
        return shared

    def _runs(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        runs = slice(self.splits[number], self.splits[number + 1])
        return self.starts[runs], self.ends[runs]

    def _sums(self, of_runs: np.ndarray) -> np.ndarray:
        """(R,) -> (N,): the sum over the runs of each mask."""
        return np.diff(np.append(0, np.cumsum(of_runs))[self.splits])
