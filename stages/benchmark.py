"""Held-out rows and benchmarks → evaluation prompts, with what there is to compare an answer with."""

import functools
import sys
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from m2m.data.benchmarks.eval_prompts import (
    convert_heldout_rows,
    convert_records,
    read_baseline_answers,
    sample_prompts,
)
from m2m.data.benchmarks.sources import Benchmark, pin_benchmark, read_benchmark
from m2m.data.records.read_files import SourceRecord
from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import names_of, run
from m2m.runtime.records import write_json
from m2m.schemas.pool import Pool
from m2m.schemas.prompts import Prompts


def main(heldout: Path, prompts: Path, origins: Path, /, *, seed: int, sources: Mapping[str, Benchmark]) -> None:
    """A source's name is the name of its benchmark; `origins` says what it was, at which commit, and its prompts."""
    if not sources:
        raise ValueError("sources must name at least one benchmark, got none")
    sources = {name: pin_benchmark(source) for name, source in sources.items()}
    found = {name: sample_prompts(_prompts(name, one, heldout), one.limit, seed) for name, one in sources.items()}
    write_table(prompts, Prompts, pl.concat(found.values()).sort("benchmark", "id"))
    write_json(origins, {name: _origin(source) | {"prompts": len(found[name])} for name, source in sources.items()})


def _origin(source: Benchmark) -> dict[str, str]:
    return {"kind": source.kind, "from": source.id or source.path or "", "commit": source.revision or ""}


def _prompts(name: str, source: Benchmark, heldout: Path) -> pl.DataFrame:
    if source.kind == "heldout":
        rows = read_table(heldout, Pool)
        return _some(
            name, convert_heldout_rows(name, rows), len(rows), "ingest held nothing out: raise ingest.heldout_share"
        )
    records, answers = read_benchmark(source)
    known = read_baseline_answers(each.value for each in answers)
    if source.answers and not known:
        raise ValueError(f"benchmark {name!r}: no answers in {source.answers}; {_first_reason(answers)}")
    return _some(
        name, convert_records(name, [one.value for one in records], known), len(records), _first_reason(records)
    )


def _first_reason(records: list[SourceRecord]) -> str:
    return next((record.reason for record in records if record.reason), "no record has what is looked for")


def _some(name: str, prompts: pl.DataFrame, read: int, reason: str) -> pl.DataFrame:
    if prompts.is_empty():
        raise ValueError(f"benchmark {name!r} has no prompt: {read} records read; {reason}")
    if left_out := read - len(prompts):
        print(f"{name}: {left_out} of {read} records have no instruction, or one that came before", file=sys.stderr)
    return prompts


if __name__ == "__main__":
    run(functools.partial(main, sources={name: Benchmark() for name in names_of("sources")}))
