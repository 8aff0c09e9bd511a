"""Which subset to take: where there is one, by how much; where the data do not say, that they do not."""

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.study.analysis.study import build_study
from m2m.study.cells.cells import STRATEGIES
from m2m.study.report.recommendation import recommend
from tests.planted import NO_SCORES


def advised(grid: pl.DataFrame, outcome: str = "bpb_reduction") -> str:
    return "\n".join(
        recommend(
            build_study(
                grid.with_columns(likelihood_win_rate=pl.lit(None, pl.Float64)), NO_SCORES, seed=1, resamples=100
            ),
            outcome,
        )
    )


def test_a_planted_best_subset_is_recommended_with_its_gain_and_its_length() -> None:
    text = advised(planted_grid(dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.1}))
    assert "500 rows" in text and "take response-micro at degree 6: +0." in text
    assert "Its diversity over all degrees, length held fixed: survives length" in text
    assert "cannot tell" not in text


@pytest.mark.parametrize("seed", range(3))
def test_without_an_effect_it_says_that_it_cannot_tell(seed: int) -> None:
    text = advised(planted_grid(seed=seed))
    assert "cannot tell any subset from random: take random" in text
    assert "take response" not in text and "take instruction" not in text


def test_what_harms_is_named() -> None:
    text = advised(planted_grid(dict.fromkeys(STRATEGIES, 0.0) | {"response-macro": -0.2}))
    assert "Worse than random: " in text and "response-macro at degree 6" in text


def test_a_gain_that_length_gives_as_well_is_called_so() -> None:
    plain = planted_grid({"response-micro": 0.0}, length_effect=0.002, length_slope=100)
    matched = planted_grid(
        {"stratified-length": 0.0}, length_effect=0.002, length_slope=100, seeds=3, random=0, seed=10
    )
    text = advised(pl.concat([plain, matched.with_columns(experiment=pl.format("{}-matched", "experiment"))]))
    assert "not told from what its length gives" in text
    assert "Its diversity over all degrees, length held fixed: cannot be separated from length" in text


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (planted_grid({"response-micro": 0.0}, random=0), "the data do not say; there is no random cell"),
        (planted_grid({"response-micro": 0.0}, seeds=1, random=1), "the data do not say; the noise of training needs"),
        (planted_grid({}), "only random was run"),
    ],
    ids=["no random", "no replicate", "only random"],
)
def test_without_a_comparison_the_reason_is_given(grid: pl.DataFrame, words: str) -> None:
    assert words in advised(grid)


def test_an_outcome_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="must be one of bpb_reduction, got luck"):
        advised(planted_grid({}), "luck")


def test_a_strategy_without_degrees_is_named_without_one() -> None:
    text = advised(
        planted_grid({"k-center": 0.1}, degrees=(0,), noise=0.001, seeds=3).with_columns(
            bpb_reduction=pl.col("bpb_reduction") + pl.when(pl.col("strategy") == "k-center").then(0.1).otherwise(0)
        )
    )
    assert "take k-center: +0." in text and "degree" not in text


def test_the_flags_that_make_its_rows_are_told() -> None:
    text = advised(planted_grid({"response-micro": 0.1}))
    assert "dvc exp run -S subset.strategy=response-micro -S subset.degree=6 -S subset.size=500 -S subset.bud" in text
    assert "dvc exp run -S subset.strategy=random -S subset.size=500 -S subset.budget=rows" in advised(planted_grid())


def test_the_best_random_rows_of_a_subsets_lengths_are_named_with_whose_they_are() -> None:
    matched = planted_grid({"stratified-length": 0.0}, degrees=(6,), seeds=3, random=0, noise=0.001).with_columns(
        bpb_reduction=pl.col("bpb_reduction") + 0.1, experiment=pl.format("{}-matched", "experiment")
    )
    text = advised(pl.concat([planted_grid({"response-micro": 0.0}, noise=0.001), matched]))
    assert "take random with the lengths of response-micro at degree 6: +0.1" in text
    assert "-S subset.strategy=stratified-length -S subset.match=response-micro -S subset.degree=6 -S" in text


def test_a_window_is_advised_with_whose_random_cells_it_was_compared() -> None:
    window = planted_grid({"response-micro": 0.1}, min_tokens=50, max_tokens=120, random=0)
    text = advised(pl.concat([planted_grid({"response-micro": 0.0}, max_tokens=100_000), window]))
    first, second = sorted(text.splitlines())
    words = " over random (random rows of any length; no random of this setting was run) (95 %"
    assert words in first and "no random of this setting" not in second


SETTING = {"condition": "rows, any length", "size": 500, "budget": "rows", "min_tokens": 0, "max_tokens": 10_000}
SETTING |= {"weights": "uniform", "slack": 1.5}


def row(strategy: str, value: float, half: float, p_holm: float, **more: object) -> dict[str, object]:
    """A kind of cell against random, of an interval for the best that reaches `half` to either side."""
    lengths = {"mean_response_tokens": 90.0, "random_response_tokens": 80.0}
    where = {"outcome": "bpb_reduction", "condition": SETTING["condition"], "size": 500}
    told = where | {"strategy": strategy, "match": strategy, "degree": 6, "value": value, "p_holm": p_holm}
    told |= {"all_low": value - half, "all_high": value + half, "pooled_sd": 0.02, "df": 30, "cells": 2}
    return told | lengths | {"against_cells": 8, "random_condition": SETTING["condition"]} | more


def said(*rows: dict[str, object], matched: tuple[dict[str, object], ...] = ()) -> str:
    study = {"outcomes": ["bpb_reduction"], "settings": [SETTING], "against_random": list(rows)}
    [text] = recommend(study | {"matched": list(matched), "lengths": []}, "bpb_reduction")
    return text


def test_the_seeds_that_would_show_a_gain_are_those_of_a_textbook() -> None:
    """Half a standard deviation at two-sided 5 % and a power of 80 %: 63 a group."""
    assert "about 63 seeds of it and of random would show it" in said(row("response-micro", 0.01, 0.02, 0.3))
    assert "would show it" not in said(row("response-micro", -0.01, 0.02, 0.3))


def test_a_larger_gain_that_is_not_sure_is_not_taken_before_one_that_is() -> None:
    text = said(row("response-micro", 0.10, 0.05, 0.001), row("response-macro", 0.30, 0.40, 0.2))
    assert "take response-micro at degree 6" in text


def test_what_cannot_be_told_from_the_best_is_named_and_nothing_else() -> None:
    text = said(*(row(name, value, 0.01, 0.001) for name, value in zip(STRATEGIES, (0.5, 0.49, 0.1), strict=False)))
    assert f"Not told from it: {STRATEGIES[1]} at degree 6." in text


def test_only_what_is_surely_worse_is_warned_of() -> None:
    text = said(row("response-micro", -0.3, 0.05, 0.001), row("response-macro", -0.01, 0.05, 0.6))
    assert text.split("Worse than random: ")[1].startswith("response-micro at degree 6. ")


@pytest.mark.parametrize(("low", "words"), [(0.01, "so it holds beyond"), (-0.01, "so it may not hold beyond")])
def test_a_gain_that_other_prompts_may_take_away_is_said_to_be_one(low: float, words: str) -> None:
    assert words in said(row("response-micro", 0.1, 0.05, 0.001, prompts_only_low=low, prompts_only_high=0.2))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.01, 0.1, "more than what"), (-0.1, -0.01, "less than what"), (-0.1, 0.1, "not told from what")],
)
def test_a_gain_is_held_against_random_of_the_same_lengths(low: float, high: float, words: str) -> None:
    best = row("response-micro", 0.1, 0.05, 0.001)
    matched = best | {"value": (low + high) / 2, "low": low, "high": high}
    assert f"{words} its length gives" in said(best, matched=(matched, matched | {"degree": 0, "low": 1, "high": 2}))
    assert said(best, matched=(matched, matched | {"degree": 0})).count("Against random of its lengths") == 1
