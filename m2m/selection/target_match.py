"""Chooses rows like a person's examples: BM25, and the best rows of each example in turn."""

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64

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
