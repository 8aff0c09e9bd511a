"""Turns counts or other weights into their Shannon entropy."""

import numpy as np
from jaxtyping import Num


def entropy_bits(weights: Num[np.ndarray, "kinds"]) -> float:
    """−Σ p log2 p of `weights` scaled to sum 1; zeros add nothing, and no positive weight at all gives 0.

    Shannon 1948, section 6. Bits, from 0 (one kind) to log2 of the number of kinds (all equal).
    """
    positive = weights[weights > 0]
    shares = positive / positive.sum()
    return float((shares * np.log2(1 / shares)).sum())
