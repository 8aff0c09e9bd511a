"""Puts human ratings beside a judge's verdicts: agreement, and the win rate from labels alone and corrected."""

import numpy as np
from jaxtyping import Float64

from m2m.human.agreement import FEW_ITEMS, LEAST_ITEMS, Agreement, estimate_agreement
from m2m.human.corrected_rate import Rate, estimate_corrected_rate, estimate_label_rate, include_ties
from m2m.human.judge_shares import JudgeShares
from m2m.human.sheet import SheetKey, describe_unanswered

FEW_RARER = 10
LEAST_JUDGED = 2  # rated pairs, for an interval
FEW_SHARED = (
    "  warning    {} pairs with two ratings are few: with 15 to 60, intervals held the truth in 90 to 96 % of studies"
)
FEW_JUDGED = (
    "  warning    it judged {} of the {} rated pairs, and a comparison needs {}: rate more pairs, or name verdicts on"
    " them by --verdicts"
)
FEW_LABELS = (
    "  warning    the rarer side has {:g} labels: below 10 the interval is wide, and such intervals held the truth in"
    " 95 to 100 % of simulated studies"
)


def compare_with_people(
    key: SheetKey, raters: list[str], table: Float64[np.ndarray, "raters pairs"], seed: int
) -> list[str]:
    """The lines of the report that need no judge. ValueError below two rated pairs."""
    labels = average_labels(table)
    ties = len(key.identical)
    rated = ~np.isnan(labels)
    lines = [f"raters       {len(raters)}: {', '.join(raters)}"]
    lines += [f"pairs        {rated.sum()} of {len(key.pairs)} rated; {ties} prompts with equal answers count as ties"]
    lines += [f"left out     {sentence}" for sentence in describe_unanswered(key)]
    agreement = estimate_agreement(table, seed)
    lines += [f"agreement    {describe_agreement(agreement, 'between raters')}"]
    has_interval = not np.isnan(agreement.low)
    lines += [FEW_SHARED.format(agreement.items)] if has_interval and agreement.items < FEW_ITEMS else []
    lines += [f"people       {describe_rate(estimate_label_rate(labels[rated], key.different, ties), key)}"]
    return lines + warn_of_rare_side(labels[rated])


def compare_with_judge(
    key: SheetKey, table: Float64[np.ndarray, "raters pairs"], judge: JudgeShares, engine: str, seed: int
) -> list[str]:
    """The lines of the report on one judge; `judge` has the first model's share of each prompt that `engine` judged.

    A judge without readable verdicts on two rated pairs has one line, which says so.
    """
    labels = average_labels(table)
    judged = np.array([judge.get(pair.id, np.nan) for pair in key.pairs])
    is_shared = ~np.isnan(labels) & ~np.isnan(judged)
    if is_shared.sum() < LEAST_JUDGED:
        return [engine, FEW_JUDGED.format(is_shared.sum(), (~np.isnan(labels)).sum(), LEAST_JUDGED)]
    labelled = {pair.id for pair, is_labelled in zip(key.pairs, is_shared, strict=True) if is_labelled}
    left_out = labelled | set(key.identical)
    unlabelled = np.array([score for prompt, score in sorted(judge.items()) if prompt not in left_out])
    ties = len(key.identical)
    corrected = estimate_corrected_rate(labels[is_shared], judged[is_shared], unlabelled, key.different, ties)
    alone = estimate_label_rate(labels[is_shared], key.different, ties)
    agreement = estimate_agreement(np.stack([labels, judged])[:, is_shared], seed)
    decided = is_shared & (labels != 0.5) & (judged != 0.5)
    agreeing = int(((labels > 0.5) == (judged > 0.5))[decided].sum())
    all_judged = np.append(judged[is_shared], unlabelled)
    uncorrected = include_ties(float(all_judged.mean()), key.different, ties)
    equal = f"; {ties} of {key.different + ties} prompts have equal answers and count as ties" if ties else ""
    return [
        engine,
        f"  agreement  {describe_agreement(agreement, 'with people')}; same winner in {agreeing} of {decided.sum()}"
        " pairs without a tie",
        f"  judge      {100 * uncorrected:.1f} %, as it stands, over {len(all_judged)} judged prompts{equal}",
        f"  corrected  {describe_rate(corrected, key)}; weight of the judge {corrected.judge_weight:.2f}",
        f"  people     {describe_rate(alone, key)}, the same pairs alone; {describe_widths(corrected, alone)}",
        *warn_of_rare_side(labels[is_shared]),
    ]


def warn_of_rare_side(labels: Float64[np.ndarray, "labelled"]) -> list[str]:
    """A line where the model that people chose more rarely has under ten `labels` (0..1; a tie is half of one)."""
    rarer = min(labels.sum(), (1 - labels).sum())
    return [FEW_LABELS.format(rarer)] if rarer < FEW_RARER else []


def average_labels(table: Float64[np.ndarray, "raters pairs"]) -> Float64[np.ndarray, "pairs"]:
    """The mean over the raters of each pair; NaN where nobody rated it."""
    count = (~np.isnan(table)).sum(axis=0)
    return np.where(count > 0, np.nansum(table, axis=0) / np.maximum(count, 1), np.nan)


def describe_rate(rate: Rate, key: SheetKey) -> str:
    """The rate, its interval and between whom it is."""
    interval = f"95 % CI {100 * rate.low:.1f} to {100 * rate.high:.1f}"
    return f"{key.first.name} wins {100 * rate.value:.1f} % against {key.second.name}, {interval}"


def describe_widths(corrected: Rate, alone: Rate) -> str:
    """How much narrower or wider the corrected interval is, in percent of the other.

    >>> describe_widths(Rate(0.5, 0.2, 0.8), Rate(0.5, 0.25, 0.75))
    'the corrected interval is 20 % wider'
    """
    change = round(100 * (corrected.high - corrected.low) / (alone.high - alone.low)) - 100
    words = f"{abs(change)} % {'wider' if change > 0 else 'narrower'}" if change else "as wide"
    return f"the corrected interval is {words}"


def describe_agreement(agreement: Agreement, whom: str) -> str:
    """Alpha with its interval, or why there is none.

    >>> describe_agreement(Agreement(0.1, -0.25, 0.5, items=30), "between raters")
    "Krippendorff's alpha between raters 0.10, 95 % CI −0.25 to 0.50"
    """
    if np.isnan(agreement.alpha):
        return f"Krippendorff's alpha {whom} is not defined: it needs pairs with two ratings that are not all equal"
    alpha, low, high = (f"{number:z.2f}".replace("-", "−") for number in agreement[:3])
    if agreement.items < LEAST_ITEMS:
        interval = f"no 95 % CI: it needs {LEAST_ITEMS} pairs with two ratings, got {agreement.items}"
    else:
        interval = f"95 % CI {low} to {high}"
    return f"Krippendorff's alpha {whom} {alpha}, {interval}"
