"""Puts human ratings beside a judge's verdicts: agreement, and the win rate from labels alone and corrected."""

import numpy as np
from jaxtyping import Float64

from m2m.human.agreement import FEW_ITEMS, Agreement, estimate_agreement
from m2m.human.corrected_rate import Rate, estimate_corrected_rate, estimate_label_rate
from m2m.human.judge_shares import JudgeShares
from m2m.human.sheet import SheetKey, describe_unanswered

FEW_RARER = 10
FEW_SHARED = (
    "  warning    {} pairs with two ratings are few: with 15 to 60, intervals held the truth in 90 to 96 % of studies"
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
    shared = int(((~np.isnan(table)).sum(axis=0) > 1).sum())
    lines += [f"agreement    {describe_agreement(agreement, 'between raters')}"]
    lines += [FEW_SHARED.format(shared)] if shared < FEW_ITEMS and not np.isnan(agreement.alpha) else []
    lines += [f"people       {describe_rate(estimate_label_rate(labels[rated], key.different, ties), key)}"]
    return lines + warn_of_rare_side(labels[rated])


def compare_with_judge(
    key: SheetKey, table: Float64[np.ndarray, "raters pairs"], judge: JudgeShares, engine: str, seed: int
) -> list[str]:
    """The lines of the report on one judge; `judge` has the first model's share of each prompt that `engine` judged.

    ValueError where the judge has no readable verdict on two rated pairs.
    """
    labels = average_labels(table)
    judged = np.array([judge.get(pair.id, np.nan) for pair in key.pairs])
    is_shared = ~np.isnan(labels) & ~np.isnan(judged)
    if is_shared.sum() < 2:
        raise ValueError(
            f"{engine} judged {is_shared.sum()} of the rated pairs, at least 2 are needed: name its verdicts"
        )
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
    uncorrected = (all_judged.sum() + ties / 2) / (len(all_judged) + ties)
    equal = "equal answers counted as ties, " if ties else ""
    narrower = 1 - (corrected.high - corrected.low) / (alone.high - alone.low)
    return [
        f"{engine}",
        f"  agreement  {describe_agreement(agreement, 'with people')}; same winner in {agreeing} of {decided.sum()}"
        " pairs without a tie",
        f"  judge      {100 * uncorrected:.1f} %, as it stands, {equal}over {len(all_judged) + ties} prompts",
        f"  corrected  {describe_rate(corrected, key)}; weight of the judge {corrected.judge_weight:.2f}",
        f"  people     {describe_rate(alone, key)}, the same pairs alone; the corrected interval is"
        f" {100 * narrower:.0f} % narrower",
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


def describe_agreement(agreement: Agreement, whom: str) -> str:
    """
    >>> describe_agreement(Agreement(0.5, 0.25, 0.75), "between raters")
    "Krippendorff's alpha between raters 0.50, 95 % CI 0.25 to 0.75"
    """
    if np.isnan(agreement.alpha):
        return f"Krippendorff's alpha {whom} is not defined: it needs pairs with two ratings that are not all equal"
    interval = f"95 % CI {agreement.low:.2f} to {agreement.high:.2f}"
    return f"Krippendorff's alpha {whom} {agreement.alpha:.2f}, {interval}"
