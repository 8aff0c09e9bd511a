"""A cell's answers and verdicts → the score of each prompt: every outcome of the cell is Σ score / Σ weight."""

from collections.abc import Iterator

import polars as pl

from m2m.cell.metrics import name_win_rate, split_by_benchmark
from m2m.judging.protocols.protocols import parse_verdicts
from m2m.judging.scoring.games import score_by_prompt


def score_prompts(
    experiment: str, prompts: pl.DataFrame, verdicts: pl.DataFrame, candidate: pl.DataFrame, opponent: pl.DataFrame
) -> pl.DataFrame:
    """Schema Scores of one cell: the bpb reduction and every win rate, as its metrics name them, also by benchmark.

    Prompts without a reference, or without a readable verdict, have no score. Left out are length-controlled win rates,
    which are a fit, discrete ones, and those by the reference's length.
    """
    tables = [
        scores.select(
            experiment=pl.lit(experiment), outcome=pl.lit(name + suffix), id="id", score="score", weight="weight"
        )
        for suffix, group in split_by_benchmark(prompts).items()
        for name, scores in _score_outcomes(
            *(table.join(group, on="id", how="semi") for table in (verdicts, candidate, opponent))
        )
    ]
    groups = prompts.select("id", "group")
    return pl.concat(tables).join(groups, on="id", how="left").sort("outcome", "id")


def _score_outcomes(
    verdicts: pl.DataFrame, candidate: pl.DataFrame, opponent: pl.DataFrame
) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "bpb_reduction", _score_bits(candidate, opponent)
    for (engine, opponent_name), games in verdicts.group_by("engine", "opponent"):
        yield name_win_rate(str(engine), str(opponent_name)), _score_games(games, str(engine))


def _score_bits(candidate: pl.DataFrame, opponent: pl.DataFrame) -> pl.DataFrame:
    """The opponent's bits − the candidate's, to 0.001, and the bytes of the reference."""
    pairs = candidate.join(opponent.select("id", opponent_bits="bits"), on="id").drop_nulls(["bits", "opponent_bits"])
    return pairs.select(
        "id", score=(pl.col("opponent_bits") - pl.col("bits")).round(3), weight=pl.col("bytes").cast(pl.Float64)
    )


def _score_games(games: pl.DataFrame, engine: str) -> pl.DataFrame:
    """The games won, and how many were played; AlpacaEval and the offline judges count every prompt once."""
    return score_by_prompt(parse_verdicts(games, engine), engine).select("id", "score", "weight")
