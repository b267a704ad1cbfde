"""Masks as COCO writes them: run lengths down the columns, plain or as a compressed string."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LONGEST_NUMBER = 7  # characters of one number: 35 bits hold more pixels than any picture has


def decode_runs(
    counts: Sequence[int] | str | bytes, size: tuple[int, int], expected: tuple[int, int]
) -> np.ndarray:
    """Run lengths of 0, 1, 0, 1, ... down the columns -> a mask `size` (H, W) bool.

    Args:
        counts: the run lengths; text is expanded with `expand_counts`.
        size: height and width that the file notes beside the runs.
        expected: height and width of the picture.

    Raises:
        ValueError: `size` is not `expected`, or the runs do not fill it.

    >>> decode_runs([3, 2, 1], (3, 2), (3, 2)).astype(int).tolist()
    [[0, 1], [0, 1], [0, 0]]
    """
    runs = checked_runs(counts, size, expected)
    height, width = expected
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T.copy()


def checked_runs(
    counts: Sequence[int] | str | bytes, size: tuple[int, int], expected: tuple[int, int]
) -> np.ndarray:
    """The run lengths as int64, when they fill the picture.

    Args, raises: as `decode_runs`.
    """
    if tuple(size) != tuple(expected):
        raise ValueError(
            f"the runs are for a picture of {tuple(size)} (height, width), not {expected}"
        )
    runs = np.asarray(expand_counts(counts) if isinstance(counts, (str, bytes)) else counts)
    if runs.ndim == 1 and runs.dtype.kind == "f" and (runs == np.floor(runs)).all():
        runs = runs.astype(np.int64)  # 3.0
    if runs.ndim != 1 or runs.dtype.kind not in "iu":
        raise ValueError("counts hold something else than whole numbers")
    height, width = expected
    # No run is longer than the picture, so that the sum cannot overflow.
    if runs.min(initial=0) < 0 or runs.max(initial=0) > height * width:
        raise ValueError(
            f"the runs hold lengths of {runs.min()} to {runs.max()} pixels, expected {height} * "
            f"{width} in all"
        )
    if runs.sum(dtype=np.int64) != height * width:
        raise ValueError(f"the runs hold {runs.sum()} pixels, expected {height} * {width}")
    return runs.astype(np.int64)


def expand_counts(text: str | bytes) -> list[int]:
    """The run lengths that COCO's compressed string holds, in time linear in its length.

    Each number is written in characters of 6 bits from chr(48): five bits of the number, lowest
    first, and 32 if more characters follow; the fifth bit of the last character is the sign. From
    the fourth number on the difference to the number two places before is written.

    Raises:
        ValueError: another character, a number that does not end, or one of more than 35 bits.

    >>> expand_counts("321")
    [3, 2, 1]
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    codes = np.frombuffer(raw, np.uint8).astype(np.int64) - 48
    if len(codes) == 0:
        return []
    if codes.min() < 0 or codes.max() > 63:
        wrong = int(np.flatnonzero((codes < 0) | (codes > 63))[0])
        raise ValueError(f"the compressed runs hold {raw[wrong : wrong + 1]!r} at {wrong}")
    ends = np.flatnonzero(codes < 32)  # of the numbers
    if len(ends) == 0 or ends[-1] != len(codes) - 1:
        raise ValueError("the compressed runs end within a number")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > LONGEST_NUMBER:
        raise ValueError(f"the compressed runs hold a number of {5 * lengths.max()} bits")
    runs = np.zeros(len(ends), np.int64)
    for place in range(int(lengths.max())):
        longer = lengths > place
        runs[longer] |= (codes[starts[longer] + place] & 31) << (5 * place)
    runs -= np.where(codes[ends] & 16, np.left_shift(1, 5 * lengths), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs.tolist()
