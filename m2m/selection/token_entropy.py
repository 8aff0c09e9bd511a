"""Turns token lists into a subset whose tokens are of high entropy, row by row."""

from math import ceil, log

import numpy as np
from jaxtyping import Bool, Int32, Int64
from numba import njit

MISS = 0.01  # chance that no row at hand is among the best, which are as many as are chosen


def choose_high_entropy_rows(
    tokens: Int32[np.ndarray, "tokens"],
    offsets: Int64[np.ndarray, "rows+1"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
    miss: float = MISS,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`: of those at hand, the one that raises token entropy most.

    Greedy on the entropy of all chosen tokens, after length the metric that correlates best with win rate in the
    paper's section 5 (0.58), by the stochastic greedy of Mirzasoleiman et al. 2015: at hand are rows / chosen ·
    ln(1 / `miss`) free rows at random, new ones at each step, so that O(tokens · ln(1 / miss)) are looked at and seeds
    differ. Where `miss` is so small that all rows are at hand, it is plain greedy. Row r is
    `tokens[offsets[r]:offsets[r + 1]]`, ids from 0; `size` is at most what is inside.
    """
    hand = ceil(costs[inside].sum() / size * log(1 / miss))
    count = np.bincount(tokens, minlength=1)
    places = np.arange(1, count.max() + 2, dtype=np.float64)
    steps = np.diff(places * np.log2(places), prepend=0.0)
    free = rng.permutation(np.flatnonzero(inside))
    turns = _raise(tokens, offsets, costs, size, hand, steps, np.zeros_like(count), free, rng)
    return np.asarray(free[:turns])


@njit(cache=True)
def _raise(tokens, offsets, costs, size, hand, steps, count, free, rng):  # type: ignore[no-untyped-def]
    """Moves each chosen row to the front of `free`, and returns how many there are.

    With T tokens, c of each type, the entropy is log2 T − (Σ c log2 c) / T; `steps[c]` is what one more of a type that
    has c adds to that sum.
    """
    turns, spent, summed, total = 0, 0, 0.0, 0
    while spent < size:
        best, best_place, best_sum = -1.0, -1, 0.0
        for place in range(turns, min(turns + hand, len(free))):
            swap = place + int(rng.random() * (len(free) - place))
            free[place], free[swap] = free[swap], free[place]
            row = free[place]
            begin, end = offsets[row], offsets[row + 1]
            grown = summed
            for i in range(begin, end):
                grown += steps[count[tokens[i]]]
                count[tokens[i]] += 1
            for i in range(begin, end):
                count[tokens[i]] -= 1
            longer = max(total + end - begin, 1)
            entropy = np.log2(longer) - grown / longer
            if entropy > best:
                best, best_place, best_sum = entropy, place, grown
        row = free[best_place]
        free[turns], free[best_place] = row, free[turns]
        for i in range(offsets[row], offsets[row + 1]):
            count[tokens[i]] += 1
        summed = best_sum
        total += offsets[row + 1] - offsets[row]
        turns += 1
        spent += costs[row]
    return turns
