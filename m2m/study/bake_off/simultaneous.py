"""Correlated differences → the one t quantile whose intervals hold for all of them together, and adjusted p."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

DRAWS = 50_000  # the quantile is then known to about 0.01
CorrelationMatrix = Float[np.ndarray, "differences differences"]
Maxima = Float[np.ndarray, "draws"]


class Simultaneous(NamedTuple):
    """The law of max |t| over differences that are all 0."""

    critical: float
    """its 95 % quantile: value ± critical · se holds for all differences together"""
    maxima: Maxima
    """sorted draws of max |t|"""

    def adjust(self, t: float) -> float:
        """The single-step adjusted p of one difference: how often the largest of all is beyond `t` by chance."""
        beyond = len(self.maxima) - int(np.searchsorted(self.maxima, abs(t), side="left"))
        return (beyond + 1) / (len(self.maxima) + 1)


def draw_maxima(correlation: CorrelationMatrix, df: int, rng: np.random.Generator, draws: int = DRAWS) -> Simultaneous:
    """The multivariate t of `correlation` and `df`, by simulation (Dunnett 1955; Hothorn, Bretz and Westfall 2008).

    With equal numbers of replicates and independent noise it is Dunnett's test. Differences that share random are
    correlated, so it is narrower than Bonferroni. ValueError below 1 degree of freedom.
    """
    if df < 1:
        raise ValueError(f"simultaneous intervals need at least 1 degree of freedom, got {df}: run more seeds")
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    maxima = np.empty(draws)
    for block in np.array_split(np.arange(draws), max(1, draws // 20_000)):
        normal = rng.standard_normal((len(block), len(values))) @ root.T
        maxima[block] = np.abs(normal).max(axis=1) / np.sqrt(rng.chisquare(df, len(block)) / df)
    maxima.sort()
    return Simultaneous(float(np.quantile(maxima, 0.95)), maxima)
