"""Writes a selection: the data for a trainer, its card, a reason for every row, and the rejects."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from m2m.export.data_card import Card, render_card
from m2m.export.licences import UNSTATED
from m2m.export.trainer_formats import SelectFormat, describe_for_llama_factory, format_record
from m2m.file_selection.arms import RANDOM, Comparison, explain_rows
from m2m.file_selection.exclusions import PromptOverlaps
from m2m.file_selection.file_pool import FilePool
from m2m.file_selection.original_records import encode_record
from m2m.file_selection.own_columns import (
    build_columns,
    clean_text,
    list_fields,
    name_columns,
    tabulate_origins,
    tabulate_values,
)
from m2m.file_selection.pool_units import PoolUnits
from m2m.runtime.artifacts import get_columns, write_json, write_table
from m2m.runtime.atomic_files import replace_file, require_empty_folder, write_text
from m2m.schemas.file_rows import FileRejects, FileRows
from m2m.schemas.overlaps import Overlaps
from m2m.strategies import SIDES, get_strategy
from m2m.text.pool_tokens import tokenize_pool

PLACES = ("pool_source", "pool_file", "pool_row", "pool_exchange")
# what trainers read; TRL takes any of the first five that a row has for the sign of a chat
FORMAT_KEYS = ("messages", "prompt", "completion", "chosen", "rejected", "conversations", "input", "output")


class FileSelection(NamedTuple):
    """A pool, what was chosen from it, and the words of the report that the card repeats."""

    pool: FilePool
    records: Sequence[Mapping[str, Any]]
    """the other fields of each row of the pool"""
    names: Sequence[str]
    """of all these fields, in the order of appearance"""
    originals: Sequence[Mapping[str, Any]]
    """the records of the chosen rows as they stand in the files, in the order of their turns"""
    units: PoolUnits
    comparison: Comparison
    tokenizer: str
    evidence: str
    settings: Mapping[str, Any]
    """for the card"""
    overlaps: PromptOverlaps | None
    """None where no evaluation prompt was named"""


def require_writable_folder(out: Path) -> None:
    """ValueError unless `out` is a new or an empty folder, and can be written."""
    require_empty_folder(out, "Choose a new or empty folder with --out.")
    nearest = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"{out} cannot be written, because {nearest} is read-only here. Choose another with --out.")


def write_selection(selection: FileSelection, out: Path, form: SelectFormat, notes: Sequence[str]) -> list[Path]:
    """Write everything into the empty folder `out`, `notes` into the card; return the files."""
    table = build_rows(selection)
    reserved = [*table.columns, *FORMAT_KEYS]
    columns = build_columns(selection.records, selection.names, reserved)
    rows = pl.concat([table, columns], how="horizontal") if columns.width else table
    write_table(out / "rows.parquet", FileRows, rows.sort("pool_source", "pool_file", "pool_row", "pool_exchange"))
    write_table(out / "rejects.parquet", FileRejects, selection.pool.rejects)
    if selection.overlaps is not None:
        write_table(out / "overlaps.parquet", Overlaps, selection.overlaps.table)
    file = out / ("data.parquet" if form == "parquet" else "data.jsonl")
    rows_taken = selection.comparison.subset.selection.draw.rows
    _write_data(file, rows[rows_taken], _list_records(selection, rows_taken, reserved, form), form)
    if description := describe_for_llama_factory(form):
        write_json(out / "dataset_info.json", description)
    write_text(out / "README.md", render_card(_describe(selection, file, notes)))
    further = [] if selection.overlaps is None else ["overlaps.parquet"]
    return [out / name for name in (file.name, "README.md", "rows.parquet", "rejects.parquet", *further)]


def build_rows(selection: FileSelection) -> pl.DataFrame:
    """Every row of the pool (schema FileRows without the person's own columns), sorted by id."""
    comparison, places = selection.comparison, selection.pool.places
    subset = comparison.subset
    labels = (
        selection.units.label_units(comparison.settings.strategy, subset.table["unit"])
        if _has_units(comparison)
        else pl.repeat(None, subset.table.height, dtype=pl.String, eager=True)
    )
    turns = subset.table.select(row_id="id", unit=labels, turn="turn")
    table = selection.pool.rows.select(
        row_id="id",
        pool_source=places["source"],
        pool_file=places["file"],
        pool_row=places["row"],
        pool_exchange=places["exchange"],
        instruction="instruction",
        response="response",
        response_tokens=pl.Series(comparison.pool.tokens).cast(pl.Int64),
        why=explain_rows(comparison, comparison.chosen),
    ).join(turns, on="row_id", how="left", maintain_order="left")
    unit = pl.format(" for the unit {}", "unit") if _has_units(comparison) else pl.lit("")
    sentence = pl.format("chosen by {}{}, in turn {}", pl.lit(comparison.settings.strategy), unit, "turn")
    reason = pl.when(pl.col("turn").is_not_null()).then(sentence).otherwise("why")
    table = _join_prompts(table, selection.overlaps)
    return table.with_columns(is_chosen=pl.col("turn").is_not_null(), reason=reason).select(*get_columns(FileRows))


def _join_prompts(table: pl.DataFrame, overlaps: PromptOverlaps | None) -> pl.DataFrame:
    """With the first evaluation prompt, by its id, that each row shares text with; null for none."""
    if overlaps is None:
        return table.with_columns(overlapping_prompt=pl.lit(None, pl.String))
    prompts = overlaps.table.group_by("id").agg(overlapping_prompt=pl.col("prompt").min())
    return table.join(prompts, left_on="row_id", right_on="id", how="left", maintain_order="left")


def _has_units(comparison: Comparison) -> bool:
    return get_strategy(comparison.settings.strategy).has_units


def _list_records(
    selection: FileSelection, rows: np.ndarray, reserved: Sequence[str], form: SelectFormat
) -> list[dict[str, Any]]:
    """What data.jsonl has of the records of `rows` beside pairs and places; a field with a name of these gets another.

    The other fields are named as the columns of rows.parquet are.
    """
    records, names = [selection.records[row] for row in rows], selection.names
    if form == "original":
        records, reserved = [encode_record(record) for record in selection.originals], PLACES
        names = list_fields(records)
    columns = name_columns(names, reserved)
    return [{columns[name]: value for name, value in record.items()} for record in records]


def _write_data(file: Path, rows: pl.DataFrame, records: Sequence[Mapping[str, Any]], form: SelectFormat) -> None:
    """The chosen rows in the order of their turns, each with its place and the person's own columns."""
    with replace_file(file) as temporary:
        if form == "parquet":
            rows.drop("overlapping_prompt").write_parquet(temporary)
            return
        lines = []
        for row, record in zip(rows.iter_rows(named=True), records, strict=True):
            pair = {} if form == "original" else format_record(row, form)
            pair |= {name: row[name] for name in PLACES}
            lines.append(clean_text(json.dumps({**record, **pair}, ensure_ascii=False)))
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _describe(selection: FileSelection, file: Path, notes: Sequence[str]) -> Card:
    comparison, pool, records = selection.comparison, selection.pool, selection.records
    subset = comparison.subset
    numbers = {"pool": range(len(records))} | {
        name: arm.selection.draw.rows.tolist() for name, arm in (("subset", subset), (RANDOM, comparison.arms[RANDOM]))
    }
    files = _name_files(pool.places)
    composition = {"By file": tabulate_values(files, numbers)} if len(set(files)) > 1 else {}
    return Card(
        file=file.name,
        settings=selection.settings,
        sources=_list_sources(pool, subset.selection.draw.rows),
        hashes={f"sha256 of {file.name}": hashlib.sha256(file.read_bytes()).hexdigest()},
        lengths=_measure_lengths(selection),
        summary=subset.summary | comparison.left_out.summary,
        diversity={},
        tokenizer=selection.tokenizer,
        unit_tokenizer=selection.tokenizer,
        evidence=selection.evidence,
        overlaps=_count_overlaps(selection),
        composition=composition | tabulate_origins(records, selection.names, numbers),
        notes=notes,
    )


def _name_files(places: pl.DataFrame) -> list[str]:
    """The file of each row; where there are several sources, the source, with the file if it has several."""
    if places["source"].n_unique() == 1:
        return places["file"].to_list()
    name = (
        pl.when(pl.col("file").n_unique().over("source") == 1)
        .then("source")
        .otherwise(pl.format("{}: {}", "source", "file"))
    )
    return places.select(name).to_series().to_list()


def _count_overlaps(selection: FileSelection) -> int | None:
    """Rows of the subset that share text with an evaluation prompt; None where no prompt was named."""
    if selection.overlaps is None:
        return None
    ids = selection.overlaps.table["id"].unique().implode()
    return int(selection.comparison.subset.table["id"].is_in(ids).sum())


def _list_sources(pool: FilePool, subset: np.ndarray) -> list[dict[str, Any]]:
    counts = pool.rows["source"].gather(subset).value_counts()
    rows = dict(counts.rows())
    return [
        {
            "source": name,
            "rows": rows.get(name, 0),
            "usable": int((pool.rows["source"] == name).sum()),
            "rejected": int((pool.rejects["pool_source"] == name).sum()),
            "exchanges left out": left_out,
            "licence": f"{UNSTATED} here; see the tables below, if any",
        }
        for name, left_out in pool.left_out.items()
    ]


def _measure_lengths(selection: FileSelection) -> pl.DataFrame:
    """Characters and tokens of each side of the chosen rows."""
    rows = selection.pool.rows[selection.comparison.subset.selection.draw.rows]
    table = rows.select(pl.col(side).str.len_chars().alias(f"{side}, characters") for side in SIDES)
    counts = [
        pl.Series(f"{side}, tokens", np.diff(tokenize_pool(selection.units.tokenizer, rows[side].to_list()).offsets))
        for side in SIDES
    ]
    return table.with_columns(counts)
