"""What a cell is worth: the main outcomes first, in their order; intervals and counts are none."""

import polars as pl

from bench.planted import planted_grid
from m2m.study.cells.cells import select_comparable
from m2m.study.cells.outcomes import MAIN, get_unit, is_share, list_outcomes


def test_outcomes_are_what_a_cell_is_worth_the_main_ones_first() -> None:
    grid = planted_grid().with_columns(
        bpb_reduction_arena=pl.col("bpb_reduction"),
        likelihood_win_rate_short=pl.col("likelihood_win_rate"),
        similarity_win_rate=pl.col("likelihood_win_rate"),
        likelihood_win_rate_over_gpt=pl.lit(None, pl.Float64),
    )
    assert list_outcomes(select_comparable(grid)) == [
        "bpb_reduction",
        "likelihood_win_rate",
        "bpb_reduction_arena",
        "likelihood_win_rate_short",
    ]


def test_an_llm_judges_win_rate_is_a_main_outcome_and_its_intervals_are_none() -> None:
    rate = pl.col("likelihood_win_rate")
    ends = [rate.alias(f"arena_hard_win_rate_{end}") for end in ("missing", "prompts_only_low", "prompts_only_high")]
    rates = [rate.alias(f"{name}_win_rate") for name in ("arena_hard", "alpaca_eval", "alpaca_eval_lc")]
    assert list_outcomes(select_comparable(planted_grid().with_columns(*ends, *rates))) == [
        *MAIN,
        "alpaca_eval_lc_win_rate",
    ]


def test_win_rates_are_shares_and_bpb_reductions_are_not() -> None:
    assert is_share("alpaca_eval_lc_win_rate") and not is_share("bpb_reduction_arena")
    assert (get_unit("likelihood_win_rate_short"), get_unit("bpb_reduction_arena")) == ("in win rate", "bpb")


def test_the_meaning_of_an_outcome_is_told_in_sentences_of_at_most_25_words() -> None:
    for outcome in MAIN.values():
        assert outcome.phrase == f"the {outcome.name}"
        assert all(len(sentence.split()) <= 25 for sentence in outcome.meaning.split(". ")), outcome.meaning
