"""Writes the subset of a run as files for a trainer, with its data card."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from m2m.export.data_card import Card, render_card
from m2m.export.evidence import describe_evidence
from m2m.export.exported_run import PAIRS, SUBSET, SUMMARY, TOKEN_FILES, ExportedRun
from m2m.export.licences import UNSTATED, find_licence
from m2m.export.trainer_formats import ExportFormat, describe_for_llama_factory, format_record
from m2m.grid.design import normalize_cell
from m2m.grid.provenance import (
    EXCLUSIONS,
    SETTINGS_STAGES,
    Lock,
    collect_outs,
    describe_changes,
    describe_ratings,
    find_readers,
    get_cell_settings,
    hash_provenance,
)
from m2m.runtime.artifacts import compute_md5, read_json, read_table, write_json
from m2m.runtime.atomic_files import fill_folder, replace_file, require_empty_folder, write_text
from m2m.schemas.made import Made
from m2m.schemas.pairs import Pairs
from m2m.schemas.subset import Subset
from m2m.schemas.tokens import Tokens
from m2m.strategies import SIDES
from m2m.study.study_file import read_made, read_study


def write_subset(run: ExportedRun, out: Path, form: ExportFormat, study: Path) -> list[Path]:
    """Write the subset of `run` into the new folder `out`; return its files. The evidence is from the folder `study`.

    ValueError if `out` is not empty.
    """
    require_empty_folder(out, "Choose a new or empty folder.")
    pairs = read_table(run.files[PAIRS], Pairs)
    rows = read_table(run.files[SUBSET], Subset).join(pairs, on="id", how="left", validate="1:1").sort("turn")
    with fill_folder(out) as folder:
        file = folder / ("data.parquet" if form == "parquet" else "data.jsonl")
        with replace_file(file) as temporary:
            if form == "parquet":
                rows.write_parquet(temporary)
            else:
                lines = [json.dumps(format_record(row, form), ensure_ascii=False) for row in rows.to_dicts()]
                temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if description := describe_for_llama_factory(form):
            write_json(folder / "dataset_info.json", description)
        write_text(folder / "README.md", render_card(_describe(run, rows, file, study)))
    return sorted(out.iterdir())


def _describe(run: ExportedRun, rows: pl.DataFrame, file: Path, study: Path) -> Card:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    trained = {"provenance of the cell": hash_provenance(run.lock)} if run.metrics else {"trained": "not yet"}
    return Card(
        file=file.name,
        settings=get_cell_settings(run.lock),
        sources=_list_sources(rows, run.lock),
        hashes={"exported from": run.name, "HEAD when exported": commit}
        | trained
        | {f"LLM that gave {name}": rating["model"] for name, rating in describe_ratings(run.lock).items()}
        | {f"md5 of {path}": compute_md5(run.files[path]) for path in (SUBSET, PAIRS)}
        | {f"sha256 of {file.name}": hashlib.sha256(file.read_bytes()).hexdigest()},
        lengths=_measure_lengths(run, rows),
        summary=read_json(run.files[SUMMARY]),
        diversity={name: value for name, value in run.metrics.items() if name.startswith(SIDES)},
        overlaps=run.metrics.get("overlapping_rows"),
        tokenizer=name_base_tokenizer(run.lock),
        unit_tokenizer=name_unit_tokenizer(run.lock),
        evidence=find_evidence(run, study),
    )


def find_evidence(run: ExportedRun, folder: Path) -> str:
    """From study.json in `folder`, and from made.json what its cells share and `run` does not."""
    settings = get_cell_settings(run.lock)
    if not (folder / "study.json").exists():
        return describe_evidence(None, None, settings)
    study = read_study(folder / "study.json")
    made = read_made(folder / "made.json") if (folder / "made.json").exists() else {}
    return describe_evidence(study, _list_differences(made.get(study["provenance"], {}), run.lock), settings)


def name_base_tokenizer(lock: Lock) -> str:
    """The base model's tokenizer, whose tokens are counted."""
    name = lock["tokenizer"]["params"]["base.name"]
    return "the tokenizer trained on the documentation" if name == "scratch" else f"the tokenizer of {name}"


def name_unit_tokenizer(lock: Lock) -> str:
    """The tokenizer whose token types are micro units."""
    name = lock["band@response"]["params"]["band"]["tokenizer"]
    if name == "base":
        return name_base_tokenizer(lock)
    return "white-space words" if name == "words" else f"the tokenizer of {name}"


def _list_differences(shared: Made, lock: Lock) -> list[str] | None:
    """What differs in `lock` from `shared`, what the study's cells share, in words; None where that is not recorded.

    What the run has not made yet is left out, and so are passes of the base model that it does not choose by.
    """
    if not {"data", "settings"} <= shared.keys():
        return None
    outs, readers = collect_outs(lock), find_readers(normalize_cell(get_cell_settings(lock)))
    data = {path: md5 for path, md5 in shared["data"].items() if path in outs or path.startswith(f"{EXCLUSIONS}/")}
    settings = {
        name: value for name, value in shared["settings"].items() if name in lock or name not in SETTINGS_STAGES
    }
    passes = {name: value for name, value in shared.get("passes", {}).items() if name in readers}
    return describe_changes({"data": data, "settings": settings, "passes": passes}, lock)


def _list_sources(rows: pl.DataFrame, lock: Lock) -> list[dict[str, Any]]:
    """As the run was set: params.yaml may have changed since."""
    counts = rows.group_by("source").agg(rows=pl.len(), new=pl.col("original").count()).sort("source")
    sources, writer = lock["ingest"]["params"]["ingest"]["sources"], lock["respond"]["params"]["respond"]["endpoint"]
    return [_describe_source(name, sources[name], writer["model"], count, new) for name, count, new in counts.rows()]


def _describe_source(name: str, settings: Mapping[str, Any], writer: str, count: int, new: int) -> dict[str, Any]:
    packages = settings.get("packages") or []
    licences = "; ".join(f"{package}: {find_licence(package)}" for package in packages)
    return {
        "source": name,
        "rows": count,
        "from": settings.get("id") or settings.get("path") or f"{len(packages)} installed packages",
        "licence": licences or settings.get("licence") or UNSTATED,
        "responses": f"{new} by {writer}" if new else "the source's own",
    }


def _measure_lengths(run: ExportedRun, rows: pl.DataFrame) -> pl.DataFrame:
    """Characters and tokens of each side, one row a pair."""
    characters = rows.select(pl.col(side).str.len_chars().alias(f"{side}, characters") for side in SIDES)
    tables = [read_table(run.files[TOKEN_FILES[side]], Tokens) for side in SIDES]
    tokens = [
        rows.select("id")
        .join(table, on="id", how="left", maintain_order="left")
        .select(pl.col("tokens").list.len().alias(f"{side}, tokens"))
        for side, table in zip(SIDES, tables, strict=True)
    ]
    return pl.concat([characters, *tokens], how="horizontal")
