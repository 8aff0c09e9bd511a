"""Chooses the rows with the highest values: the longest responses, or the most difficult ones."""

import numpy as np
from jaxtyping import Bool, Int64, Num


def choose_highest_rows(
    values: Num[np.ndarray, "rows"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` by falling `values` until their summed `costs` reach `size`; ties at random.

    By response length it is the baseline of Zhao et al. 2024, "Long Is More for Alignment", where the 1,000 longest
    responses beat curated sets. Seeds differ only in ties and in the training order. O(rows · log rows); `size` is at
    most what is inside.
    """
    shuffled = rng.permutation(np.flatnonzero(inside))
    rows = shuffled[np.argsort(-values[shuffled], kind="stable")]
    return rows[: costs[rows].cumsum().searchsorted(size) + 1]
