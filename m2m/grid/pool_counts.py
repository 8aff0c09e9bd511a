"""Counts the rows that a subset may be chosen from, and the tokens of their responses, in the tables of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int64

from m2m.grid.named_parts import PoolCounts
from m2m.runtime.artifacts import read_table
from m2m.schemas.exclusions import Exclusions
from m2m.schemas.tokens import Tokens
from m2m.strategies import SIDES

TOKENS_FILE = Path("data/tokens/response.parquet")
FORMAT_TOKENS = {"plain": 16, "chat": 64}  # what a prompt format adds to a row, its end token included: at most


def require_countable(settings: Mapping[str, Any]) -> None:
    """ValueError where `subset` leaves out rows by a number or by examples: what is left cannot be counted here."""
    for name in ("quality_share", "prefilter_share"):
        if (share := settings["subset"][name]) != 1:
            raise ValueError(f"counting the pool needs subset.{name} 1.0, got {share}: set it to 1.0")


def count_pool(settings: Mapping[str, Any]) -> PoolCounts:
    """The rows inside the length window that `overlap` does not leave out, and their mean response tokens.

    OSError before `band` and `exclude` have run; ValueError as `require_countable` has it, or where no row is left.
    """
    require_countable(settings)
    subset, overlap = settings["subset"], settings["overlap"]
    excluded = read_table(Path(f"data/exclusions/{overlap}.parquet"), Exclusions)["id"] if overlap == "drop" else None
    rows = read_table(TOKENS_FILE, Tokens).select("id", tokens=pl.col("tokens").list.len())
    if excluded is not None:
        rows = rows.filter(~pl.col("id").is_in(excluded.implode()))
    tokens = rows.filter(pl.col("tokens").is_between(subset["min_tokens"], subset["max_tokens"]))["tokens"]
    if tokens.is_empty():
        raise ValueError(f"{TOKENS_FILE} must have a row inside subset.min_tokens..max_tokens, it has none: widen them")
    return PoolCounts(len(tokens), int((tokens + 1).sum()) / len(tokens))


def count_packed_tokens(settings: Mapping[str, Any]) -> Int64[np.ndarray, "rows"] | None:
    """Tokens of each row of the pool as it is trained on, by id; None where rows are not packed, or not counted yet."""
    files = [TOKENS_FILE.with_stem(side) for side in SIDES]
    if settings["finetune"]["packing"] == "none" or not all(file.exists() for file in files):
        return None
    instructions, responses = (read_table(file, Tokens)["tokens"].list.len().to_numpy() for file in files)
    tokens = np.asarray(instructions + responses, dtype=np.int64)
    return tokens + FORMAT_TOKENS[settings["prompt_format"]]
