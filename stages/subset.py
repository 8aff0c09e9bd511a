"""Turns units into a subset: pruned to the degree's number of units, sampled evenly over them; or a rival's choice."""

from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Bool, Float32, Int32, Int64

from m2m.arrays import flatten_lists, stack_vectors
from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.runtime.records import write_json
from m2m.schemas.pairs import Pairs
from m2m.schemas.subset import Subset
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.selection.incidence import Incidence, build_incidence
from m2m.selection.k_center import choose_farthest_rows
from m2m.selection.length_matched import choose_length_matched_rows
from m2m.selection.sample import Draw, Weights
from m2m.selection.select import describe_chain, describe_draw, select, replace_rows
from m2m.selection.token_entropy import choose_high_entropy_rows

RIVALS = ("stratified-length", "k-center", "token-entropy")  # what they choose by is no unit: every row has "pool"


def main(
    units: Path,
    matched: Path,
    pairs: Path,
    tokens: Path,
    vectors: Path,
    subset: Path,
    summary: Path,
    /,
    *,
    strategy: str,
    match: str,
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
    `stratified-length` has the lengths of the subset that strategy `match`, whose units are `matched`, has here.
    """
    pool = _pool(pairs, tokens)
    length = pool["tokens"].to_numpy()
    inside = (length >= min_tokens) & (length <= max_tokens)
    costs = {"rows": np.ones_like(length), "tokens": length + 1}[budget]
    take = partial(select, costs=costs, degree=degree, size=size, slack=slack, weights=weights)
    rng = np.random.default_rng(seed)
    carried, names = _carried(units, strategy, pool["id"], inside)
    chosen = take(carried, rng=rng)
    match strategy:
        case "stratified-length":
            like = take(_matched(matched, match, pool["id"], inside), rng=np.random.default_rng(seed)).draw.rows
            chosen = replace_rows(chosen, choose_length_matched_rows(length, inside, like, rng))
        case "k-center":
            chosen = replace_rows(chosen, choose_farthest_rows(_matrix(vectors, pool["id"]), inside, costs, size, rng))
        case "token-entropy":
            chosen = replace_rows(chosen, choose_high_entropy_rows(*_flat(tokens, pool["id"]), inside, costs, size, rng))
    write_table(subset, Subset, _table(chosen.draw, pool["id"], names))
    asked = {"strategy": strategy, "match": match, "degree": degree, "seed": seed, "size": size, "budget": budget}
    asked |= {"min_tokens": min_tokens, "max_tokens": max_tokens}
    numbers = describe_draw(carried, chosen, length, pool["characters"].to_numpy())
    write_json(summary, asked | describe_chain(chosen) | numbers | _pool_numbers(carried, inside))


def _carried(
    units: Path, strategy: str, ids: pl.Series, inside: Bool[np.ndarray, "rows"]
) -> tuple[Incidence, pl.Series]:
    carried, names = build_incidence(read_table(units, Units), ids, inside)
    if names.is_empty():
        raise ValueError(
            f"none of the {inside.sum()} responses of min_tokens..max_tokens tokens has a unit of {strategy}: "
            "widen min_tokens..max_tokens, or the settings that its units are made with"
        )
    return carried, names


def _matched(matched: Path, match: str, ids: pl.Series, inside: Bool[np.ndarray, "rows"]) -> Incidence:
    if match in RIVALS:
        raise ValueError(f"subset.match must be a strategy that has units, or random, got {match}")
    return _carried(matched, match, ids, inside)[0]


def _flat(tokens: Path, ids: pl.Series) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows+1"]]:
    return flatten_lists(read_table(tokens, Tokens).filter(pl.col("id").is_in(ids.implode())).sort("id")["tokens"])


def _matrix(vectors: Path, ids: pl.Series) -> Float32[np.ndarray, "rows dim"]:
    table = read_table(vectors, Vectors).filter(pl.col("id").is_in(ids.implode())).sort("id")
    if table.height < len(ids):
        raise ValueError(f"{vectors} must hold every row of the pool, {len(ids) - table.height} are missing: run embed")
    return stack_vectors(table["vector"])


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
