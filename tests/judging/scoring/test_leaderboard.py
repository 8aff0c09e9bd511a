"""Games against one opponent to figures: missing games, weights, intervals over prompts, length control."""

import numpy as np
import polars as pl
import pytest

from m2m.judging.scoring.leaderboard import judged
from m2m.judging.scoring.length_control import Gamed

SCHEMA = {
    "id": pl.String, "repeat": pl.Int64, "order": pl.Int64, "won": pl.Float64, "weight": pl.Int64, "surplus": pl.Int64,
    "difficulty": pl.Float64,
}  # fmt: skip


def games(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def one_order(likings: list[float | None], difficulty: float | None = None) -> pl.DataFrame:
    return games([(f"{at:03}", 0, 1, won, 1, at * 10, difficulty) for at, won in enumerate(likings)])


def test_a_game_without_a_verdict_is_counted_and_never_a_tie() -> None:
    found = judged("alpaca-eval", one_order([1.0, 0.9, None]), None, 1, 50)
    assert found["missing"] == 1
    assert found["win_rate"][0] == pytest.approx(0.95)
    assert found["discrete_win_rate"] == 1.0


@pytest.mark.parametrize("protocol", ["alpaca-eval", "arena-hard"])
@pytest.mark.parametrize("likings", [[], [None, None], [1.0, None]])
def test_below_two_prompts_with_a_verdict_there_is_a_count_and_no_win_rate(protocol, likings) -> None:
    found = judged(protocol, one_order(likings), None, 1, 50)
    assert found["missing"] == likings.count(None)
    assert "win_rate" not in found


def test_a_strong_verdict_weighs_three_games_in_arena_hard() -> None:
    rows = [("a", 0, 0, 1.0, 3, None, None), ("a", 0, 1, 0.0, 1, None, None), ("b", 0, 0, 0.5, 1, None, None)]
    found = judged("arena-hard", games(rows), None, 1, 200)
    assert found["win_rate"] == pytest.approx((3.5 / 5, 0.5, 0.75))
    assert (found["flips"], found["missing"]) == (1.0, 0)


def test_copies_of_a_prompts_games_do_not_narrow_the_interval() -> None:
    """The peers resample games as if they were independent; four repeats of a judge that never wavers are one."""
    rng = np.random.default_rng(4)
    won = rng.random(30).round()
    once = [(f"{at:02}", 0, 0, value, 1, None, None) for at, value in enumerate(won)]
    again = [(row[0], repeat, *row[2:]) for row in once for repeat in range(4)]
    one, four = (judged("arena-hard", games(rows), None, 1, 500)["win_rate"] for rows in (once, again))
    assert one == four


def test_both_forms_of_length_control_have_names_of_their_own() -> None:
    rng = np.random.default_rng(1)
    gamed = Gamed(rng.random(20), rng.normal(size=20), rng.normal(size=20))
    likings = rng.random(20).tolist()
    minimal = judged("alpaca-eval", one_order(likings), gamed, 1, 50)
    full = judged("alpaca-eval", one_order(likings, 0.3), gamed, 1, 50)
    assert "lc_minimal_win_rate" in minimal and "lc_win_rate" not in minimal
    assert "lc_win_rate" in full and "lc_minimal_win_rate" not in full


def test_answers_of_one_length_have_no_length_controlled_win_rate() -> None:
    same = one_order([0.1] * 8).with_columns(surplus=pl.lit(5))
    assert not [name for name in judged("alpaca-eval", same, None, 1, 50) if name.startswith("lc_")]


def test_same_seed_same_figures() -> None:
    table = one_order(np.random.default_rng(2).random(12).tolist())
    assert judged("alpaca-eval", table, None, 3, 90) == judged("alpaca-eval", table, None, 3, 90)


def test_a_win_rate_has_wilsons_interval_where_all_prompts_agree() -> None:
    names = ["id", "repeat", "order", "won", "weight", "surplus"]
    table = pl.DataFrame([(f"{at}", 0, 1, 1.0, 1, 5) for at in range(10)], names, orient="row")
    table = table.with_columns(difficulty=pl.lit(None, pl.Float64))
    assert judged("alpaca-eval", table, None, 1, 50)["win_rate"] == pytest.approx((1, 0.722, 1), abs=5e-4)


def test_a_length_controlled_rate_has_an_interval_of_several_fits() -> None:
    table = one_order(np.random.default_rng(1).random(20).tolist())
    _, low, high = judged("alpaca-eval", table, None, 1, 50)["lc_minimal_win_rate"]
    assert low < high
