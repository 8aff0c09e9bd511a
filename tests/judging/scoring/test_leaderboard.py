"""Games against one opponent to figures: missing games, weights, intervals over prompts, length control."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from m2m.cell.metrics import measure_worth
from m2m.judging.scoring.leaderboard import _pairs, prepare_published_annotations, score_games, score_llm_judges
from m2m.judging.scoring.length_control import GamedBaselines
from m2m.judging.scoring.prompt_bootstrap import compute_wilson

SCHEMA = {
    "id": pl.String, "repeat": pl.Int64, "order": pl.Int64, "won": pl.Float64, "weight": pl.Int64, "surplus": pl.Int64,
    "difficulty": pl.Float64,
}  # fmt: skip


def games(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def one_order(preferences: list[float | None], difficulty: float | None = None) -> pl.DataFrame:
    return games([(f"{at:03}", 0, 1, won, 1, at * 10, difficulty) for at, won in enumerate(preferences)])


def test_a_game_without_a_verdict_is_counted_and_never_a_tie() -> None:
    found = score_games("alpaca-eval", one_order([1.0, 0.9, None]), None, 1, 50)
    assert found["missing"] == 1
    assert found["win_rate"][0] == pytest.approx(0.95)  # type: ignore[index]
    assert found["discrete_win_rate"] == 1.0


@pytest.mark.parametrize("protocol", ["alpaca-eval", "arena-hard"])
@pytest.mark.parametrize("preferences", [[], [None, None], [1.0, None]])
def test_below_two_prompts_with_a_verdict_there_is_a_count_and_no_win_rate(protocol: Any, preferences: Any) -> None:
    found = score_games(protocol, one_order(preferences), None, 1, 50)
    assert found["missing"] == preferences.count(None)
    assert "win_rate" not in found


def test_a_strong_verdict_weighs_three_games_in_arena_hard() -> None:
    rows = [("a", 0, 0, 1.0, 3, None, None), ("a", 0, 1, 0.0, 1, None, None), ("b", 0, 0, 0.5, 1, None, None)]
    found = score_games("arena-hard", games(rows), None, 1, 200)
    assert found["win_rate"] == pytest.approx((3.5 / 5, *compute_wilson(0.7, 2)))
    assert (found["flips"], found["missing"]) == (1.0, 0)


def test_copies_of_a_prompts_games_do_not_narrow_the_interval() -> None:
    """The peers resample games as if they were independent; four repeats of a judge that never wavers are one."""
    rng = np.random.default_rng(4)
    won = rng.random(30).round()
    once = [(f"{at:02}", 0, 0, value, 1, None, None) for at, value in enumerate(won)]
    again = [(row[0], repeat, *row[2:]) for row in once for repeat in range(4)]
    one, four = (score_games("arena-hard", games(rows), None, 1, 500)["win_rate"] for rows in (once, again))
    assert one == four


def test_both_forms_of_length_control_have_names_of_their_own() -> None:
    rng = np.random.default_rng(1)
    gamed = GamedBaselines(rng.random(20), rng.normal(size=20), rng.normal(size=20))
    preferences = rng.random(20).tolist()
    minimal = score_games("alpaca-eval", one_order(preferences), gamed, 1, 50)
    full = score_games("alpaca-eval", one_order(preferences, 0.3), gamed, 1, 50)
    assert "lc_minimal_win_rate" in minimal and "lc_win_rate" not in minimal
    assert "lc_win_rate" in full and "lc_minimal_win_rate" not in full


def test_answers_of_one_length_have_no_length_controlled_win_rate() -> None:
    same = one_order([0.1] * 8).with_columns(surplus=pl.lit(5))
    assert not [name for name in score_games("alpaca-eval", same, None, 1, 50) if name.startswith("lc_")]


def test_same_seed_same_figures() -> None:
    table = one_order(np.random.default_rng(2).random(12).tolist())
    assert score_games("alpaca-eval", table, None, 3, 90) == score_games("alpaca-eval", table, None, 3, 90)


def test_a_win_rate_has_wilsons_interval_where_all_prompts_agree() -> None:
    names = ["id", "repeat", "order", "won", "weight", "surplus"]
    table = pl.DataFrame([(f"{at}", 0, 1, 1.0, 1, 5) for at in range(10)], names, orient="row")
    table = table.with_columns(difficulty=pl.lit(None, pl.Float64))
    assert score_games("alpaca-eval", table, None, 1, 50)["win_rate"] == pytest.approx((1, 0.722, 1), abs=5e-4)


def test_a_length_controlled_rate_has_an_interval_of_several_fits() -> None:
    table = one_order(np.random.default_rng(1).random(20).tolist())
    _, low, high = score_games("alpaca-eval", table, None, 1, 50)["lc_minimal_win_rate"]  # type: ignore[misc]
    assert low < high


IDS = [f"{at:02}" for at in range(12)]
PROMPTS = pl.DataFrame(
    {
        "id": IDS,
        "benchmark": ["alpaca_eval"] * 6 + ["arena_hard"] * 6,
        "instruction": [f"Question {at}?" for at in IDS],
        "reference": None,
        "baseline": ["gpt"] * 6 + [None] * 6,
        "baseline_answer": ["x" * 10] * 6 + [None] * 6,
    },
    schema_overrides={"reference": pl.String},
)


def answers(lengths: list[int]) -> pl.DataFrame:
    unknown: dict[str, Any] = {"bits": pl.lit(None, pl.Float64), "bytes": pl.lit(None, pl.Int32)}
    return pl.DataFrame({"id": IDS, "answer": ["y" * length for length in lengths]}).with_columns(**unknown)


SAID = {"candidate": answers(list(range(5, 17))), "opponent": answers([9] * 12), "base": answers([1] * 12)}


def verdicts(engine: str, raws: list[str | None], opponent: str = "opponent", order: int = 0) -> pl.DataFrame:
    rows = {"id": IDS[: len(raws)], "opponent": opponent, "engine": engine, "order": order, "repeat": 0, "raw": raws}
    return pl.DataFrame(rows, schema_overrides={"raw": pl.String})


def liking_of_first(liking: float) -> str:
    tops = [{"token": "m", "logprob": np.log(liking)}, {"token": "M", "logprob": np.log(1 - liking)}]
    return json.dumps({"logprobs": {"content": [{"top_logprobs": tops}]}})


def test_failed_and_unparsable_games_are_told_apart_and_missing_together() -> None:
    found = score_llm_judges(
        verdicts("arena-hard", ["[[A>B]]", "[[B>>A]]", "well", None, None]), PROMPTS, SAID, None, 1, 50
    )
    assert (found["arena_hard_missing"], found["arena_hard_failed"], found["arena_hard_unparsable"]) == (3, 2, 1)
    assert found["arena_hard_win_rate"][0] == pytest.approx(1 / 4)  # type: ignore[index]


def test_each_judge_and_opponent_has_names_of_its_own() -> None:
    table = pl.concat(
        [
            verdicts("arena-hard", ["[[A>B]]"] * 3),
            verdicts("arena-hard", ["[[A=B]]"] * 3, opponent="gpt"),
            verdicts("alpaca-eval", [liking_of_first(0.7)] * 6, opponent="gpt"),
        ]
    )
    found = score_llm_judges(table, PROMPTS, SAID, None, 1, 50)
    assert found["arena_hard_win_rate"][0] == 1  # type: ignore[index]
    assert found["arena_hard_win_rate_over_gpt"][0] == 0.5  # type: ignore[index]
    assert found["arena_hard_ties_over_gpt"] == 1
    assert found["alpaca_eval_win_rate_over_gpt"][0] == pytest.approx(0.7)  # type: ignore[index]
    assert "alpaca_eval_lc_minimal_win_rate_over_gpt" in found


def test_lengths_are_those_of_the_two_answers_that_were_judged() -> None:
    """A judge that likes the longer answer: at equal length the candidate is as good as either opponent."""
    preferences = [liking_of_first(1 / (1 + np.exp(-2 * np.tanh((length - 9) / 3)))) for length in range(5, 17)]
    found = score_llm_judges(verdicts("alpaca-eval", preferences), PROMPTS, SAID, None, 1, 50)
    assert found["alpaca_eval_win_rate"][0] > 0.58  # type: ignore[index]
    assert found["alpaca_eval_lc_minimal_win_rate"][0] == pytest.approx(0.5, abs=0.06)  # type: ignore[index]


def test_a_surplus_is_what_the_opponent_writes_more_than_the_candidate() -> None:
    known = _pairs(PROMPTS, SAID, {}).filter(id="00")
    assert dict(known.select("opponent", "surplus").rows()) == {"opponent": 9 - 5, "gpt": 10 - 5}


def test_without_an_llm_judge_there_is_nothing_to_tell() -> None:
    assert score_llm_judges(verdicts("likelihood", ["{}"] * 3), PROMPTS, SAID, None, 1, 50) == {}


def test_a_cell_has_the_pooled_figures_and_those_of_each_benchmark() -> None:
    table = verdicts("arena-hard", ["[[A>B]]"] * 6 + ["[[B>A]]"] * 6)
    record = measure_worth(PROMPTS, table, SAID, 1, 50)
    assert record["arena_hard_win_rate"] == 0.5
    assert record["arena_hard_win_rate_alpaca_eval"] == 1
    assert record["arena_hard_win_rate_alpaca_eval_prompts_only_low"] == pytest.approx(0.61, abs=1e-3)  # six of six
    assert record["arena_hard_win_rate_arena_hard"] == 0
    assert record["arena_hard_missing_arena_hard"] == 0


def gamed() -> pl.DataFrame:
    rng = np.random.default_rng(2)
    columns = {"preference": rng.random(12), "std_delta_len": rng.normal(size=12)}
    return pl.DataFrame({"index": list(range(6)) * 2} | columns).with_columns(
        instruction_difficulty=pl.col("index") * 0.5
    )


def test_the_full_form_is_for_alpaca_evals_own_prompts_alone() -> None:
    known = prepare_published_annotations(gamed(), [f"\n Question {at}? \r\n" for at in IDS[:6]])
    assert known.difficulty["Question 03?"] == 1.5
    table = verdicts("alpaca-eval", [liking_of_first(at / 13 + 0.05) for at in range(12)])
    record = measure_worth(PROMPTS, table, SAID, 1, 50, known)
    assert "alpaca_eval_lc_win_rate_alpaca_eval" in record  # the six prompts whose difficulty is known
    assert "alpaca_eval_lc_minimal_win_rate" in record  # all twelve
    assert "alpaca_eval_lc_minimal_win_rate_arena_hard" in record
