"""A win rate from a few human labels and many verdicts of a judge: prediction-powered inference."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from scipy import stats

CONFIDENCE = 0.975
CHANCE_LABELS = np.array([1.0, 1.0, 0.0, 0.0])  # at a rate of 5 %, 21 % of samples of 30 have no win
CHANCE_VERDICTS = np.full(4, 0.5)


class Rate(NamedTuple):
    """A win rate with its 95 % interval, 0..1, and how much the judge's verdicts count (0: labels alone)."""

    value: float
    low: float
    high: float
    judge_weight: float = 0.0


class Moments(NamedTuple):
    """An estimated win rate among prompts with two different answers, and its variance."""

    mean: float
    variance: float
    judge_weight: float = 0.0


def include_ties(mean: float, different: int, ties: int) -> float:
    """The win rate, 0..1, over `different` prompts of this mean and `ties` further prompts, each half a win.

    >>> include_ties(1.0, different=3, ties=1)
    0.875
    """
    share = different / (different + ties)
    return share * mean + (1 - share) / 2


def estimate_label_rate(labels: Float64[np.ndarray, "labelled"], different: int, ties: int = 0) -> Rate:
    """The mean of human `labels` (0, 0.5, 1) and its 95 % interval.

    They are a random sample of `different` prompts; `ties` further prompts have equal answers and count as 0.5. The
    interval is Student's t of the labels and of two more wins and two more losses, as Agresti & Coull 1998 add to a
    proportion: without those, labels that are all equal would give one of no width. ValueError below two labels.
    """
    _require_labels(labels, different)
    padded = np.append(labels, CHANCE_LABELS)
    widened = Moments(float(padded.mean()), float(padded.var(ddof=1)) / len(padded))
    return _build_rate(float(labels.mean()), widened, len(labels) - 1, different, ties)


def estimate_corrected_rate(
    labels: Float64[np.ndarray, "labelled"],
    judged: Float64[np.ndarray, "labelled"],
    unlabelled: Float64[np.ndarray, "unlabelled"],
    different: int,
    ties: int = 0,
) -> Rate:
    """The win rate that humans would give, from `labels` and the judge's verdicts on the same and on `unlabelled` ones.

    Angelopoulos, Duchi & Zrnic 2023 (PPI++, arXiv 2311.01453): mean(labels − w · judged) + w · mean(unlabelled). It is
    unbiased for any judge where the labelled prompts are a random sample; w is the one of least variance, in 0..1. Its
    variance is the jackknife's over the labelled prompts, w fitted again without each (Efron & Stein 1981), and that of
    the unlabelled mean. The interval is that of Student's t with labels − 2 degrees of freedom, and has two more wins
    and two more losses too; the judge is undecided on these. `different` and `ties` as above. Where w is 0 it is the
    labels' alone. ValueError below two labels, or where labels and verdicts are not of the same prompts.
    """
    _require_labels(labels, different)
    if len(labels) != len(judged):
        raise ValueError(f"labels and verdicts must be of the same prompts, got {len(labels)} and {len(judged)}")
    if len(labels) < 3 or len(unlabelled) == 0:
        return estimate_label_rate(labels, different, ties)
    mean, _, weight = _correct(labels, judged, unlabelled)
    if weight == 0:
        return estimate_label_rate(labels, different, ties)
    widened = _correct(np.append(labels, CHANCE_LABELS), np.append(judged, CHANCE_VERDICTS), unlabelled)
    value = float(np.clip(mean, 0, 1))  # the correction may lead beyond
    return _build_rate(value, widened, len(labels) - 2, different, ties, weight)


def _correct(
    labels: Float64[np.ndarray, "labelled"],
    judged: Float64[np.ndarray, "labelled"],
    unlabelled: Float64[np.ndarray, "unlabelled"],
) -> Moments:
    n, unlabelled_count = len(labels), len(unlabelled)
    sums = np.array([labels, judged, judged**2, labels * judged])
    weight = float(_find_weights(sums.sum(axis=1), n, unlabelled_count))
    left_sums = sums.sum(axis=1, keepdims=True) - sums
    weights = _find_weights(left_sums, n - 1, unlabelled_count)
    means = (left_sums[0] - weights * left_sums[1]) / (n - 1) + weights * unlabelled.mean()
    variance = (n - 1) * means.var() + weight**2 * np.append(judged, unlabelled).var(ddof=1) / unlabelled_count
    return Moments(float(labels.mean() + weight * (unlabelled.mean() - judged.mean())), float(variance), weight)


def _find_weights(sums: Float64[np.ndarray, "4 ..."], count: int, unlabelled_count: int) -> Float64[np.ndarray, "..."]:
    """The slope of labels on verdicts, less where the others (`unlabelled_count`) are few; 0 without a spread."""
    label, judged, squares, products = sums
    spread = squares - judged**2 / count
    varies = spread > 1e-9
    slope = np.where(varies, (products - label * judged / count) / np.where(varies, spread, 1), 0)
    return np.clip(slope / (1 + count / unlabelled_count), 0, 1)


def _build_rate(
    value: float, widened: Moments, freedom: int, different: int, ties: int, judge_weight: float = 0.0
) -> Rate:
    """Prompts with equal answers are a stratum of its own, whose share varies as the prompts do."""
    share = different / (different + ties)
    spread = share**2 * widened.variance + share * (1 - share) / (different + ties) * (widened.mean - 0.5) ** 2
    reach = float(stats.t.ppf(CONFIDENCE, freedom)) * spread**0.5
    rate, middle = (include_ties(mean, different, ties) for mean in (value, widened.mean))
    return Rate(rate, max(0.0, min(rate, middle - reach)), min(1.0, max(rate, middle + reach)), judge_weight)


def _require_labels(labels: Float64[np.ndarray, "labelled"], different: int) -> None:
    if len(labels) < 2:
        raise ValueError(f"an interval needs at least 2 labelled pairs, got {len(labels)}: rate more")
    if different < len(labels):
        raise ValueError(f"{len(labels)} labels cannot be a sample of {different} prompts")
