"""Verdicts, answers, subset and pool → the metrics of this cell: how far its subset beats random, and its diversity."""

from pathlib import Path
from typing import Any

import polars as pl

from m2m.cell.metrics import (
    count_overlaps,
    measure_coverage,
    measure_diversity,
    measure_gradients,
    measure_novelty,
    measure_worth,
    split_metrics,
    summarize_selection,
)
from m2m.data.records.read_files import read_files
from m2m.judging.scoring.leaderboard import PublishedAnnotations, prepare_published_annotations
from m2m.runtime.artifacts import read_json, read_record, read_table, require_ids, write_record
from m2m.runtime.cli import run
from m2m.runtime.pandera_alone import pa
from m2m.schemas.answers import Answers
from m2m.schemas.bands import Bands
from m2m.schemas.cell import CellDetails, CellMetrics
from m2m.schemas.gamed import GamedAnnotations
from m2m.schemas.loss import LossCurve
from m2m.schemas.overlaps import Overlaps
from m2m.schemas.pairs import Pairs
from m2m.schemas.prompts import Prompts
from m2m.schemas.subset import Subset
from m2m.schemas.subset_summary import SubsetSummary
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.schemas.verdicts import Verdicts
from m2m.strategies import SIDES, UNIT_STRATEGIES
from m2m.table_slices import count_table_rows, read_slices
from m2m.text.tokenize import list_types, tokenize_units
from m2m.training.trainer.outcome import keep_outcome

CAUTION = "one training each, so seed noise is not in the interval: two random subsets can differ as much (m2m grid)"
ARMS = ("base", "opponent", "candidate")
GRADIENT_SLICE = 16_384  # rows of 1,024 numbers: 64 MB


def main(
    prompts: Path,
    verdicts: Path,
    answers: Path,
    subsets: Path,
    trainings: Path,
    pairs: Path,
    tokenizer: Path,
    tokens: Path,
    bands: Path,
    vectors: Path,
    units: Path,
    overlaps: Path,
    gradients: Path,
    losses: Path,
    cell: Path,
    details: Path,
    /,
    *,
    seed: int,
    resamples: int,
    unit_tokenizer: str,
    gamed: str | None,
    alpaca_eval: str | None,
) -> None:
    """`answers`, `subsets`, `trainings` hold a file an arm; `tokens`, `bands`, `vectors` a file a side.

    `units` holds a file a strategy, `overlaps` the rows that share text with a prompt; `gradients` has the pool's rows,
    or none where they were not asked for. `cell` gets the metrics that are compared, `details` all others. `losses`,
    the candidate's, names its MLflow run, which gets `cell` too.
    """
    prompt_table, pool = read_table(prompts, Prompts), read_table(pairs, Pairs)
    paths = {arm: answers / f"{arm}.parquet" for arm in ARMS}
    answer_tables = {
        arm: require_ids(path, read_table(path, Answers), prompt_table["id"]) for arm, path in paths.items()
    }
    verdict_table = require_ids(verdicts, read_table(verdicts, Verdicts), prompt_table["id"])
    published_files = _read_published(gamed, alpaca_eval)
    record = measure_worth(prompt_table, verdict_table, answer_tables, seed, resamples, published_files)
    records = {arm: read_record(subsets / f"{arm}.json", SubsetSummary) for arm in ARMS[1:]}
    summaries = {arm: record.model_dump(exclude_unset=True) for arm, record in records.items()}
    record |= summarize_selection(summaries, {arm: read_json(trainings / f"{arm}.json") for arm in ARMS[1:]})
    subset = subsets / "candidate.parquet"
    chosen = pool.join(require_ids(subset, read_table(subset, Subset), pool["id"]), on="id", how="semi")
    side_vectors = _read_sides(vectors, Vectors)
    record |= measure_diversity(chosen, _read_sides(tokens, Tokens), side_vectors)
    record |= measure_novelty(chosen["id"], side_vectors)
    record |= measure_gradients(_read_gradients(gradients, chosen["id"]))
    unit_tables = {strategy: read_table(units / f"{strategy}.parquet", Units) for strategy in UNIT_STRATEGIES}
    types = {side: list_types(tokenize_units(unit_tokenizer, tokenizer, chosen[side].to_list())) for side in SIDES}
    record |= measure_coverage(chosen["id"], unit_tables, types, _read_sides(bands, Bands))
    record |= count_overlaps(chosen["id"], read_table(overlaps, Overlaps))
    record |= {"truncated_answers": int(answer_tables["candidate"]["truncated"].sum())}
    compared, remaining = split_metrics(_round(record))
    write_record(cell, CellMetrics, compared)
    write_record(details, CellDetails, remaining)
    outcomes = [name for name in compared if name.endswith("win_rate") and not name.startswith("similarity")]
    rates = [f"{name} {compared[name]:.3f}" for name in outcomes]
    print(f"{_describe_reduction(record)}{', '.join(rates)}; {CAUTION}")
    print(f"metrics: {cell}, {details}; to compare cells: dvc exp show")
    keep_outcome(read_table(losses, LossCurve).rows(), compared)


def _round(record: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in record.items()}


def _read_sides(folder: Path, model: type[pa.DataFrameModel]) -> dict[str, pl.DataFrame]:
    return {side: read_table(folder / f"{side}.parquet", model) for side in SIDES}


def _read_gradients(path: Path, ids: pl.Series) -> pl.DataFrame:
    """The gradients of the rows `ids`, of the pool's a slice at once; no rows where none were measured.

    ValueError where some of the rows have none.
    """
    slices = read_slices(path, Vectors, rows=GRADIENT_SLICE)
    table = pl.concat(rows.filter(pl.col("id").is_in(ids.implode())) for rows in slices)
    if table.height < len(ids) and count_table_rows(path):
        missing = len(ids) - table.height
        raise ValueError(
            f"{path} must hold every row of the pool, {missing} of the subset's are missing: run dvc repro"
        )
    return table


def _read_published(gamed: str | None, alpaca_eval: str | None) -> PublishedAnnotations | None:
    """What the full form of length control needs. ValueError when one of the two files is named without the other."""
    if gamed is None and alpaca_eval is None:
        return None
    if gamed is None or alpaca_eval is None:
        raise ValueError("measure.gamed and measure.alpaca_eval go together: set both, or neither")
    records = [record.value for record in read_files(alpaca_eval)]
    instructions = [
        str(value["instruction"]) for value in records if isinstance(value, dict) and "instruction" in value
    ]
    if not instructions:
        raise ValueError(f"measure.alpaca_eval must name AlpacaEval's evaluation set, got {alpaca_eval}")
    return prepare_published_annotations(read_table(Path(gamed), GamedAnnotations), instructions)


def _describe_reduction(record: dict[str, Any]) -> str:
    if "bpb_reduction" not in record:
        return ""
    low, high = record["bpb_reduction_prompts_only_low"], record["bpb_reduction_prompts_only_high"]
    reduction = f"bpb_reduction {record['bpb_reduction']:+.4f} bits a byte against random"
    return f"{reduction} [{low:+.4f}, {high:+.4f} on other prompts], "


if __name__ == "__main__":
    run(main)
