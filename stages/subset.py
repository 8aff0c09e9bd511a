"""Units → a subset: pruned to the degree's number of units, sampled evenly over them; or the rows of a baseline."""

import sys
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandera.polars as pa
import polars as pl
from jaxtyping import Bool, Int64

from m2m.runtime.artifacts import read_table, write_record, write_table
from m2m.runtime.cli import run
from m2m.schemas.exclusions import Exclusions
from m2m.schemas.pairs import Pairs
from m2m.schemas.row_origins import RowOrigins
from m2m.schemas.subset import Subset
from m2m.schemas.subset_summary import SubsetSummary
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.selection.baselines import CHOOSERS, BaselineInputs
from m2m.selection.degrees import group_equal_degrees
from m2m.selection.incidence import Incidence, build_incidence
from m2m.selection.length_strata import Strata, assign_strata
from m2m.selection.quality import parse_scores, select_best
from m2m.selection.sample import Draw, Weights
from m2m.selection.select import (
    Selection,
    describe_chain,
    describe_draw,
    explain_equal_degrees,
    replace_rows,
    select,
)
from m2m.strategies import get_strategy, require_match

MODELS: dict[str, type[pa.DataFrameModel]] = {"units": Units, "tokens": Tokens, "vectors": Vectors}


def main(
    choices: Path,
    match_choices: Path,
    pairs: Path,
    tokens: Path,
    row_origins: Path,
    exclusions: Path,
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
    lengths: Literal["free", "as-random"],
    quality: str | None,
    quality_share: float,
    overlap: Literal["keep", "drop"],
) -> None:
    """Choose `size` rows, or rows until they train `size` tokens: response tokens and the end token of each.

    `choices` is the table that `strategy` chooses by, `match_choices` that of `match`, which `length-matched` reads.
    Only responses of `min_tokens` … `max_tokens` model tokens, both included and without the end token, take part. Of
    them, the rows of `exclusions` do not; of the others, only the `quality_share` with the highest `quality` do.
    With `lengths` as-random a strategy of units has random's response lengths at every degree.
    """
    entry = get_strategy(strategy)
    pool = _read_pool(pairs, tokens)
    ids, length = pool["id"], pool["tokens"].to_numpy()
    inside = (length >= min_tokens) & (length <= max_tokens)
    inside, left_out = _leave_out(inside, ids, row_origins, exclusions, quality, quality_share, overlap)
    costs = {"rows": np.ones_like(length), "tokens": length + 1}[budget]
    take = partial(select, costs=costs, degree=degree, size=size, slack=slack, weights=weights)
    cut = partial(_cut_strata, lengths, lengths=length, costs=costs, inside=inside, size=size)
    rng = np.random.default_rng(seed)
    incidence, names = _read_incidence(choices, strategy, ids, inside)
    selection = take(incidence, rng=rng, strata=cut(strategy, incidence))
    dialled = selection
    if not entry.has_units:
        matched_rows = None
        if entry.follows_match:
            require_match(match)
            matched = _read_incidence(match_choices, match, ids, inside)[0]
            dialled = take(matched, rng=np.random.default_rng(seed), strata=cut(match, matched))
            matched_rows = dialled.draw.rows
        table = _read_choices(choices, strategy, ids)
        inputs = BaselineInputs(table, ids, length, inside, costs, size, selection.draw.rows, matched_rows, rng)
        selection = replace_rows(selection, CHOOSERS[strategy](inputs))
    write_table(subset, Subset, _build_table(selection.draw, ids, names))
    settings = {"strategy": strategy, "match": match, "degree": degree, "seed": seed, "size": size, "budget": budget}
    record: dict[str, Any] = settings | {"min_tokens": min_tokens, "max_tokens": max_tokens}
    record |= {} if lengths == "free" else {"lengths": lengths}
    record |= describe_chain(selection) | describe_draw(incidence, selection, length, pool["characters"].to_numpy())
    without_unit = int((inside & (np.diff(incidence.row_start) == 0)).sum())
    record |= {"pool_rows": int(inside.sum()), "rows_without_unit": without_unit}
    record |= left_out | {"collapsed_degrees": group_equal_degrees(dialled.states) if entry.has_degree else []}
    write_record(summary, SubsetSummary, record)
    _warn(subset.stem, record, dialled, explain_equal_degrees(dialled, costs, size, slack, budget))


def _warn(arm: str, record: dict[str, Any], selection: Selection, equal_degrees: str) -> None:
    """Print what makes the dial shorter than it looks: rows that no degree reaches, degrees that are equal."""
    if "overlapping_rows_dropped" in record:
        count = record["overlapping_rows_dropped"]
        print(f"subset {arm}: {count} rows that share text with an evaluation prompt are left out", file=sys.stderr)
    if "quality" in record:
        print(
            f"subset {arm}: {record['rows_below_quality']} rows are below the best {record['quality_share']:.6g} by "
            f"{record['quality']!r}; {record['rows_without_quality']} rows have no such number and come last",
            file=sys.stderr,
        )
    if record["rows_without_unit"]:
        print(
            f"subset {arm}: {record['rows_without_unit']} of {record['pool_rows']} rows carry no unit of "
            f"{record['strategy']} and cannot be chosen",
            file=sys.stderr,
        )
    if record["collapsed_degrees"]:
        print(f"subset {arm}: {equal_degrees}", file=sys.stderr)
    if selection.strata is not None and selection.strata.shortfall >= 1:
        print(
            f"subset {arm}: {selection.strata.shortfall:.0f} of {record['size']} {record['budget']} have other lengths "
            "than random's, because too few rows of those lengths carry a unit",
            file=sys.stderr,
        )


def _cut_strata(
    setting: Literal["free", "as-random"],
    strategy: str,
    incidence: Incidence,
    *,
    lengths: Int64[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    inside: Bool[np.ndarray, "rows"],
    size: int,
) -> Strata | None:
    """The strata of response length that `strategy` is pruned and sampled in, if any; a baseline has none."""
    if setting == "free" or not get_strategy(strategy).has_units:
        return None
    return assign_strata(lengths, costs, inside, np.diff(incidence.row_start) > 0, size)


def _leave_out(
    inside: Bool[np.ndarray, "rows"],
    ids: pl.Series,
    row_origins: Path,
    exclusions: Path,
    quality: str | None,
    quality_share: float,
    overlap: str,
) -> tuple[Bool[np.ndarray, "rows"], dict[str, Any]]:
    """The rows `inside` that stay candidates, and what the summary says of the others: nothing if no setting asks."""
    record: dict[str, Any] = {}
    if overlap == "drop":
        excluded = ids.is_in(read_table(exclusions, Exclusions)["id"].implode()).to_numpy()
        record |= {"overlap": overlap, "overlapping_rows_dropped": int((inside & excluded).sum())}
        inside = inside & ~excluded
    if quality is None:
        if quality_share != 1:
            raise ValueError(f"subset.quality_share {quality_share} needs subset.quality, the name of a number field")
        return inside, record
    origins = ids.to_frame("id").join(read_table(row_origins, RowOrigins), on="id", how="left", maintain_order="left")
    scores = parse_scores(origins["fields"], quality)
    best = select_best(scores, inside, quality_share)
    return best, record | {
        "quality": quality,
        "quality_share": float(quality_share),
        "rows_without_quality": int((inside & np.isnan(scores)).sum()),
        "rows_below_quality": int((inside & ~best).sum()),
    }


def _read_incidence(
    choices: Path, strategy: str, ids: pl.Series, inside: Bool[np.ndarray, "rows"]
) -> tuple[Incidence, pl.Series]:
    """The units of `strategy`; all rows have one unit where it has none of its own."""
    units = (
        read_table(choices, Units) if get_strategy(strategy).has_units else pl.DataFrame({"id": ids, "unit": "pool"})
    )
    incidence, names = build_incidence(units, ids, inside)
    if names.is_empty():
        raise ValueError(
            f"none of the {inside.sum()} responses of min_tokens..max_tokens tokens has a unit of {strategy}: "
            "widen min_tokens..max_tokens, or the settings that its units are made with"
        )
    return incidence, names


def _read_choices(choices: Path, strategy: str, ids: pl.Series) -> pl.DataFrame:
    """What a baseline chooses by: units, or a row for each of `ids`."""
    reads = Path(get_strategy(strategy).reads)
    model = MODELS[reads.parent.name]
    table = read_table(choices, model).filter(pl.col("id").is_in(ids.implode())).sort("id")
    if model is not Units and table.height < len(ids):
        raise ValueError(
            f"{reads} must hold every row of the pool, {len(ids) - table.height} are missing: run dvc repro"
        )
    return table


def _build_table(draw: Draw, ids: pl.Series, names: pl.Series) -> pl.DataFrame:
    turn = pl.Series("turn", range(len(draw.rows)), pl.Int32)
    return pl.DataFrame([ids.gather(draw.rows), names.gather(draw.units), turn]).sort("id")


def _read_pool(pairs: Path, tokens: Path) -> pl.DataFrame:
    """id, response characters and response tokens of every row, sorted by id."""
    texts = read_table(pairs, Pairs).select("id", pl.col("response").str.len_chars().cast(pl.Int64).alias("characters"))
    lengths = read_table(tokens, Tokens).select("id", pl.col("tokens").list.len().cast(pl.Int64))
    pool = texts.join(lengths, on="id", how="inner").sort("id")
    if pool.height < texts.height:
        raise ValueError(f"{tokens} must hold every row of {pairs}, {texts.height - pool.height} are missing: run band")
    return pool


if __name__ == "__main__":
    run(main)
