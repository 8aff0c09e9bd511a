"""Chooses rows like a person's examples: by BM25 or RDS+, the best rows of each example in turn."""

import math

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

K1, B = 1.2, 0.75


def score_by_bm25(
    tokens: Int32[np.ndarray, "tokens"], offsets: Int64[np.ndarray, "texts+1"], examples: int
) -> Float64[np.ndarray, "rows examples"]:
    """BM25 of each row with each example; the last `examples` of the texts are the examples, all others the rows.

    Robertson & Zaragoza 2009, k1 1.2 and b 0.75, with the never negative idf ln(1 + (N − n + 0.5) / (n + 0.5)). Text t
    is `tokens[offsets[t]:offsets[t + 1]]`; a token that an example repeats counts as often. O(tokens · examples).
    """
    from scipy.sparse import csr_matrix

    shape = len(offsets) - 1, int(tokens.max(initial=0)) + 1
    counts = csr_matrix((np.ones(len(tokens)), tokens, offsets), shape)
    counts.sum_duplicates()
    rows, queries = counts[: shape[0] - examples], counts[shape[0] - examples :]
    lengths = np.diff(offsets)[: rows.shape[0]]
    found_in = np.bincount(rows.indices, minlength=shape[1])
    rarity = np.log1p((rows.shape[0] - found_in + 0.5) / (found_in + 0.5))
    damping = K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-9))
    weights = rows.copy()
    weights.data = rows.data * (K1 + 1) / (rows.data + np.repeat(damping, np.diff(rows.indptr))) * rarity[rows.indices]
    return np.asarray((weights @ queries.T).toarray())


def score_by_cosine(
    rows: Float32[np.ndarray, "rows dim"], examples: Float32[np.ndarray, "examples dim"]
) -> Float64[np.ndarray, "rows examples"]:
    """1 + the cosine of each row with each example, 0 … 2; vectors have norm 1. BLAS is held to one thread."""
    with threadpool_limits(1, user_api="blas"):
        return np.asarray(np.maximum(1 + (rows @ examples.T).astype(np.float64), 0))


def flag_like_examples(
    scores: Float64[np.ndarray, "rows examples"], inside: Bool[np.ndarray, "rows"], share: float
) -> Bool[np.ndarray, "rows"]:
    """The `share` (0 … 1, rounded up) of the rows `inside` that `choose_like_examples` takes first.

    Ties are broken the same way every time, so that seeds of a subset choose from the same rows.
    """
    nearest = np.zeros(len(inside), np.bool_)
    count = math.ceil(round(share * inside.sum(), 6))
    if count:
        costs = np.ones(len(inside), np.int64)
        nearest[choose_like_examples(scores, inside, costs, count, np.random.default_rng(0))] = True
    return nearest


def choose_like_examples(
    scores: Float64[np.ndarray, "rows examples"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`: each example in turn takes its best row that is free.

    The round-robin of RDS+ (Ivison et al. 2025), so that no example is served by another's rows. Ties at random. An
    example whose free rows all score 0 passes; when all do, the others follow at random. O(rows · log rows) an example;
    `size` is at most what is inside.
    """
    shuffled = rng.permutation(np.flatnonzero(inside))
    orders = [shuffled[np.argsort(-column, kind="stable")] for column in scores[shuffled].T]
    places, is_free = np.zeros(len(orders), np.int64), inside.copy()
    rows: list[int] = []
    spent, passed, turn = 0, 0, 0
    while spent < size and passed < len(orders):
        example = turn % len(orders)
        order, place = orders[example], places[example]
        while place < len(order) and not is_free[order[place]]:
            place += 1
        places[example], turn = place, turn + 1
        if place == len(order) or scores[order[place], example] <= 0:
            passed += 1
            continue
        passed = 0
        row = int(order[place])
        is_free[row] = False
        rows.append(row)
        spent += int(costs[row])
    everything = np.append(np.array(rows, np.int64), shuffled[is_free[shuffled]])
    return np.asarray(everything[: costs[everything].cumsum().searchsorted(size) + 1])
