"""The paper's three claims → contrasts with each rival, and whether the data support or contradict the claim."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float64

from m2m.study.analysis.against_random import noise
from m2m.study.analysis.contrasts import Noise, maxima_difference
from m2m.study.analysis.correlation_contrasts import Difference, paired, separate
from m2m.study.analysis.metric_correlations import POSTERIOR, points
from m2m.study.cells.cells import SETTING, STRATEGIES, column, parts, with_worth
from m2m.study.cells.correlation import pearson
from m2m.study.cells.labels import KIND, kind
from m2m.study.cells.rows import Row, or_reason

Column = Float64[np.ndarray, "cells"]
Contrasts = dict[str, Difference | str]  # or the reason why there is none
State = Literal["supported", "contradicted", "cannot tell"]
HERO = "response-micro"
ESTIMATOR = "response_token_entropy"
CLAIMS = {
    "correlates": "response-micro's diversity correlates most strongly with performance",
    "maximum": "response-micro's best degree beats the best degree of every other strategy",
    "estimator": "response token entropy is the best single estimator of performance",
}


def claim_rows(cells: pl.DataFrame, outcome: str) -> list[Row]:
    """Three rows a setting in which response-micro was run: the claim, what became of it, and its contrasts."""
    known = with_worth(cells, outcome)
    return [
        {"outcome": outcome} | key | {"claim": claim, "words": CLAIMS[claim]} | row
        for key, part in parts(known, *SETTING)
        if (part["strategy"] == HERO).any()
        for claim, row in _three(known, part).items()
    ]


def correlates(strategies: Mapping[str, tuple[Column, Column]]) -> Contrasts:
    """r(diversity, performance) of response-micro − that of each other strategy; pairs of columns by strategy.

    r with its sign: a strategy that harms as it grows is no rival.
    """
    return _each(strategies, HERO, lambda name: separate(pearson(*strategies[HERO]), pearson(*strategies[name])))


def maximum(strategies: Mapping[str, list[Column]], noise: Noise) -> Contrasts:
    """Best mean of response-micro − best mean of each other strategy; each strategy's cells degree by degree."""
    return _each(strategies, HERO, lambda name: maxima_difference(strategies[HERO], strategies[name], noise))


def estimator(metrics: Mapping[str, Column], performance: Column) -> Contrasts:
    """|r(entropy, performance)| − |r(metric, performance)| of each other metric, over the same points."""
    return _each(metrics, ESTIMATOR, lambda name: paired(metrics[ESTIMATOR], metrics[name], performance))


def judge(contrasts: Contrasts) -> Row:
    """The claim is supported when every rival is beaten, contradicted when some rival wins; each at one-sided 2.5 %.

    To beat all needs no allowance for their number (intersection–union test, Berger 1982), to lose to some does
    (Bonferroni). Rivals without a contrast take no part; how many took is told.
    """
    rivals = [rival for rival in contrasts.values() if not isinstance(rival, str)]
    supported = max((rival.p_above for rival in rivals), default=1.0)
    contradicted = min(1.0, max(1, len(rivals)) * min((rival.p_below for rival in rivals), default=1.0))
    counts = {"rivals": len(rivals), "rivals_untold": len(contrasts) - len(rivals)}
    return _state(supported, contradicted) | counts


def _state(supported: float, contradicted: float) -> Row:
    state: State = "supported" if supported < 0.025 else "contradicted" if contradicted < 0.025 else "cannot tell"
    return {"state": state, "p_supported": supported, "p_contradicted": contradicted}


def _three(known: pl.DataFrame, part: pl.DataFrame) -> dict[str, Row]:
    return {
        "correlates": or_reason(lambda: _judged(correlates(_pairs(part)))),
        "maximum": or_reason(lambda: _judged(maximum(_degrees(part), noise(known, part["size"][0])))),
        "estimator": or_reason(_robust, points(part)),
    }


def _judged(contrasts: Contrasts) -> Row:
    told = {name: {"reason": found} if isinstance(found, str) else found._asdict() for name, found in contrasts.items()}
    return judge(contrasts) | {"contrasts": [{"against": name} | row for name, row in told.items()]}


def _pairs(part: pl.DataFrame) -> dict[str, tuple[Column, Column]]:
    return {name: (column(some, "diversity"), column(some)) for name, some in _six(part)}


def _degrees(part: pl.DataFrame) -> dict[str, list[Column]]:
    return {name: [column(some) for _, some in parts(cells, "degree")] for name, cells in _six(part)}


def _robust(some: pl.DataFrame) -> Row:
    """The claim on the metrics of all points, and whichever one of them is left out: one far point makes any r.

    Each p is the largest of them. `rests_on` names the points without which it is not what `all_points` says.
    """
    whole = _judged(_estimator(some))
    if whole["state"] == "cannot tell":
        return whole
    kinds = some.select(KIND).rows(named=True)
    left = {kind(row): judge(_estimator(some.filter(pl.int_range(pl.len()) != at))) for at, row in enumerate(kinds)}
    p = (max(row[name] for row in (whole, *left.values())) for name in ("p_supported", "p_contradicted"))
    rests = [name for name, row in left.items() if row["state"] != whole["state"]]
    return whole | _state(*p) | {"all_points": whole["state"], "points": some.height, "rests_on": rests}


def _estimator(some: pl.DataFrame) -> Contrasts:
    return estimator({name: column(some, name) for name in POSTERIOR}, column(some))


def _six(part: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    six = part.filter(pl.col("strategy").is_in(STRATEGIES))
    return [(key["strategy"], cells) for key, cells in parts(six, "strategy")]


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
