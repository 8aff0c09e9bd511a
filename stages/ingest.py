"""Sources → the pool, held-out rows, the base model's corpus, and the rejects with their reasons."""

import functools
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.data.pool.docstring_questions import tabulate_pairs
from m2m.data.pool.docstring_sections import Documented, parse_sections
from m2m.data.pool.package_docstrings import read_docstrings
from m2m.data.pool.pool import (
    count_rows,
    describe_absent_limits,
    describe_reasoning,
    describe_rows,
    split_candidates,
)
from m2m.data.pool.pretraining_text import build_corpus, collect_clauses, divide_objects
from m2m.data.pool.sources import Source, check_source, read_records, resolve_source
from m2m.data.records.record_formats import PairColumns
from m2m.data.records.row_table import PLACE_COLUMNS, RowTable, join_places, tabulate_records
from m2m.data.records.source_fields import summarize_source
from m2m.parallel import map_parallel
from m2m.runtime.artifacts import write_json, write_table
from m2m.runtime.cli import list_names, run
from m2m.schemas.corpus import Corpus
from m2m.schemas.pool import Pool
from m2m.schemas.rejects import Rejects
from m2m.schemas.row_origins import RowOrigins


def main(
    pool: Path,
    heldout: Path,
    corpus: Path,
    rejects: Path,
    row_origins: Path,
    origins: Path,
    /,
    *,
    seed: int,
    heldout_share: float,
    corpus_share: float,
    min_chars: int | None,
    max_chars: int | None,
    near_duplicates: Literal["keep", "drop"],
    sources: Mapping[str, Source],
) -> None:
    """Read every source; pool + heldout + rejects + exchanges left out = exchanges read.

    Objects that went to the corpus give no rows. `origins` holds the origin and the counts of each source.
    """
    if not sources:
        raise ValueError("sources must name at least one source, got none")
    for name, source in sources.items():
        check_source(name, source)
    sources = {name: resolve_source(source) for name, source in sources.items()}
    objects = read_docstrings(package for source in sources.values() for package in source.packages)
    parsed = map_parallel(parse_sections, objects["text"].to_list(), "docstrings: sections")
    named = zip(objects["name"], objects["kind"], parsed, strict=True)
    documented = [Documented(name, kind, sections) for name, kind, sections in named]
    studied, questioned = divide_objects(documented, objects["text"], corpus_share, seed)
    text = build_corpus(studied, collect_clauses(questioned))
    tables = {name: _read_rows(name, source, questioned, max_chars) for name, source in sources.items()}
    candidates = split_candidates(
        pl.concat(table.rows for table in tables.values()),
        collect_clauses(studied) if {source.kind for source in sources.values()} - {"docstrings"} else set(),
        {name: source.limit for name, source in sources.items()},
        seed=seed,
        heldout_share=heldout_share,
        min_chars=min_chars,
        max_chars=max_chars,
        near_duplicates=near_duplicates,
    )
    left_out = {name: table.left_out for name, table in tables.items()}
    lines = describe_rows(candidates, left_out)
    lines += [
        f"{name}: {text}" for name, table in tables.items() for text in describe_reasoning(table.without_reasoning)
    ]
    lines += describe_absent_limits(candidates, min_chars, max_chars)
    print(*lines, sep="\n")
    print(f"corpus: {len(text)} texts from {len(studied)} objects, which give no rows")
    write_table(corpus, Corpus, text)
    write_table(pool, Pool, candidates.pool)
    write_table(heldout, Pool, candidates.heldout)
    write_table(rejects, Rejects, candidates.rejects.drop("turn"))
    write_table(row_origins, RowOrigins, join_places(candidates.origins, tables.values()))
    counts = {
        name: rows | _count_left_out(sources[name], left_out[name]) for name, rows in count_rows(candidates).items()
    }
    write_json(origins, {name: summarize_source(asdict(source)) | counts[name] for name, source in sources.items()})


def _read_rows(name: str, source: Source, questioned: list[Documented], max_chars: int | None) -> RowTable:
    if source.kind == "docstrings":
        asked_about = [documented for documented in questioned if documented.name.split(".")[0] in source.packages]
        rows = tabulate_pairs(asked_about, name, max_chars)
        package = pl.struct(package=pl.col("group").str.split(".").list.first()).struct.json_encode()
        places = rows.select("source", "row", "turn", file=pl.lit(""), place="row", fields=package).with_columns(
            record_start=None, has_context=False
        )
        return RowTable(rows, places.cast(pl.Schema(PLACE_COLUMNS)), 0)
    columns = PairColumns(source.prompt_column or "", source.response_column or "")
    return tabulate_records(name, read_records(source), columns, source.turns)


def _count_left_out(source: Source, left_out: int) -> dict[str, int]:
    """Docstrings have no exchanges."""
    return {} if source.kind == "docstrings" else {"exchanges_left_out": left_out}


if __name__ == "__main__":
    run(functools.partial(main, sources={name: Source() for name in list_names("sources")}))
