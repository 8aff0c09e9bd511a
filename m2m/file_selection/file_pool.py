"""Reads a person's files into a pool: usable rows with their place and own columns, and every other row's reason."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import Literal, NamedTuple

import polars as pl

from m2m.data.pool.pool import PLACE, list_reasons, split_candidates
from m2m.data.records.read_files import detect_ending, list_files, read_files
from m2m.data.records.record_formats import PairColumns, Turns
from m2m.data.records.row_table import RowTable, join_places, tabulate_records
from m2m.runtime.visible_text import make_visible

STANDARD_INPUT = "-"
COLUMN_FLAGS = ("--prompt-column", "--response-column")
LEFT_OUT = {  # by whether each exchange becomes a row
    False: "exchanges left out (--turns each keeps them, but for further answers to one turn)",
    True: "further answers left out (of several answers to one turn, the first is read)",
}
DUPLICATE = "duplicate of "
EMPTY = (None, "")


@dataclass(frozen=True)
class ReadSettings:
    """How records become rows; None is no limit."""

    turns: Turns
    prompt_column: str
    response_column: str
    min_chars: int | None
    max_chars: int | None
    near_duplicates: Literal["keep", "drop"]

    @property
    def columns(self) -> PairColumns:
        """The named columns, with the flags that name them."""
        return PairColumns(self.prompt_column, self.response_column, *COLUMN_FLAGS)


class FilePool(NamedTuple):
    """`rows` has schema Pool, `places` RowOrigins, both sorted by id; `rejects` has schema FileRejects.

    rows + rejects + exchanges left out = exchanges read.
    """

    rows: pl.DataFrame
    places: pl.DataFrame
    rejects: pl.DataFrame
    left_out: dict[str, int]
    """exchanges that became no row, by source"""
    with_context: pl.Series
    """ids of the rows whose instruction begins with a system prompt or earlier turns"""
    paths: dict[str, str]
    """where each source can be read again, by source"""
    without_reasoning: int
    """answers whose reasoning stood in a field of its own"""
    settings: ReadSettings
    """what it was read with"""
    completed: int
    """rows that got fields from a duplicate, because they lack them"""


def read_pool(paths: Sequence[str], settings: ReadSettings, folder: Path) -> FilePool:
    """The pool of files and folders; "-" is standard input, kept in `folder` while it is read.

    ValueError names a path that has no data, or a file without a usable row.
    """
    if bool(settings.prompt_column) != bool(settings.response_column):
        raise ValueError("name both --prompt-column and --response-column, or neither")
    sources = _name_sources(paths, folder)
    tables = {name: _tabulate(name, path, settings) for name, path in sources.items()}
    candidates = split_candidates(
        pl.concat(table.rows for table in tables.values()),
        set(),
        dict.fromkeys(sources),
        seed=0,  # nothing is held out or left to chance
        heldout_share=0.0,
        min_chars=settings.min_chars,
        max_chars=settings.max_chars,
        near_duplicates=settings.near_duplicates,
    )
    places = join_places(candidates.origins, tables.values())
    all_places = pl.concat(table.places for table in tables.values())
    rejects = _place_rejects(candidates.rejects, all_places)
    left_out = {name: table.left_out for name, table in tables.items()}
    with_context = candidates.origins.join(all_places.filter("has_context"), on=PLACE, how="semi")["id"]
    without_reasoning = sum(table.without_reasoning for table in tables.values())
    fields = _complete_fields(places, rejects)
    completed = int((fields != places["fields"]).sum())
    places = places.with_columns(fields)
    return FilePool(
        candidates.pool, places, rejects, left_out, with_context, sources, without_reasoning, settings, completed
    )


def describe_sources(pool: FilePool) -> list[tuple[str, str]]:
    """For each source its name and how many rows were read, are usable and are left out, with the reasons."""
    lines = []
    for source, left_out in pool.left_out.items():
        usable = int((pool.rows["source"] == source).sum())
        rejects = pool.rejects.filter(pool_source=source)
        read = usable + len(rejects) + left_out
        reasons = list_reasons(rejects).removeprefix("; ")
        text = f"{read:,} {'exchanges' if left_out else 'rows'} read; {usable:,} usable"
        text += f"; {len(rejects):,} left out: {reasons}" if reasons else ""
        text += f"; {left_out:,} {LEFT_OUT[pool.settings.turns == 'each']}" if left_out else ""
        lines.append((source, text))
    return lines


def _name_sources(paths: Sequence[str], folder: Path) -> dict[str, str]:
    """A path by its last part, or whole where two are alike."""
    if not paths:
        raise ValueError("name at least one file or folder, or - for standard input")
    if repeated := [path for path in paths if paths.count(path) > 1]:
        raise ValueError(f"{repeated[0]} is named twice: name each file once")
    names = [Path(path).name for path in paths]
    sources = {}
    for name, path in zip(names, paths, strict=True):
        if path == STANDARD_INPUT:
            sources["standard input"] = str(_store_standard_input(folder))
            continue
        _, reason = list_files(Path(path))
        if reason:
            raise ValueError(reason)
        sources[path if names.count(name) > 1 or not name else name] = path
    return sources


def _store_standard_input(folder: Path) -> Path:
    """A file in `folder` with a name that ends as its contents ask for."""
    path = folder / "stdin"
    with path.open("wb") as file:
        copyfileobj(sys.stdin.buffer, file)
    return path.rename(folder / f"stdin{detect_ending(path)}")


def _place_rejects(rejects: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """The `rejects` of candidates (schema FileRejects), each at its place with what its record begins with."""
    placed = rejects.join(places, on=PLACE, how="left", maintain_order="left")
    starts = [None if start is None else make_visible(start) for start in placed["record_start"]]
    return placed.select(
        pool_source="source",
        pool_file="file",
        pool_row="place",
        pool_exchange="turn",
        reason="reason",
        record_start=pl.Series(starts, dtype=pl.String),
        fields="fields",
    )


def _tabulate(name: str, path: str, settings: ReadSettings) -> RowTable:
    return tabulate_records(name, read_files(path), settings.columns, settings.turns)


def _complete_fields(places: pl.DataFrame, rejects: pl.DataFrame) -> pl.Series:
    """The fields of each row of `places`; what it lacks is of the first duplicate among `rejects` that has it."""
    duplicates = rejects.filter(pl.col("reason").str.starts_with(DUPLICATE))
    further = duplicates.group_by(id=pl.col("reason").str.strip_prefix(DUPLICATE), maintain_order=True).agg("fields")
    joined = places.join(further, on="id", how="left", maintain_order="left").select("fields", "fields_right")
    return pl.Series("fields", [_fill_fields(text, texts or []) for text, texts in joined.iter_rows()], pl.String)


def _fill_fields(text: str, duplicates: Sequence[str]) -> str:
    """The JSON object `text` with what it lacks of the objects `duplicates`; itself where it lacks nothing."""
    fields = json.loads(text) if duplicates else {}
    gaps = {
        name: value
        for further in reversed(duplicates)
        for name, value in json.loads(further).items()
        if fields.get(name) in EMPTY and value not in EMPTY
    }
    return json.dumps(fields | gaps, ensure_ascii=False) if gaps else text
