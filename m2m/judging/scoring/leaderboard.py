"""Scores the games of LLM judges as their leaderboards do, with 95 % intervals over prompts."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from m2m.data.records.cleaning import normalize_text
from m2m.judging.protocols import alpaca_eval, arena_hard
from m2m.judging.protocols.protocols import PROTOCOLS, Protocol, parse_verdicts
from m2m.judging.scoring.games import measure_order_bias, measure_repeat_noise, score_by_prompt
from m2m.judging.scoring.length_control import (
    FOLDS,
    GamedBaselines,
    LengthGames,
    bootstrap_length_controlled_rate,
    fit_length_controlled_rate,
)
from m2m.judging.scoring.prompt_bootstrap import bootstrap_win_rate

Interval = tuple[float, float, float]  # value, 95 % low and high
JudgeMetrics = dict[str, float | Interval]


class PublishedAnnotations(NamedTuple):
    """Data that AlpacaEval publishes, which the full form of its length control needs."""

    gamed: GamedBaselines
    difficulty: Mapping[str, float]  # by instruction


def score_llm_judges(
    verdicts: pl.DataFrame,
    prompts: pl.DataFrame,
    answers: Mapping[str, pl.DataFrame],
    published: PublishedAnnotations | None,
    seed: int,
    resamples: int,
) -> JudgeMetrics:
    """Metrics of every LLM judge against every opponent in `verdicts` (schema Verdicts), shares 0..1.

    Adds two counts to those of `score_games`: `unparsable` and `failed` games, which sum to `missing`. `answers` has
    the arms candidate and opponent.
    """
    if verdicts.filter(pl.col("engine").is_in(PROTOCOLS)).is_empty():
        return {}
    pairs = _pairs(prompts, answers, published.difficulty if published else {})
    metrics: JudgeMetrics = {}
    for protocol in PROTOCOLS:
        judged = verdicts.filter(pl.col("engine") == protocol)
        for (opponent,), raw in judged.group_by("opponent", maintain_order=True):
            games = parse_verdicts(raw, protocol).join(pairs, on=["id", "opponent"], how="left", maintain_order="left")
            missing, failed = games["won"].null_count(), raw["raw"].null_count()
            scores = score_games(protocol, games, published.gamed if published else None, seed, resamples)
            scores |= {"failed": failed, "unparsable": missing - failed}
            over = "" if opponent == "opponent" else f"_over_{opponent}"
            metrics |= {f"{protocol.replace('-', '_')}_{name}{over}": value for name, value in scores.items()}
    return metrics


def prepare_published_annotations(gamed: pl.DataFrame, instructions: Sequence[str]) -> PublishedAnnotations:
    """AlpacaEval's table (schema Gamed), and each prompt's difficulty; `instructions` in the evaluation set's order."""
    texts = pl.DataFrame({"index": range(len(instructions)), "text": instructions}, {"index": pl.Int64, "text": str})
    named = texts.with_columns(normalize_text(pl.col("text"))).join(list_difficulties(gamed), on="index")
    return PublishedAnnotations(convert_gamed_annotations(gamed), dict(named.select("text", "difficulty").rows()))


def convert_gamed_annotations(gamed: pl.DataFrame) -> GamedBaselines:
    """The annotations in AlpacaEval's table (schema Gamed)."""
    columns = ("preference", "std_delta_len", "instruction_difficulty")
    return GamedBaselines(*(gamed[name].to_numpy() for name in columns))


def list_difficulties(gamed: pl.DataFrame) -> pl.DataFrame:
    """index, difficulty of each prompt in AlpacaEval's table (schema Gamed)."""
    return gamed.unique("index", keep="first").select("index", difficulty="instruction_difficulty")


def score_games(
    protocol: Protocol, games: pl.DataFrame, gamed: GamedBaselines | None, seed: int, resamples: int
) -> JudgeMetrics:
    """Metrics by name, shares 0..1: win rates, intervals, order bias, noise, and `missing`: games without a verdict.

    `games` as in scoring.games. AlpacaEval's length control also needs surplus (characters of the opponent's answer −
    those of the candidate's) and difficulty; its full form needs `gamed` and every difficulty. Intervals are 95 %,
    from a seeded bootstrap that draws prompts with all their games. The length-controlled interval takes a tenth of
    `resamples`, because each is a fit. With fewer than two prompts there are no win rates.
    """
    prompts = score_by_prompt(games, protocol)
    metrics: JudgeMetrics = {
        "missing": games["won"].null_count(),
        **measure_order_bias(games),
        **measure_repeat_noise(games),
    }
    if len(prompts) >= 2:
        metrics |= WIN_RATES[protocol](prompts, gamed, seed, resamples)
    return metrics


def _alpaca_eval(prompts: pl.DataFrame, gamed: GamedBaselines | None, seed: int, resamples: int) -> JudgeMetrics:
    preferences, weights = prompts["score"].to_numpy(), prompts["weight"].to_numpy()
    row = alpaca_eval.compute_leaderboard_row(preferences)
    ends = bootstrap_win_rate(preferences, weights, np.random.default_rng(seed), resamples)
    metrics: JudgeMetrics = {"win_rate": (row.win_rate, *ends)}
    metrics |= {"standard_error": row.standard_error, "discrete_win_rate": row.discrete_win_rate}
    surplus = prompts["surplus"].to_numpy()
    if len(prompts) < FOLDS or surplus.min() == surplus.max():
        return metrics
    full = gamed is not None and prompts["difficulty"].null_count() == 0
    games = LengthGames(preferences, surplus, *((prompts["difficulty"].to_numpy(), gamed) if full else ()))
    rate = fit_length_controlled_rate(games)
    ends = bootstrap_length_controlled_rate(games, rate, np.random.default_rng(seed), max(resamples // 10, 1))
    name = "lc_win_rate" if full else "lc_minimal_win_rate"
    return metrics | {name: (rate, *ends)}


def _arena_hard(prompts: pl.DataFrame, gamed: GamedBaselines | None, seed: int, resamples: int) -> JudgeMetrics:
    wins, weights = prompts["score"].to_numpy(), prompts["weight"].to_numpy()
    ends = bootstrap_win_rate(wins, weights, np.random.default_rng(seed), resamples)
    return {"win_rate": (arena_hard.compute_weighted_win_rate(wins, weights), *ends)}


WIN_RATES: dict[Protocol, Callable[[pl.DataFrame, GamedBaselines | None, int, int], JudgeMetrics]] = {
    "alpaca-eval": _alpaca_eval,
    "arena-hard": _arena_hard,
}


def _pairs(prompts: pl.DataFrame, answers: Mapping[str, pl.DataFrame], difficulty: Mapping[str, float]) -> pl.DataFrame:
    """id, opponent, surplus (characters of the opponent's answer − the candidate's), difficulty or null."""
    arms = answers["opponent"].select("id", pl.lit("opponent").alias("opponent"), opponent_answer="answer")
    baselines = prompts.drop_nulls("baseline_answer").select(
        "id", opponent="baseline", opponent_answer="baseline_answer"
    )
    candidate = answers["candidate"].select("id", candidate_answer="answer")
    pairs = pl.concat([arms, baselines]).join(candidate, on="id")
    lengths = {side: pl.col(f"{side}_answer").str.len_chars().cast(pl.Int64) for side in ("candidate", "opponent")}
    hard = pl.col("instruction").replace_strict(difficulty, default=None, return_dtype=pl.Float64)
    return pairs.select("id", "opponent", surplus=lengths["opponent"] - lengths["candidate"]).join(
        prompts.select("id", hard.alias("difficulty")), on="id"
    )
