"""Held-out rows and benchmarks → evaluation prompts, with what there is to compare an answer with."""

import functools
import sys
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from stages.core.prompts import baseline_answers, chosen, from_heldout, from_records
from stages.io.command import run
from stages.io.sources import Benchmark, read_benchmark
from stages.io.tables import read_table, write_table
from stages.schemas.pool import Pool
from stages.schemas.prompts import Prompts


def main(heldout: Path, prompts: Path, /, *, seed: int, sources: Mapping[str, Benchmark]) -> None:
    """A source's name is the name of its benchmark."""
    if not sources:
        raise ValueError("sources must name at least one benchmark, got none")
    found = [chosen(_prompts(name, source, heldout), source.limit, seed) for name, source in sources.items()]
    write_table(prompts, Prompts, pl.concat(found).sort("benchmark", "id"))


def _prompts(name: str, source: Benchmark, heldout: Path) -> pl.DataFrame:
    if source.kind == "heldout":
        table = from_heldout(name, rows := read_table(heldout, Pool))
        read, reasons = len(rows), "ingest held nothing out: raise ingest.heldout_share"
    else:
        records, answers = read_benchmark(source)
        table = from_records(name, [each.value for each in records], baseline_answers(each.value for each in answers))
        read, reasons = (
            len(records),
            next((each.reason for each in records if each.reason), "no record has an instruction"),
        )
    if table.is_empty():
        raise ValueError(f"benchmark {name!r} has no prompt: {read} records read; {reasons}")
    if len(table) < read:
        print(
            f"{name}: {read - len(table)} of {read} records have no instruction, or one that came before",
            file=sys.stderr,
        )
    return table


if __name__ == "__main__":
    names = dict.fromkeys(flag.split(".")[1] for flag in sys.argv if flag.startswith("--sources."))
    run(functools.partial(main, sources={name: Benchmark() for name in names}))
