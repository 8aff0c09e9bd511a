"""The record of a bake-off → its answer in sentences, and its table."""

from collections.abc import Sequence

from m2m.study.bake_off.comparison import EQUAL, BakeOff, RandomRow, SelectorRow
from m2m.study.cells.labels import (
    format_difference,
    format_interval,
    format_p,
    join_words,
    name_configuration,
    start_sentence,
)
from m2m.study.cells.outcomes import get_unit

SELECTOR_HEADER = (
    "selector",
    "cells",
    "gain over random",
    "95 % CI for all",
    "adjusted p",
    "response tokens",
    "trained tokens",
)


def write_answer(record: BakeOff) -> list[str]:
    """Sentences: the answer at each budget, how it is decided, and the seed noise of random."""
    answers = [sentence for random in record["random"] for sentence in _answer(record, random)]
    number, noise = len(record["selectors"]), "seeds and prompts" if record["prompts"] else "seeds"
    rule = (
        f"The intervals hold for all {number} comparisons together: max-t over their joint covariance by {noise}, "
        f"t quantile {record['critical']:.2f} at {record['df']} degrees of freedom."
    )
    return [*answers, rule, *(_describe_noise(random) for random in record["random"])]


def list_table_rows(record: BakeOff, budget: str) -> list[tuple[str, ...]]:
    """A row a selector at one budget under SELECTOR_HEADER, the largest gain first, and random last."""
    rows = sorted(_select(record, budget), key=lambda row: -row["value"])
    cells = [
        (
            name_configuration(row),
            str(row["cells"]),
            format_difference(row["value"]),
            format_interval(row, "all_low", "all_high"),
            format_p(row["p_all"]),
            f"{row['mean_response_tokens']:.0f}",
            f"{row['trained_tokens']:,.0f}",
        )
        for row in rows
    ]
    randoms = [
        (
            "random",
            str(row["cells"]),
            "–",
            f"one cell: ±{row['half_width']:.3f}",
            "–",
            f"{row['mean_response_tokens']:.0f}",
            f"{row['trained_tokens']:,.0f}",
        )
        for row in record["random"]
        if row["budget"] == budget
    ]
    return [*cells, *randoms]


def _answer(record: BakeOff, random: RandomRow) -> list[str]:
    rows = sorted(_select(record, random["budget"]), key=lambda row: -row["value"])
    if not rows:
        return []
    place, best = f"At {EQUAL[random['budget']]} ({random['size']:,})", rows[0]
    gain = f"{format_difference(best['value'])} {get_unit(record['outcome'])}"
    interval = f"95 % CI {format_interval(best, 'all_low', 'all_high')}"
    better = [row for row in rows if row["all_low"] > 0]
    worse = [row for row in reversed(rows) if row["all_high"] < 0]
    if better:
        verb = "beats" if len(better) == 1 else "beat"
        sentences = [
            f"{place}, {len(better)} of {len(rows)} selectors {verb} random: {_join(better)}.",
            f"The largest gain is {gain}, by {name_configuration(best)} ({interval}).",
        ]
    else:
        sentences = [
            f"{place}, no selector of {len(rows)} beats random.",
            f"The best is {name_configuration(best)}, {gain} ({interval}).",
        ]
    if longer := [row for row in better if row["mean_response_tokens"] > 1.1 * random["mean_response_tokens"]]:
        length = f"responses over a tenth longer than random's {random['mean_response_tokens']:.0f} tokens"
        sentences.append(f"Of these, {_join(longer)} {'has' if len(longer) == 1 else 'have'} {length}.")
    if worse:
        verb = "is" if len(worse) == 1 else "are"
        sentences.append(f"Worse than random {verb} {_join(worse)}.")
    return sentences


def _describe_noise(random: RandomRow) -> str:
    return start_sentence(
        f"random's {random['cells']} cells at {EQUAL[random['budget']]} have a standard deviation of "
        f"{random['sd']:.4f}; with 95 % one further cell lies within "
        f"±{random['half_width']:.4f} of their mean."
    )


def _select(record: BakeOff, budget: str) -> list[SelectorRow]:
    return [row for row in record["selectors"] if row["budget"] == budget]


def _join(rows: Sequence[SelectorRow]) -> str:
    return join_words([name_configuration(row) for row in rows])
