"""A value, its standard error and degrees of freedom → Student's interval, the posterior sign, p, and Holm's p."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
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


def is_rounding(sd: float, outcomes: Float[np.ndarray, "cells"]) -> bool:
    """Whether the standard deviation `sd` about `outcomes` is rounding alone: then every effect would be certain."""
    return bool(sd <= 1e-12 * np.abs(outcomes).max())


def add_variance(estimate: Estimate, variance: float, df: int) -> Estimate:
    """`estimate` with independent noise of `variance` added, known to `df` degrees of freedom (Satterthwaite 1946)."""
    total = estimate.se**2 + variance
    if variance <= 0:
        return estimate
    freedom = total**2 / (estimate.se**4 / estimate.df + variance**2 / df)
    return make_estimate(estimate.value, float(np.sqrt(total)), max(1, int(freedom)))


def adjust_holm(p: Sequence[float]) -> list[float]:
    """Each p adjusted for the number of tests (Holm 1979), in the order of `p`.

    As statsmodels' `multipletests`, which collects garbage at every call: two thirds of a study's time.
    """
    order = np.argsort(p, kind="stable")
    steps = np.asarray(p, float)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(value) for value in adjusted]
