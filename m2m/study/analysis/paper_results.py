"""Our slopes and correlations beside the published ones: same sign, same rank order; the scales differ."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy import stats

from m2m.planning.seed_noise import ALPHA
from m2m.schemas.study_numbers import PaperNumbers, Place
from m2m.schemas.study_rows import PaperRow, SlopeRow
from m2m.strategies import UNIT_STRATEGIES

SLOPES = {  # × 10⁻², arXiv 2505.24768, in the order of UNIT_STRATEGIES
    "10K": (2.37, 4.93, -5.45, 0.73, 3.61, 5.35),
    "20K": (1.67, 3.75, -2.83, 0.97, 1.71, 6.68),
    "30K": (1.45, 2.07, -1.80, 0.59, 2.00, 10.06),
}
CORRELATIONS = {"response_mean_tokens": 0.73, "response_token_entropy": 0.58, "instruction_self_bleu": 0.42}


def compare_with_paper(place: Place, slopes: Sequence[SlopeRow]) -> list[PaperRow]:
    """A row a published size, from the slopes of one outcome and setting; none without an estimated slope.

    A sign is sure where the slope is significant after Holm.
    """
    estimated = [row for row in slopes if "p_holm" in row]
    values = {row["strategy"]: row["value"] for row in estimated}
    sure = [row["strategy"] for row in estimated if row["p_holm"] < ALPHA]
    return [{**place, **numbers} for numbers in compare_slopes(values, sure)] if estimated else []


def compare_slopes(slopes: Mapping[str, float], sure: Collection[str]) -> list[PaperNumbers]:
    """A row a published size: how many of our `slopes` have its sign, for sure or at all, and Kendall's τ of the order.

    `slopes` by strategy, and which of them are `sure`; those of no published strategy are left out. τ and its exact
    two-sided p are null below three strategies; six in the same order come by chance once in 720.
    """
    shared = [name for name in UNIT_STRATEGIES if name in slopes]
    return [_compare(size, published, slopes, set(sure), shared) for size, published in SLOPES.items()]


def _compare(
    size: str, published: tuple[float, ...], slopes: Mapping[str, float], sure: set[str], shared: list[str]
) -> PaperNumbers:
    paper = dict(zip(UNIT_STRATEGIES, published, strict=True))
    agreeing = {name for name in shared if slopes[name] * paper[name] > 0}
    tau, tau_p = _correlate_order([slopes[name] for name in shared], [paper[name] for name in shared])
    return {
        "paper": size,
        "strategies": len(shared),
        "same_sign": len(agreeing),
        "sure_of_sign": len(sure & set(shared)),
        "same_sign_of_sure": len(agreeing & sure),
        "tau": tau,
        "tau_p": tau_p,
    }


def _correlate_order(slopes: list[float], published: list[float]) -> tuple[float, float] | tuple[None, None]:
    if len(slopes) < 3 or np.ptp(slopes) == 0:
        return None, None
    kendall = stats.kendalltau(slopes, published)
    return float(kendall.statistic), float(kendall.pvalue)
