"""Our slopes and correlations beside the published ones: same sign, same rank order; the scales are not one."""

from collections.abc import Collection, Mapping

import numpy as np
from scipy import stats

from m2m.study.cells.cells import SETTING, STRATEGIES
from m2m.study.cells.labels import ALPHA
from m2m.study.cells.rows import StudyRow

SLOPES = {  # × 10⁻², arXiv 2505.24768, in the order of STRATEGIES
    "10K": (2.37, 4.93, -5.45, 0.73, 3.61, 5.35),
    "20K": (1.67, 3.75, -2.83, 0.97, 1.71, 6.68),
    "30K": (1.45, 2.07, -1.80, 0.59, 2.00, 10.06),
}
WHERE = ("outcome", *SETTING)
CORRELATIONS = {"response_mean_tokens": 0.73, "response_token_entropy": 0.58, "instruction_self_bleu": 0.42}


def compare_slopes(slopes: Mapping[str, float], sure: Collection[str]) -> list[StudyRow]:
    """A row a published size: how many of our `slopes` have its sign, for sure or at all, and Kendall's τ of the order.

    `slopes` by strategy, and which of them are `sure`; those of no published strategy are left out. τ and its exact
    two-sided p are null below three strategies; six in the same order come by chance once in 720.
    """
    shared = [name for name in STRATEGIES if name in slopes]
    return [{"paper": size} | _beside(published, slopes, sure, shared) for size, published in SLOPES.items()]


def compare_with_paper(slopes: list[StudyRow]) -> list[StudyRow]:
    """A row an outcome, setting and published size, from the rows of `slope_rows`."""
    found: dict[tuple[str, ...], list[StudyRow]] = {}
    for row in slopes:
        if "p_holm" in row:
            found.setdefault(tuple(row[name] for name in WHERE), []).append(row)
    return [dict(zip(WHERE, key, strict=True)) | row for key, ours in found.items() for row in _rows(ours)]


def _rows(ours: list[StudyRow]) -> list[StudyRow]:
    """After Holm: that the sign of one of several slopes is sure by itself may be chance."""
    values = {row["strategy"]: row["value"] for row in ours}
    return compare_slopes(values, [row["strategy"] for row in ours if row["p_holm"] < ALPHA])


def _beside(
    published: tuple[float, ...], slopes: Mapping[str, float], sure: Collection[str], shared: list[str]
) -> StudyRow:
    theirs = {name: value for name, value in zip(STRATEGIES, published, strict=True) if name in shared}
    agree = [name for name in shared if slopes[name] * theirs[name] > 0]
    known = set(sure) & set(shared)
    return {
        "strategies": len(shared),
        "same_sign": len(agree),
        "sure_of_sign": len(known),
        "same_sign_of_sure": len(set(agree) & known),
    } | _order([slopes[name] for name in shared], [theirs[name] for name in shared])


def _order(ours: list[float], theirs: list[float]) -> StudyRow:
    if len(ours) < 3 or np.ptp(ours) == 0:
        return {"tau": None, "tau_p": None}
    found = stats.kendalltau(ours, theirs)
    return {"tau": float(found.statistic), "tau_p": float(found.pvalue)}
