"""Games to prompts; what the order of the answers did to the judge."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.judging.scoring.games import (
    compute_win_rates_by_length,
    measure_order_bias,
    measure_repeat_noise,
    sum_by_prompt,
)


def games(*rows: tuple[str, int, int, float | None, int], **more: list[int]) -> pl.DataFrame:
    schema = {"id": pl.String, "repeat": pl.Int64, "order": pl.Int64, "won": pl.Float64, "weight": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(**{k: pl.Series(v) for k, v in more.items()})


def test_all_games_of_a_prompt_are_one_row_in_the_order_of_the_first() -> None:
    table = games(
        ("b", 0, 0, 1.0, 3), ("a", 0, 0, 0.5, 1), ("b", 0, 1, 0.0, 1), ("c", 0, 0, None, 1), surplus=[7, 8, 7, 9]
    )
    assert sum_by_prompt(table).rows() == [("b", 7, 3.0, 4), ("a", 8, 0.5, 1)]


def test_a_judge_that_always_likes_the_first_flips_always() -> None:
    table = games(("a", 0, 0, 1.0, 1), ("a", 0, 1, 0.0, 3), ("b", 0, 0, 0.9, 1), ("b", 0, 1, 0.2, 1))
    assert measure_order_bias(table) == {"flips": 1.0, "first_wins": 1.0, "ties": 0.0}


def test_a_judge_that_sees_the_answers_alone_never_flips() -> None:
    table = games(("a", 0, 0, 1.0, 1), ("a", 0, 1, 1.0, 3), ("b", 0, 0, 0.1, 1), ("b", 0, 1, 0.2, 1))
    assert measure_order_bias(table) == {"flips": 0.0, "first_wins": 0.5, "ties": 0.0}


def test_a_tie_in_one_order_is_no_flip_and_no_win_of_the_first() -> None:
    assert measure_order_bias(games(("a", 0, 0, 0.5, 1), ("a", 0, 1, 0.0, 1))) == {
        "flips": 0.0,
        "first_wins": 1.0,
        "ties": 0.5,
    }


def test_repeats_are_compared_each_with_its_own_other_order() -> None:
    table = games(("a", 0, 0, 1.0, 1), ("a", 0, 1, 1.0, 1), ("a", 1, 0, 1.0, 1), ("a", 1, 1, 0.0, 1))
    assert measure_order_bias(table)["flips"] == 0.5
    table = games(("a", 0, 0, 1.0, 1), ("a", 0, 1, 1.0, 1), ("a", 1, 0, 0.0, 1), ("a", 1, 1, 0.0, 1))
    assert measure_order_bias(table)["flips"] == 0


def test_a_game_without_a_verdict_is_in_no_share() -> None:
    assert measure_order_bias(games(("a", 0, 0, 1.0, 1), ("a", 0, 1, None, 1))) == {"first_wins": 1.0, "ties": 0.0}
    assert measure_order_bias(games(("a", 0, 0, None, 1))) == {}
    assert sum_by_prompt(games()).is_empty()


@pytest.mark.parametrize("order", [0, 1])
def test_one_order_alone_says_nothing_of_flips(order: int) -> None:
    assert "flips" not in measure_order_bias(games(("a", 0, order, 1.0, 1), ("b", 0, order, 0.0, 1)))


def test_the_noise_of_a_judge_is_how_its_win_rate_varies_over_repeats() -> None:
    rows = [("a", 0, 0, 1.0, 3), ("b", 0, 0, 0.0, 1), ("a", 1, 0, 1.0, 1), ("b", 1, 0, 0.0, 1), ("a", 2, 0, None, 1)]
    assert measure_repeat_noise(games(*rows)) == {"repeat_sd": pytest.approx(0.25 / 2**0.5)}  # 3/4 and 1/2
    assert measure_repeat_noise(games(*rows[:2])) == measure_repeat_noise(games()) == {}


@pytest.mark.parametrize(
    ("lengths", "wins"),
    [
        ([1, 2, 3, 4, 5, 6], {"short": 0.5, "medium": 2.5, "long": 4.5}),
        ([6, 5, 4, 3, 2, 1], {"short": 4.5, "medium": 2.5, "long": 0.5}),
        ([9, 9, 9, 9, 9, 9], {"short": 2.5}),
        ([1, 1, 1, 1, 5, 5], {"short": 1.5, "long": 4.5}),
    ],
    ids=["rising", "falling", "all equal", "two lengths"],
)
def test_wins_are_split_at_the_terciles_of_length(lengths: list[int], wins: dict[str, float]) -> None:
    assert compute_win_rates_by_length(np.arange(6.0), np.array(lengths)) == wins


def test_few_prompts_fill_the_shorter_thirds_first() -> None:
    assert compute_win_rates_by_length(np.array([1.0]), np.array([7])) == {"short": 1.0}
    assert compute_win_rates_by_length(np.array([1.0, 0.0]), np.array([7, 8])) == {"short": 1.0, "medium": 0.0}
    assert compute_win_rates_by_length(np.array([]), np.array([])) == {}


@given(st.lists(st.integers(1, 10**6), min_size=3, max_size=90, unique=True))
def test_thirds_of_distinct_lengths_differ_by_at_most_one_prompt(lengths: list[int]) -> None:
    wins = compute_win_rates_by_length(np.arange(len(lengths), dtype=float), np.sort(lengths))
    short, long = 2 * wins["short"] + 1, 2 * (len(lengths) - wins["long"]) - 1
    assert 0 <= short - long <= 1 and abs(len(lengths) - short - 2 * long) <= 1
