"""Rows against random: a window's own random cells come first, single seeds borrow the noise of the rest."""

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.study.analysis.against_random import (
    compare_with_matched,
    compare_with_random,
    estimate_noise,
    summarize_random,
)
from m2m.study.analysis.other_prompts import PromptBootstrap
from m2m.study.cells.cells import select_comparable, select_outcome
from tests.planted import NO_SCORES

NO_PROMPTS = PromptBootstrap(NO_SCORES, 1, 100)

WINDOW = {"min_tokens": 50}


def test_each_row_is_a_difference_of_means() -> None:
    cells = select_comparable(planted_grid({"response-micro": 0.1}))
    for row in compare_with_random(cells, "bpb_reduction", NO_PROMPTS):
        assert row["value"] == pytest.approx(row["mean"] - row["against_mean"])
        assert (row["cells"], row["against_cells"]) == (2, 8)


def test_a_window_with_random_cells_of_its_own_is_compared_with_them() -> None:
    grid = pl.concat([planted_grid({"response-micro": 0.0}), planted_grid({"response-micro": 0.0}, random=3, **WINDOW)])
    rows = compare_with_random(select_comparable(grid), "bpb_reduction", NO_PROMPTS)
    assert all(row["random_condition"] == row["condition"] for row in rows)


def test_noise_is_pooled_over_the_conditions_of_one_size_only() -> None:
    grid = pl.concat(
        [
            planted_grid({"response-micro": 0.0}, noise=0.01),
            planted_grid({"response-micro": 0.0}, noise=0.01, **WINDOW),
            planted_grid({"response-micro": 0.0}, noise=9.0, size=900, max_tokens=999).with_columns(
                experiment=pl.format("{}-large", "experiment")
            ),
        ]
    )
    found = estimate_noise(select_outcome(select_comparable(grid), "bpb_reduction"), 500)
    assert found.df == 2 * (4 + 7) and found.sd < 0.02


def test_random_cells_under_other_weights_are_the_same_cells_and_count_once() -> None:
    once = planted_grid({"response-micro": 0.0})
    both = pl.concat([once, once.with_columns(weights=pl.lit("other"), experiment=pl.format("{}-w", "experiment"))])
    alone, together = (
        estimate_noise(select_outcome(select_comparable(grid), "bpb_reduction"), 500) for grid in (once, both)
    )
    assert alone.df == 4 + 7
    assert together.df == 2 * 4 + 7


def test_single_seeds_are_judged_by_the_noise_of_random() -> None:
    rows = compare_with_random(
        select_comparable(planted_grid({"response-micro": 0.0}, seeds=1)), "bpb_reduction", NO_PROMPTS
    )
    assert {row["df"] for row in rows} == {7}


def test_each_setting_has_a_floor_or_a_reason() -> None:
    grid = pl.concat([planted_grid({"response-micro": 0.0}), planted_grid({"response-micro": 0.0}, random=1, **WINDOW)])
    plain, window = summarize_random(select_comparable(grid), "bpb_reduction")
    assert plain["judged"] == 8 and "at least 2 random cells, got 1" in window["reason"]


def test_random_rows_matched_to_two_strategies_are_two_kinds() -> None:
    """One group of both would have neither's mean, and their gap for noise."""
    grids = [planted_grid({"response-micro": 0.0}, noise=0.001)]
    for at, (match, worth) in enumerate({"response-micro": 0.1, "instruction-macro": -0.1}.items()):
        plain = planted_grid({"stratified-length": 0.0}, degrees=(0,), seeds=3, random=0, noise=0.001)
        named = plain.with_columns(match=pl.lit(match), experiment=pl.format("{}-{}", "experiment", pl.lit(at)))
        grids.append(named.with_columns(bpb_reduction=pl.col("bpb_reduction") + worth))
    rows = compare_with_random(select_comparable(pl.concat(grids)), "bpb_reduction", NO_PROMPTS)
    found = {row["match"]: row for row in rows if row["strategy"] == "stratified-length"}
    assert {match: round(row["value"], 1) for match, row in found.items()} == {
        "response-micro": 0.1,
        "instruction-macro": -0.1,
    }
    assert all(row["cells"] == 3 and row["pooled_sd"] < 0.002 for row in found.values())


def test_without_matched_cells_there_is_no_matched_row() -> None:
    assert compare_with_matched(select_comparable(planted_grid()), "bpb_reduction", "response-micro") == []


def test_other_prompts_move_a_row_as_they_move_its_cells_less_the_random_ones() -> None:
    """On one of two prompts response-micro gains 1 over random, on the other nothing."""
    cells = select_comparable(planted_grid({"response-micro": 0.0}, degrees=(6,)))
    gains = [
        (one, prompt, 1.0 + (prompt == "p" and strategy != "random"), 1.0)
        for one, strategy in cells.select("experiment", "strategy").rows()
        for prompt in "pq"
    ]
    scores = pl.DataFrame(gains, ["experiment", "id", "score", "weight"], orient="row")
    [row] = compare_with_random(cells, "bpb_reduction", PromptBootstrap(scores, 1, 100))
    assert (row["prompts_only_low"], row["prompts_only_high"]) == (0, 1)


def test_random_rows_with_the_lengths_of_another_strategy_are_no_baseline() -> None:
    matched = planted_grid({"stratified-length": 0.0}, degrees=(0,), seeds=3, random=0, noise=0.001)
    own, other = (
        matched.with_columns(match=pl.lit(name), experiment=pl.format("{}-{}", "experiment", pl.lit(name)))
        for name in ("response-micro", "instruction-macro")
    )
    better = other.with_columns(bpb_reduction=pl.col("bpb_reduction") + 1)
    grid = pl.concat([planted_grid({"response-micro": 0.0}, noise=0.001), own, better])
    [row] = compare_with_matched(select_comparable(grid), "bpb_reduction", "response-micro")
    assert row["against_cells"] == 3 and row["value"] == pytest.approx(0, abs=0.01)


def test_of_several_settings_with_random_cells_that_may_serve_the_one_with_most_does() -> None:
    grids = [
        planted_grid({}, random=count, max_tokens=most).with_columns(
            experiment=pl.format("{}-{}", "experiment", pl.lit(most))
        )
        for count, most in ((2, 500), (6, 400), (3, 300))
    ]
    window = planted_grid({"response-micro": 0.0}, random=0, min_tokens=50)
    rows = compare_with_random(select_comparable(pl.concat([*grids, window])), "bpb_reduction", NO_PROMPTS)
    taken = {row["random_condition"].split(", ")[1] for row in rows if "50.." in row["condition"]}
    assert taken == {"0..400 tokens each"}


def test_holms_p_is_over_the_kinds_of_one_setting_and_size() -> None:
    large = planted_grid({"response-micro": 0.0}, size=900, seed=1)
    large = large.with_columns(experiment=pl.format("{}-large", "experiment"))
    cells = select_comparable(pl.concat([planted_grid({"response-micro": 0.0}), large]))
    rows = compare_with_random(cells, "bpb_reduction", NO_PROMPTS)
    for size in (500, 900):
        some = [row for row in rows if row["size"] == size]
        lowest = min(row["p"] for row in some)
        assert len(some) == 4 and min(row["p_holm"] for row in some) == pytest.approx(min(1, 4 * lowest))
