"""Games to prompts; what the order of the answers did to the judge."""

import polars as pl
import pytest

from m2m.judging.scoring.games import bias, by_prompt, noise


def games(*rows: tuple[str, int, int, float | None, int], **more: list[int]) -> pl.DataFrame:
    schema = {"id": pl.String, "repeat": pl.Int64, "order": pl.Int64, "won": pl.Float64, "weight": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(**{k: pl.Series(v) for k, v in more.items()})


def test_all_games_of_a_prompt_are_one_row_in_the_order_of_the_first() -> None:
    table = games(
        ("b", 0, 0, 1.0, 3), ("a", 0, 0, 0.5, 1), ("b", 0, 1, 0.0, 1), ("c", 0, 0, None, 1), surplus=[7, 8, 7, 9]
    )
    assert by_prompt(table).rows() == [("b", 7, 3.0, 4), ("a", 8, 0.5, 1)]


def test_a_judge_that_always_likes_the_first_flips_always() -> None:
    table = games(("a", 0, 0, 1.0, 1), ("a", 0, 1, 0.0, 3), ("b", 0, 0, 0.9, 1), ("b", 0, 1, 0.2, 1))
    assert bias(table) == {"flips": 1.0, "first_wins": 1.0, "ties": 0.0}


def test_a_judge_that_sees_the_answers_alone_never_flips() -> None:
    table = games(("a", 0, 0, 1.0, 1), ("a", 0, 1, 1.0, 3), ("b", 0, 0, 0.1, 1), ("b", 0, 1, 0.2, 1))
    assert bias(table) == {"flips": 0.0, "first_wins": 0.5, "ties": 0.0}


def test_a_tie_in_one_order_is_no_flip_and_no_win_of_the_first() -> None:
    assert bias(games(("a", 0, 0, 0.5, 1), ("a", 0, 1, 0.0, 1))) == {"flips": 0.0, "first_wins": 1.0, "ties": 0.5}


def test_repeats_are_compared_each_with_its_own_other_order() -> None:
    table = games(("a", 0, 0, 1.0, 1), ("a", 0, 1, 1.0, 1), ("a", 1, 0, 1.0, 1), ("a", 1, 1, 0.0, 1))
    assert bias(table)["flips"] == 0.5
    table = games(("a", 0, 0, 1.0, 1), ("a", 0, 1, 1.0, 1), ("a", 1, 0, 0.0, 1), ("a", 1, 1, 0.0, 1))
    assert bias(table)["flips"] == 0


def test_a_game_without_a_verdict_is_in_no_share() -> None:
    assert bias(games(("a", 0, 0, 1.0, 1), ("a", 0, 1, None, 1))) == {"first_wins": 1.0, "ties": 0.0}
    assert bias(games(("a", 0, 0, None, 1))) == {}
    assert by_prompt(games()).is_empty()


@pytest.mark.parametrize("order", [0, 1])
def test_one_order_alone_says_nothing_of_flips(order: int) -> None:
    assert "flips" not in bias(games(("a", 0, order, 1.0, 1), ("b", 0, order, 0.0, 1)))


def test_the_noise_of_a_judge_is_how_its_win_rate_varies_over_repeats() -> None:
    rows = [("a", 0, 0, 1.0, 3), ("b", 0, 0, 0.0, 1), ("a", 1, 0, 1.0, 1), ("b", 1, 0, 0.0, 1), ("a", 2, 0, None, 1)]
    assert noise(games(*rows)) == {"repeat_sd": pytest.approx(0.25 / 2**0.5)}  # 3/4 and 1/2
    assert noise(games(*rows[:2])) == noise(games()) == {}
