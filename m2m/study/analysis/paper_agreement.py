"""The study's rows beside the paper's claims and numbers → sentences that say how far they agree."""

from collections.abc import Sequence

from m2m.schemas.study_rows import ClaimRow, MetricRow, PaperRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.cells.labels import format_p, join_words, start_sentence


def describe_claims(rows: Sequence[ClaimRow]) -> list[str]:
    """The paper's claims and what became of them; one without a rival is left out."""
    return [
        f"The paper: {row['words']}. {_describe_state(row)}" for row in rows if row.get("rivals") or "reason" in row
    ]


def describe_slope_agreement(rows: Sequence[PaperRow]) -> list[str]:
    """The published sizes that our slopes agree with alike share a sentence."""
    sizes: dict[str, list[str]] = {}
    for row in rows:
        sizes.setdefault(_describe_signs(row), []).append(row["paper"])
    return [f"Beside the paper's {join_words(names)}: {signs}" for signs, names in sizes.items()]


def describe_correlations(rows: Sequence[MetricRow]) -> list[str]:
    """The correlations that the paper has too: of the metrics with the outcome, over configurations."""
    shared = [row for row in rows if row["paper"] is not None and "pearson_r" in row]
    if not shared:
        return []
    pairs = {row["metric"].replace("_", " "): (row["pearson_r"], row["paper"] or 0.0) for row in shared}
    words = [f"{name} {_format_r(r)} ({_format_r(paper)})" for name, (r, paper) in pairs.items()]
    agreeing = sum(r * paper > 0 for r, paper in pairs.values())
    by_r = sorted(pairs, key=lambda name: -pairs[name][0])
    by_paper = sorted(pairs, key=lambda name: -pairs[name][1])
    order = "the same" if by_r == by_paper else "another"
    spans = [row["without_low"] * row["without_high"] for row in shared if "without_low" in row]
    turning = sum(span <= 0 for span in spans)
    influence = [f"{turning} of {len(spans)} change sign when one strategy is left out."] if spans else []
    sentences = [
        f"Correlations with the outcome (the paper's): {join_words(words)}. "
        f"{agreeing} of {len(pairs)} have the paper's sign, in {order} rank order.",
        *influence,
    ]
    return [" ".join(sentences)]


def describe_cells_without(rows: Sequence[MetricRow]) -> list[str]:
    """The metrics that not all cells have, each with how many lack it: a correlation is of the others alone."""
    lacking = [f"{row['cells_without']} have no {row['metric']}" for row in rows if "cells_without" in row]
    if not lacking:
        return []
    return [f"Not all cells have every metric: {join_words(lacking)}. They are in no such correlation."]


def _describe_state(row: ClaimRow) -> str:
    if "reason" in row:
        return f"Not tested: {row['reason']}."
    p = row["p_contradicted"] if row.get("all_points", row["state"]) == "contradicted" else row["p_supported"]
    state = "Neither supported nor contradicted" if row["state"] == "cannot tell" else start_sentence(row["state"])
    return f"{state} ({_count_rivals(row)}, one-sided p {format_p(p)}).{_describe_influence(row)}"


def _describe_influence(row: ClaimRow) -> str:
    """The strategies without any one of which the data say something else."""
    if not row.get("rests_on"):
        return ""
    names = row["rests_on"]
    strategies = names[0] if len(names) == 1 else f"any of {len(names)} single strategies"
    return f" All {row['points']} points together say {row['all_points']}, but not without {strategies}."


def _count_rivals(row: ClaimRow) -> str:
    missing = f", {row['rivals_untold']} not comparable" if row["rivals_untold"] else ""
    if row["claim"] == "estimator":
        return f"{row['rivals']} other metrics{missing}"
    if row["rivals"] == len(UNIT_STRATEGIES) - 1:
        return f"{row['rivals']} other strategies{missing}"
    names = join_words([rival["against"] for rival in row["contrasts"] if "value" in rival])
    return f"compared with {names}{missing}"


def _describe_signs(row: PaperRow) -> str:
    sure = row["sure_of_sign"]
    significant = (
        f"and in {row['same_sign_of_sure']} of {sure} significant ones" if sure else "none of them significant"
    )
    order = ""
    if row["tau"] is not None and row["tau_p"] is not None:
        order = f" Rank order: τ {_format_r(row['tau'])} (p {format_p(row['tau_p'])})."
    return f"the same sign in {row['same_sign']} of {row['strategies']} slopes, {significant}.{order}"


def _format_r(r: float) -> str:
    return f"{r:+.2f}".replace("-", "−")
