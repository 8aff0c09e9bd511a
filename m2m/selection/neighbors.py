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
                else:
                    _merge(np.ascontiguousarray(product.T), second, first, rows, cosines, worst)
                _merge(product, first, second, rows, cosines, worst)
    return _sort(rows, cosines)


def find_nearest_references(
    vectors: Float32[np.ndarray, "rows dim"], references: Int32[np.ndarray, "references"], count: int
) -> Float32[np.ndarray, "rows count"]:
    """The cosines of each row with the `count` nearest of the rows `references`, itself excepted, nearest first."""
    rows, cosines = _prepare(len(vectors), count)
    worst = np.zeros(len(vectors), np.int64)
    own = np.full(len(vectors), -1)
    own[references] = np.arange(len(references))
    with threadpool_limits(PRODUCT_THREADS, user_api="blas"):
        for first in range(0, len(vectors), COMPARED_ROWS):
            for second in range(0, len(references), COMPARED_ROWS):
                product = (
                    vectors[first : first + COMPARED_ROWS] @ vectors[references[second : second + COMPARED_ROWS]].T
                )
                column = own[first : first + COMPARED_ROWS] - second
                inner = np.flatnonzero((column >= 0) & (column < product.shape[1]))
                product[inner, column[inner]] = -np.inf
                _merge(product, first, second, rows, cosines, worst)
    return _sort(rows, cosines)[1]


def _prepare(rows: int, count: int) -> tuple[Int32[np.ndarray, "rows count"], Float32[np.ndarray, "rows count"]]:
    return np.full((rows, count), -1, np.int32), np.full((rows, count), -np.inf, np.float32)


def _sort(
    rows: Int32[np.ndarray, "rows count"], cosines: Float32[np.ndarray, "rows count"]
) -> tuple[Int32[np.ndarray, "rows count"], Float32[np.ndarray, "rows count"]]:
    order = np.lexsort((rows, -cosines), axis=-1)
    return np.take_along_axis(rows, order, 1), np.take_along_axis(cosines, order, 1)


@njit(cache=True)
def _merge(product, first, second, rows, cosines, worst):  # type: ignore[no-untyped-def]
    """Take what is nearer than the `worst` place of each row; columns come in ascending order, so the first stays."""
    for r in range(product.shape[0]):
        row = first + r
        bound = cosines[row, worst[row]]
        for c in range(product.shape[1]):
            if product[r, c] > bound:
                rows[row, worst[row]], cosines[row, worst[row]] = second + c, product[r, c]
                place = 0
                for i in range(1, cosines.shape[1]):
                    is_later = cosines[row, i] == cosines[row, place] and rows[row, i] > rows[row, place]
                    if cosines[row, i] < cosines[row, place] or is_later:
                        place = i
                worst[row] = place
                bound = cosines[row, place]
