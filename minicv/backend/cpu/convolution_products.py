"""Matrix products in pieces that BLAS takes without packing.

A BLAS library copies both matrices into blocks of its own, so that its innermost loop reads memory
in order. That pays for large matrices. A convolution has many flat ones, 64 x 27 times 27 x 50,000
or 36 times 512 x 512 times 512 x 16, and copying them takes as long as multiplying.

For processors with AVX-512, OpenBLAS has a second way, which reads the matrices where they lie, and
takes it for products of at most a million multiply-adds. So a larger product is cut here into
pieces of that size, which NumPy multiplies in one call. On one core (AMD EPYC, Zen 4, in GF/s):

| product | whole | in pieces |
|---|---|---|
| 64 x 27 times 27 x 3584 | 69 | 94 |
| 64 x 147 times 147 x 3136 | 93 | 110 |
| 36 of 512 x 512 times 512 x 16 | 46 | 77 |
| 36 of 128 x 128 times 128 x 112 | 94 | 110 |

Other libraries, and OpenBLAS on other processors, get the product as it is: there each piece is
packed, and pieces take a fifth longer.
"""

from __future__ import annotations

import functools

import numpy as np

from minicv.backend.cpu.blas import blas

SMALL = 1_000_000  # multiply-adds up to which OpenBLAS packs nothing
WITHOUT_PACKING = ("skylakex", "cooperlake", "sapphirerapids")
# Columns of a piece; fewer rows than FEW reuse what they load too little, and packing is faster.
COLUMNS, FEWER_COLUMNS, FEW = 192, 96, 12

# Of `multiply_rows`: results of a square along one side, and lengths of a row.
SQUARE, SHORTEST_ROW, LONGEST_ROW = 32, 100, 976
MOST_ADDED = 1 << 18  # results


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """out = a @ b, for matrices (M, K) and (K, N) or stacks of them.

    The pieces depend on the shapes and on the library, so the rounding does too; never on the
    number of threads.

    >>> out = np.empty((2, 2))
    >>> multiply(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 2.0]]), out)
    >>> out.tolist()
    [[1.0, 4.0], [3.0, 8.0]]
    """
    (m, k), n = a.shape[-2:], b.shape[-1]
    piece = pieces(m, k, n) if out.dtype == np.float32 and packs_no_small_product() else None
    if piece is None:
        np.matmul(a, b, out=out)
        return
    rows, columns = piece
    down, across = m // rows, n // columns
    m, n = down * rows, across * columns  # in whole pieces
    # (..., M, K) -> (..., down, 1, rows, K); (..., K, N) -> (..., 1, across, K, columns)
    in_rows = a[..., :m, :].reshape(*a.shape[:-2], down, 1, rows, k)
    in_columns = b[..., :n].reshape(*b.shape[:-2], 1, k, across, columns).swapaxes(-2, -3)
    target = out[..., :m, :n].reshape(*out.shape[:-2], down, rows, across, columns)
    np.matmul(in_rows, in_columns, out=target.swapaxes(-2, -3))
    if m < out.shape[-2]:  # what is left may be large too
        multiply(a[..., m:, :], b[..., :n], out[..., m:, :n])
    if n < out.shape[-1]:
        multiply(a, b[..., n:], out[..., n:])


def multiply_rows(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """out = a @ bᵀ, for matrices (M, K) and (N, K) or stacks of them: every row times every row.

    A gradient of the weight is of this kind, with K the many pixels. Here OpenBLAS's second way is
    fast for squares of 32 x 32 results alone, at 110 GF/s where the whole has 50 to 100. Rows of
    more than a thousand numbers are cut, and the products of the parts added.

    >>> out = np.empty((1, 2))
    >>> multiply_rows(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), out)
    >>> out.tolist()
    [[11.0, 17.0]]
    """
    (m, k), n = a.shape[-2:], b.shape[-2]
    parts = -(-k // LONGEST_ROW)
    usual = out.dtype != np.float32 or not packs_no_small_product()
    # Copies of the result that are added must be few beside what is multiplied.
    if usual or k < SHORTEST_ROW or min(m, n) < SQUARE // 2 or (parts > 1 and m * n > MOST_ADDED):
        np.matmul(a, b.swapaxes(-1, -2), out=out)
        return
    if parts == 1:
        _multiply_squares(a, b, out)
        return
    parts = next((p for p in range(parts, parts + 4) if k % p == 0), parts)
    length = k // parts
    products = np.empty((parts, *out.shape), out.dtype)

    def in_parts(rows: np.ndarray) -> np.ndarray:  # (..., K) -> (parts, ..., length)
        cut = rows[..., : parts * length].reshape(*rows.shape[:-1], parts, length)
        return np.moveaxis(cut, -2, 0)

    _multiply_squares(in_parts(a), in_parts(b), products)
    np.sum(products, axis=0, out=out)
    if parts * length < k:  # a few numbers
        out += np.matmul(a[..., parts * length :], b[..., parts * length :].swapaxes(-1, -2))


def _multiply_squares(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    (m, k), n = a.shape[-2:], b.shape[-2]
    rows, columns = min(SQUARE, m), min(SQUARE, n)
    down, across = m // rows, n // columns
    m, n = down * rows, across * columns  # in whole squares
    in_rows = a[..., :m, :].reshape(*a.shape[:-2], down, 1, rows, k)
    in_columns = b[..., :n, :].reshape(*b.shape[:-2], 1, across, columns, k).swapaxes(-1, -2)
    target = out[..., :m, :n].reshape(*out.shape[:-2], down, rows, across, columns)
    np.matmul(in_rows, in_columns, out=target.swapaxes(-2, -3))
    if m < out.shape[-2]:
        _multiply_squares(a[..., m:, :], b[..., :n, :], out[..., m:, :n])
    if n < out.shape[-1]:
        _multiply_squares(a, b[..., n:, :], out[..., n:])


@functools.lru_cache(maxsize=4096)
def pieces(m: int, k: int, n: int) -> tuple[int, int] | None:
    """Rows and columns of a piece of (M, K) @ (K, N); None where the whole is better.

    >>> pieces(64, 27, 3584)
    (64, 256)
    >>> pieces(512, 512, 16)
    (104, 16)
    >>> print(pieces(512, 4608, 196))
    None
    """
    if m * k * n <= SMALL:
        return None
    columns = n if n <= COLUMNS + 64 else _width(n)
    if k * columns * 2 * FEW > SMALL and columns > FEWER_COLUMNS:
        columns = FEWER_COLUMNS
    most = SMALL // (k * columns)
    if most < min(FEW, m):
        return None
    rows = -(-m // -(-m // most))  # of about equal size
    rows = min(rows + -rows % 8, most - most % 4 if most >= 4 else most, m)
    return rows, columns


def _width(n: int) -> int:
    """Of pieces that leave the fewest columns over: about `COLUMNS`, in steps of 16."""
    return min(range(COLUMNS + 64, COLUMNS - 64, -16), key=lambda width: n % width)


@functools.cache
def packs_no_small_product() -> bool:
    """Whether NumPy's BLAS multiplies small matrices where they lie.

    >>> packs_no_small_product() in (True, False)
    True
    """
    return blas().name == "openblas" and blas().architecture.lower() in WITHOUT_PACKING
