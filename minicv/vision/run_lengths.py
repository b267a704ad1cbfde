"""Masks as COCO writes them: run lengths down the columns, plain or as a compressed string.

A mask (H, W) is read column by column, and the lengths of its runs of zeros, ones, zeros ... are
noted. The first run is of zeros, and is 0 long where the first pixel is a one.

Lin et al., Microsoft COCO (ECCV 2014), section 5; pycocotools' ``maskApi.c`` has the string.
"""

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


def encode_runs(mask: np.ndarray) -> np.ndarray:
    """A mask (H, W) bool -> its run lengths of 0, 1, 0, 1, ... down the columns, int64.

    `decode_runs` leads back. Only the rows and columns that the mask reaches are looked at.

    Raises:
        ValueError: ``mask`` is not (H, W).

    >>> encode_runs(np.array([[0, 1], [0, 1], [0, 0]], dtype=bool)).tolist()
    [3, 2, 1]
    >>> encode_runs(np.ones((1, 1), dtype=bool)).tolist()
    [0, 1]
    """
    starts, ends = runs_of_ones(mask)
    return counts_of(starts, ends, mask.size)


def runs_of_ones(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the runs of ones begin and end, (R,) int64 each: pixel numbers down the columns.

    The pixel in row y, column x of a mask (H, W) has the number x H + y. Ends are one past the
    last pixel of a run.

    Raises:
        ValueError: ``mask`` is not (H, W).

    >>> starts, ends = runs_of_ones(np.array([[0, 1], [1, 1], [0, 0]], dtype=bool))
    >>> starts.tolist(), ends.tolist()
    ([1, 3], [2, 5])
    """
    if mask.ndim != 2:
        raise ValueError(f"the mask has shape {mask.shape}, expected (H, W)")
    height = mask.shape[0]
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    # One zero below each column ends its last run.
    padded = np.zeros((right - left, bottom - top + 1), np.int8)  # (columns, rows + 1)
    padded[:, :-1] = mask[top:bottom, left:right].T != 0
    changes = np.flatnonzero(np.diff(padded.ravel(), prepend=0))  # begin, end, begin, end, ...
    column, row = np.divmod(changes, padded.shape[1])
    numbers = (left + column) * height + top + row
    return _joined(numbers[0::2], numbers[1::2])  # a run may go on at the top of the next column


def ones_of_counts(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the runs of ones begin and end, as `runs_of_ones`, from run lengths of 0, 1, 0, 1, ...

    >>> starts, ends = ones_of_counts(np.array([3, 2, 1, 0, 2, 4]))
    >>> starts.tolist(), ends.tolist()
    ([3, 8], [5, 12])
    """
    borders = np.cumsum(counts, dtype=np.int64)
    ends = borders[1::2]
    starts = borders[0::2][: len(ends)]
    longer = ends > starts
    return _joined(starts[longer], ends[longer])


def _joined(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs that touch become one."""
    begins = np.append(True, starts[1:] != ends[:-1])[: len(starts)]
    return starts[begins], ends[np.append(begins[1:], True)[: len(ends)]]


def counts_of(starts: np.ndarray, ends: np.ndarray, pixels: int) -> np.ndarray:
    """The run lengths of 0, 1, 0, 1, ..., int64, of runs of ones in a picture of so many pixels.

    >>> counts_of(np.array([3]), np.array([5]), 6).tolist()
    [3, 2, 1]
    """
    borders = np.stack([starts, ends], axis=1).ravel().astype(np.int64)
    runs = np.diff(borders, prepend=0, append=pixels)
    return runs[:-1] if runs[-1] == 0 and len(runs) > 1 else runs


def compress_counts(runs: Sequence[int] | np.ndarray) -> str:
    """Run lengths as COCO's compressed string, in time linear in their number.

    `expand_counts` leads back and describes the string.

    >>> compress_counts([3, 2, 1]), compress_counts([20, 2, 0, 7])
    ('321', 'd0205')
    """
    values = np.array(runs, np.int64)
    values[3:] -= np.asarray(runs, np.int64)[1:-2]
    # A number needs as many bits as tell it from its sign, and the sign's: -16..15 needs 5.
    places = 1 + np.arange(LONGEST_NUMBER)
    half = np.left_shift(np.int64(1), 5 * places - 1)  # (7,)
    fits = (values[:, None] >= -half) & (values[:, None] < half)  # (R, 7)
    lengths = places[fits.argmax(axis=1)]  # (R,)
    pieces = (values[:, None] >> (5 * (places - 1))) & 31
    pieces += np.where(places < lengths[:, None], 32, 0) + 48
    return bytes(pieces[places <= lengths[:, None]].astype(np.uint8)).decode("ascii")
