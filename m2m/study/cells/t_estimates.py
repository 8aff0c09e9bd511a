"""A value, its standard error and degrees of freedom → Student's interval, the posterior sign, p, and Holm's p."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from m2m.schemas.study_numbers import EstimateNumbers


class Estimate(NamedTuple):
    """A value that is Student-t about the truth: as a sampling law, or as the posterior under a reference prior."""

    value: float
    low: float  # 95 %
    high: float
    se: float
    df: int
    positive: float  # posterior probability that the truth is above 0
    p: float  # two-sided, of a truth of 0

    def to_numbers(self) -> EstimateNumbers:
        """The estimate as a row of the study has it."""
        return EstimateNumbers(
            value=self.value,
            low=self.low,
            high=self.high,
            se=self.se,
            df=self.df,
            positive=self.positive,
            p=self.p,
        )


def make_estimate(value: float, se: float, df: int) -> Estimate:
    """The 95 % interval and the sign of `value`; a standard error of 0 makes it certain."""
    if df < 1:
        raise ValueError(f"a t interval needs at least 1 degree of freedom, got {df}: run more cells or seeds")
    half = float(stdtrit(df, 0.975)) * se
    ratio = value / se if se > 0 else {0: 0.0, 1: np.inf, -1: -np.inf}[int(np.sign(value))]
    positive, p = float(stdtr(df, ratio)), float(2 * stdtr(df, -abs(ratio)))
    return Estimate(value, value - half, value + half, se, df, positive, p)


def adjust_holm(p: Sequence[float]) -> list[float]:
    """Each p adjusted for the number of tests (Holm 1979), in the order of `p`."""
    from statsmodels.stats.multitest import multipletests

    return [float(adjusted) for adjusted in multipletests(p, method="holm")[1]] if len(p) else []
