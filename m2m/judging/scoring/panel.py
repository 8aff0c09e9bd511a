"""The LLM judges' verdicts on a cell → its metrics, each name used once; what AlpacaEval publishes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from m2m.data.records.cleaning import normalize_text
from m2m.judging.protocols.protocols import PROTOCOLS, parsed
from m2m.judging.scoring.leaderboard import Record, judged
from m2m.judging.scoring.length_control import Gamed


class Published(NamedTuple):
    """What AlpacaEval publishes for the full form of its length control."""

    gamed: Gamed
    difficulty: Mapping[str, float]  # by instruction


def panel(
    verdicts: pl.DataFrame,
    prompts: pl.DataFrame,
    answers: Mapping[str, pl.DataFrame],
    known: Published | None,
    seed: int,
    resamples: int,
) -> Record:
    """Figures of every LLM judge against every opponent in `verdicts` (schema Verdicts), shares 0..1.

    Beside those of `judged`: `unparsable` and `failed` games, which are `missing` together. `answers` holds the arms
    candidate and opponent.
    """
    if verdicts.filter(pl.col("engine").is_in(PROTOCOLS)).is_empty():
        return {}
    pairs = _pairs(prompts, answers, known.difficulty if known else {})
    record: Record = {}
    for protocol in PROTOCOLS:
        mine = verdicts.filter(pl.col("engine") == protocol)
        for (opponent,), some in mine.group_by("opponent", maintain_order=True):
            games = parsed(some, protocol).join(pairs, on=["id", "opponent"], how="left", maintain_order="left")
            missing, failed = games["won"].null_count(), some["raw"].null_count()
            found = judged(protocol, games, known.gamed if known else None, seed, resamples)
            found |= {"failed": failed, "unparsable": missing - failed}
            over = "" if opponent == "opponent" else f"_over_{opponent}"
            record |= {f"{protocol.replace('-', '_')}_{name}{over}": value for name, value in found.items()}
    return record


def published(gamed: pl.DataFrame, instructions: Sequence[str]) -> Published:
    """AlpacaEval's table (schema Gamed) for its prompts; `instructions` in the order of its evaluation set."""
    texts = pl.DataFrame({"index": range(len(instructions)), "text": instructions}, {"index": pl.Int64, "text": str})
    named = texts.with_columns(normalize_text(pl.col("text"))).join(difficulties(gamed), on="index")
    return Published(gamed_rows(gamed), dict(named.select("text", "difficulty").rows()))


def gamed_rows(gamed: pl.DataFrame) -> Gamed:
    """The annotations in AlpacaEval's table (schema Gamed)."""
    return Gamed(*(gamed[name].to_numpy() for name in ("preference", "std_delta_len", "instruction_difficulty")))


def difficulties(gamed: pl.DataFrame) -> pl.DataFrame:
    """index, difficulty of each prompt in AlpacaEval's table (schema Gamed)."""
    return gamed.unique("index", keep="first").select("index", difficulty="instruction_difficulty")


def _pairs(prompts: pl.DataFrame, answers: Mapping[str, pl.DataFrame], difficulty: Mapping[str, float]) -> pl.DataFrame:
    """id, opponent, surplus (characters of the opponent's answer − the candidate's) and difficulty, null if unknown."""
    arms = answers["opponent"].select("id", pl.lit("opponent").alias("opponent"), theirs="answer")
    rivals = prompts.drop_nulls("baseline_answer").select("id", opponent="baseline", theirs="baseline_answer")
    pairs = pl.concat([arms, rivals]).join(answers["candidate"].select("id", ours="answer"), on="id")
    surplus = pl.col("theirs").str.len_chars().cast(pl.Int64) - pl.col("ours").str.len_chars().cast(pl.Int64)
    hard = pl.col("instruction").replace_strict(difficulty, default=None, return_dtype=pl.Float64)
    known = prompts.select("id", hard.alias("difficulty"))
    return pairs.select("id", "opponent", surplus=surplus).join(known, on="id")
