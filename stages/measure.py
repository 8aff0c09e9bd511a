"""Verdicts, answers, subset and pool → metrics/cell.json: what this cell's subset was worth, and how diverse it was."""

from pathlib import Path
from typing import Any

from m2m.cell.metrics import measure_coverage, measure_diversity, summarize_selection, measure_worth
from m2m.data.records.read_files import read_files
from m2m.judging.scoring.leaderboard import PublishedAnnotations, prepare_published_annotations
from m2m.runtime.artifacts import read_table, require_ids
from m2m.runtime.cli import run
from m2m.runtime.records import read_json, write_json
from m2m.schemas.answers import Answers
from m2m.schemas.gamed import GamedAnnotations
from m2m.schemas.pairs import Pairs
from m2m.schemas.prompts import Prompts
from m2m.schemas.subset import Subset
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.schemas.verdicts import Verdicts

ARMS = ("base", "opponent", "candidate")
SIDES = ("instruction", "response")
STRATEGIES = tuple(f"{side}-{scale}" for side in SIDES for scale in ("macro", "meso", "micro"))


def main(
    prompts: Path,
    verdicts: Path,
    answers: Path,
    subsets: Path,
    trainings: Path,
    pairs: Path,
    tokens: Path,
    vectors: Path,
    units: Path,
    cell: Path,
    /,
    *,
    seed: int,
    resamples: int,
    low: int,
    high: int,
    gamed: str | None,
    alpaca_eval: str | None,
) -> None:
    """`answers`, `subsets`, `trainings` are a file an arm; `tokens`, `vectors` one a side, `units` one a strategy."""
    asked, pool = read_table(prompts, Prompts), read_table(pairs, Pairs)
    paths = {arm: answers / f"{arm}.parquet" for arm in ARMS}
    said = {arm: require_ids(path, read_table(path, Answers), asked["id"]) for arm, path in paths.items()}
    judged = require_ids(verdicts, read_table(verdicts, Verdicts), asked["id"])
    record = measure_worth(asked, judged, said, seed, resamples, _published(gamed, alpaca_eval))
    summaries = {arm: read_json(subsets / f"{arm}.json") for arm in ARMS[1:]}
    record |= summarize_selection(summaries, {arm: read_json(trainings / f"{arm}.json") for arm in ARMS[1:]})
    subset = subsets / "candidate.parquet"
    chosen = pool.join(require_ids(subset, read_table(subset, Subset), pool["id"]), on="id", how="semi")
    spelt = {side: read_table(tokens / f"{side}.parquet", Tokens) for side in SIDES}
    record |= measure_diversity(chosen, spelt, {side: read_table(vectors / f"{side}.parquet", Vectors) for side in SIDES})
    carried = {strategy: read_table(units / f"{strategy}.parquet", Units) for strategy in STRATEGIES}
    record |= measure_coverage(chosen["id"], carried, spelt, low, high)
    record |= {"truncated_answers": said["candidate"]["truncated"].sum()}
    write_json(cell, {name: round(value, 6) for name, value in record.items()})
    rates = [f"{name} {value:.3f}" for name, value in record.items() if name.endswith("win_rate")]
    print(f"{_performance(record)}{', '.join(rates)}; all metrics: {cell}, to compare cells: dvc exp show")


def _published(gamed: str | None, alpaca_eval: str | None) -> PublishedAnnotations | None:
    """What the full form of length control needs. ValueError when one of the two files is named without the other."""
    if gamed is None and alpaca_eval is None:
        return None
    if gamed is None or alpaca_eval is None:
        raise ValueError("measure.gamed and measure.alpaca_eval go together: name both files, or neither")
    records = [record.value for record in read_files(alpaca_eval)]
    instructions = [
        str(value["instruction"]) for value in records if isinstance(value, dict) and "instruction" in value
    ]
    if not instructions:
        raise ValueError(f"measure.alpaca_eval must name AlpacaEval's evaluation set, got {alpaca_eval}")
    return prepare_published_annotations(read_table(Path(gamed), GamedAnnotations), instructions)


def _performance(record: dict[str, Any]) -> str:
    if "bpb_reduction" not in record:
        return ""
    low, high = record["bpb_reduction_prompts_only_low"], record["bpb_reduction_prompts_only_high"]
    return f"bpb_reduction {record['bpb_reduction']:+.4f} bits a byte against random [{low:+.4f}, {high:+.4f}], "


if __name__ == "__main__":
    run(main)
