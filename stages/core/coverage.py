"""Turns how many chosen rows carry each unit into coverage and evenness."""

import numpy as np
from jaxtyping import Int64

from stages.core.shannon import entropy_bits


def units_present(counts: Int64[np.ndarray, "units"]) -> int:
    """Units that some chosen row carries; for micro units these are the distinct mid-band token types."""
    return int(np.count_nonzero(counts))


def unit_coverage(counts: Int64[np.ndarray, "units"]) -> float:
    """Share of the strategy's units that some chosen row carries, 0..1; `counts` holds a zero for every other."""
    if not len(counts):
        raise ValueError("coverage is a share of the strategy's units, and the strategy has none")
    return units_present(counts) / len(counts)


def unit_evenness(counts: Int64[np.ndarray, "units"]) -> float:
    """Entropy of the counts over the entropy of equal counts of the units present, 0..1; 1 when all are equal.

    Pielou 1966's J. Absent units do not count: coverage tells of them. One unit is even (1), no unit present is 0.
    """
    present = units_present(counts)
    return float(present) if present < 2 else entropy_bits(counts) / float(np.log2(present))
