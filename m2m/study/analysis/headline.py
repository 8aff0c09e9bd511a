"""The rows of one outcome and setting → the verdict's headline: the answer, then what diversity does."""

from collections.abc import Sequence

from m2m.schemas.study import Study
from m2m.schemas.study_rows import LengthRow, ShapeRow, SlopeRow
from m2m.study.analysis.ranking import Ranking, rank_configurations
from m2m.study.cells.labels import (
    ALPHA,
    format_difference,
    format_interval,
    join_words,
    name_configuration,
    select_rows,
    start_sentence,
)
from m2m.study.cells.outcomes import get_unit


def write_headline(study: Study, outcome: str) -> str:
    """Sentences of at most 25 words; `study` holds the rows of one outcome and setting alone."""
    ranking = rank_configurations(study["against_random"])
    return " ".join([*_answer(ranking, outcome), *_summarize_diversity(study, outcome)])


def describe_length_control(lengths: Sequence[LengthRow], strategy: str) -> str:
    """A sentence on a strategy's slope with length controlled, by both models where they differ.

    Across strategies means that they share one effect of length, as in the model `shared` of `regress_on_length`.
    """
    survival: dict[str, str] = {
        row["model"]: row.get("verdict", "cannot be estimated") for row in select_rows(lengths, {"strategy": strategy})
    }
    if not survival:
        return ""
    within, across = survival["own"], survival["shared"]
    if within == across:
        return f"With length controlled: {within}."
    return f"With length controlled: {within} within the strategy, {across} across strategies."


def _answer(ranking: Ranking, outcome: str) -> list[str]:
    if not ranking.compared:
        reasons = ranking.reasons or ["only random was run"]
        return [f"No comparison with random: {reason}." for reason in reasons]
    best, number = ranking.best, len(ranking.compared)
    gain = f"best: {name_configuration(best)}, {format_difference(best['value'])} {get_unit(outcome)}"
    interval = f"95 % CI {format_interval(best, 'all_low', 'all_high')}"
    answer = f"No configuration beats random ({gain}, {interval}; {number} compared)."
    if ranking.better:
        beat = "beats" if len(ranking.better) == 1 else "beat"
        answer = f"{len(ranking.better)} of {number} configurations {beat} random ({gain}, {interval})."
    return [answer, *_count_worse(ranking)]


def _count_worse(ranking: Ranking) -> list[str]:
    if not ranking.worse:
        return []
    verb = "is" if len(ranking.worse) == 1 else "are"
    return [f"{len(ranking.worse)} of {len(ranking.compared)} {verb} significantly worse than random."]


def _summarize_diversity(study: Study, outcome: str) -> list[str]:
    slopes = [row for row in study["slopes"] if "p_holm" in row]
    significant = [row for row in slopes if row["p_holm"] < ALPHA]
    trends = {row["strategy"] for row in significant}
    bent = [row for row in study["shapes"] if row.get("p_holm", 1) < ALPHA and row["strategy"] not in trends]
    if significant or bent:
        return [*(_describe_trend(study, row) for row in significant), *_describe_bent(bent)]
    if not slopes:
        return ["The effect of diversity cannot be estimated."]
    ends = {"low": min(row["low"] for row in slopes), "high": max(row["high"] for row in slopes)}
    return [
        "No strategy shows a significant effect of diversity "
        f"(95 % CIs of the slopes: {format_interval(ends)} {get_unit(outcome)})."
    ]


def _describe_trend(study: Study, row: SlopeRow) -> str:
    trend = (
        f"{start_sentence(row['strategy'])}: {format_difference(row['value'])} {get_unit(row['outcome'])} "
        f"from least to most diverse (95 % CI {format_interval(row)})."
    )
    return f"{trend} {describe_length_control(study['lengths'], row['strategy'])}".rstrip()


def _describe_bent(rows: Sequence[ShapeRow]) -> list[str]:
    """Degrees that differ by the noise of replicates, where the slope's own noise hides it."""
    strategies: dict[int, list[str]] = {}
    for row in rows:
        strategies.setdefault(row["worst"], []).append(row["strategy"])
    return [
        f"{start_sentence(join_words(names))}: no significant linear trend, but the degrees differ; "
        f"degree {worst} has the lowest mean."
        for worst, names in strategies.items()
    ]
