"""The paper's three claims → contrasts with each rival, and whether the data support or contradict the claim."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float64

from m2m.study.analysis.against_random import estimate_noise
from m2m.study.analysis.contrasts import Noise, compare_maxima
from m2m.study.analysis.correlation_contrasts import Difference, compare_paired, compare_separate
from m2m.study.analysis.metric_correlations import POSTERIOR, average_seeds
from m2m.study.cells.cells import SETTING, STRATEGIES, get_column, select_outcome, split_cells
from m2m.study.cells.correlation import pearson
from m2m.study.cells.labels import CONFIGURATION, name_configuration
from m2m.study.cells.rows import StudyRow, compute_or_explain

Column = Float64[np.ndarray, "cells"]
Contrasts = dict[str, Difference | str]  # or the reason why there is none
State = Literal["supported", "contradicted", "cannot tell"]
HERO = "response-micro"
ESTIMATOR = "response_token_entropy"
PAPER_CLAIMS = {
    "correlates": "response-micro's diversity correlates most strongly with performance",
    "maximum": "response-micro's best degree beats the best degree of every other strategy",
    "estimator": "response token entropy is the best single estimator of performance",
}


def judge_claims(cells: pl.DataFrame, outcome: str) -> list[StudyRow]:
    """Three rows a setting in which response-micro was run: the claim, what became of it, and its contrasts."""
    known = select_outcome(cells, outcome)
    return [
        {"outcome": outcome} | key | {"claim": claim, "words": PAPER_CLAIMS[claim]} | row
        for key, part in split_cells(known, *SETTING)
        if (part["strategy"] == HERO).any()
        for claim, row in _three(known, part).items()
    ]


def contrast_correlations(strategies: Mapping[str, tuple[Column, Column]]) -> Contrasts:
    """r(diversity, performance) of response-micro − that of each other strategy; pairs of columns by strategy.

    r with its sign: a strategy that harms as it grows is no rival.
    """
    return _each(
        strategies, HERO, lambda name: compare_separate(pearson(*strategies[HERO]), pearson(*strategies[name]))
    )


def contrast_maxima(strategies: Mapping[str, list[Column]], noise: Noise) -> Contrasts:
    """Best mean of response-micro − best mean of each other strategy; each strategy's cells degree by degree."""
    return _each(strategies, HERO, lambda name: compare_maxima(strategies[HERO], strategies[name], noise))


def contrast_estimators(metrics: Mapping[str, Column], performance: Column) -> Contrasts:
    """|r(entropy, performance)| − |r(metric, performance)| of each other metric, over the same points."""
    return _each(metrics, ESTIMATOR, lambda name: compare_paired(metrics[ESTIMATOR], metrics[name], performance))


def judge_claim(contrasts: Contrasts) -> StudyRow:
    """The claim is supported when every rival is beaten, contradicted when some rival wins; each at one-sided 2.5 %.

    To beat all needs no allowance for their number (intersection–union test, Berger 1982), to lose to some does
    (Bonferroni). Rivals without a contrast take no part; how many took is told.
    """
    rivals = [rival for rival in contrasts.values() if not isinstance(rival, str)]
    supported = max((rival.p_above for rival in rivals), default=1.0)
    contradicted = min(1.0, max(1, len(rivals)) * min((rival.p_below for rival in rivals), default=1.0))
    counts = {"rivals": len(rivals), "rivals_untold": len(contrasts) - len(rivals)}
    return _state(supported, contradicted) | counts


def _state(supported: float, contradicted: float) -> StudyRow:
    state: State = "supported" if supported < 0.025 else "contradicted" if contradicted < 0.025 else "cannot tell"
    return {"state": state, "p_supported": supported, "p_contradicted": contradicted}


def _three(known: pl.DataFrame, part: pl.DataFrame) -> dict[str, StudyRow]:
    return {
        "correlates": compute_or_explain(lambda: _judged(contrast_correlations(_pairs(part)))),
        "maximum": compute_or_explain(
            lambda: _judged(contrast_maxima(_degrees(part), estimate_noise(known, part["size"][0])))
        ),
        "estimator": compute_or_explain(_robust, average_seeds(part)),
    }


def _judged(contrasts: Contrasts) -> StudyRow:
    told = {name: {"reason": found} if isinstance(found, str) else found._asdict() for name, found in contrasts.items()}
    return judge_claim(contrasts) | {"contrasts": [{"against": name} | row for name, row in told.items()]}


def _pairs(part: pl.DataFrame) -> dict[str, tuple[Column, Column]]:
    return {name: (get_column(some, "diversity"), get_column(some)) for name, some in _six(part)}


def _degrees(part: pl.DataFrame) -> dict[str, list[Column]]:
    return {name: [get_column(some) for _, some in split_cells(cells, "degree")] for name, cells in _six(part)}


def _robust(some: pl.DataFrame) -> StudyRow:
    """The claim on the metrics of all points, and whichever one of them is left out: one far point makes any r.

    Each p is the largest of them. `rests_on` names the points without which it is not what `all_points` says.
    """
    whole = _judged(_estimator(some))
    if whole["state"] == "cannot tell":
        return whole
    kinds = some.select(CONFIGURATION).rows(named=True)
    left = {
        name_configuration(row): judge_claim(_estimator(some.filter(pl.int_range(pl.len()) != at)))
        for at, row in enumerate(kinds)
    }
    p = (max(row[name] for row in (whole, *left.values())) for name in ("p_supported", "p_contradicted"))
    rests = [name for name, row in left.items() if row["state"] != whole["state"]]
    return whole | _state(*p) | {"all_points": whole["state"], "points": some.height, "rests_on": rests}


def _estimator(some: pl.DataFrame) -> Contrasts:
    return contrast_estimators({name: get_column(some, name) for name in POSTERIOR}, get_column(some))


def _six(part: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    six = part.filter(pl.col("strategy").is_in(STRATEGIES))
    return [(key["strategy"], cells) for key, cells in split_cells(six, "strategy")]


def _each(among: Mapping[str, object], hero: str, contrast: Callable[[str], Difference]) -> Contrasts:
    if hero not in among:
        raise ValueError(f"the claim is about {hero}, which has no cells here")
    found: Contrasts = {}
    for name in sorted(set(among) - {hero}):
        try:
            found[name] = contrast(name)
        except ValueError as reason:
            found[name] = str(reason)
    return found
