"""Rows against random: a window's own random cells come first, single seeds borrow the noise of the rest."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from bench.planted import planted_grid
from m2m.schemas.study_rows import AgainstRandomRow
from m2m.study.analysis.against_random import (
    NoiseFloor,
    compare_with_matched,
    compare_with_random,
    compute_noise_floor,
    find_randoms,
    flag_outside,
    summarize_random,
)
from tests.planted import NO_SCORES, suffix, views

WINDOW: dict[str, Any] = {"min_tokens": 50}
FLAT = {"response-micro": 0.0}


def compare(grid: pl.DataFrame, scores: pl.DataFrame = NO_SCORES) -> list[AgainstRandomRow]:
    return [row for view in views(grid, scores) for row in compare_with_random(view)]


def known_grid() -> pl.DataFrame:
    """Random 0.1, 0.2 and 0.3; response-micro at degree 6 0.5 and 0.7, its length-matched random 0.4 and 0.4."""
    micro = planted_grid(FLAT, degrees=(6,), random=3).with_columns(
        bpb_reduction=pl.Series([0.5, 0.7, 0.1, 0.2, 0.3]),
        mean_response_tokens=pl.Series([90.0, 110.0, 60.0, 70.0, 95.0]),
        trained_tokens=pl.Series([100, 200, 1, 2, 3]),
    )
    matched = planted_grid({"length-matched": 0.0}, degrees=(6,), random=0)
    return pl.concat([micro, suffix(matched.with_columns(bpb_reduction=pl.lit(0.4)), "m")])


def test_a_row_holds_the_difference_of_the_means_and_what_it_is_of() -> None:
    _, row = compare(known_grid())
    assert (row["strategy"], row["degree"], row["cells"], row["against_cells"]) == ("response-micro", 6, 2, 3)
    assert (row["mean"], row["against_mean"], row["value"]) == pytest.approx((0.6, 0.2, 0.4))
    assert (row["mean_response_tokens"], row["random_response_tokens"]) == pytest.approx((100, 75))
    assert row["trained_tokens"] == 150
    assert row["random_condition"] == row["condition"]


def test_the_interval_is_students_of_the_pooled_noise_and_bonferronis_for_all_rows() -> None:
    """Squares about the group means: 0.02 of response-micro, 0.02 of random, 0 of matched; 1 + 2 + 1 degrees."""
    _, row = compare(known_grid())
    sd, se = np.sqrt(0.04 / 4), np.sqrt(0.04 / 4 * (1 / 2 + 1 / 3))
    assert (row["pooled_sd"], row["df"], row["se"]) == pytest.approx((sd, 4, se))
    assert (row["low"], row["high"]) == pytest.approx(stats.t.interval(0.95, 4, 0.4, se))
    assert (row["all_low"], row["all_high"]) == pytest.approx(stats.t.interval(0.975, 4, 0.4, se))


def test_random_rows_among_all_stand_for_no_random_rows_among_the_nearest() -> None:
    near: dict[str, Any] = {"prefilter": "bm25", "prefilter_share": 0.2}
    dialled = suffix(planted_grid(FLAT, degrees=(6,), random=0, **near), "n")
    grid = pl.concat([planted_grid({}, random=5), dialled]).with_columns(opponent_bits_per_byte=2.0)
    assert [find_randoms(view).height for view in views(grid)] == [5, 0]
    window = suffix(planted_grid(FLAT, degrees=(6,), random=0, **WINDOW), "w")
    grid = pl.concat([planted_grid({}, random=5), window]).with_columns(opponent_bits_per_byte=2.0)
    assert [find_randoms(view).height for view in views(grid)] == [5, 5]


def test_a_matched_row_is_against_the_random_cells_of_its_lengths() -> None:
    [view] = views(known_grid())
    [row] = compare_with_matched(view, "response-micro")
    assert (row["value"], row["against_mean"], row["against_cells"], row["degree"]) == pytest.approx((0.2, 0.4, 2, 6))
    assert (row["low"], row["high"]) == pytest.approx((row["all_low"], row["all_high"]))


def test_a_window_with_random_cells_of_its_own_is_compared_with_them() -> None:
    rows = compare(pl.concat([planted_grid(FLAT), planted_grid(FLAT, random=3, **WINDOW)]))
    assert rows and all(row["random_condition"] == row["condition"] for row in rows)


def test_noise_is_pooled_over_the_conditions_of_one_size_only() -> None:
    large = planted_grid(FLAT, noise=9.0, size=900, max_tokens=999)
    grid = pl.concat([planted_grid(FLAT), planted_grid(FLAT, **WINDOW), suffix(large, "large")])
    noises = {view.size: view.levels.noise for view in views(grid)}
    assert noises[500].df == 2 * (4 + 7) - 7 and noises[500].sd < 0.02
    assert noises[900].df == 4 + 7 and noises[900].sd > 2


def test_random_cells_under_other_weights_are_the_same_cells_and_count_once() -> None:
    once = planted_grid(FLAT)
    both = pl.concat([once, suffix(once.with_columns(weights=pl.lit("other")), "w")])
    assert views(once)[0].levels.noise.df == 4 + 7
    assert views(both)[0].levels.noise.df == 2 * 4 + 7


def test_single_seeds_are_judged_by_the_noise_of_random() -> None:
    assert {row["df"] for row in compare(planted_grid(FLAT, seeds=1))} == {7}


def test_each_setting_has_a_floor_or_a_reason() -> None:
    grid = pl.concat([planted_grid(FLAT), planted_grid(FLAT, random=1, **WINDOW)])
    plain, window = (row for view in views(grid) for row in summarize_random(view))
    assert (plain["judged"], plain["cells"]) == (8, 8)
    assert "at least 2 random cells, got 1" in window["reason"]


def test_the_floor_names_the_cells_outside_above_and_below() -> None:
    grid = planted_grid(FLAT, degrees=(0, 6), seeds=1, random=3)
    names = grid["experiment"].to_list()
    [view] = views(grid.with_columns(bpb_reduction=pl.Series([9.0, -9.0, 0.1, 0.2, 0.3])))
    [row] = summarize_random(view)
    assert row["outside"] == names[:2] and (row["mean"], row["sd"]) == pytest.approx((0.2, 0.1))
    assert row["high"] - row["mean"] == pytest.approx(row["mean"] - row["low"])


def test_random_rows_matched_to_two_strategies_are_two_configurations() -> None:
    """One group of both would have neither's mean, and their gap for noise."""
    grids = [planted_grid(FLAT, noise=0.001)]
    for match, effect in {"response-micro": 0.1, "instruction-macro": -0.1}.items():
        plain = planted_grid({"length-matched": 0.0}, degrees=(0,), seeds=3, random=0, noise=0.001)
        shifted = plain.with_columns(match=pl.lit(match), bpb_reduction=pl.col("bpb_reduction") + effect)
        grids.append(suffix(shifted, match))
    rows = {row["match"]: row for row in compare(pl.concat(grids)) if row["strategy"] == "length-matched"}
    assert {match: round(row["value"], 1) for match, row in rows.items()} == {
        "response-micro": 0.1,
        "instruction-macro": -0.1,
    }
    assert all(row["cells"] == 3 and row["pooled_sd"] < 0.002 for row in rows.values())


def test_without_matched_cells_there_is_no_matched_row() -> None:
    assert compare_with_matched(views(planted_grid())[0], "response-micro") == []


def test_other_prompts_move_a_row_as_they_move_its_cells_less_the_random_ones() -> None:
    """On one of two prompts response-micro gains 1 over random, on the other nothing."""
    grid = planted_grid(FLAT, degrees=(6,))
    gains = [
        (name, prompt, 1.0 + (prompt == "p" and strategy != "random"), 1.0)
        for name, strategy in grid.select("experiment", "strategy").rows()
        for prompt in "pq"
    ]
    [row] = compare(grid, pl.DataFrame(gains, ["experiment", "id", "score", "weight"], orient="row"))
    assert (row["prompts_only_low"], row["prompts_only_high"]) == pytest.approx((0, 1))
    assert row["seeds_only_low"] > row["low"] and row["seeds_only_high"] < row["high"]


def test_random_rows_with_the_lengths_of_another_strategy_are_no_baseline() -> None:
    matched = planted_grid({"length-matched": 0.0}, degrees=(0,), seeds=3, random=0, noise=0.001)
    own, other = (
        suffix(matched.with_columns(match=pl.lit(name)), name) for name in ("response-micro", "instruction-macro")
    )
    better = other.with_columns(bpb_reduction=pl.col("bpb_reduction") + 1)
    [view] = views(pl.concat([planted_grid(FLAT, noise=0.001), own, better]))
    [row] = compare_with_matched(view, "response-micro")
    assert row["against_cells"] == 3 and row["value"] == pytest.approx(0, abs=0.01)


def test_of_several_settings_with_random_cells_that_may_serve_the_one_with_most_does() -> None:
    grids = [
        suffix(planted_grid({}, random=count, max_tokens=longest), longest)
        for count, longest in ((2, 500), (6, 400), (3, 300))
    ]
    window = planted_grid(FLAT, random=0, min_tokens=50)
    rows = compare(pl.concat([*grids, window]))
    conditions = {row["random_condition"].split(", ")[1] for row in rows if "50.." in row["condition"]}
    assert conditions == {"0..400 tokens each"}


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (planted_grid(FLAT, random=0), "there is no random cell of this size and opponent: run random"),
        (planted_grid(FLAT, seeds=1, random=1), "there is none: run more seeds"),
        (planted_grid(FLAT, noise=0.0), "all replicates are equal"),
    ],
    ids=["no random", "no replicate", "no noise"],
)
def test_without_random_or_noise_every_row_has_the_reason_and_its_means(grid: pl.DataFrame, words: str) -> None:
    rows = compare(grid)
    assert len(rows) == 4 and all(words in row["reason"] and "mean" in row and "value" not in row for row in rows)


def test_the_floor_is_students_prediction_interval() -> None:
    floor = compute_noise_floor(np.array([0.0, 2.0]))
    assert (floor.mean, floor.sd) == pytest.approx((1, np.sqrt(2)))
    assert floor.high == pytest.approx(1 + 12.7062 * np.sqrt(2) * np.sqrt(1.5), rel=1e-5)
    assert floor.low == pytest.approx(2 - floor.high)


def test_cells_above_and_below_are_outside_and_the_ends_are_not() -> None:
    floor = NoiseFloor(1.0, 1.0, 0.0, 2.0)
    assert flag_outside(floor, np.array([0.0, 1.0, 2.0, 2.1, -0.1])).tolist() == [False, False, False, True, True]


@pytest.mark.parametrize("cells", [0, 1])
def test_one_random_cell_is_no_floor(cells: int) -> None:
    with pytest.raises(ValueError, match=f"at least 2 random cells, got {cells}"):
        compute_noise_floor(np.ones(cells))


def test_a_further_random_cell_is_outside_as_often_as_said() -> None:
    rng = np.random.default_rng(0)
    outside = sum(flag_outside(compute_noise_floor(rng.normal(size=8)), rng.normal(size=1))[0] for _ in range(2000))
    assert 70 <= outside <= 130
