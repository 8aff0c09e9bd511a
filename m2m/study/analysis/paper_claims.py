"""Two of the paper's claims → contrasts with each rival, and whether the data support or contradict the claim."""

from collections.abc import Callable, Mapping

import polars as pl

from m2m.schemas.study_numbers import ClaimNumbers, ContrastRow, State
from m2m.schemas.study_rows import ClaimRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.correlation_contrasts import Difference, compare_paired, compare_separate
from m2m.study.analysis.metric_correlations import POSTERIOR, average_seeds
from m2m.study.analysis.view import View
from m2m.study.cells.cells import get_column, split_cells
from m2m.study.cells.correlation import Column, pearson
from m2m.study.cells.rows import compute_or_explain

Contrasts = dict[str, Difference | str]  # or the reason why there is none
LEVEL = 0.025  # one-sided
HERO = "response-micro"
ESTIMATOR = "response_token_entropy"
PAPER_CLAIMS = {
    "correlates": "response-micro's diversity correlates most strongly with performance",
    "estimator": "response token entropy is the best single estimator of performance",
}


def judge_claims(view: View) -> list[ClaimRow]:
    """Two rows where response-micro was run: the claim, what became of it, and its contrasts."""
    if view.select_strategy(HERO).is_empty():
        return []
    judgements: dict[str, Callable[[View], ClaimNumbers]] = {
        "correlates": _judge_correlations,
        "estimator": _judge_estimators,
    }
    return [
        {**view.place, "claim": claim, "words": PAPER_CLAIMS[claim], **compute_or_explain(judge, view)}
        for claim, judge in judgements.items()
    ]


def contrast_correlations(strategies: Mapping[str, tuple[Column, Column]]) -> Contrasts:
    """r(diversity, outcome) of response-micro − that of each other strategy; pairs of columns by strategy.

    r with its sign: a strategy that harms as it grows is no rival.
    """
    return _contrast_each(
        strategies, HERO, lambda name: compare_separate(pearson(*strategies[HERO]), pearson(*strategies[name]))
    )


def contrast_estimators(metrics: Mapping[str, Column], outcomes: Column) -> Contrasts:
    """|r(entropy, outcome)| − |r(metric, outcome)| of each other metric, over the same points."""
    return _contrast_each(metrics, ESTIMATOR, lambda name: compare_paired(metrics[ESTIMATOR], metrics[name], outcomes))


def judge_claim(contrasts: Contrasts) -> ClaimNumbers:
    """The claim is supported when every rival is beaten, contradicted when some rival wins; each at one-sided 2.5 %.

    To beat all needs no correction for their number (intersection–union test, Berger 1982), to lose to some does
    (Bonferroni). Rivals without a contrast take no part; both kinds are counted.
    """
    rivals = [rival for rival in contrasts.values() if not isinstance(rival, str)]
    supported = max((rival.p_above for rival in rivals), default=1.0)
    contradicted = min(1.0, max(1, len(rivals)) * min((rival.p_below for rival in rivals), default=1.0))
    return {
        **_decide_state(supported, contradicted),
        "rivals": len(rivals),
        "rivals_untold": len(contrasts) - len(rivals),
    }


def _decide_state(supported: float, contradicted: float) -> ClaimNumbers:
    state: State = "supported" if supported < LEVEL else "contradicted" if contradicted < LEVEL else "cannot tell"
    return {"state": state, "p_supported": supported, "p_contradicted": contradicted}


def _judge_correlations(view: View) -> ClaimNumbers:
    columns = {name: (get_column(cells, "diversity"), get_column(cells)) for name, cells in _split_six(view)}
    return _judge(contrast_correlations(columns))


def _judge_estimators(view: View) -> ClaimNumbers:
    """The claim on the metrics of all points, and with each strategy left out: its degrees are no independent points.

    Each p is the largest of them. `rests_on` names the strategies without which the state is not that of `all_points`.
    """
    points = average_seeds(view.cells)
    judgement = _judge(_contrast_metrics(points))
    if judgement["state"] == "cannot tell":
        return judgement
    leave_one_out = {
        strategy: judge_claim(_contrast_metrics(points.filter(pl.col("strategy") != strategy)))
        for strategy in points["strategy"].unique().sort()
    }
    judgements = [judgement, *leave_one_out.values()]
    return {
        **judgement,
        **_decide_state(
            max(row["p_supported"] for row in judgements), max(row["p_contradicted"] for row in judgements)
        ),
        "all_points": judgement["state"],
        "points": points.height,
        "rests_on": [name for name, row in leave_one_out.items() if row["state"] != judgement["state"]],
    }


def _judge(contrasts: Contrasts) -> ClaimNumbers:
    """ValueError, with the first reason, where there are rivals and none can be compared."""
    reasons = [contrast for contrast in contrasts.values() if isinstance(contrast, str)]
    if reasons and len(reasons) == len(contrasts):
        raise ValueError(reasons[0])
    rows = [_make_contrast_row(name, contrast) for name, contrast in contrasts.items()]
    return {**judge_claim(contrasts), "contrasts": rows}


def _make_contrast_row(name: str, contrast: Difference | str) -> ContrastRow:
    if isinstance(contrast, str):
        return {"against": name, "reason": contrast}
    value, low, high, p_above, p_below = contrast
    return {"against": name, "value": value, "low": low, "high": high, "p_above": p_above, "p_below": p_below}


def _contrast_metrics(points: pl.DataFrame) -> Contrasts:
    return contrast_estimators({name: get_column(points, name) for name in POSTERIOR}, get_column(points))


def _split_six(view: View) -> list[tuple[str, pl.DataFrame]]:
    six = view.cells.filter(pl.col("strategy").is_in(UNIT_STRATEGIES))
    return [(key["strategy"], cells) for key, cells in split_cells(six, "strategy")]


def _contrast_each(columns: Mapping[str, object], hero: str, contrast: Callable[[str], Difference]) -> Contrasts:
    if hero not in columns:
        raise ValueError(f"the claim is about {hero}, which has no cells here")
    contrasts: Contrasts = {}
    for name in sorted(set(columns) - {hero}):
        try:
            contrasts[name] = contrast(name)
        except ValueError as reason:
            contrasts[name] = str(reason)
    return contrasts
