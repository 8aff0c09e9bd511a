"""Units → a subset: pruned to the degree's number of units, sampled evenly over them; or the rows of a baseline."""

import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from jaxtyping import Float64

from m2m.llm_fields import LLM_FIELDS, list_llm_fields
from m2m.runtime.artifacts import read_table, write_record, write_table
from m2m.runtime.cli import run
from m2m.runtime.pandera_alone import pa
from m2m.schemas.difficulties import Difficulties
from m2m.schemas.exclusions import Exclusions
from m2m.schemas.pairs import Pairs
from m2m.schemas.ratings import RowRatings
from m2m.schemas.row_origins import RowOrigins
from m2m.schemas.subset import Subset
from m2m.schemas.subset_summary import SubsetSummary
from m2m.schemas.target_scores import TargetScores
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.selection.arm import ArmSettings, PoolRows, UnitDial, build_unit_dial, choose_arm, measure_seed_overlap
from m2m.selection.baselines import stack_scores
from m2m.selection.left_out import LeftOut, Prefilter, leave_out_rows
from m2m.selection.quality import align_ratings, parse_scores
from m2m.selection.sample import Weights
from m2m.selection.shards import describe_shards
from m2m.strategies import get_strategy, require_match, require_prefilter
from m2m.table_slices import read_slices

UNIT_SLICE = 2**20  # pairs of row and unit that are read at once
LENGTHS_ALONE = ("random", "longest", "length-matched")  # what they read holds nothing that `pool` lacks
MODELS: dict[str, type[pa.DataFrameModel]] = {
    "units": Units,
    "tokens": Tokens,
    "vectors": Vectors,
    "targets": TargetScores,
    "difficulties": Difficulties,
}


def main(
    choices: Path,
    match_choices: Path,
    prefilter_choices: Path,
    pairs: Path,
    tokens: Path,
    row_origins: Path,
    exclusions: Path,
    complexity_ratings: Path,
    quality_ratings: Path,
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
    peel_noise: float,
    quality: str | None,
    quality_share: float,
    prefilter: str,
    prefilter_share: float,
    overlap: Literal["keep", "drop"],
) -> None:
    """Choose `size` rows, or rows until they train `size` tokens: response tokens and the end token of each.

    `choices` is the table that `strategy` chooses by, `match_choices` that of `match`, which `length-matched` reads.
    Only responses of `min_tokens` … `max_tokens` model tokens, both included and without the end token, take part. Of
    them, the rows of `exclusions` do not; of the others, only the `quality_share` with the highest `quality` do, and
    of those only the `prefilter_share` that is most like the examples by `prefilter`, from `prefilter_choices`.
    `quality` is of the records in `row_origins`, or of an LLM: a table of ratings is read where it names that score.
    With `lengths` as-random a strategy of units has random's response lengths at every degree. With `peel_noise` each
    seed prunes other units.
    """
    entry = get_strategy(strategy)
    pool = _read_pool(pairs, tokens)
    settings = ArmSettings(
        strategy, match, degree, size, seed, slack, weights, budget, min_tokens, max_tokens, lengths, peel_noise
    )
    require_prefilter(prefilter, prefilter_share)
    like = _read_prefilter(prefilter_choices, prefilter, prefilter_share, pool.ids)
    ratings = dict(zip(LLM_FIELDS, (complexity_ratings, quality_ratings), strict=True))
    scores = _read_scores(row_origins, ratings, quality, pool.ids) if quality is not None else None
    left_out = _leave_out(pool, settings, exclusions, scores, quality, quality_share, overlap, like)
    pool = pool._replace(left_out=left_out.rows, scores=left_out.scores)
    dial = _read_dial(choices, strategy, pool, settings)
    match_dial = None
    if entry.follows_match:
        require_match(match)
        match_dial = _read_dial(match_choices, match, pool, settings)
    if sentence := describe_shards(strategy, pool.price(settings)[pool.flag_inside(settings)], size):
        print(f"subset {subset.stem}: {sentence}", file=sys.stderr, flush=True)
    table = None if entry.has_units or strategy in LENGTHS_ALONE else _read_choices(choices, strategy, pool.ids)
    arm = choose_arm(pool, settings, dial, match_dial, table)
    record = arm.summary | left_out.summary
    if entry.has_units:
        record |= {"seed_overlap": measure_seed_overlap(pool, settings, dial, arm)}
    write_table(subset, Subset, arm.table)
    write_record(summary, SubsetSummary, record)
    _warn(subset.stem, record, [arm.collapse, arm.note], arm.shortfall)


def _warn(arm: str, record: dict[str, Any], sentences: list[str], shortfall: float) -> None:
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
    if "prefilter" in record:
        print(
            f"subset {arm}: {record['rows_unlike_examples']} rows are not among the {record['prefilter_share']:.6g} "
            f"most like the examples by {record['prefilter']}",
            file=sys.stderr,
        )
        if count := record["rows_without_match"]:
            print(f"subset {arm}: {count} of the rows that stay match no example at all: they fill up", file=sys.stderr)
    if record["rows_without_unit"]:
        print(
            f"subset {arm}: {record['rows_without_unit']} of {record['pool_rows']} rows carry no unit of "
            f"{record['strategy']} and cannot be chosen",
            file=sys.stderr,
        )
    for sentence in filter(None, sentences):
        print(f"subset {arm}: {sentence}", file=sys.stderr)
    if shortfall >= 1:
        print(
            f"subset {arm}: {shortfall:.0f} of {record['size']} {record['budget']} have other lengths than random's, "
            "because too few rows of those lengths carry a unit",
            file=sys.stderr,
        )


def _leave_out(
    pool: PoolRows,
    settings: ArmSettings,
    exclusions: Path,
    scores: Float64[np.ndarray, "rows"] | None,
    quality: str | None,
    quality_share: float,
    overlap: str,
    prefilter: Prefilter | None,
) -> LeftOut:
    """The rows that neither length nor units leave out, but these settings."""
    overlapping = None
    if overlap == "drop":
        overlapping = pool.ids.is_in(read_table(exclusions, Exclusions)["id"].implode()).to_numpy()
    if quality is None and quality_share != 1:
        raise ValueError(f"subset.quality_share {quality_share} needs subset.quality, the name of a number field")
    return leave_out_rows(pool.flag_inside(settings), overlapping, scores, quality or "", quality_share, prefilter)


def _read_scores(
    row_origins: Path, ratings: dict[str, Path], quality: str, ids: pl.Series
) -> Float64[np.ndarray, "rows"]:
    """The number that `quality` names, of each of `ids`: of the records, of an LLM, or their product."""
    origins = read_table(row_origins, RowOrigins)
    fields = ids.to_frame("id").join(origins, on="id", how="left", maintain_order="left")["fields"]
    names = list_llm_fields(quality)
    rated = {name: align_ratings(read_table(ratings[name], RowRatings), ids, name) for name in names}
    return parse_scores(fields, quality, ratings=rated)


def _read_prefilter(choices: Path, prefilter: str, share: float, ids: pl.Series) -> Prefilter | None:
    return Prefilter(prefilter, share, stack_scores(_read_choices(choices, prefilter, ids))) if share < 1 else None


def _read_dial(choices: Path, strategy: str, pool: PoolRows, settings: ArmSettings) -> UnitDial:
    units = read_slices(choices, Units, rows=UNIT_SLICE) if get_strategy(strategy).has_units else None
    return build_unit_dial(strategy, units, pool, settings)


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


def _read_pool(pairs: Path, tokens: Path) -> PoolRows:
    """Ids and lengths; of texts and tokens a slice at once."""
    characters = pl.col("response").str.len_chars().cast(pl.Int64).alias("characters")
    texts = pl.concat(table.select("id", characters) for table in read_slices(pairs, Pairs, ["id", "response"]))
    counts = pl.col("tokens").list.len().cast(pl.Int64)
    lengths = pl.concat(table.select("id", counts) for table in read_slices(tokens, Tokens))
    pool = texts.join(lengths, on="id", how="inner", maintain_order="left")
    if pool.height < texts.height:
        raise ValueError(f"{tokens} must hold every row of {pairs}, {texts.height - pool.height} are missing: run band")
    return PoolRows(pool["id"], pool["tokens"].to_numpy(), pool["characters"].to_numpy())


if __name__ == "__main__":
    run(main)
