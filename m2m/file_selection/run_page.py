"""Writes the pool page of a pipeline run: the subsets of its cell, of random and of every degree, from its tables."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float32

from m2m.arrays import flatten_lists, stack_vectors
from m2m.export.data_card import describe_left_out
from m2m.export.exported_run import PAIRS, SUBSET, TOKEN_FILES, ExportedRun, locate_files
from m2m.export.pool_numbers import count_band_tokens
from m2m.export.run_answers import describe_base, read_run_answers
from m2m.export.subset_files import find_evidence, name_base_tokenizer, name_unit_tokenizer
from m2m.file_selection.arms import Comparison, compare_arms
from m2m.file_selection.comparison_page import write_comparison_page
from m2m.grid.provenance import get_cell_settings
from m2m.llm_fields import LLM_FIELDS, list_llm_fields
from m2m.runtime.artifacts import read_table
from m2m.runtime.pandera_alone import pa
from m2m.schemas.bands import Bands
from m2m.schemas.clusters import Clusters
from m2m.schemas.difficulties import Difficulties
from m2m.schemas.exclusions import Exclusions
from m2m.schemas.pairs import Pairs
from m2m.schemas.ratings import RowRatings
from m2m.schemas.row_origins import RowOrigins
from m2m.schemas.subset import Subset
from m2m.schemas.target_scores import TargetScores
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.selection.arm import ArmSettings, PoolRows
from m2m.selection.baselines import stack_scores
from m2m.selection.left_out import LeftOut, Prefilter, leave_out_rows
from m2m.selection.quality import align_ratings, parse_scores
from m2m.strategies import Strategy, get_strategy
from m2m.text.tokenize import label_token
from m2m.units.micro.token_bands import assign_bands, scale_limits

ORIGINS = "data/row_origins.parquet"
CHOICE_SCHEMAS: dict[str, type[pa.DataFrameModel]] = {
    "tokens": Tokens,
    "vectors": Vectors,
    "targets": TargetScores,
    "difficulties": Difficulties,
}
SHOWN_PROMPTS = 6
LATER_SETTINGS = {  # as they were before they were settings
    "lengths": "free",
    "peel_noise": 0.0,
    "quality": None,
    "quality_share": 1.0,
    "prefilter": "random",
    "prefilter_share": 1.0,
}


class RunTables(NamedTuple):
    """What the strategies of a run choose by, as its stages wrote it."""

    run: ExportedRun
    ids: pl.Series

    def build_units(self, strategy: str) -> pl.DataFrame:
        """The units of a strategy (schema Units)."""
        return read_run_table(self.run, get_strategy(strategy).reads, Units)

    def build_choices(self, strategy: str) -> pl.DataFrame:
        """What a baseline chooses by (schema Tokens, Vectors or Units)."""
        reads = get_strategy(strategy).reads
        if reads.startswith("data/units/"):
            return self.build_units(strategy)
        table = read_run_table(self.run, reads, CHOICE_SCHEMAS[Path(reads).parent.name])
        return self.ids.to_frame("id").join(table, on="id", how="left", maintain_order="left")


def write_run_page(run: ExportedRun, path: Path, study: Path, place: Literal["auto", "words", "embeddings"]) -> None:
    """Write the page of `run` to `path`.

    `place` is how rows are placed on the map. auto: by embeddings where the strategy chooses by them, else by words.
    ValueError where `path` is no .html, the run's subset is not what this code chooses, or a table is missing.
    """
    if path.suffix != ".html":
        raise ValueError(f"the page's name must end in .html, got {path}")
    pairs = read_table(run.files[PAIRS], Pairs).sort("id")
    responses = read_table(run.files[TOKEN_FILES["response"]], Tokens)
    tokens = pairs.select("id").join(responses, on="id", how="left", maintain_order="left")
    flat, offsets = flatten_lists(tokens["tokens"])
    characters = pairs["response"].str.len_chars().cast(pl.Int64).to_numpy()
    comparison = _compare(run, PoolRows(pairs["id"], np.diff(offsets), characters))
    entry = get_strategy(comparison.settings.strategy)
    band = run.lock["band@response"]["params"]["band"]
    bands = None
    if band["tokenizer"] == "base":
        occurrences = scale_limits(band["low"], band["high"], band["limits"], pairs.height)
        codes = assign_bands(np.bincount(flat).astype(np.int64), *occurrences)
        bands = count_band_tokens(flat, offsets, codes)
    evidence = find_evidence(run, study)
    write_comparison_page(
        path,
        pairs.select("id", "source", "instruction", "response"),
        comparison,
        bands,
        lambda units: _label_units(run, entry, units),
        lambda clusters: _label_clusters(run, entry, clusters),
        _read_vectors(run, entry, pairs["id"], place),
        run.name,
        [*_list_notes(run, comparison), evidence],
        read_run_answers(run, SHOWN_PROMPTS),
    )


def read_run_table(run: ExportedRun, path: str, model: Any) -> pl.DataFrame:
    """The table that `run` has at `path`."""
    return read_table(locate_files(run, [path])[path], model)


def _compare(run: ExportedRun, pool: PoolRows) -> Comparison:
    cell: dict[str, Any] = {**LATER_SETTINGS, **get_cell_settings(run.lock)}
    settings = ArmSettings(**{field.name: cell[field.name] for field in fields(ArmSettings)})
    tables = RunTables(run, pool.ids)
    comparison = compare_arms(pool, _leave_out(tables, pool, settings, cell), tables, settings)
    if not comparison.subset.table.equals(read_table(run.files[SUBSET], Subset).sort("id")):
        raise ValueError(
            f"{SUBSET} of {run.name} is not what this version of the code chooses from its tables. "
            "Check out the commit of that run, or run dvc repro subset@candidate."
        )
    return comparison


def _leave_out(tables: RunTables, pool: PoolRows, settings: ArmSettings, cell: dict[str, Any]) -> LeftOut:
    """As stage subset does."""
    run, overlapping, scores, prefilter = tables.run, None, None, None
    if run.lock["subset@candidate"]["params"].get("overlap") == "drop":
        excluded = read_run_table(run, "data/exclusions/drop.parquet", Exclusions)["id"]
        overlapping = pool.ids.is_in(excluded.implode()).to_numpy()
    if cell["quality"] is not None:
        origins = read_run_table(run, ORIGINS, RowOrigins)
        joined = pool.ids.to_frame("id").join(origins, on="id", how="left", maintain_order="left")
        rated = {
            name: align_ratings(read_run_table(run, LLM_FIELDS[name], RowRatings), pool.ids, name)
            for name in list_llm_fields(cell["quality"])
        }
        scores = parse_scores(joined["fields"], cell["quality"], ratings=rated)
    share = float(cell["quality_share"])
    if cell["prefilter_share"] < 1:
        like = stack_scores(tables.build_choices(cell["prefilter"]))
        prefilter = Prefilter(cell["prefilter"], float(cell["prefilter_share"]), like)
    return leave_out_rows(pool.flag_inside(settings), overlapping, scores, cell["quality"] or "", share, prefilter)


def _read_vectors(
    run: ExportedRun, entry: Strategy, ids: pl.Series, place: Literal["auto", "words", "embeddings"]
) -> Float32[np.ndarray, "rows dim"] | None:
    """The embeddings of the strategy's side, of the responses where it has none."""
    chooses_by_embeddings = entry.scale == "macro" or entry.reads.startswith("data/vectors/")
    if place == "words" or (place == "auto" and not chooses_by_embeddings):
        return None
    table = read_run_table(run, f"data/vectors/{entry.side or 'response'}.parquet", Vectors)
    return stack_vectors(ids.to_frame("id").join(table, on="id", how="left", maintain_order="left")["vector"])


def _label_units(run: ExportedRun, entry: Strategy, units: pl.Series) -> pl.Series:
    """The text of a token; a phrase or a cluster is its own label."""
    if entry.scale != "micro":
        return units
    bands = read_run_table(run, f"data/bands/{entry.side}.parquet", Bands)
    labels = [label_token(*token) for token in bands.select("token", "text").rows()]
    return units.replace_strict(bands["token"], labels, default=units)


def _label_clusters(run: ExportedRun, entry: Strategy, clusters: pl.Series) -> pl.Series:
    """The number of a cluster with its first words."""
    table = read_run_table(run, f"data/clusters/{entry.side}.csv", Clusters)
    labels = pl.select(pl.format("{}: {}", table["cluster"], table["words"])).to_series()
    return clusters.replace_strict(table["cluster"], labels, default=clusters)


def _list_notes(run: ExportedRun, comparison: Comparison) -> Sequence[str]:
    """Which tokens are meant, what takes no part, and which degrees are one subset."""
    notes = [f"Tokens are of {name_base_tokenizer(run.lock)}."]
    if comparison.settings.strategy.endswith("-micro"):
        notes.append(f"The units are token types of {name_unit_tokenizer(run.lock)}.")
    notes += describe_left_out(comparison.left_out.summary)
    notes += filter(None, [describe_base(run.base)])
    return [*notes, *([comparison.subset.collapse] if comparison.subset.collapse else [])]
