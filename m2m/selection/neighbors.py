"""Finds the nearest rows of each row by cosine, exactly."""

import numpy as np
from jaxtyping import Float32, Int32
from numba import njit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

PRODUCT_THREADS = 2  # always: another number of threads may change the last bits
COMPARED_ROWS = 4096  # rows compared at once: two products of 64 MB


def find_nearest_rows(
    vectors: Float32[np.ndarray, "rows dim"], count: int
) -> tuple[Int32[np.ndarray, "rows count"], Float32[np.ndarray, "rows count"]]:
    """The `count` < rows nearest other rows of each row and their cosines, nearest first; ties by row.

    Vectors have norm 1. Brute force, rows² · dim / 2: a block of cosines serves its rows and its columns.
    """
    rows, cosines = _prepare(len(vectors), count)
    worst = np.zeros(len(vectors), np.int64)
    with threadpool_limits(PRODUCT_THREADS, user_api="blas"):
        for first in range(0, len(vectors), COMPARED_ROWS):
            for second in range(first, len(vectors), COMPARED_ROWS):
                product = vectors[first : first + COMPARED_ROWS] @ vectors[second : second + COMPARED_ROWS].T
                if first == second:
                    np.fill_diagonal(product, -np.inf)
                _merge(product, first, second, rows, cosines, worst, first != second)
    return _sort(rows, cosines)


def find_nearest_references(
    vectors: Float32[np.ndarray, "rows dim"], references: Int32[np.ndarray, "references"], count: int
) -> Float32[np.ndarray, "rows count"]:
    """The cosines of each row with the `count` nearest of the rows `references`, itself excepted, nearest first."""
    rows, cosines = _prepare(len(vectors), count)
    worst = np.zeros(len(vectors), np.int64)
    position = np.full(len(vectors), -1)
    position[references] = np.arange(len(references))
    with threadpool_limits(PRODUCT_THREADS, user_api="blas"):
        for first in range(0, len(vectors), COMPARED_ROWS):
            for second in range(0, len(references), COMPARED_ROWS):
                product = (
                    vectors[first : first + COMPARED_ROWS] @ vectors[references[second : second + COMPARED_ROWS]].T
                )
                column = position[first : first + COMPARED_ROWS] - second
                inner = np.flatnonzero((column >= 0) & (column < product.shape[1]))
                product[inner, column[inner]] = -np.inf
                _merge(product, first, second, rows, cosines, worst, False)
    return _sort(rows, cosines)[1]


def _prepare(rows: int, count: int) -> tuple[Int32[np.ndarray, "rows count"], Float32[np.ndarray, "rows count"]]:
    return np.full((rows, count), -1, np.int32), np.full((rows, count), -np.inf, np.float32)


def _sort(
    rows: Int32[np.ndarray, "rows count"], cosines: Float32[np.ndarray, "rows count"]
) -> tuple[Int32[np.ndarray, "rows count"], Float32[np.ndarray, "rows count"]]:
    order = np.lexsort((rows, -cosines), axis=-1)
    return np.take_along_axis(rows, order, 1), np.take_along_axis(cosines, order, 1)


@njit(cache=True)
def _merge(product, first, second, rows, cosines, worst, both):  # type: ignore[no-untyped-def]
    """Take what is nearer than the `worst` place of each row, and with `both` of each column's row.

    Others come in ascending order, so that of equal ones the first stays.
    """
    for r in range(product.shape[0]):
        row = first + r
        limit = cosines[row, worst[row]]
        for c in range(product.shape[1]):
            value = product[r, c]
            if value > limit:
                limit = _replace_worst(rows, cosines, worst, row, second + c, value)
            if both and value > cosines[second + c, worst[second + c]]:
                _replace_worst(rows, cosines, worst, second + c, row, value)


@njit(inline="always")
def _replace_worst(rows, cosines, worst, row, other, value):  # type: ignore[no-untyped-def]
    """Put `other` in the place of the worst; returns the cosine of the new worst, the last of equal ones."""
    rows[row, worst[row]], cosines[row, worst[row]] = other, value
    place = 0
    for i in range(1, cosines.shape[1]):
        is_later = cosines[row, i] == cosines[row, place] and rows[row, i] > rows[row, place]
        if cosines[row, i] < cosines[row, place] or is_later:
            place = i
    worst[row] = place
    return cosines[row, place]
