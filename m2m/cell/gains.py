"""Answers and verdicts → what the candidate gains over the opponent: bits a byte, win rates, intervals over prompts."""

import numpy as np
import polars as pl
from jaxtyping import Float64

from m2m.judging.protocols.protocols import parse_verdicts
from m2m.judging.scoring.games import compute_win_rates_by_length, score_by_prompt
from m2m.judging.scoring.prompt_bootstrap import bootstrap_ratio, bootstrap_win_rate


def calculate_bits_per_byte(answers: pl.DataFrame) -> float:
    """Σ bits / Σ bytes over the prompts with a reference; `answers` as in schema Answers."""
    return float(answers["bits"].sum()) / float(answers["bytes"].sum())


def estimate_bpb_reduction(
    candidate: pl.DataFrame, opponent: pl.DataFrame, seed: int, resamples: int
) -> tuple[float, float, float]:
    """Bits a byte that the candidate saves over the opponent on the same references: value, 95 % low and high."""
    pairs = candidate.join(opponent, on="id", suffix="_opponent").drop_nulls(["bits", "bits_opponent"]).sort("id")
    saved, size = (pairs["bits_opponent"] - pairs["bits"]).to_numpy(), pairs["bytes"].to_numpy()
    low, high = bootstrap_ratio(saved, size, np.random.default_rng(seed), resamples)
    return float(saved.sum() / size.sum()), low, high


def estimate_win_rate(liked: Float64[np.ndarray, "prompts"], seed: int, resamples: int) -> tuple[float, float, float]:
    """Mean over prompts of the preference for the candidate, 0..1: value, 95 % low and high."""
    low, high = bootstrap_win_rate(liked, np.ones(len(liked)), np.random.default_rng(seed), resamples)
    return float(liked.mean()), low, high


def calculate_wins_by_reference(verdicts: pl.DataFrame, prompts: pl.DataFrame) -> dict[str, float]:
    """Win rate by the likelihood in the terciles of the reference's length in characters: short, medium, long."""
    lengths = prompts.select("id", length=pl.col("reference").str.len_chars())
    scores = score_by_prompt(parse_verdicts(verdicts, "likelihood"), "likelihood").join(lengths, on="id").sort("id")
    return compute_win_rates_by_length(scores["score"].to_numpy(), scores["length"].to_numpy())
