"""Held-out rows and benchmarks → evaluation prompts, with what there is to compare an answer with."""

import functools
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import polars as pl

from m2m.data.benchmarks.eval_prompts import (
    NO_PROMPT,
    convert_heldout_rows,
    convert_records,
    read_baseline_answers,
    sample_prompts,
)
from m2m.data.benchmarks.sources import Benchmark, check_benchmark, read_benchmark, resolve_benchmark
from m2m.data.records.read_files import SourceRecord
from m2m.data.records.source_fields import summarize_source
from m2m.runtime.artifacts import read_table, write_json, write_table
from m2m.runtime.cli import list_names, run
from m2m.schemas.pool import Pool
from m2m.schemas.prompts import Prompts
from m2m.schemas.row_origins import RowOrigins


def main(
    heldout: Path,
    row_origins: Path,
    prompts: Path,
    origins: Path,
    /,
    *,
    seed: int,
    sources: Mapping[str, Benchmark],
) -> None:
    """A source's name is the name of its benchmark; `origins` holds its origin, commit and numbers of prompts.

    `row_origins` says which package or file a held-out row is of: its group.
    """
    if not sources:
        raise ValueError("sources must name at least one benchmark, got none")
    for name, source in sources.items():
        check_benchmark(name, source)
    sources = {name: resolve_benchmark(source) for name, source in sources.items()}
    tables = {
        name: sample_prompts(_read_prompts(name, source, heldout, row_origins), source.limit, seed)
        for name, source in sources.items()
    }
    write_table(prompts, Prompts, pl.concat(tables.values()).sort("benchmark", "id"))
    counts = {name: {"prompts": len(table), "references": table["reference"].count()} for name, table in tables.items()}
    for name, count in counts.items():
        print(f"{name}: {count['references']} of {count['prompts']} prompts have a reference")
    write_json(origins, {name: summarize_source(asdict(source)) | counts[name] for name, source in sources.items()})


def _read_prompts(name: str, source: Benchmark, heldout: Path, row_origins: Path) -> pl.DataFrame:
    if source.kind == "heldout":
        rows = read_table(heldout, Pool)
        reason = "ingest held nothing out: raise ingest.heldout_share"
        places = read_table(row_origins, RowOrigins)
        return _check_prompts(name, convert_heldout_rows(name, rows, places), len(rows), reason)
    records, answer_records = read_benchmark(source)
    answers = read_baseline_answers(record.value for record in answer_records)
    if source.answers and not answers:
        raise ValueError(f"benchmark {name!r}: no answers in {source.answers}; {_find_reason(answer_records)}")
    values, reference = [record.value for record in records], source.reference or "own"
    prompts = convert_records(name, values, answers, reference)
    if reference == "baseline" and not prompts["reference"].count():
        raise ValueError(
            f"benchmark {name!r}: no record has a baseline's answer. Set reference to own, or name answers."
        )
    return _check_prompts(name, prompts, len(records), _find_reason(records))


def _find_reason(records: list[SourceRecord]) -> str:
    return next((record.reason for record in records if record.reason), NO_PROMPT)


def _check_prompts(name: str, prompts: pl.DataFrame, count: int, reason: str) -> pl.DataFrame:
    if prompts.is_empty():
        raise ValueError(f"benchmark {name!r} has no prompt: {count} records read; {reason}")
    if left_out := count - len(prompts):
        print(f"{name}: {left_out} of {count} records have no instruction, or repeat an earlier one", file=sys.stderr)
    return prompts


if __name__ == "__main__":
    run(functools.partial(main, sources={name: Benchmark() for name in list_names("sources")}))
