"""Finds the nearest rows of each row by cosine, exactly."""

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numba import njit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

PRODUCT_THREADS = 2  # always: another number of threads may change the last bits
SCANNED_COLUMNS = 64  # cosines that are looked at in one go: most of them are nearer than none
COMPARED_ROWS = 4096  # rows compared at once: two products of 64 MB


def find_nearest_rows(
    vectors: Float32[np.ndarray, "rows dim"], count: int
) -> tuple[Int32[np.ndarray, "rows count"], Float32[np.ndarray, "rows count"]]:
    """The `count` < rows nearest other rows of each row and their cosines, nearest first; ties by row.

    Vectors have norm 1. Brute force, rows² · dim / 2: a block of cosines serves its rows and its columns.
    """
    rows, cosines, worst, limits = _prepare(len(vectors), count)
    with threadpool_limits(PRODUCT_THREADS, user_api="blas"):
        for first in range(0, len(vectors), COMPARED_ROWS):
            for second in range(first, len(vectors), COMPARED_ROWS):
                product = vectors[first : first + COMPARED_ROWS] @ vectors[second : second + COMPARED_ROWS].T
                if first == second:
                    np.fill_diagonal(product, -np.inf)
                _merge(product, first, second, rows, cosines, worst, limits, first != second)
    return _sort(rows, cosines)


def find_nearest_references(
    vectors: Float32[np.ndarray, "all dim"],
    references: Int32[np.ndarray, "references"],
    count: int,
    queries: Int64[np.ndarray, "rows"],
) -> tuple[Int32[np.ndarray, "rows count"], Float32[np.ndarray, "rows count"]]:
    """The places of the `count` nearest of `references` of each row `queries`, itself excepted, and their cosines.

    Nearest first; ties by place. At least `count` references are other rows.
    """
    rows, cosines, worst, limits = _prepare(len(queries), count)
    position = np.full(len(vectors), -1)
    position[references] = np.arange(len(references))
    with threadpool_limits(PRODUCT_THREADS, user_api="blas"):
        for first in range(0, len(queries), COMPARED_ROWS):
            block = queries[first : first + COMPARED_ROWS]
            for second in range(0, len(references), COMPARED_ROWS):
                product = vectors[block] @ vectors[references[second : second + COMPARED_ROWS]].T
                column = position[block] - second
                inner = np.flatnonzero((column >= 0) & (column < product.shape[1]))
                product[inner, column[inner]] = -np.inf
                _merge(product, first, second, rows, cosines, worst, limits, False)
    return _sort(rows, cosines)


def _prepare(
    rows: int, count: int
) -> tuple[
    Int32[np.ndarray, "rows count"],
    Float32[np.ndarray, "rows count"],
    Int64[np.ndarray, "rows"],
    Float32[np.ndarray, "rows"],
]:
    """Nearest rows and their cosines, none yet; of each row the place of the worst and its cosine."""
    cosines = np.full((rows, count), -np.inf, np.float32)
    return np.full((rows, count), -1, np.int32), cosines, np.zeros(rows, np.int64), cosines[:, 0].copy()


def _sort(
    rows: Int32[np.ndarray, "rows count"], cosines: Float32[np.ndarray, "rows count"]
) -> tuple[Int32[np.ndarray, "rows count"], Float32[np.ndarray, "rows count"]]:
    order = np.lexsort((rows, -cosines), axis=-1)
    return np.take_along_axis(rows, order, 1), np.take_along_axis(cosines, order, 1)


@njit(cache=True)
def _merge(product, first, second, rows, cosines, worst, limits, mutual):  # type: ignore[no-untyped-def]
    """Take what is nearer than the `limits` of each row, and with `mutual` of each column's row.

    Others come in ascending order, so that of equal ones the first stays.
    """
    for r in range(product.shape[0]):
        row = first + r
        for start in range(0, product.shape[1], SCANNED_COLUMNS):
            values = product[r, start : start + SCANNED_COLUMNS]
            column_limits = limits[second + start : second + start + len(values)]
            if not _has_nearer(values, limits[row], column_limits, mutual):
                continue
            for c in range(len(values)):
                column = second + start + c
                if values[c] > limits[row]:
                    limits[row] = _replace_worst(rows, cosines, worst, row, column, values[c])
                if mutual and values[c] > limits[column]:
                    limits[column] = _replace_worst(rows, cosines, worst, column, row, values[c])


@njit(inline="always")
def _has_nearer(values, limit, column_limits, mutual):  # type: ignore[no-untyped-def]
    """Whether a value is above `limit`, or with `mutual` above its own; without a branch, so that it is vectorised."""
    count = 0
    for c in range(len(values)):
        count += values[c] > limit
    if mutual:
        for c in range(len(values)):
            count += values[c] > column_limits[c]
    return count > 0


@njit(inline="always")
def _replace_worst(rows, cosines, worst, row, column, value):  # type: ignore[no-untyped-def]
    """Put `column` in the place of the worst; returns the cosine of the new worst, the last of equal ones."""
    rows[row, worst[row]], cosines[row, worst[row]] = column, value
    place = 0
    for i in range(1, cosines.shape[1]):
        is_later = cosines[row, i] == cosines[row, place] and rows[row, i] > rows[row, place]
        if cosines[row, i] < cosines[row, place] or is_later:
            place = i
    worst[row] = place
    return cosines[row, place]
