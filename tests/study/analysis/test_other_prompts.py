"""Intervals over prompts, for cells as they are: the contrast of ratios, and how often it holds the truth."""

import numpy as np
import polars as pl
import pytest

from bench.planted import planted_study
from m2m.judging.scoring.prompt_bootstrap import bootstrap_ratio
from m2m.study.analysis.other_prompts import (
    PromptBootstrap,
    PromptScores,
    arrange_scores,
    combine_intervals,
    resample_prompts,
)
from m2m.study.analysis.slopes import fit_line, weigh_slope
from m2m.study.cells.t_estimates import make_estimate

SCORES = pl.DataFrame(
    {
        "experiment": ["a", "a", "a", "b", "b", "b", "c"],
        "id": ["p", "q", "r", "p", "q", "r", "p"],
        "score": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        "weight": [10.0, 20.0, 30.0, 10.0, 20.0, 40.0, 10.0],
    }
)


def test_the_matrix_has_the_cells_in_the_order_asked_for() -> None:
    found = arrange_scores(SCORES.sample(fraction=1, shuffle=True, seed=1), ["b", "a"])
    assert found.score.tolist() == [[4, 5, 6], [1, 2, 3]] and found.weight.tolist() == [[10, 20, 40], [10, 20, 30]]


def test_a_prompt_that_a_cell_lacks_counts_nothing_for_it() -> None:
    """Its score is that of its own prompts, as measure told it."""
    found = arrange_scores(SCORES.filter((pl.col("experiment") != "a") | (pl.col("id") != "q")), ["a", "b"])
    assert found.score.tolist() == [[1, 0, 3], [4, 5, 6]] and found.weight.tolist() == [[10, 0, 30], [10, 20, 40]]
    low, high = resample_prompts(np.array([1.0, 0.0]), found, np.random.default_rng(0), 500)
    assert 0.0999 < low <= 0.1 <= high < 0.1001  # the same on both of its prompts; draws without any are left out


@pytest.mark.parametrize("experiments", [["a", "c"], ["a", "z"], ["z"]])
def test_cells_without_two_prompts_have_no_interval_over_prompts(experiments: list[str]) -> None:
    with pytest.raises(ValueError, match=r"at least 2 prompts|no scores by prompt"):
        arrange_scores(SCORES, experiments)


def test_an_empty_table_is_a_reason_and_no_error() -> None:
    row = PromptBootstrap(SCORES.clear(), 1, 100).compute_interval(make_estimate(1.0, 1.0, 3), np.ones(2), ["a", "b"])
    assert list(row) == ["prompts_reason"]


def test_where_all_prompts_agree_the_interval_is_the_slope_itself() -> None:
    size = np.array([[10.0, 20, 30], [30, 20, 10], [1, 1, 9]])  # games played may be other ones in every cell
    levels = np.array([[1.0], [2.0], [3.0]])
    weights = weigh_slope(np.array([0, 0.5, 1]))
    found = resample_prompts(weights, PromptScores(levels * size, size), np.random.default_rng(0), 100)
    assert found == pytest.approx((2, 2))


def test_of_one_cell_it_is_the_interval_of_a_ratio() -> None:
    """As measure tells it of this cell; both draw whole prompts, by the same generator."""
    rng = np.random.default_rng(3)
    score, weight = rng.normal(size=40), rng.integers(1, 9, size=40).astype(float)
    found = resample_prompts(np.ones(1), PromptScores(score[None], weight[None]), np.random.default_rng(4), 500)
    assert found == pytest.approx(bootstrap_ratio(score, weight, np.random.default_rng(4), 500))


def test_both_kinds_of_noise_make_the_interval_wider_than_either() -> None:
    known = make_estimate(1.0, 0.1, 6)
    low, high = combine_intervals(known, 0.6, 1.4)
    assert low < min(known.low, 0.6) and high > max(known.high, 1.4)
    assert combine_intervals(known, 1.0, 1.0) == pytest.approx((known.low, known.high))


def test_intervals_hold_their_truths_in_1000_studies() -> None:
    rng, held = np.random.default_rng(1), np.zeros(3)
    for _ in range(1000):
        study = planted_study(rng, prompts=120)
        cells = len(study.diversity)
        weights = weigh_slope(study.diversity)
        size = np.tile(study.bytes, (len(study.saved), 1))
        scores = PromptScores(study.saved[:cells], size[:cells])
        low, high = resample_prompts(weights, scores, rng, 400)
        held[0] += low <= weights @ study.level[:cells] <= high
        both = combine_intervals(fit_line(study.diversity, study.performance[:cells]).slope, low, high)
        held[1] += both[0] <= 0.1 <= both[1]
        gap = np.repeat([1 / 2, -1 / 8], [2, 8])  # the last degree against random
        low, high = resample_prompts(gap, PromptScores(study.saved[cells - 2 :], size[cells - 2 :]), rng, 400)
        held[2] += low <= gap @ study.level[cells - 2 :] <= high
    assert (held >= 920).all(), held


def test_half_widths_are_added_as_squares() -> None:
    known = make_estimate(10.0, 1.0, 6)
    four_thirds = (known.high - 10) * 4 / 3
    low, high = combine_intervals(known, 10 - four_thirds, 10 + four_thirds)
    assert (10 - low, high - 10) == pytest.approx([(known.high - 10) * 5 / 3] * 2)
