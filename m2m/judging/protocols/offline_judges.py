"""Two models' answers to each prompt → games, and the raw verdicts of the judges that need no LLM."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float32


def games(prompts: pl.DataFrame, candidate: pl.DataFrame, opponent: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row a prompt that both answered: id, benchmark, instruction, opponent, reference; a side's answer and cost.

    `cost` is bits a byte of the reference, null where it is not known. Tables as in schemas Prompts and Answers;
    `opponent` may lack bits and bytes.
    """
    sides = [
        side.select(
            "id", pl.col("answer").alias(f"{who}_answer"), (pl.col("bits") / pl.col("bytes")).alias(f"{who}_cost")
        )
        for who, side in (("candidate", candidate), ("opponent", opponent))
    ]
    known = prompts.select("id", "benchmark", "instruction", "reference", opponent=pl.lit(name))
    return known.join(sides[0], on="id").join(sides[1], on="id").sort("id")


def baselines(prompts: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The benchmark's own answers by baseline name: id, answer, and bits and bytes that nobody knows (null)."""
    given = prompts.filter(pl.col("baseline_answer").is_not_null())
    unknown = {"bits": pl.lit(None, pl.Float64), "bytes": pl.lit(None, pl.Int32)}
    return {
        name: given.filter(pl.col("baseline") == name).select("id", answer="baseline_answer", **unknown)
        for name in given["baseline"].unique().sort()
    }


def by_likelihood(rows: pl.DataFrame) -> pl.DataFrame:
    """The games of `rows` where both costs are known, with the raw verdict: the lower cost wins."""
    judged = rows.filter(pl.col("candidate_cost").is_not_null() & pl.col("opponent_cost").is_not_null())
    return _with_raw(judged, judged["candidate_cost"].to_list(), judged["opponent_cost"].to_list(), "lower")


def by_similarity(rows: pl.DataFrame, vectors: Mapping[str, Float32[np.ndarray, "dim"]]) -> pl.DataFrame:
    """The games of `rows` that have a reference, with the raw verdict: the answer nearer to it wins.

    `vectors` holds a unit vector for every text; cosine similarities are rounded to 6 places, all that float32 knows.
    """
    judged = rows.filter(pl.col("reference").is_not_null())
    close = [
        [
            round(float(np.dot(vectors[text], vectors[reference])), 6)
            for text, reference in judged.select(side, "reference").rows()
        ]
        for side in ("candidate_answer", "opponent_answer")
    ]
    return _with_raw(judged, close[0], close[1], "higher")


def _with_raw(
    rows: pl.DataFrame, candidate: Sequence[float], opponent: Sequence[float], better: Literal["lower", "higher"]
) -> pl.DataFrame:
    pairs = zip(candidate, opponent, strict=True)
    raw = [json.dumps({"candidate": ours, "opponent": theirs, "better": better}) for ours, theirs in pairs]
    once = {"order": pl.lit(0, pl.Int8), "repeat": pl.lit(0, pl.Int16)}  # these judges know no order and no chance
    return rows.select("id", "benchmark", "opponent", **once, raw=pl.Series(raw, dtype=pl.String))
