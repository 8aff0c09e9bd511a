"""Matches two models' answers prompt by prompt, and judges them by likelihood or similarity, without an LLM."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float32


def match_answers(prompts: pl.DataFrame, candidate: pl.DataFrame, opponent: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row a prompt that both answered: id, benchmark, instruction, opponent, reference, and each answer and cost.

    `cost` is bits per byte of the reference, or null. Tables follow the schemas Prompts and Answers; `opponent` may
    lack bits and bytes.
    """
    sides = [
        side.select(
            "id", pl.col("answer").alias(f"{arm}_answer"), (pl.col("bits") / pl.col("bytes")).alias(f"{arm}_cost")
        )
        for arm, side in (("candidate", candidate), ("opponent", opponent))
    ]
    games = prompts.select("id", "benchmark", "instruction", "reference", opponent=pl.lit(name))
    return games.join(sides[0], on="id").join(sides[1], on="id").sort("id")


def collect_baselines(prompts: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The benchmark's own answers by baseline name: id, answer, and null for bits and bytes."""
    answered = prompts.filter(pl.col("baseline_answer").is_not_null())
    unknown = {"bits": pl.lit(None, pl.Float64), "bytes": pl.lit(None, pl.Int32)}
    return {
        name: answered.filter(pl.col("baseline") == name).select("id", answer="baseline_answer", **unknown)
        for name in answered["baseline"].unique().sort()
    }


def judge_by_likelihood(rows: pl.DataFrame) -> pl.DataFrame:
    """The games of `rows` with both costs, and their raw verdict: the lower cost wins."""
    judged = rows.filter(pl.col("candidate_cost").is_not_null() & pl.col("opponent_cost").is_not_null())
    return _with_raw(judged, judged["candidate_cost"].to_list(), judged["opponent_cost"].to_list(), "lower")


def judge_by_similarity(rows: pl.DataFrame, vectors: Mapping[str, Float32[np.ndarray, "dim"]]) -> pl.DataFrame:
    """The games of `rows` with a reference, and their raw verdict: the answer more similar to it wins.

    `vectors` maps every text to a unit vector. Cosine similarities are rounded to 6 places, float32's precision.
    """
    judged = rows.filter(pl.col("reference").is_not_null())
    similarities = [
        [
            round(float(np.dot(vectors[text], vectors[reference])), 6)
            for text, reference in judged.select(side, "reference").rows()
        ]
        for side in ("candidate_answer", "opponent_answer")
    ]
    return _with_raw(judged, similarities[0], similarities[1], "higher")


def read_preference(raw: str | None) -> float | None:
    """1 if the candidate's number is better, 0 if the opponent's is, 0.5 if they are equal, None if `raw` is invalid.

    >>> read_preference('{"candidate": 1.9, "opponent": 2.1, "better": "lower"}')
    1.0
    >>> read_preference('{"candidate": 0.3, "opponent": 0.7, "better": "higher"}')
    0.0
    >>> read_preference('{"candidate": 2, "opponent": 2.0, "better": "lower"}')
    0.5
    >>> read_preference('{"candidate": NaN, "opponent": 2.0, "better": "lower"}') is None
    True
    >>> read_preference("the first one") is read_preference(None) is None
    True
    """
    try:
        verdict = json.loads(raw or "")
        candidate, opponent = _number(verdict["candidate"]), _number(verdict["opponent"])
        sign = {"higher": 1, "lower": -1}[verdict["better"]]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return 0.5 if candidate == opponent else float((candidate > opponent) == (sign > 0))


def _with_raw(
    rows: pl.DataFrame, candidate: Sequence[float], opponent: Sequence[float], better: Literal["lower", "higher"]
) -> pl.DataFrame:
    raw = [
        json.dumps({"candidate": number, "opponent": rival, "better": better})
        for number, rival in zip(candidate, opponent, strict=True)
    ]
    once = {"order": pl.lit(0, pl.Int8), "repeat": pl.lit(0, pl.Int16)}  # deterministic, whatever the order
    return rows.select("id", "benchmark", "opponent", **once, raw=pl.Series(raw, dtype=pl.String))


def _number(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError("a verdict compares two finite numbers")
    return float(value)
