"""Verdicts, answers, subset and pool → metrics/cell.json: what this cell's subset was worth, and how diverse it was."""

from pathlib import Path

from stages.core.cell import coverage, diversity, selection, worth
from stages.io.command import run
from stages.io.records import read_json, write_json
from stages.io.tables import read_table
from stages.schemas.answers import Answers
from stages.schemas.pairs import Pairs
from stages.schemas.prompts import Prompts
from stages.schemas.subset import Subset
from stages.schemas.tokens import Tokens
from stages.schemas.units import Units
from stages.schemas.vectors import Vectors
from stages.schemas.verdicts import Verdicts

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
) -> None:
    """`answers`, `subsets`, `trainings` are a file an arm; `tokens`, `vectors` one a side, `units` one a strategy."""
    said = {arm: read_table(answers / f"{arm}.parquet", Answers) for arm in ARMS}
    record = worth(read_table(prompts, Prompts), read_table(verdicts, Verdicts), said, seed, resamples)
    summaries = {arm: read_json(subsets / f"{arm}.json") for arm in ARMS[1:]}
    record |= selection(summaries, {arm: read_json(trainings / f"{arm}.json") for arm in ARMS[1:]})
    chosen = read_table(pairs, Pairs).join(read_table(subsets / "candidate.parquet", Subset), on="id", how="semi")
    spelt = {side: read_table(tokens / f"{side}.parquet", Tokens) for side in SIDES}
    record |= diversity(chosen, spelt, {side: read_table(vectors / f"{side}.parquet", Vectors) for side in SIDES})
    carried = {strategy: read_table(units / f"{strategy}.parquet", Units) for strategy in STRATEGIES}
    record |= coverage(chosen["id"], carried, spelt, low, high)
    record |= {"truncated_answers": said["candidate"]["truncated"].sum()}
    write_json(cell, {name: round(value, 6) for name, value in record.items()})
    print(
        f"performance {record['performance']:+.4f} bits a byte against random "
        f"[{record['performance_prompts_only_low']:+.4f}, {record['performance_prompts_only_high']:+.4f}], "
        f"win rate {record['win_rate']:.3f}; all metrics: {cell}, to compare cells: dvc exp show"
    )


if __name__ == "__main__":
    run(main)
