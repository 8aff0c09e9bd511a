"""Turns units into a subset of the pool: pruned to the degree's number of units, sampled evenly over them."""

from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Bool

from stages.core.incidence import Incidence, incidence
from stages.core.sample import Draw, Weights
from stages.core.selection import chain_numbers, draw_numbers, select
from stages.io.command import run
from stages.io.records import write_json
from stages.io.tables import read_table, write_table
from stages.schemas.pairs import Pairs
from stages.schemas.subset import Subset
from stages.schemas.tokens import Tokens
from stages.schemas.units import Units


def main(
    units: Path,
    pairs: Path,
    tokens: Path,
    subset: Path,
    summary: Path,
    /,
    *,
    strategy: str,
    degree: int,
    size: int,
    seed: int,
    slack: float,
    weights: Weights,
    budget: Literal["rows", "tokens"],
    min_tokens: int,
    max_tokens: int,
) -> None:
    """Choose `size` rows, or rows until they train `size` tokens: response tokens and the end token of each.

    Only responses of `min_tokens` … `max_tokens` model tokens, both included and without the end token, take part.
    """
    pool = _pool(pairs, tokens)
    length = pool["tokens"].to_numpy()
    inside = (length >= min_tokens) & (length <= max_tokens)
    carried, names = incidence(read_table(units, Units), pool["id"], inside)
    if names.is_empty():
        raise ValueError(
            f"no response of {min_tokens}..{max_tokens} tokens has a unit of {strategy}: "
            "widen min_tokens..max_tokens, or the settings that its units are made with"
        )
    costs = {"rows": np.ones_like(length), "tokens": length + 1}[budget]
    rng = np.random.default_rng(seed)
    chosen = select(carried, costs, degree=degree, size=size, slack=slack, weights=weights, rng=rng)
    write_table(subset, Subset, _table(chosen.draw, pool["id"], names))
    numbers = draw_numbers(carried, chosen, length, pool["characters"].to_numpy())
    write_json(summary, chain_numbers(chosen) | numbers | _pool_numbers(carried, inside))


def _table(draw: Draw, ids: pl.Series, names: pl.Series) -> pl.DataFrame:
    turn = pl.Series("turn", range(len(draw.rows)), pl.Int32)
    chosen = pl.DataFrame([ids.gather(draw.rows), names.gather(draw.units), turn])
    return chosen.sort("id")


def _pool_numbers(carried: Incidence, inside: Bool[np.ndarray, "rows"]) -> dict[str, object]:
    without = inside & (np.diff(carried.row_start) == 0)
    return {"pool_rows": int(inside.sum()), "rows_without_unit": int(without.sum())}


def _pool(pairs: Path, tokens: Path) -> pl.DataFrame:
    """id, response characters and response tokens of every row, sorted by id."""
    texts = read_table(pairs, Pairs).select("id", pl.col("response").str.len_chars().cast(pl.Int64).alias("characters"))
    lengths = read_table(tokens, Tokens).select("id", pl.col("tokens").list.len().cast(pl.Int64))
    pool = texts.join(lengths, on="id", how="inner").sort("id")
    if pool.height < texts.height:
        raise ValueError(f"{tokens} must hold every row of {pairs}, {texts.height - pool.height} are missing: run band")
    return pool


if __name__ == "__main__":
    run(main)
