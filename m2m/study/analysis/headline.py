"""The rows of one outcome and setting → the verdict's headline: the answer, then what diversity does."""

from collections.abc import Sequence

from m2m.planning.seed_noise import ALPHA
from m2m.schemas.study import Study
from m2m.schemas.study_rows import AgainstRandomRow, LengthRow, ShapeRow, SlopeRow
from m2m.study.analysis.ranking import Ranking, list_comparisons, rank_configurations
from m2m.study.cells.labels import (
    format_difference,
    format_interval,
    format_p,
    is_cliff,
    join_words,
    name_configuration,
    select_rows,
    start_sentence,
)
from m2m.study.cells.outcomes import get_unit

EXPLORATORY = "All that follows is exploratory."
NAMED = 2  # configurations in a sentence of 25 words


def write_headline(study: Study, outcome: str) -> str:
    """Sentences of at most 25 words; `study` holds the rows of one outcome and setting alone."""
    answer = _answer(rank_configurations(list_comparisons(study)), outcome)
    confirmed = _describe_choice(study) if study.get("confirmed") else []
    return " ".join([*answer, *confirmed, *_summarize_diversity(study, outcome)])


def advise(study: Study) -> str:
    """What to take, by the comparisons with random: 'Take random rows.'; empty where there are none."""
    ranking = rank_configurations(list_comparisons(study))
    if not ranking.compared:
        return ""
    return f"Take {name_configuration(ranking.best) if ranking.better else 'random rows'}."


def describe_length_control(lengths: Sequence[LengthRow], strategy: str) -> str:
    """A sentence on what is left of a strategy's slope at equal length, by the model `shared` of `regress_on_length`.

    The model `own` needs no other strategy, but length and degree go together within one: it can rarely tell.
    """
    rows = select_rows(lengths, {"strategy": strategy})
    if any(row.get("verdict") == "equal lengths by design" for row in rows):
        return "Response lengths are random's at every degree, so length does not explain it."
    shared = select_rows(rows, {"model": "shared"})
    return f"With length controlled: {shared[0].get('verdict', 'cannot be estimated')}." if shared else ""


def doubt_interval(row: AgainstRandomRow) -> list[str]:
    """A sentence where the interval for all configurations leaves out 0 and Holm's p, of a larger family, does not."""
    if row["p_holm"] < ALPHA or row["all_low"] <= 0 <= row["all_high"]:
        return []
    return [f"That interval leaves out 0, but Holm's p is {format_p(row['p_holm'])}: not significant."]


def _answer(ranking: Ranking, outcome: str) -> list[str]:
    if not ranking.compared:
        reasons = ranking.reasons or ["only random was run"]
        return [f"No comparison with random: {reason}." for reason in reasons]
    best, number = ranking.best, len(ranking.compared)
    gain = f"best: {name_configuration(best)}, {format_difference(best['value'])} {get_unit(outcome)}"
    interval = f"95 % CI {format_interval(best, 'all_low', 'all_high')}"
    answer = [f"No configuration beats random ({gain}, {interval}; {number} compared).", *doubt_interval(best)]
    if ranking.better:
        beat = "beats" if len(ranking.better) == 1 else "beat"
        answer = [f"{len(ranking.better)} of {number} configurations {beat} random ({gain}, {interval})."]
    return [*answer, *_explain_matched(ranking), *_count_worse(ranking)]


def _describe_choice(study: Study) -> list[str]:
    """Which configurations the last rung compares, and which of all were seen to be worse."""
    final, screened = (rank_configurations(study[name]) for name in ("confirmed", "against_random"))
    names = [name_configuration(row) for row in final.compared]
    if not names:
        return _count_worse(screened)
    chosen = join_words(names) if len(names) <= NAMED else f"{len(names)} configurations"
    verb = "was" if len(names) == 1 else "were"
    choice = f"{start_sentence(chosen)} {verb} chosen by earlier seeds and run again on fresh ones."
    return [choice, EXPLORATORY, *_count_worse(screened)]


def _explain_matched(ranking: Ranking) -> list[str]:
    """That a winner of random rows says nothing for diversity, which its name may suggest."""
    if not ranking.better or ranking.best["strategy"] != "length-matched":
        return []
    return ["The best one is random rows of other lengths: that gain is length's, not diversity's."]


def _count_worse(ranking: Ranking) -> list[str]:
    if not ranking.worse:
        return []
    verb = "is" if len(ranking.worse) == 1 else "are"
    worst = join_words([name_configuration(row) for row in ranking.worse[: -NAMED - 1 : -1]])
    most = f"most of all {worst}" if len(ranking.worse) > NAMED else worst
    return [f"{len(ranking.worse)} of {len(ranking.compared)} {verb} significantly worse than random: {most}."]


def _summarize_diversity(study: Study, outcome: str) -> list[str]:
    slopes = [row for row in study["slopes"] if "p_holm" in row]
    different = [row for row in study["shapes"] if row.get("p_holm", 1) < ALPHA]
    cliffs = [row["strategy"] for row in different if is_cliff(row)]
    trends = [row for row in slopes if row["p_holm"] < ALPHA and row["strategy"] not in cliffs]
    told = {*cliffs, *(row["strategy"] for row in trends)}
    bent = [row for row in different if row["strategy"] not in told]
    if trends or different:
        return [*(_describe_trend(study, row) for row in trends), *_describe_cliffs(cliffs), *_describe_bent(bent)]
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
    control = describe_length_control(study["lengths"], row["strategy"])
    return " ".join(filter(None, [trend, control, _describe_rise(study, row)]))


def _describe_rise(study: Study, row: SlopeRow) -> str:
    """That a rise is no gain over random, where its most diverse subset was compared and nothing of it is better."""
    screened, final = rank_configurations(study["against_random"]), rank_configurations(list_comparisons(study))
    degrees = sorted(select_rows(screened.compared, {"strategy": row["strategy"]}), key=lambda gain: gain["degree"])
    better = select_rows([*screened.better, *final.better], {"strategy": row["strategy"]})
    if row["value"] < 0 or better or not degrees:
        return ""
    is_loss = degrees[0]["degree"] == 0 and degrees[0] in screened.worse
    loss = "; degree 0 is significantly worse" if is_loss else ""
    return f"{start_sentence(name_configuration(degrees[-1]))} is not significantly better than random{loss}."


def _describe_cliffs(strategies: Sequence[str]) -> list[str]:
    """Strategies of which only the least diverse degree is low: a rise from degree to degree would say too much."""
    if not strategies:
        return []
    return [f"{start_sentence(join_words(strategies))}: a cliff. Degree 0 is low; no difference is seen above it."]


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
