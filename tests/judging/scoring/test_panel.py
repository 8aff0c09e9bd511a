"""Verdicts of LLM judges become metrics of the cell, each under a name of its own."""

import json

import numpy as np
import polars as pl
import pytest

from m2m.cell.metrics import measure_worth
from m2m.judging.scoring.panel import _pairs, panel, published

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
    unknown = {"bits": pl.lit(None, pl.Float64), "bytes": pl.lit(None, pl.Int32)}
    return pl.DataFrame({"id": IDS, "answer": ["y" * length for length in lengths]}).with_columns(**unknown)


SAID = {"candidate": answers(list(range(5, 17))), "opponent": answers([9] * 12), "base": answers([1] * 12)}


def verdicts(engine: str, raws: list[str | None], opponent: str = "opponent", order: int = 0) -> pl.DataFrame:
    rows = {"id": IDS[: len(raws)], "opponent": opponent, "engine": engine, "order": order, "repeat": 0, "raw": raws}
    return pl.DataFrame(rows, schema_overrides={"raw": pl.String})


def liking_of_first(liking: float) -> str:
    tops = [{"token": "m", "logprob": np.log(liking)}, {"token": "M", "logprob": np.log(1 - liking)}]
    return json.dumps({"logprobs": {"content": [{"top_logprobs": tops}]}})


def test_failed_and_unparsable_games_are_told_apart_and_missing_together() -> None:
    found = panel(verdicts("arena-hard", ["[[A>B]]", "[[B>>A]]", "well", None, None]), PROMPTS, SAID, None, 1, 50)
    assert (found["arena_hard_missing"], found["arena_hard_failed"], found["arena_hard_unparsable"]) == (3, 2, 1)
    assert found["arena_hard_win_rate"][0] == pytest.approx(1 / 4)


def test_each_judge_and_opponent_has_names_of_its_own() -> None:
    table = pl.concat(
        [
            verdicts("arena-hard", ["[[A>B]]"] * 3),
            verdicts("arena-hard", ["[[A=B]]"] * 3, opponent="gpt"),
            verdicts("alpaca-eval", [liking_of_first(0.7)] * 6, opponent="gpt"),
        ]
    )
    found = panel(table, PROMPTS, SAID, None, 1, 50)
    assert found["arena_hard_win_rate"][0] == 1
    assert found["arena_hard_win_rate_over_gpt"][0] == 0.5
    assert found["arena_hard_ties_over_gpt"] == 1
    assert found["alpaca_eval_win_rate_over_gpt"][0] == pytest.approx(0.7)
    assert "alpaca_eval_lc_minimal_win_rate_over_gpt" in found


def test_lengths_are_those_of_the_two_answers_that_were_judged() -> None:
    """A judge that likes the longer answer: at equal length the candidate is as good as either opponent."""
    likings = [liking_of_first(1 / (1 + np.exp(-2 * np.tanh((length - 9) / 3)))) for length in range(5, 17)]
    found = panel(verdicts("alpaca-eval", likings), PROMPTS, SAID, None, 1, 50)
    assert found["alpaca_eval_win_rate"][0] > 0.58
    assert found["alpaca_eval_lc_minimal_win_rate"][0] == pytest.approx(0.5, abs=0.06)


def test_a_surplus_is_what_the_opponent_writes_more_than_the_candidate() -> None:
    known = _pairs(PROMPTS, SAID, {}).filter(id="00")
    assert dict(known.select("opponent", "surplus").rows()) == {"opponent": 9 - 5, "gpt": 10 - 5}


def test_without_an_llm_judge_there_is_nothing_to_tell() -> None:
    assert panel(verdicts("likelihood", ["{}"] * 3), PROMPTS, SAID, None, 1, 50) == {}


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
    known = published(gamed(), [f"\n Question {at}? \r\n" for at in IDS[:6]])
    assert known.difficulty["Question 03?"] == 1.5
    table = verdicts("alpaca-eval", [liking_of_first(at / 13 + 0.05) for at in range(12)])
    record = measure_worth(PROMPTS, table, SAID, 1, 50, known)
    assert "alpaca_eval_lc_win_rate_alpaca_eval" in record  # the six prompts whose difficulty is known
    assert "alpaca_eval_lc_minimal_win_rate" in record  # all twelve
    assert "alpaca_eval_lc_minimal_win_rate_arena_hard" in record
