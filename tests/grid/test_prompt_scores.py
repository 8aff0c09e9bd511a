"""A prompt's part in what a cell is worth: the parts make the very metrics that measure writes."""

import json
import math
from typing import Any

import polars as pl
import pytest

from m2m.cell.metrics import measure_worth
from m2m.grid.prompt_scores import score_prompts
from m2m.schemas.scores import Scores

PROMPTS = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d"],
        "benchmark": ["x", "x", "y", "y"],
        "instruction": ["A?", "B?", "C?", "D?"],
        "reference": ["x", "xx", "xxx", None],
        "baseline": [None, None, "gpt", "gpt"],
        "baseline_answer": [None, None, "he", "she"],
        "group": ["x/1", "x/2", "y", "y"],
    }
)


def answers(bits: Any) -> pl.DataFrame:
    told = {"id": ["d", "c", "b", "a"], "answer": ["four", "three", "two", "one"], "bits": bits[::-1]}
    return pl.DataFrame(told | {"bytes": [None, 30, 20, 10]}, schema_overrides={"bits": pl.Float64, "bytes": pl.Int32})


OPPONENT, CANDIDATE = answers([20.0, 22.0, 20.5, None]), answers([10.25, 30.0, 12.0, None])


def game(
    prompt: Any, engine: Any, raw: Any, order: Any = 0, opponent: Any = "opponent"
) -> tuple[Any, Any, Any, Any, int, Any]:
    return prompt, opponent, engine, order, 0, raw


def verdicts(*games: Any) -> pl.DataFrame:
    known = ["id", "opponent", "engine", "order", "repeat", "raw"]
    types = {"order": pl.Int8, "repeat": pl.Int16, "raw": pl.String}
    return pl.DataFrame(games, schema=known, orient="row", schema_overrides=types)


def closer(candidate: Any) -> Any:
    return json.dumps({"candidate": candidate, "opponent": 0.5, "better": "higher"})


def liking(second: Any) -> Any:
    """A judge's reply that likes the answer shown second so much."""
    tops = [{"token": token, "logprob": math.log(odds)} for token, odds in (("m", 1 - second), ("M", second))]
    return json.dumps({"logprobs": {"content": [{"top_logprobs": tops}]}})


GAMES = verdicts(
    *[game(prompt, "similarity", closer(found)) for prompt, found in zip("abcd", (0.1, 0.9, 0.5, 0.7), strict=True)],
    *[game(prompt, "similarity", closer(0.9), opponent="gpt") for prompt in "cd"],
    *[game(prompt, "arena-hard", "[[A>>B]]", 1) for prompt in "ab"],
    *[game(prompt, "arena-hard", "[[A>B]]", 0) for prompt in "abc"],
    game("c", "arena-hard", "I cannot tell", 1),
    game("d", "arena-hard", None, 1),
    *[game(prompt, "alpaca-eval", liking(0.8 if prompt == "a" else 0.3), order) for prompt in "ab" for order in (0, 1)],
    game("c", "alpaca-eval", liking(0.9)),
    *[game(prompt, "likelihood", closer(found)) for prompt, found in zip("abc", (0.4, 0.5, 0.6), strict=True)],
)


def test_the_parts_of_all_prompts_make_the_metric_of_the_cell() -> None:
    parts = Scores.validate(score_prompts("one", PROMPTS, GAMES, CANDIDATE, OPPONENT))
    arms = {"base": OPPONENT, "opponent": OPPONENT, "candidate": CANDIDATE}
    record = measure_worth(PROMPTS, GAMES, arms, 1, 10)
    sums = parts.group_by("outcome").agg(pl.col("score").sum() / pl.col("weight").sum())
    made = {name: value for name, value in sums.rows() if name in record}
    assert made == pytest.approx({name: record[name] for name in made})
    assert set(made) >= {"bpb_reduction", "bpb_reduction_x", "similarity_win_rate_over_gpt_y", "arena_hard_win_rate_x"}
    assert set(made) >= {
        "likelihood_win_rate",
        "likelihood_win_rate_x",
        "alpaca_eval_win_rate",
        "alpaca_eval_win_rate_x",
    }
    lone = {
        f"{name}_y" for name in ("bpb_reduction", "likelihood_win_rate", "arena_hard_win_rate", "alpaca_eval_win_rate")
    }
    assert set(sums["outcome"]) - set(made) == lone  # one prompt: no interval, so no metric


def test_saved_bits_are_those_of_the_opponent_less_those_of_the_candidate() -> None:
    parts = score_prompts("one", PROMPTS, GAMES, CANDIDATE, OPPONENT).filter(pl.col("outcome") == "bpb_reduction")
    assert parts.drop("experiment", "outcome").rows() == [
        ("a", 9.75, 10.0, "x/1"),
        ("b", -8.0, 20.0, "x/2"),
        ("c", 8.5, 30.0, "y"),
    ]


def test_a_strong_verdict_is_three_games_and_an_unreadable_one_none() -> None:
    parts = score_prompts("one", PROMPTS, GAMES, CANDIDATE, OPPONENT).filter(pl.col("outcome") == "arena_hard_win_rate")
    assert parts.select("id", "score", "weight").rows() == [("a", 1.0, 4.0), ("b", 1.0, 4.0), ("c", 1.0, 1.0)]


def test_without_a_reference_or_a_verdict_nothing_is_told() -> None:
    silent = answers([None] * 4)
    assert Scores.validate(score_prompts("one", PROMPTS, GAMES.clear(), silent, silent)).is_empty()
