"""Units → a subset: pruned to the degree's number of units, sampled evenly over them; or the rows of a baseline."""

import sys
from pathlib import Path
from typing import Any, Literal

import pandera.polars as pa
import polars as pl

from m2m.runtime.artifacts import read_table, write_record, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.subset import Subset
from m2m.schemas.subset_summary import SubsetSummary
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.selection.arm import ArmSettings, PoolRows, UnitDial, build_unit_dial, choose_arm
from m2m.selection.sample import Weights
from m2m.strategies import get_strategy, require_match

MODELS: dict[str, type[pa.DataFrameModel]] = {"units": Units, "tokens": Tokens, "vectors": Vectors}


def main(
    choices: Path,
    match_choices: Path,
    pairs: Path,
    tokens: Path,
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

    `choices` is the table that `strategy` chooses by, `match_choices` that of `match`, which `length-matched` reads.
    Only responses of `min_tokens` … `max_tokens` model tokens, both included and without the end token, take part.
    """
    entry = get_strategy(strategy)
    pool = _read_pool(pairs, tokens)
    settings = ArmSettings(strategy, match, degree, size, seed, slack, weights, budget, min_tokens, max_tokens)
    own = _read_dial(choices, strategy, pool, settings)
    matched = None
    if entry.follows_match:
        require_match(match)
        matched = _read_dial(match_choices, match, pool, settings)
    table = None if entry.has_units else _read_choices(choices, strategy, pool.ids)
    arm = choose_arm(pool, settings, own, matched, table)
    write_table(subset, Subset, arm.table)
    write_record(summary, SubsetSummary, arm.summary)
    _warn(subset.stem, arm.summary, arm.collapse)


def _warn(arm: str, record: dict[str, Any], collapse: str) -> None:
    """Print what makes the dial shorter than it looks: rows that no degree reaches, degrees that are equal."""
    if record["rows_without_unit"]:
        print(
            f"subset {arm}: {record['rows_without_unit']} of {record['pool_rows']} rows carry no unit of "
            f"{record['strategy']} and cannot be chosen",
            file=sys.stderr,
        )
    if collapse:
        print(f"subset {arm}: {collapse}", file=sys.stderr)


def _read_dial(choices: Path, strategy: str, pool: PoolRows, settings: ArmSettings) -> UnitDial:
    units = read_table(choices, Units) if get_strategy(strategy).has_units else None
    return build_unit_dial(strategy, units, pool, settings)


def _read_choices(choices: Path, strategy: str, ids: pl.Series) -> pl.DataFrame:
    """What a baseline chooses by, a row for each of `ids`."""
    reads = Path(get_strategy(strategy).reads)
    table = read_table(choices, MODELS[reads.parent.name]).filter(pl.col("id").is_in(ids.implode())).sort("id")
    if table.height < len(ids):
        raise ValueError(
            f"{reads} must hold every row of the pool, {len(ids) - table.height} are missing: run dvc repro"
        )
    return table


def _read_pool(pairs: Path, tokens: Path) -> PoolRows:
    texts = read_table(pairs, Pairs).select("id", pl.col("response").str.len_chars().cast(pl.Int64).alias("characters"))
    lengths = read_table(tokens, Tokens).select("id", pl.col("tokens").list.len().cast(pl.Int64))
    pool = texts.join(lengths, on="id", how="inner").sort("id")
    if pool.height < texts.height:
        raise ValueError(f"{tokens} must hold every row of {pairs}, {texts.height - pool.height} are missing: run band")
    return PoolRows(pool["id"], pool["tokens"].to_numpy(), pool["characters"].to_numpy())


if __name__ == "__main__":
    run(main)
